/* progress.h -- how far a long loop is
 *
 *      pretrain  1200/90000 [##------------------]  loss 6.42  eta 5:14:02
 *
 * On a terminal one line, rewritten five times a second; otherwise a plain line about every 10 s.
 * The rate comes from the monotonic clock and leans on the recent past; steps done before this
 * process started (a resumed run) do not count. Fits 20 columns. One progress at a time is on the
 * terminal; calls come from one thread. Says nothing at LOG_QUIET.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct Progress {
    char    label[48];
    int64_t total; // 0 when unknown: no ETA then
    int64_t done;
    int64_t start;     // where this process began
    double  started;   // clock_seconds
    double  drawn;     // when the line was last drawn
    double  rate;      // steps a second, smoothed; 0 at first
    double  rate_time; // when the rate was last updated
    int64_t rate_done;
    bool    is_terminal;
} Progress;

/* label: at most 47 bytes; total >= 0; start: steps that were done before. */
void progress_begin(Progress *p, const char *label, int64_t total, int64_t start);

/* `note` may be NULL: a few words shown after the counter ("loss 6.42"). Cheap to call at every
 * step. */
void progress_update(Progress *p, int64_t done, const char *note);

/* Draws the last state and ends the line. */
void progress_end(Progress *p, const char *note);

/* Seconds left by the current rate; negative when not known yet. */
double progress_eta(const Progress *p);

/* The line that would be shown, at most `columns` - 1 characters (columns >= 1). For tests and
 * other writers. */
void progress_line(const Progress *p, const char *note, char *out, int64_t size, int columns);

/* log.c calls it before writing a line: wipes the drawn line, which the next update draws again. */
void progress_wipe(void);
