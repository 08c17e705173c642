#include "base/progress.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "base/size.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double DRAW_EVERY_S = 0.2; // on a terminal
static const double PRINT_EVERY_S = 10; // otherwise
static const double RATE_EVERY_S = 1;   // the rate is measured over at least this long

static atomic_bool line_is_drawn; // a line without its end stands on the terminal

static int terminal_columns(void)
{
    struct winsize size = {0};
    if (ioctl(log_fd(), TIOCGWINSZ, &size) != 0 || size.ws_col < 1)
        return 80;
    return size.ws_col;
}

static void write_out(const char *bytes, size_t n)
{
    ssize_t ignored = write(log_fd(), bytes, n); // a closed terminal must not stop a run
    (void)ignored;
}

void progress_wipe(void)
{
    if (atomic_exchange(&line_is_drawn, false))
        write_out("\r\033[K", 4);
}

void progress_begin(Progress *p, const char *label, int64_t total, int64_t start)
{
    *p = (Progress){.total = total, .done = start, .start = start};
    snprintf(p->label, sizeof p->label, "%s", label);
    p->started = clock_seconds();
    p->drawn = p->started - DRAW_EVERY_S;
    p->rate_time = p->started;
    p->rate_done = start;
    p->is_terminal = isatty(log_fd()) == 1;
    if (!p->is_terminal)
        p->drawn = p->started;
}

double progress_eta(const Progress *p)
{
    if (p->total <= 0 || !(p->rate > 0))
        return -1;
    return (double)size_max(p->total - p->done, 0) / p->rate;
}

/* Half the weight is gone after about five measurements. */
static void measure_rate(Progress *p, double now)
{
    double elapsed = now - p->rate_time;
    if (elapsed < RATE_EVERY_S && p->rate > 0)
        return;
    if (!(elapsed > 0) || p->done <= p->rate_done)
        return;
    double rate = (double)(p->done - p->rate_done) / elapsed;
    p->rate = p->rate > 0 ? p->rate + 0.13 * (rate - p->rate) : rate;
    if (elapsed < RATE_EVERY_S)
        return; // a first guess; measured again once a second has passed
    p->rate_time = now;
    p->rate_done = p->done;
}

/* Appends to out[0..size) as far as it fits. */
__attribute__((format(printf, 4, 5))) static void add(char *out, int64_t size, int64_t *n,
                                                      const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int k = number_vsnprintf(out + *n, size - *n, fmt, args);
    va_end(args);
    *n = size_min(*n + size_max(k, 0), size - 1);
}

void progress_line(const Progress *p, const char *note, char *out, int64_t size, int columns)
{
    enum { BAR = 20 };
    char    eta[CLOCK_CHARS];
    int64_t n = 0;
    double  share = p->total > 0 ? fmin((double)p->done / (double)p->total, 1) : 0;
    if (columns >= 60)
        add(out, size, &n, "%s  ", p->label);
    add(out, size, &n, "%lld", (long long)p->done);
    if (p->total > 0)
        add(out, size, &n, "/%lld", (long long)p->total);
    if (p->total > 0 && p->is_terminal && columns >= 90) {
        int full = (int)(share * BAR);
        add(out, size, &n, " [%.*s%.*s]", full, "####################", BAR - full,
            "--------------------");
    } else if (p->total > 0 && columns >= 30)
        add(out, size, &n, "  %d%%", (int)(share * 100));
    if (note && *note && columns >= 40)
        add(out, size, &n, "  %s", note);
    if (p->total > 0)
        add(out, size, &n, "  eta %s", clock_duration(eta, progress_eta(p)));
    int64_t most = size_max(columns - 1, 0);
    if (n > most)
        n = most;
    while (n > 0 && ((unsigned char)out[n] & 0xC0) == 0x80)
        n--; // do not cut inside a character
    out[n] = 0;
}

static void draw(Progress *p, const char *note, bool last)
{
    char line[1024];
    if (log_level() < LOG_INFO)
        return;
    progress_line(p, note, line + 1, (int64_t)sizeof line - 8,
                  p->is_terminal ? terminal_columns() : 200);
    if (!p->is_terminal) {
        log_info("%s", line + 1);
        return;
    }
    size_t n = strlen(line + 1);
    line[0] = '\r';
    for (size_t i = 1; i <= n; i++)
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    memcpy(line + 1 + n, "\033[K\n", 5);
    write_out(line, 1 + n + (last ? 4 : 3));
    atomic_store(&line_is_drawn, !last);
}

void progress_update(Progress *p, int64_t done, const char *note)
{
    double now = clock_seconds();
    p->done = done;
    measure_rate(p, now);
    if (now - p->drawn < (p->is_terminal ? DRAW_EVERY_S : PRINT_EVERY_S))
        return;
    p->drawn = now;
    draw(p, note, false);
}

void progress_end(Progress *p, const char *note)
{
    draw(p, note, true);
}
