/* curve.h -- one number of a run over its steps, from metrics.jsonl */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdint.h>

typedef struct Curve {
    double *x, *y; // (n) steps ascending, values; null values are NaN
    int64_t n;
} Curve;

/* Values `name` of the records of `kind` ("train", "knn", ...) in RUN/metrics.jsonl, in the arena. A run without such
 * records gives n = 0. ERR_MISSING, ERR_FORMAT. */
Status curve_read(Arena *arena, Curve *curve, const char *run, const char *kind, const char *name);
