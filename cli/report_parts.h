/* report_parts.h -- what the report's files share. Internal to cli/report*.c. */
#pragma once
#include "cli/report.h"

typedef struct Spread {
    double mean, deviation; // NaN with no value; deviation (n - 1) NaN with fewer than two
    double lo, hi;
    int    n; // finite values
} Spread;

Spread report_spread(const double *value, int n);

static inline int report_colour(int colour)
{
    return colour < 0 || colour >= SVG_COLOURS ? 0 : colour;
}

void report_published(Html *h, const Report *r);
void report_pictures(Html *h, const Report *r);
void report_pairs(Html *h, const Report *r);

extern const ReportTerm REPORT_TERMS[];
extern const int        REPORT_N_TERMS;
