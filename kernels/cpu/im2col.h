/* im2col.h -- a convolution read as a matrix product
 *
 *      column (tap, channel):   0   1   2 ...
 *      row (n,p,q)          [ x at (p s - pad + i d, q s - pad + j d) ]      zeros outside the image
 *
 * y (M,Co) = rows (M, taps ci) . w (Co, taps ci)'   with M = N P Q. The matrix never exists: the product is told where
 * each tap of each row starts (simd/gemm.h). Only inputs of few channels are gathered, a chunk of rows at a time.
 */
#pragma once
#include "kernels/cpu/cpu.h"

/* One convolution's sizes. */
typedef struct ConvSizes {
    int64_t N, H, W, Ci, P, Q, Co, kh, kw;
    int64_t groups, ci, co; // ci, co: channels of one group
    int64_t taps, K, M;     // kh kw, taps ci, N P Q
} ConvSizes;

ConvSizes conv_sizes(const Tensor *y, const Tensor *x, const Tensor *w, const Conv2d *op);

/* Which places of `in` meet at each row of a product, and the place of `out` that the row is. */
typedef struct Lattice {
    int64_t N, P, Q; // row (n,p,q)
    int64_t step;    // of `in` from p to p + 1
    int64_t out_step, out_y,
        out_x; // row (n,p,q) is out (n, out_y + p out_step, out_x + q out_step)
    int64_t  n_taps;
    int64_t *tap;     // (n_taps): index among the kernel's taps
    int64_t *dy, *dx; // (n_taps): the tap reads in (n, p step + dy, q step + dx)
    int64_t *run;     // (n_taps): how many taps from this one on lie side by side in a line
} Lattice;

/* The arrays of a lattice of at most `taps` taps; lattice_release gives them back. ERR_MEMORY. */
Status lattice_init(Lattice *l, int64_t taps);
void   lattice_release(Lattice *l);

/* Forward: every tap at every place of y. */
void lattice_forward(Lattice *l, const ConvSizes *s, const Conv2d *op);

/* The way back, for the places of x whose coordinates leave (y, x) when divided by the stride: dy there. At a stride
 * above 1 each of these classes meets its own taps, some of them none. */
void lattice_backward(Lattice *l, const ConvSizes *s, const Conv2d *op, int64_t y, int64_t x);

/* An image tensor's memory as the product reads it. */
typedef struct Pixels {
    const char *at;    // of place `first`, at the first wanted channel
    int64_t     first; // place: (n H + h) W + w
    int64_t     H, W;
    int64_t     bytes;   // from place to place
    const void *outside; // zeros: what lies beyond the image
} Pixels;

/* rows (n_taps, up): where rows [m0, m1) start at each tap; rows up to `up` repeat the last. */
void lattice_rows(const void **rows, const Lattice *l, const Pixels *x, int64_t m0, int64_t m1,
                  int64_t up);

/* The places [*begin, *end) of `in` among which those rows lie. */
void lattice_reach(int64_t *begin, int64_t *end, const Lattice *l, const Pixels *x, int64_t m0,
                   int64_t m1);

/* to: where rows [m0, m1) of out start; C channels of `bytes` in all, from channel `first`. */
void lattice_out(void **to, const Lattice *l, const Tensor *out, int64_t first, int64_t m0,
                 int64_t m1);

/* out (m1-m0, ld): rows of n_taps x `width` channels from c0 of x, as `type` (f32, or x's own); zeros up to ld.
 * Up to SCRATCH_SLACK bytes behind it may be written. */
void im2col(void *out, int64_t ld, DType type, const Lattice *l, const Tensor *x, int64_t m0,
            int64_t m1, int64_t c0, int64_t width);
