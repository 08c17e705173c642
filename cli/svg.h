/* svg.h -- charts as inline SVG: lines, bars, strips, timelines, matrices, intervals, stacks
 *
 * Charts take their colours from the page (classes c0 .. c5, the same in tables and pictures), have thin grids, name their
 * series where the lines end, and show values on hover by <title>. NaN and infinite points leave a gap; a chart
 * without a single finite point says "no data".
 *
 *      c0 grey     (random initialisation)      c3 green
 *      c1 blue     (supervised)                 c4 purple
 *      c2 orange   (MoCo)                       c5 pink          -- told apart by readers with any colour vision
 */
#pragma once
#include "cli/html.h"

enum { SVG_COLOURS = 6 };

typedef struct Series {
    const char   *name;  // shown at the end of its line
    const double *x, *y; // n points, x ascending
    int64_t       n;
    int           colour; // 0 .. SVG_COLOURS-1
    double
        smooth; // 0: as given; else weight of the past in a running mean (the raw line stays, faint)
    bool is_dashed;
} Series;

typedef struct LineChart {
    const char   *title, *x_label, *y_label;
    const Series *series;
    int           n_series;
    bool          log_y;                  // values <= 0 are left out
    double        x_lo, x_hi, y_lo, y_hi; // fixed ends where lo < hi; both 0: from the data
    const char   *mark_label;             // a horizontal reference line, NULL for none
    double        mark;
    bool          is_small; // for grids of small charts: 220 wide, no series names
} LineChart;

void svg_line_chart(Html *h, const LineChart *chart);

/* Grouped horizontal bars: value[g * n_series + s] of group g and series s in [0, most]; NaN shows a dash. */
typedef struct BarChart {
    const char        *title, *unit;
    const char *const *group;
    const char *const *series;
    const int         *colour; // one a series
    const double      *value;
    int                n_groups, n_series, decimals;
    double             most; // the scale reaches at least this far; 0: as far as the values do
} BarChart;

void svg_bar_chart(Html *h, const BarChart *chart);

/* One row a condition: a dot for each trial, a tick and a number at their mean. */
typedef struct StripRow {
    const char   *name;
    const double *value; // n trials
    int           n, colour;
} StripRow;

void svg_strip_chart(Html *h, const char *title, const char *x_label, const StripRow *row,
                     int n_rows);

/* Where time went: bars that begin where they began. */
typedef struct Phase {
    const char *name;
    double      start_s, duration_s;
    int         colour;
} Phase;

void svg_timeline(Html *h, const char *title, const Phase *phase, int n_phases);

/* A matrix as shaded cells: the shade is the share of its row; the diagonal in one colour, the rest in another. Where
 * there are few cells, each shows its share in per cent. n_rows, n_columns >= 1. */
typedef struct MatrixChart {
    const char        *title, *row_label, *column_label;
    const char *const *row, *const *column;
    const double *count; // (n_rows, n_columns)
    int           n_rows, n_columns;
    int           diagonal_colour, other_colour;
} MatrixChart;

void svg_matrix_chart(Html *h, const MatrixChart *chart);

/* A dot and its interval a row, about zero. NaN shows a dash, a NaN end no interval. */
typedef struct IntervalRow {
    const char *name;
    double      value, low, high;
} IntervalRow;

void svg_interval_chart(Html *h, const char *title, const char *x_label, const IntervalRow *row,
                        int n_rows);

/* One bar of parts a row, as wide as their sum: value[r * n_parts + p] >= 0. The legend goes before it. */
typedef struct StackChart {
    const char        *title, *unit;
    const char *const *row, *const *part;
    const int    *colour; // one a part
    const double *value;
    int           n_rows, n_parts;
    bool          is_share; // every bar is 100 wide
} StackChart;

void svg_stack_chart(Html *h, const StackChart *chart);

/* Names and colours of the series, for charts that carry none. */
void svg_legend(Html *h, const char *const *name, const int *colour, int n);
