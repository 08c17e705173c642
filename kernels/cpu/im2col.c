#include "kernels/cpu/im2col.h"
#include "base/size.h"
#include "kernels/cpu/scratch.h"

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
    return s;
}

Status lattice_init(Lattice *l, int64_t taps)
{
    l->tap = scratch_take(4 * taps * (int64_t)sizeof *l->tap);
    if (!l->tap)
        return ERR_MEMORY;
    l->dy = l->tap + taps;
    l->dx = l->dy + taps;
    l->run = l->dx + taps;
    return OK;
}

void lattice_release(Lattice *l)
{
    scratch_give(l->tap);
}

void lattice_forward(Lattice *l, const ConvSizes *s, const Conv2d *op)
{
    l->N = s->N;
    l->P = s->P;
    l->Q = s->Q;
    l->step = op->stride;
    l->out_step = 1;
    l->out_y = l->out_x = 0;
    l->n_taps = s->taps;
    for (int64_t t = 0; t < s->taps; t++) {
        l->tap[t] = t;
        l->dy[t] = t / s->kw * op->dilation - op->pad;
        l->dx[t] = t % s->kw * op->dilation - op->pad;
        l->run[t] = op->dilation == 1 ? s->kw - t % s->kw : 1;
    }
}

/* How many of 0 .. n-1 leave `rest` when divided by `step`. */
static int64_t count_of_class(int64_t n, int64_t rest, int64_t step)
{
    return n > rest ? (n - rest - 1) / step + 1 : 0;
}

void lattice_backward(Lattice *l, const ConvSizes *s, const Conv2d *op, int64_t y, int64_t x)
{
    l->N = s->N;
    l->P = count_of_class(s->H, y, op->stride);
    l->Q = count_of_class(s->W, x, op->stride);
    l->step = 1;
    l->out_step = op->stride;
    l->out_y = y;
    l->out_x = x;
    l->n_taps = 0;
    for (int64_t t = 0; t < s->taps; t++) {
        int64_t h = y + op->pad - t / s->kw * op->dilation;
        int64_t w = x + op->pad - t % s->kw * op->dilation;
        if (h % op->stride != 0 || w % op->stride != 0)
            continue;
        l->tap[l->n_taps] = t;
        l->dy[l->n_taps] = h / op->stride;
        l->dx[l->n_taps] = w / op->stride;
        l->run[l->n_taps] = 1;
        l->n_taps++;
    }
}

/* A row's coordinates. */
typedef struct Place {
    int64_t n, p, q;
} Place;

static Place place_of(const Lattice *l, int64_t m)
{
    return (Place){m / (l->P * l->Q), m / l->Q % l->P, m % l->Q};
}

/* The beginning of the next line. */
static void next_line(Place *a, const Lattice *l)
{
    a->q = 0;
    if (++a->p == l->P) {
        a->p = 0;
        a->n++;
    }
}

void lattice_rows(const void **rows, const Lattice *l, const Pixels *x, int64_t m0, int64_t m1,
                  int64_t up)
{
    for (int64_t t = 0; t < l->n_taps; t++, rows += up) {
        Place a = place_of(l, m0);
        for (int64_t i = 0; i < m1 - m0; next_line(&a, l)) {
            int64_t     h = a.p * l->step + l->dy[t], w = a.q * l->step + l->dx[t];
            int64_t     end = size_min(i + l->Q - a.q, m1 - m0);
            bool        inside = h >= 0 && h < x->H;
            const char *at = x->at + ((a.n * x->H + h) * x->W + w - x->first) * x->bytes;
            for (; i < end; i++, w += l->step, at += l->step * x->bytes)
                rows[i] = inside && w >= 0 && w < x->W ? (const void *)at : x->outside;
        }
        for (int64_t i = m1 - m0; i < up; i++)
            rows[i] = rows[i - 1];
    }
}

void lattice_reach(int64_t *begin, int64_t *end, const Lattice *l, const Pixels *x, int64_t m0,
                   int64_t m1)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (int64_t t = 0; t < l->n_taps; t++) {
        low = size_min(low, l->dy[t]);
        high = size_max(high, l->dy[t]);
    }
    Place   a = place_of(l, m0), b = place_of(l, m1 - 1);
    int64_t top = size_max(0, size_min(x->H, a.p * l->step + low));
    int64_t bottom = size_max(0, size_min(x->H, b.p * l->step + high + 1));
    *begin = (a.n * x->H + top) * x->W;
    *end = size_max(*begin, (b.n * x->H + bottom) * x->W);
}

void lattice_out(void **to, const Lattice *l, const Tensor *out, int64_t first, int64_t m0,
                 int64_t m1)
{
    int64_t H = out->dim[1], W = out->dim[2], C = out->dim[3];
    int64_t step = l->out_step * C * dtype_bytes(out->dtype);
    Place   a = place_of(l, m0);
    for (int64_t i = 0; i < m1 - m0; next_line(&a, l)) {
        int64_t line = (a.n * H + l->out_y + a.p * l->out_step) * W + l->out_x;
        int64_t end = size_min(i + l->Q - a.q, m1 - m0);
        char   *place = at(out, (line + a.q * l->out_step) * C + first);
        for (; i < end; i++, place += step)
            to[i] = place;
    }
}

/* ---- gathering ---- */

enum { SHORT = 64 }; // bytes

/* Short copies are the rule where there are few channels: they move a fixed number of bytes while that stays inside x;
 * what is too much is overwritten by the next copy, or lies in the slack behind `out`. left: bytes of x from `from`. */
static inline void copy(char *to, const char *from, int64_t bytes, int64_t left)
{
    if (bytes <= SHORT && left >= SHORT)
        memcpy(to, from, SHORT);
    else
        memcpy(to, from, (size_t)bytes);
}

void im2col(void *out, int64_t ld, DType type, const Lattice *l, const Tensor *x, int64_t m0,
            int64_t m1, int64_t c0, int64_t width)
{
    int64_t H = x->dim[1], W = x->dim[2], C = x->dim[3];
    int64_t bytes = dtype_bytes(type), in_bytes = dtype_bytes(x->dtype), all = tensor_bytes(x);
    bool    joins = width == C, widens = type != x->dtype;
    Place   a = place_of(l, m0);
    for (int64_t m = m0; m < m1; m++) {
        char *to = (char *)out + (m - m0) * ld * bytes;
        for (int64_t t = 0; t < l->n_taps;) {
            int64_t h = a.p * l->step + l->dy[t], w = a.q * l->step + l->dx[t];
            int64_t run = joins && w >= 0 && w + l->run[t] <= W ? l->run[t] : 1;
            int64_t first = (((a.n * H + h) * W + w) * C + c0) * in_bytes;
            if (h < 0 || h >= H || w < 0 || w >= W)
                memset(to, 0, (size_t)(run * width * bytes));
            else if (widens)
                cpu_loops()->widen((float *)(void *)to,
                                   (const uint16_t *)(const void *)((const char *)x->data + first),
                                   run * width);
            else
                copy(to, (const char *)x->data + first, run * width * bytes, all - first);
            to += run * width * bytes;
            t += run;
        }
        memset(to, 0, (size_t)((ld - l->n_taps * width) * bytes));
        if (++a.q == l->Q)
            next_line(&a, l);
    }
}
