/* pool_shape.h -- the output of a sliding window, shared by max_pool and avg_pool */
#pragma once
#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

/* dim[4] = the output's dims; false with the tape failed when there is none. */
static inline bool pool_shape(Tape *t, int64_t dim[4], const char *name, const Pool2d *op,
                              const Tensor *x)
{
    char a[64];
    bool fits = x->ndim == 4 && is_float(x) && op->size >= 1 && op->size <= 16 && op->stride >= 1 &&
                op->pad >= 0 && 2 * op->pad <= op->size;
    for (int i = 1; fits && i <= 2; i++) {
        fits = x->dim[i] + 2 * op->pad >= op->size;
        dim[i] = (x->dim[i] + 2 * op->pad - op->size) / op->stride + 1;
    }
    dim[0] = x->dim[0];
    dim[3] = x->dim[3];
    if (!fits)
        tape_fail(t, status_fail(ERR_SHAPE,
                                 "%s: a window of %lld (1..16) with stride %lld (>= 1) and pad "
                                 "%lld (at most half the "
                                 "window) does not fit x %s",
                                 name, (long long)op->size, (long long)op->stride,
                                 (long long)op->pad, tensor_shape_text(x, a)));
    return fits;
}
