/* svg_axis.h -- from data to pixels along one direction, and where the ticks go. Internal to cli/svg*.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { AXIS_MAX_TICKS = 16 };

typedef struct Axis {
    double lo, hi;   // ends in data; after a log10 where is_log
    double from, to; // ends in pixels
    bool   is_log;
    bool   is_empty; // no finite value was seen
    double tick[AXIS_MAX_TICKS];
    int    n_ticks, decimals; // digits behind the point that tell the ticks apart
} Axis;

/* Starts an empty axis, grows it by values (non-finite, or <= 0 on a log axis, are ignored), then lays ticks. `lo < hi` fixes the
 * ends; otherwise they are the data's, rounded outward to whole ticks where `is_round`. */
void   axis_init(Axis *a, double from, double to, bool is_log);
void   axis_see(Axis *a, const double *value, int64_t n);
void   axis_lay(Axis *a, double lo, double hi, int most_ticks, bool is_round);
bool   axis_has(const Axis *a, double value); // finite and drawable
double axis_at(const Axis *a, double value);  // pixels, clamped to the ends

/* "1500" "0.25" "2k" into text[32]. */
void axis_label(const Axis *a, char text[32], double value);
