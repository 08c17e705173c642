/* clock.h -- time that never jumps, and time for people */
#pragma once
#include <stdint.h>

enum { CLOCK_CHARS = 32 };

/* Seconds on the monotonic clock: only differences mean something. Steps of the wall clock do not
 * move it. */
double clock_seconds(void);
void   clock_sleep(double seconds);

/* Seconds since 1970 (wall clock), for stamps in files only. */
double clock_wall(void);

/* "2026-03-01T14:05:09Z" of a clock_wall value. */
void clock_stamp(char out[CLOCK_CHARS], double wall);

/* "0:07", "5:14:02", "3d 05:14:02"; "--:--" when seconds is negative or not finite. Returns `out`.
 */
const char *clock_duration(char out[CLOCK_CHARS], double seconds);
