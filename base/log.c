#include "base/log.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 4096 };

static atomic_int      level = LOG_INFO;
static atomic_int      out_fd = 2;
static atomic_llong    n_warnings;
static pthread_mutex_t one_line_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static double          started;

__attribute__((constructor)) static void remember_start(void)
{
    started = clock_seconds();
}

void log_set_level(LogLevel new_level)
{
    atomic_store(&level, (int)new_level);
}

LogLevel log_level(void)
{
    return (LogLevel)atomic_load(&level);
}

void log_set_fd(int fd)
{
    atomic_store(&out_fd, fd);
}

int log_fd(void)
{
    return atomic_load(&out_fd);
}

int64_t log_warnings(void)
{
    return atomic_load(&n_warnings);
}

/* Control characters (but not UTF-8) become \xNN. Returns the length. */
static int64_t make_visible(char *out, int64_t size, const char *text)
{
    int64_t n = 0;
    for (const char *c = text; *c && n + 5 < size; c++) {
        unsigned char u = (unsigned char)*c;
        if ((u < 0x20 && u != '\t' && u != '\n') || u == 0x7F)
            n += snprintf(out + n, (size_t)(size - n), "\\x%02x", u);
        else
            out[n++] = *c;
    }
    return n;
}

static void write_line(const char *prefix, const char *text)
{
    char    line[LINE_BYTES + 64];
    int64_t n = 0;
    if (log_level() == LOG_DEBUG)
        n = number_snprintf(line, 32, "%9.3f ", clock_seconds() - started);
    n += snprintf(line + n, 32, "%s", prefix);
    n += make_visible(line + n, (int64_t)sizeof line - n - 1, text);
    line[n++] = '\n';

    pthread_mutex_lock(&one_line_at_a_time);
    progress_wipe();
    for (int64_t done = 0; done < n;) {
        ssize_t k = write(log_fd(), line + done, (size_t)(n - done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            break; // nobody listens
        done += k;
    }
    pthread_mutex_unlock(&one_line_at_a_time);
}

static bool is_hidden(LogKind kind)
{
    return (kind == LOG_LINE && log_level() < LOG_INFO) ||
           (kind == LOG_DETAIL && log_level() < LOG_DEBUG);
}

void log_line(LogKind kind, const char *text)
{
    static const char *const prefix[] = {"", "", "warning: ", "error: "};
    if (kind == LOG_WARNING)
        atomic_fetch_add(&n_warnings, 1);
    if (text && !is_hidden(kind))
        write_line(prefix[kind], text);
}

static LogLine *hand_on = log_line;

void log_share(LogLine *of_the_program)
{
    hand_on = of_the_program;
}

/* ---- lines of a format ---- */

static void say(LogKind kind, const char *fmt, va_list args)
{
    char text[LINE_BYTES];
    if (hand_on == log_line && is_hidden(kind))
        return; // the common case costs no formatting
    number_vsnprintf(text, sizeof text, fmt, args);
    hand_on(kind, text);
}

void log_info(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(LOG_LINE, fmt, args);
    va_end(args);
}

void log_debug(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(LOG_DETAIL, fmt, args);
    va_end(args);
}

void log_warn(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(LOG_WARNING, fmt, args);
    va_end(args);
}

void log_warn_some(int64_t *count, int64_t most, const char *fmt, ...)
{
    if (__atomic_fetch_add(count, 1, __ATOMIC_RELAXED) >= most) {
        hand_on(LOG_WARNING, NULL);
        return;
    }
    va_list args;
    va_start(args, fmt);
    say(LOG_WARNING, fmt, args);
    va_end(args);
}

void log_error(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(LOG_ERROR, fmt, args);
    va_end(args);
}
