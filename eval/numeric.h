/* numeric.h -- the arithmetic every evaluator shares, to the last bit of NumPy's
 *
 * The reference tools are NumPy programs; their numbers depend on how NumPy spaces, sums and sorts.
 * These functions do the same operations in the same order, in IEEE double, compiled with
 * -ffp-contract=off. Source: the behaviour of numpy.linspace, numpy.sum (pairwise),
 * numpy.searchsorted and numpy.argsort, NumPy 1.24.
 */
#pragma once
#include "base/status.h"
#include <stdint.h>

#define NUMERIC_EPS 0x1p-52 // spacing(1)

/* out[i] = i * step + a with step = (b - a) / (n - 1); out[n-1] is b exactly. n >= 2.
 * linspace(.5, .95, 10)[8] is 0.8999999999999999, which is what the COCO thresholds hold. */
void numeric_linspace(double *out, double a, double b, int64_t n);

/* Sum as numpy.sum over n contiguous doubles: pairwise within every 8192; 0 for n = 0. */
double numeric_sum(const double *x, int64_t n);

/* numeric_sum / n; NaN for n = 0. */
double numeric_mean(const double *x, int64_t n);

/* The mean of those x that are > -1 (undefined cells hold -1), or -1 when there are none.
 * `scratch` holds n doubles. */
double numeric_mean_defined(const double *x, double *scratch, int64_t n);

/* The first i with x[i] >= value in ascending x, n when there is none. */
int64_t numeric_search_left(const double *x, int64_t n, double value);

/* order[0..n-1] = indices by descending key; equal keys keep their order, NaN goes last, -0.0
 * equals 0.0. `scratch` holds n indices. n < 2^31. This is argsort(-key, kind="mergesort"). */
void numeric_order_desc(const double *key, int32_t *order, int32_t *scratch, int64_t n);

/* The unstable order of argsort(-key) with NumPy's scalar introsort: what pascal_voc_evaluation.py
 * gets from NumPy before its SIMD sorts. Only ties differ from numeric_order_desc. `scratch` holds
 * n doubles. */
void numeric_order_desc_introsort(const double *key, int32_t *order, double *scratch, int64_t n);

/* x rounded to 1/scale (scale 10 or 1000), as printing with %.1f or %.3f and reading back: exact
 * decimal value, ties to even. Not finite, or |x| * scale >= 2^52: x itself. */
double numeric_round_decimal(double x, double scale);
