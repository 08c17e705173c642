#include "base/metrics.h"
#include "base/events.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_FAILURES = 3 };

struct Metrics {
    int          fd;
    char        *path;
    EventWriter *events; // NULL when not wanted
    Text         line;
    JsonWriter   writer;
    const char  *kind;
    int64_t      step;
    int          failures; // in a row
};

/* The step of a line that we wrote: {"step":N,... ; -1 for anything else. */
static int64_t step_of(const char *line, int64_t n)
{
    static const char START[] = "{\"step\":";
    int64_t           k = (int64_t)strlen(START), digits = 0, step;
    if (n < k + 2 || memcmp(line, START, (size_t)k) != 0 || line[n - 1] != '}')
        return -1;
    while (k + digits < n && line[k + digits] >= '0' && line[k + digits] <= '9')
        digits++;
    return number_parse_int(&step, line + k, digits) ? step : -1;
}

/* Rewrites the file with the lines up to `last_step` only. */
static Status keep_until(const char *path, int64_t last_step)
{
    Status      st = OK;
    FileMap     map;
    FileReplace r = {0};
    TRY(file_map(&map, path));
    TRY_OUT(file_replace_begin(&r, path));
    for (int64_t at = 0; at < map.n;) {
        const char *end = memchr(map.bytes + at, '\n', (size_t)(map.n - at));
        if (!end)
            break; // a line cut by a crash
        int64_t n = end - (map.bytes + at);
        int64_t step = step_of(map.bytes + at, n);
        if (step >= 0 && step <= last_step)
            TRY_OUT(file_replace_write(&r, map.bytes + at, n + 1));
        at += n + 1;
    }
    TRY_OUT(file_replace_commit(&r));
out:
    file_replace_abort(&r);
    file_unmap(&map);
    return st;
}

Status metrics_open(Metrics **out, const char *dir, int64_t resume_step, bool with_events)
{
    Status   st = OK;
    Text     tb = {0}, path = {0};
    Metrics *m = calloc(1, sizeof *m);
    *out = NULL;
    if (!m)
        return status_no_memory("metrics", sizeof *m);
    m->fd = -1;
    text_printf(&path, "%s/metrics.jsonl", dir);
    text_printf(&tb, "%s/tb", dir);
    m->path = path.data;
    TRY_OUT(text_status(&path));
    TRY_OUT(text_status(&tb));
    TRY_OUT(file_make_dirs(dir));
    if (resume_step >= 0 && file_exists(m->path))
        TRY_OUT(keep_until(m->path, resume_step));
    m->fd = open(m->path,
                 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (resume_step < 0 ? O_TRUNC : 0), 0666);
    if (m->fd < 0) {
        st = status_fail(ERR_CREATE, "%s: cannot create: %s", m->path, strerror(errno));
        goto out;
    }
    if (with_events)
        TRY_OUT(events_open(&m->events, text_cstr(&tb)));
    *out = m;
out:
    text_release(&tb);
    if (st != OK) {
        if (m->fd >= 0)
            close(m->fd);
        free(m->path);
        free(m);
    }
    return st;
}

void metrics_begin(Metrics *m, const char *kind, int64_t step)
{
    text_clear(&m->line);
    m->writer = json_writer(&m->line, 0);
    m->kind = kind;
    m->step = step;
    json_open_object(&m->writer, NULL);
    json_put_int(&m->writer, "step", step);
    json_put_string(&m->writer, "kind", kind);
}

void metrics_number(Metrics *m, const char *name, double value)
{
    json_put_number(&m->writer, name, value);
    if (!m->events)
        return;
    Text tag = {0};
    text_printf(&tag, "%s/%s", m->kind, name);
    if (text_status(&tag) != OK || events_scalar(m->events, text_cstr(&tag), m->step, value) != OK)
        m->line.failed = true;
    text_release(&tag);
}

void metrics_int(Metrics *m, const char *name, int64_t value)
{
    json_put_int(&m->writer, name, value);
    if (!m->events)
        return;
    Text tag = {0};
    text_printf(&tag, "%s/%s", m->kind, name);
    if (text_status(&tag) != OK ||
        events_scalar(m->events, text_cstr(&tag), m->step, (double)value) != OK)
        m->line.failed = true;
    text_release(&tag);
}

void metrics_text(Metrics *m, const char *name, const char *value)
{
    json_put_string(&m->writer, name, value);
}

/* The whole line or nothing. */
static Status write_line(Metrics *m)
{
    off_t start = lseek(m->fd, 0, SEEK_END);
    for (int64_t done = 0; done < m->line.len;) {
        ssize_t k = write(m->fd, m->line.data + done, (size_t)(m->line.len - done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            Status st = status_fail(ERR_IO, "%s: writing failed: %s", m->path,
                                    strerror(k < 0 ? errno : ENOSPC));
            if (start >= 0 && ftruncate(m->fd, start) != 0)
                st = status_fail(ERR_IO, "%s: cannot take back half a line: %s", m->path,
                                 strerror(errno));
            return st;
        }
        done += k;
    }
    return OK;
}

Status metrics_end(Metrics *m)
{
    json_close_object(&m->writer);
    text_putc(&m->line, '\n');
    TRY(text_status(&m->line));
    Status st = write_line(m);
    if (st == OK && m->events)
        st = events_flush(m->events);
    if (st == OK) {
        m->failures = 0;
        return OK;
    }
    if (++m->failures >= MOST_FAILURES)
        return st;
    log_warn("%s; the run goes on (failure %d of %d in a row)", status_text(), m->failures,
             MOST_FAILURES);
    return OK;
}

Status metrics_close(Metrics *m)
{
    if (!m)
        return OK;
    Status st = events_close(m->events);
    if (close(m->fd) != 0 && st == OK)
        st = status_fail(ERR_IO, "%s: closing failed: %s", m->path, strerror(errno));
    text_release(&m->line);
    free(m->path);
    free(m);
    return st;
}
