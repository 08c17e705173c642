/* conv2d as matrix products over chunks of rows (im2col.h, simd/gemm.h): forward and the gradient of the input.
 *
 * The weights are packed once a call and read by all parts. A part is a chunk of rows and a block of output channels;
 * parts are fixed by the sizes alone, so results do not depend on the number of threads.
 */
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/im2col.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref.h"

#include <string.h>

enum {
    ROWS = 192, // of a chunk: a multiple of every tile height
    BLOCK = 64, // channels come in blocks of this many: a multiple of every panel's width
    PARTS = 16, // wanted at least, for cores
    GATHERED =
        1 << 16,  // floats of a gathered chunk: a quarter megabyte stays in the second-level cache
    IMAGES = 256, // places of dy in a part of the scattering way
};

typedef struct Work {
    ConvSizes     s;
    const Conv2d *op;
    Tensor       *out; // y or dx
    const Tensor *in;  // x or dy
    const Tensor *bias;
    float         beta;
    const float  *w;      // (Co,taps,ci) f32
    float        *panels; // packed: (groups, panels, depth, nr)
    int64_t       depth;  // of a panel: taps ci (forward) or taps co (backward)
    int64_t       per_group;
    int64_t       rows, n_chunks, block, n_blocks; // the grid of parts
    int64_t       images;                          // scattering: images a part
    Outcome       outcome;
} Work;

/* ---- weights ---- */

/* One panel of one group of the forward product: columns are output channels. */
static void pack_forward(void *ctx, int64_t begin, int64_t end)
{
    const Work      *k = ctx;
    const ConvSizes *s = &k->s;
    int64_t          nr = cpu_loops()->nr, n = (s->co + nr - 1) / nr;
    for (int64_t i = begin; i < end; i++) {
        int64_t g = i / n, o = i % n * nr;
        cpu_loops()->pack_turned(k->panels + g * k->per_group + i % n * k->depth * nr,
                                 k->w + (g * s->co + o) * s->K, s->K, s->K, size_min(nr, s->co - o),
                                 0);
    }
}

/* One panel of one group of the way back: columns are input channels, rows (tap, output channel). */
static void pack_backward(void *ctx, int64_t begin, int64_t end)
{
    const Work      *k = ctx;
    const ConvSizes *s = &k->s;
    int64_t          nr = cpu_loops()->nr, n = (s->ci + nr - 1) / nr;
    for (int64_t i = begin; i < end; i++) {
        int64_t g = i / n, c = i % n * nr;
        for (int64_t t = 0; t < s->taps; t++)
            cpu_loops()->pack_panels(
                k->panels + g * k->per_group + (i % n * k->depth + t * s->co) * nr,
                k->w + g * s->co * s->K + t * s->ci + c, s->K, s->co, size_min(nr, s->ci - c), 0);
    }
}

/* Widens bf16 weights, then packs them into k->panels. */
static Status pack_weights(Work *k, const Tensor *w, bool is_forward)
{
    const ConvSizes *s = &k->s;
    int64_t nr = cpu_loops()->nr, columns = is_forward ? s->co : s->ci, n = (columns + nr - 1) / nr;
    float  *wide = NULL;
    k->depth = s->taps * (is_forward ? s->ci : s->co);
    k->per_group = n * k->depth * nr;
    k->w = w->data;
    if (w->dtype == BF16) {
        int64_t count = tensor_count(w);
        if (!(k->w = wide = scratch_take(count * (int64_t)sizeof *wide)))
            return ERR_MEMORY;
        cpu_loops()->widen(wide, w->data, count);
    }
    k->panels = scratch_take(s->groups * k->per_group * (int64_t)sizeof *k->panels);
    if (k->panels)
        threads_for(s->groups * n, threads_grain(s->groups * n, 1),
                    is_forward ? pack_forward : pack_backward, k);
    scratch_give(wide);
    return k->panels ? OK : ERR_MEMORY;
}

/* ---- the grid of parts ---- */

static void choose_blocks(Work *k, int64_t chunks, int64_t channels)
{
    int64_t wanted = size_max(1, PARTS / (chunks * k->s.groups));
    int64_t blocks = size_min(wanted, (channels + BLOCK - 1) / BLOCK);
    k->block = size_round_up((channels + blocks - 1) / blocks, BLOCK);
    k->n_blocks = (channels + k->block - 1) / k->block;
}

static void lay_out(Work *k, int64_t M, int64_t channels)
{
    int64_t chunks = (M + ROWS - 1) / ROWS;
    k->rows = size_round_up((M + chunks - 1) / chunks, 24);
    k->n_chunks = (M + k->rows - 1) / k->rows;
    choose_blocks(k, k->n_chunks, channels);
}

/* c (rows, width) into out's rows from m0, channels from o0: bf16 only. */
static void store_rows(const Work *k, const float *c, int64_t m0, int64_t rows, int64_t o0,
                       int64_t width)
{
    int64_t C = k->out->dim[3];
    for (int64_t r = 0; r < rows; r++)
        cpu_loops()->narrow_add((uint16_t *)k->out->data + (m0 + r) * C + o0, c + r * width,
                                k->beta, width);
}

/* ---- forward, and the gradient of the input at stride 1 (a convolution of dy with the mirrored kernel) ---- */

/* What both have in common: rows of `in` gathered tap by tap, times panels, into rows of `out`. */
typedef struct Way {
    Gather  from;
    int64_t M;           // rows
    int64_t in_channels; // of one group of `in`, and all of them
    int64_t in_all;
    int64_t out_channels; // of one group of `out`
} Way;

static Way way_of(const Work *k, bool is_forward)
{
    const ConvSizes *s = &k->s;
    const Conv2d    *o = k->op;
    return is_forward ? (Way){{k->in, s->P, s->Q, s->kw, o->stride, o->pad, o->dilation, false},
                              s->M,
                              s->ci,
                              s->Ci,
                              s->co}
                      : (Way){{k->in, s->H, s->W, s->kw, 1, o->pad, o->dilation, true},
                              s->N * s->H * s->W,
                              s->co,
                              s->Co,
                              s->ci};
}

static void add_bias(const Product *p, const float *bias)
{
    for (int64_t r = 0; r < p->rows; r++)
        cpu_loops()->f32.accumulate(p->c + r * p->ldc, bias, 1.0f, p->n);
}

/* Rows [m0,m1), channels [o, o+width) of group g. */
static void chunk(Work *k, const Way *way, float *buffer, int64_t m0, int64_t m1, int64_t g,
                  int64_t o, int64_t width)
{
    const ConvSizes *s = &k->s;
    bool             direct = k->out->dtype == F32;
    int64_t          C = k->out->dim[3], first = g * way->out_channels + o, nr = cpu_loops()->nr,
            rows = m1 - m0;
    Product      p = {.rows = rows,
                      .n = width,
                      .panel = k->depth * nr,
                      .c = direct ? (float *)k->out->data + m0 * C + first : buffer,
                      .ldc = direct ? C : width,
                      .adds = direct && k->beta != 0.0f};
    const float *b = k->panels + g * k->per_group + o / nr * p.panel;
    float       *a = direct ? buffer : buffer + rows * width;
    if (s->is_plain && k->in->dtype == F32) {
        p.K = way->in_channels;
        p.a = (const float *)k->in->data + m0 * way->in_all;
        p.lda = way->in_all;
        p.b = b;
        cpu_loops()->product(&p);
    } else {
        int64_t step = size_max(1, size_min(s->taps, GATHERED / (rows * way->in_channels)));
        for (int64_t t = 0; t < s->taps; t += step) {
            int64_t end = size_min(t + step, s->taps);
            im2col(a, &way->from, m0, m1, t, end, g * way->in_channels, way->in_channels);
            p.K = p.lda = (end - t) * way->in_channels;
            p.a = a;
            p.b = b + t * way->in_channels * nr;
            cpu_loops()->product(&p);
            p.adds = true;
        }
    }
    if (k->bias)
        add_bias(&p, (const float *)k->bias->data + first);
    if (!direct)
        store_rows(k, p.c, m0, rows, first, width);
}

static void chunks(Work *k, bool is_forward, int64_t begin, int64_t end)
{
    Way     way = way_of(k, is_forward);
    int64_t floats = size_max(GATHERED, k->rows * way.in_channels) + k->rows * k->block;
    float  *buffer = scratch_take(floats * (int64_t)sizeof *buffer);
    for (int64_t i = begin; buffer && i < end; i++) {
        int64_t block = i % k->n_blocks, g = i / k->n_blocks % k->s.groups,
                m0 = i / k->n_blocks / k->s.groups * k->rows;
        chunk(k, &way, buffer, m0, size_min(m0 + k->rows, way.M), g, block * k->block,
              size_min(k->block, way.out_channels - block * k->block));
    }
    outcome_note(&k->outcome, buffer ? OK : ERR_MEMORY);
    scratch_give(buffer);
}

static void forward_chunks(void *ctx, int64_t begin, int64_t end)
{
    chunks(ctx, true, begin, end);
}

static void backward_chunks(void *ctx, int64_t begin, int64_t end)
{
    chunks(ctx, false, begin, end);
}

Status cpu_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                          const Conv2d *op)
{
    if (tensor_count(y) == 0 || tensor_count(w) == 0 || tensor_count(x) == 0)
        return ref_conv2d_forward(y, x, w, bias, op);
    Work k = {.s = conv_sizes(y, x, w, op), .op = op, .out = y, .in = x, .bias = bias};
    TRY(pack_weights(&k, w, true));
    lay_out(&k, k.s.M, k.s.co);
    threads_for(k.n_chunks * k.s.groups * k.n_blocks, 1, forward_chunks, &k);
    scratch_give(k.panels);
    return outcome_status(&k.outcome);
}

/* ---- gradient of the input at any stride: each tap's product is added where it came from ---- */

/* sums (images, H, W, ld) += cols (rows of dy from m0, width) at one tap; first: the part's first row. */
static void scatter(float *sums, int64_t ld, const Work *k, const float *cols, int64_t first,
                    int64_t m0, int64_t m1, int64_t tap, int64_t width)
{
    const ConvSizes *s = &k->s;
    int64_t          i = tap / s->kw, j = tap % s->kw;
    for (int64_t m = m0; m < m1; m++, cols += width) {
        int64_t q = m % s->Q, p = m / s->Q % s->P, n = (m - first) / (s->P * s->Q);
        int64_t h = p * k->op->stride - k->op->pad + i * k->op->dilation;
        int64_t v = q * k->op->stride - k->op->pad + j * k->op->dilation;
        if (h >= 0 && h < s->H && v >= 0 && v < s->W)
            cpu_loops()->f32.accumulate(sums + ((n * s->H + h) * s->W + v) * ld, cols, 1.0f, width);
    }
}

/* Images [n0,n1), input channels [c, c+width) of group g. */
static void scattered(Work *k, float *buffer, int64_t n0, int64_t n1, int64_t g, int64_t c,
                      int64_t width)
{
    const ConvSizes *s = &k->s;
    bool             direct = k->out->dtype == F32;
    int64_t          nr = cpu_loops()->nr, first = n0 * s->P * s->Q, last = n1 * s->P * s->Q;
    int64_t place = n0 * s->H * s->W, places = (n1 - n0) * s->H * s->W, channel = g * s->ci + c;
    float  *cols = buffer, *a = cols + ROWS * width;
    float  *sums = direct ? (float *)k->out->data + place * s->Ci + channel : a + ROWS * s->co;
    int64_t ld = direct ? s->Ci : width;
    Gather  from = {k->in, s->P, s->Q, 1, 1, 0, 1, false};
    for (int64_t i = 0; (!direct || k->beta == 0.0f) && i < places; i++)
        memset(sums + i * ld, 0, (size_t)width * sizeof *sums);
    for (int64_t m = first; m < last; m += ROWS) {
        int64_t end = size_min(m + ROWS, last);
        Product p = {.rows = end - m,
                     .n = width,
                     .K = s->co,
                     .a = (const float *)k->in->data + m * s->Co + g * s->co,
                     .lda = s->Co,
                     .panel = k->depth * nr,
                     .c = cols,
                     .ldc = width};
        if (k->in->dtype == BF16) {
            im2col(a, &from, m, end, 0, 1, g * s->co, s->co);
            p.a = a;
            p.lda = s->co;
        }
        for (int64_t t = 0; t < s->taps; t++) {
            p.b = k->panels + g * k->per_group + (c / nr * k->depth + t * s->co) * nr;
            cpu_loops()->product(&p);
            scatter(sums, ld, k, cols, first, m, end, t, width);
        }
    }
    if (!direct)
        store_rows(k, sums, place, places, channel, width);
}

static void scattered_parts(void *ctx, int64_t begin, int64_t end)
{
    Work            *k = ctx;
    const ConvSizes *s = &k->s;
    int64_t          sums = k->out->dtype == F32 ? 0 : k->images * s->H * s->W * k->block;
    float *buffer = scratch_take((ROWS * (k->block + s->co) + sums) * (int64_t)sizeof *buffer);
    for (int64_t i = begin; buffer && i < end; i++) {
        int64_t block = i % k->n_blocks, g = i / k->n_blocks % s->groups,
                n0 = i / k->n_blocks / s->groups * k->images;
        scattered(k, buffer, n0, size_min(n0 + k->images, s->N), g, block * k->block,
                  size_min(k->block, s->ci - block * k->block));
    }
    outcome_note(&k->outcome, buffer ? OK : ERR_MEMORY);
    scratch_give(buffer);
}

Status cpu_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op)
{
    if (tensor_count(dx) == 0 || tensor_count(w) == 0 || tensor_count(dy) == 0)
        return ref_conv2d_backward_data(dx, dy, w, op);
    Work             k = {.s = conv_sizes(dy, dx, w, op), .op = op, .out = dx, .in = dy};
    const ConvSizes *s = &k.s;
    TRY(pack_weights(&k, w, false));
    k.beta = tensor_beta(dx);
    if (op->stride == 1) {
        lay_out(&k, s->N * s->H * s->W, s->ci);
        threads_for(k.n_chunks * s->groups * k.n_blocks, 1, backward_chunks, &k);
    } else {
        k.images = size_max(1, size_min(s->N, IMAGES / (s->P * s->Q)));
        k.n_chunks = (s->N + k.images - 1) / k.images;
        choose_blocks(&k, k.n_chunks, s->ci);
        threads_for(k.n_chunks * s->groups * k.n_blocks, 1, scattered_parts, &k);
    }
    scratch_give(k.panels);
    return outcome_status(&k.outcome);
}
