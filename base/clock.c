#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double clock_seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double clock_wall(void)
{
    return seconds_of(CLOCK_REALTIME);
}

void clock_sleep(double seconds)
{
    if (!(seconds > 0))
        return;
    struct timespec t = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

void clock_stamp(char out[CLOCK_CHARS], double wall)
{
    /* gmtime_r knows years up to 2^31; outside 1970..9999 the stamp says 1970. */
    time_t    t = wall >= 0 && wall < 253402300800.0 ? (time_t)wall : 0;
    struct tm parts = {0};
    gmtime_r(&t, &parts);
    snprintf(out, CLOCK_CHARS, "%04u-%02u-%02uT%02u:%02u:%02uZ",
             (unsigned)(parts.tm_year + 1900) % 10000, (unsigned)(parts.tm_mon + 1) % 100,
             (unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100,
             (unsigned)parts.tm_min % 100, (unsigned)parts.tm_sec % 100);
}

const char *clock_duration(char out[CLOCK_CHARS], double seconds)
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9 * 86400) {
        snprintf(out, CLOCK_CHARS, "--:--");
        return out;
    }
    long long s = (long long)(seconds + 0.5);
    if (s >= 86400)
        snprintf(out, CLOCK_CHARS, "%lldd %02lld:%02lld:%02lld", s / 86400, s / 3600 % 24,
                 s / 60 % 60, s % 60);
    else if (s >= 3600)
        snprintf(out, CLOCK_CHARS, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, CLOCK_CHARS, "%lld:%02lld", s / 60, s % 60);
    return out;
}
