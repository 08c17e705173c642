/* pool.h -- what a pooling window covers along one axis, who covers a place, and which value wins
 *
 *      window i covers places i stride - pad + k for taps k = 0 .. size-1, of which those in 0 .. n-1 exist
 */
#pragma once
#include "kernels/body/bf16.h"
#include <math.h>
#include <stdbool.h>

/* Taps first .. end-1 of window i exist among n places. */
static inline GW_HD int64_t pool_first_tap(int64_t i, int64_t stride, int64_t pad)
{
    int64_t before = pad - i * stride;
    return before > 0 ? before : 0;
}

static inline GW_HD int64_t pool_end_tap(int64_t i, int64_t size, int64_t stride, int64_t pad,
                                         int64_t n)
{
    int64_t end = n + pad - i * stride;
    return end < size ? end : size;
}

/* Windows first .. end-1 of n cover place `at`. */
static inline GW_HD int64_t pool_first_window(int64_t at, int64_t size, int64_t stride, int64_t pad)
{
    int64_t before = at + pad - size + 1;
    return before > 0 ? (before + stride - 1) / stride : 0;
}

static inline GW_HD int64_t pool_end_window(int64_t at, int64_t stride, int64_t pad, int64_t n)
{
    int64_t end = (at + pad) / stride + 1;
    return end < n ? end : n;
}

/* Whether v displaces the best value so far: the first of equal values stays, NaN wins over everything. */
static inline GW_HD bool max_pool_takes(float v, float best)
{
    return !(v <= best) && !isnan(best);
}
