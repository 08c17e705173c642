/* compare.h -- rows of results by initialisation, with deltas to the supervised row as the paper prints them */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdint.h>

enum { COMPARE_MAX_TRIALS = 64, COMPARE_MAX_ROWS = 16 };

typedef struct CompareRow {
    const char *init; // "random", "supervised", "moco" or what the run calls itself
    int         n_trials;
    double      ap[COMPARE_MAX_TRIALS], ap50[COMPARE_MAX_TRIALS],
        ap75[COMPARE_MAX_TRIALS]; // percent; NaN undefined
} CompareRow;

typedef struct CompareTable {
    const char *definition; // what AP means here: metric, data set, split
    CompareRow  row[COMPARE_MAX_ROWS];
    int         n_rows;
} CompareTable;

/* Mean and sample deviation (0 for one trial) of n values. */
void compare_spread(double *mean, double *deviation, const double *value, int n);

/* Appends a trial to the row of its initialisation, opening the row at its first trial. ERR_USAGE: too many. */
Status compare_add(CompareTable *t, const char *init, double ap, double ap50, double ap75);

/* Rows in the paper's order: random, supervised, then the others as they came. */
void compare_sort(CompareTable *t);

/* To stdout: AP50, AP, AP75 a row, deltas to the supervised row in brackets, mean +- deviation when there are several
 * trials, the definition, and below the published rows where they are of the same kind (VOC). */
void compare_print(const CompareTable *t);

/* {"definition":, "rows": [{"init":, "AP":, "AP50":, "AP75":, "trials": [...], "deviation": {...}, "delta": {...}}],
 * "published": [...]}: AP values in percent. */
Status compare_save(const CompareTable *t, const char *path);
