#include "kernels/cpu/im2col.h"

#include <string.h>

ConvSizes conv_sizes(const Tensor *y, const Tensor *x, const Tensor *w, const Conv2d *op)
{
    ConvSizes s = {.N = x->dim[0],
                   .H = x->dim[1],
                   .W = x->dim[2],
                   .Ci = x->dim[3],
                   .P = y->dim[1],
                   .Q = y->dim[2],
                   .Co = y->dim[3],
                   .kh = w->dim[1],
                   .kw = w->dim[2],
                   .groups = op->groups,
                   .ci = w->dim[3],
                   .co = y->dim[3] / op->groups};
    s.taps = s.kh * s.kw;
    s.K = s.taps * s.ci;
    s.M = s.N * s.P * s.Q;
    s.is_plain = s.taps == 1 && op->stride == 1 && op->pad == 0 && op->groups == 1;
    return s;
}

enum { SHORT = 32 };

/* Short copies are the rule where there are few channels: they move a fixed number of floats while that stays inside x;
 * what is too much is overwritten by the next copy, or lies in the slack behind `out`. */
static void copy(float *to, const Tensor *x, int64_t i, int64_t n, int64_t count)
{
    if (x->dtype == BF16) {
        cpu_loops()->widen(to, (const uint16_t *)x->data + i, n);
        return;
    }
    const float *from = (const float *)x->data + i;
    if (n <= SHORT && i + SHORT <= count)
        memcpy(to, from, SHORT * sizeof *to);
    else
        memcpy(to, from, (size_t)n * sizeof *to);
}

/* One row: its taps one by one, neighbours of a kernel row in one copy where they are neighbours in memory too. */
static void gather_row(float *out, const Gather *g, int64_t n, int64_t p, int64_t q, int64_t t0,
                       int64_t t1, int64_t c0, int64_t width, int64_t count)
{
    const Tensor *x = g->x;
    int64_t       H = x->dim[1], W = x->dim[2], C = x->dim[3];
    int64_t       sign = g->is_mirrored ? -1 : 1;
    int64_t       top = g->is_mirrored ? p + g->pad : p * g->stride - g->pad;
    int64_t       left = g->is_mirrored ? q + g->pad : q * g->stride - g->pad;
    bool          joins = !g->is_mirrored && g->dilation == 1 && width == C;
    for (int64_t t = t0; t < t1;) {
        int64_t i = t / g->kw, j = t % g->kw;
        int64_t h = top + sign * i * g->dilation, v = left + sign * j * g->dilation;
        int64_t run = 1;
        if (joins && v >= 0) {
            run = g->kw - j < t1 - t ? g->kw - j : t1 - t;
            if (run > W - v)
                run = W - v > 0 ? W - v : 1;
        }
        if (h < 0 || h >= H || v < 0 || v >= W)
            memset(out, 0, (size_t)(run * width) * sizeof *out);
        else
            copy(out, x, ((n * H + h) * W + v) * C + c0, run * width, count);
        out += run * width;
        t += run;
    }
}

void im2col(float *out, const Gather *g, int64_t m0, int64_t m1, int64_t t0, int64_t t1, int64_t c0,
            int64_t width)
{
    int64_t n = m0 / (g->P * g->Q), p = m0 / g->Q % g->P, q = m0 % g->Q, step = (t1 - t0) * width;
    int64_t count = tensor_count(g->x);
    for (int64_t m = m0; m < m1; m++, out += step) {
        gather_row(out, g, n, p, q, t0, t1, c0, width, count);
        if (++q == g->Q) {
            q = 0;
            if (++p == g->P) {
                p = 0;
                n++;
            }
        }
    }
}
