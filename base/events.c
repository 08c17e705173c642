#include "base/events.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct EventWriter {
    int   fd;
    char *path;
    Text  pending; // records not written yet
};

/* ---- CRC-32C, reflected polynomial 0x82F63B78, a byte at a time ---- */

static uint32_t       crc_table[256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void make_crc_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0x82F63B78u : c >> 1;
        crc_table[i] = c;
    }
}

uint32_t events_crc32c(const void *bytes, int64_t n)
{
    const unsigned char *s = bytes;
    uint32_t             c = 0xFFFFFFFFu;
    pthread_once(&crc_once, make_crc_table);
    for (int64_t i = 0; i < n; i++)
        c = crc_table[(c ^ s[i]) & 255] ^ c >> 8;
    return ~c;
}

/* TFRecord masks its checksums, because a checksum of data that holds checksums is weak. */
static uint32_t masked_crc(const void *bytes, int64_t n)
{
    uint32_t c = events_crc32c(bytes, n);
    return (c >> 15 | c << 17) + 0xA282EAD8u;
}

/* ---- protobuf by hand: little-endian fixed words, varints, length-delimited fields ---- */

static void put_fixed(Text *t, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        text_putc(t, (char)(value >> (8 * i) & 255));
}

static void put_varint(Text *t, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        text_putc(t, (char)((value & 127) | 128));
    text_putc(t, (char)value);
}

static void put_bytes(Text *t, int field, const char *bytes, int64_t n)
{
    put_varint(t, (uint64_t)field << 3 | 2);
    put_varint(t, (uint64_t)n);
    text_append(t, bytes, n);
}

static void put_double(Text *t, int field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, 8);
    put_varint(t, (uint64_t)field << 3 | 1);
    put_fixed(t, bits, 8);
}

static void put_float(Text *t, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    put_varint(t, (uint64_t)field << 3 | 5);
    put_fixed(t, bits, 4);
}

/* One record around an Event message. */
static void put_record(EventWriter *w, const Text *event)
{
    Text length = {0};
    put_fixed(&length, (uint64_t)event->len, 8);
    text_append(&w->pending, text_cstr(&length), length.len);
    put_fixed(&w->pending, masked_crc(text_cstr(&length), length.len), 4);
    text_append(&w->pending, text_cstr(event), event->len);
    put_fixed(&w->pending, masked_crc(text_cstr(event), event->len), 4);
    w->pending.failed |= length.failed || event->failed;
    text_release(&length);
}

static void put_version(EventWriter *w)
{
    Text event = {0};
    put_double(&event, 1, clock_wall());
    put_bytes(&event, 3, "brain.Event:2", 13);
    put_record(w, &event);
    text_release(&event);
}

/* ---- the writer ---- */

static void release(EventWriter *w)
{
    if (w->fd >= 0)
        close(w->fd);
    text_release(&w->pending);
    free(w->path);
    free(w);
}

Status events_open(EventWriter **out, const char *dir)
{
    static atomic_int next;
    char              host[256] = "host";
    Text              path = {0};
    *out = NULL;
    TRY(file_make_dirs(dir));
    EventWriter *w = calloc(1, sizeof *w);
    if (!w)
        return status_no_memory("events", sizeof *w);
    gethostname(host, sizeof host - 1);
    text_printf(&path, "%s/events.out.tfevents.%010lld.", dir, (long long)clock_wall());
    text_file_name(&path, host);
    text_printf(&path, ".%ld.%d", (long)getpid(), atomic_fetch_add(&next, 1));
    w->path = path.data;
    w->fd = -1;
    Status st = text_status(&path);
    if (st == OK) {
        w->fd = open(w->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (w->fd < 0)
            st = status_fail(ERR_CREATE, "%s: cannot create: %s", w->path, strerror(errno));
    }
    if (st == OK) {
        put_version(w);
        st = events_flush(w);
    }
    if (st != OK) {
        release(w);
        return st;
    }
    *out = w;
    return OK;
}

Status events_scalar(EventWriter *w, const char *tag, int64_t step, double value)
{
    Text field = {0}, summary = {0}, event = {0};
    put_bytes(&field, 1, tag, (int64_t)strlen(tag));
    put_float(&field, 2, (float)value);
    put_bytes(&summary, 1, text_cstr(&field), field.len);
    put_double(&event, 1, clock_wall());
    put_varint(&event, 2 << 3);
    put_varint(&event, (uint64_t)step);
    put_bytes(&event, 5, text_cstr(&summary), summary.len);
    put_record(w, &event);
    w->pending.failed |= field.failed || summary.failed;
    text_release(&field);
    text_release(&summary);
    text_release(&event);
    return text_status(&w->pending);
}

Status events_flush(EventWriter *w)
{
    Status st = text_status(&w->pending);
    off_t  start = lseek(w->fd, 0, SEEK_END);
    for (int64_t done = 0; st == OK && done < w->pending.len;) {
        ssize_t k = write(w->fd, w->pending.data + done, (size_t)(w->pending.len - done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            st = status_fail(ERR_IO, "%s: writing failed: %s", w->path,
                             strerror(k < 0 ? errno : ENOSPC));
            /* Half a record would make the rest of the file unreadable. */
            if (start >= 0 && ftruncate(w->fd, start) != 0)
                st = status_fail(ERR_IO, "%s: cannot take back half a record: %s", w->path,
                                 strerror(errno));
            break;
        }
        done += k;
    }
    text_clear(&w->pending);
    return st;
}

const char *events_path(const EventWriter *w)
{
    return w->path;
}

Status events_close(EventWriter *w)
{
    if (!w)
        return OK;
    Status st = events_flush(w);
    int    fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0 && st == OK)
        st = status_fail(ERR_IO, "%s: closing failed: %s", w->path, strerror(errno));
    release(w);
    return st;
}
