#include "base/tar.h"
#include "base/file.h"
#include "base/size.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 256 * 1024 };

struct TarReader {
    struct archive *archive;
    struct archive_entry
               *entry; // our own: libarchive 3.6 does not check the one that it would make
    char       *name;
    TarLimits   limits;
    int         fd;     // -1: the archive lies in `bytes`
    int         reason; // errno of a read that failed; 0: none
    const void *bytes;
    int64_t     n_bytes; // still to give
    char       *block;   // (BLOCK_BYTES) of the file
    int64_t     total;
    int64_t     skipped;
    TarMember   member;
    Arena       arena;    // the member's name
    bool        can_read; // a member is open and was not read yet
};

/* ---- libarchive's source of bytes; its own readers leak and hide the reason when something fails ---- */

static la_ssize_t give_block(struct archive *archive, void *ctx, const void **block)
{
    TarReader *t = ctx;
    la_ssize_t n = t->n_bytes;
    (void)archive;
    if (t->fd < 0) { // all at once
        *block = t->bytes;
        t->n_bytes = 0;
        return n;
    }
    do
        n = read(t->fd, t->block, BLOCK_BYTES);
    while (n < 0 && errno == EINTR);
    *block = t->block;
    if (n < 0)
        t->reason = errno;
    return n < 0 ? ARCHIVE_FATAL : n;
}

/* Steps over the data of members that nobody reads. 0: not possible, libarchive reads on. */
static la_int64_t skip_bytes(struct archive *archive, void *ctx, la_int64_t n)
{
    TarReader *t = ctx;
    off_t      before = t->fd < 0 ? -1 : lseek(t->fd, 0, SEEK_CUR);
    off_t      after = before < 0 ? -1 : lseek(t->fd, n, SEEK_CUR);
    (void)archive;
    return after < 0 ? 0 : after - before;
}

/* libarchive's sentence with the archive's and the member's name. Where it has none, errno, which was 0 before the call,
 * tells an allocation that failed from compressed data that end within their check sum. */
static Status fail(TarReader *t, const char *what)
{
    bool        is_short_of_memory = archive_errno(t->archive) == ENOMEM || errno == ENOMEM;
    const char *why = archive_error_string(t->archive);
    const char *member = t->member.name;
    Status      code = t->reason != 0 ? ERR_IO : ERR_FORMAT;
    if (t->reason == 0 && is_short_of_memory) {
        why = strerror(ENOMEM);
        code = ERR_MEMORY;
    } else if (!why) {
        why = "the data are damaged or end too early";
    }
    return status_fail(code, "%s: %s%.200s%s failed: %s", t->name, what, member ? " " : "",
                       member ? member : "", t->reason != 0 ? strerror(t->reason) : why);
}

/* ---- opening ---- */

static Status reader_new(TarReader **out, const char *name, const TarLimits *limits)
{
    TarReader *t = calloc(1, sizeof *t);
    if (!t)
        return status_no_memory(name, sizeof *t);
    t->fd = -1;
    t->archive = archive_read_new();
    t->entry = t->archive ? archive_entry_new2(t->archive) : NULL;
    t->name = strdup(name);
    t->limits = limits ? *limits : (TarLimits){0};
    t->limits.max_member = t->limits.max_member > 0 ? t->limits.max_member : (int64_t)1 << 28;
    t->limits.max_total = t->limits.max_total > 0 ? t->limits.max_total : (int64_t)1 << 43;
    if (!t->entry || !t->name || archive_read_support_filter_none(t->archive) < ARCHIVE_WARN ||
        archive_read_support_filter_gzip(t->archive) < ARCHIVE_WARN ||
        archive_read_support_filter_xz(t->archive) < ARCHIVE_WARN ||
        archive_read_support_filter_zstd(t->archive) < ARCHIVE_WARN ||
        archive_read_support_format_tar(t->archive) < ARCHIVE_WARN) {
        tar_close(t);
        return status_no_memory(name, 0);
    }
    *out = t;
    return OK;
}

static Status begin(TarReader *t)
{
    /* In steps: archive_read_open2 of libarchive 3.6 does not look whether setting the data worked. */
    errno = 0;
    archive_read_set_read_callback(t->archive, give_block);
    archive_read_set_skip_callback(t->archive, skip_bytes);
    if (archive_read_set_callback_data(t->archive, t) != ARCHIVE_OK ||
        archive_read_open1(t->archive) != ARCHIVE_OK)
        return fail(t, "opening");
    return OK;
}

Status tar_open(TarReader **out, const char *path, const TarLimits *limits)
{
    Status     st = OK;
    TarReader *t;
    int64_t    bytes;
    *out = NULL;
    TRY(reader_new(&t, path, limits));
    TRY_OUT(file_open(&t->fd, &bytes, path));
    t->block = malloc(BLOCK_BYTES);
    if (!t->block)
        TRY_OUT(status_no_memory(path, BLOCK_BYTES));
    TRY_OUT(begin(t));
out:
    if (st != OK)
        tar_close(t);
    else
        *out = t;
    return st;
}

Status tar_open_bytes(TarReader **out, const void *bytes, int64_t n, const char *name,
                      const TarLimits *limits)
{
    TarReader *t;
    *out = NULL;
    TRY(reader_new(&t, name, limits));
    t->bytes = bytes;
    t->n_bytes = n;
    Status st = begin(t);
    if (st != OK)
        tar_close(t);
    else
        *out = t;
    return st;
}

void tar_close(TarReader *t)
{
    if (!t)
        return;
    archive_entry_free(t->entry);
    if (t->archive)
        archive_read_free(t->archive);
    if (t->fd >= 0)
        close(t->fd);
    arena_release(&t->arena);
    free(t->block);
    free(t->name);
    free(t);
}

int64_t tar_skipped(const TarReader *t)
{
    return t->skipped;
}

/* Takes over name and size of a regular file after checking both. */
static Status accept(TarReader *t)
{
    struct archive_entry *entry = t->entry;
    const char           *name = archive_entry_pathname(entry);
    int64_t               size = archive_entry_size(entry);
    if (!name)
        return status_fail(ERR_FORMAT, "%s: a member has no readable name", t->name);
    while (name[0] == '.' && name[1] == '/') // "./a.jpg", as tar of a folder writes it
        for (name += 2; *name == '/'; name++)
            ;
    if (file_check_relative(name) != OK) {
        char why[512];
        strncpy(why, status_text(), sizeof why - 1);
        why[sizeof why - 1] = 0;
        return status_fail(ERR_FORMAT, "%s: %s", t->name, why);
    }
    if (!archive_entry_size_is_set(entry) || size < 0 || size > t->limits.max_member)
        return status_fail(ERR_FORMAT, "%s: member %.200s has %lld bytes, expected at most %lld",
                           t->name, name, (long long)size, (long long)t->limits.max_member);
    arena_release(&t->arena);
    /* Behind the header libarchive stands at the data; sparse members have holes instead. */
    bool plain = archive_filter_code(t->archive, 0) == ARCHIVE_FILTER_NONE &&
                 archive_entry_sparse_count(entry) == 0;
    t->member = (TarMember){.name = arena_strdup(&t->arena, name),
                            .n_bytes = size,
                            .offset = plain ? archive_filter_bytes(t->archive, 0) : -1};
    return t->member.name ? OK : ERR_MEMORY;
}

Status tar_next(TarReader *t, TarMember *member, bool *found)
{
    *found = false;
    t->can_read = false;
    for (;;) {
        errno = 0;
        int r = archive_read_next_header2(t->archive, t->entry);
        if (r == ARCHIVE_EOF)
            return OK;
        if (r == ARCHIVE_RETRY)
            continue;
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return fail(t, "reading after");
        /* Skipped members count too: what was unpacked to get here. */
        t->total = size_max(archive_filter_bytes(t->archive, 0), 0);
        if (t->total > t->limits.max_total)
            return status_fail(ERR_FORMAT, "%s: unpacks to more than %lld bytes", t->name,
                               (long long)t->limits.max_total);
        if (archive_entry_filetype(t->entry) == AE_IFDIR)
            continue;
        if (archive_entry_filetype(t->entry) != AE_IFREG || archive_entry_hardlink(t->entry)) {
            t->skipped++;
            continue;
        }
        TRY(accept(t));
        t->can_read = true;
        *member = t->member;
        *found = true;
        return OK;
    }
}

Status tar_read(TarReader *t, Arena *a, char **bytes, int64_t *n)
{
    if (!t->can_read)
        return status_fail(ERR_USAGE, "%s: no member is open for reading", t->name);
    t->can_read = false;
    int64_t size = t->member.n_bytes, done = 0;
    char   *buffer = arena_alloc(a, size + 1);
    if (!buffer)
        return ERR_MEMORY;
    while (done < size) {
        errno = 0;
        la_ssize_t k = archive_read_data(t->archive, buffer + done, (size_t)(size - done));
        if (k == ARCHIVE_RETRY)
            continue;
        if (k < 0)
            return fail(t, "reading");
        if (k == 0)
            return status_fail(ERR_FORMAT, "%s: member %.200s ends after %lld of %lld bytes",
                               t->name, t->member.name, (long long)done, (long long)size);
        done += k;
    }
    *bytes = buffer;
    *n = size;
    return OK;
}
