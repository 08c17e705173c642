/* im2col.h -- a convolution read as a matrix product
 *
 *      column (tap, channel):   0   1   2 ...
 *      row (n,p,q)          [ x at (p s - pad + i d, q s - pad + j d) ]      zeros outside the image
 *
 * y (M,Co) = rows (M, taps ci) . w (Co, taps ci)'   with M = N P Q: chunk by chunk of rows, so that a chunk stays in
 * cache and the whole matrix never exists.
 */
#pragma once
#include "kernels/cpu/cpu.h"

/* One convolution's sizes. */
typedef struct ConvSizes {
    int64_t N, H, W, Ci, P, Q, Co, kh, kw;
    int64_t groups, ci, co; // ci, co: channels of one group
    int64_t taps, K, M;     // kh kw, taps ci, N P Q
    bool    is_plain;       // 1x1, stride 1, no pad: the rows are x itself
} ConvSizes;

ConvSizes conv_sizes(const Tensor *y, const Tensor *x, const Tensor *w, const Conv2d *op);

/* What to gather: rows [m0, m1) of taps [t0, t1) and channels [c0, c0 + width) of an image tensor (N,H,W,C). */
typedef struct Gather {
    const Tensor *x;
    int64_t       P, Q, kw;
    int64_t       stride, pad, dilation;
    bool is_mirrored; // reads (p + pad - i d, q + pad - j d): the way back of a stride of 1
} Gather;

/* out (m1-m0, (t1-t0) width), f32 whatever the type of x. Up to SCRATCH_SLACK bytes behind it may be written. */
void im2col(float *out, const Gather *g, int64_t m0, int64_t m1, int64_t t0, int64_t t1, int64_t c0,
            int64_t width);
