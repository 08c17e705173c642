/* pool.h -- how max_pool.cu and avg_pool.cu lay their threads
 *
 * A block takes lines of an image, its threads go along the line: what a line needs is divided once, and a thread owns
 * one place and 16 bytes of channels at a time.
 */
#pragma once
#include "kernels/cuda/rows.h"
extern "C" {
#include "kernels/body/pool.h"
}

/* Sizes of x (N,H,W,C) and of the windows (N,P,Q,C). */
struct PoolShape {
    int64_t N, H, W, C, P, Q, size, stride, pad;
};

inline PoolShape pool_shape_of(const Tensor *x, const Tensor *y, const Pool2d *op)
{
    return {x->dim[0], x->dim[1], x->dim[2],  x->dim[3], y->dim[1],
            y->dim[2], op->size,  op->stride, op->pad};
}

/* f(type, V, at) with blocks over n_lines lines, where 16-byte accesses suit y. */
template <typename F>
Status pool_launch(const Tensor *y, int64_t C, int64_t n_lines, bool is_aligned, F f)
{
    if (tensor_count(y) == 0)
        return OK;
    return gpu_by_width(y, C, is_aligned, [&](auto type, auto width) {
        return f(type, width,
                 gpu_rows_blocks(C, decltype(width)::value, gpu_rows_enough(n_lines), 1));
    });
}
