/* conv2d as matrix products over chunks of rows (im2col.h): forward and the gradient of the input. The parts of the work
 * are fixed by the sizes alone, so results do not depend on the number of threads. */
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/im2col.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref.h"

enum {
    ROWS = 512,         // of a chunk: long enough to pay for packing the weights
    CHANNELS = 256,     // of an output block
    GATHERED = 1 << 17, // floats of a gathered chunk: half a megabyte
};

typedef struct Work {
    ConvSizes     s;
    const Conv2d *op;
    Tensor       *out; // y or dx
    const Tensor *in;  // x or dy
    const float  *w;   // (Co,taps,ci) f32; backward_data with gathering: (taps,co,ci) per group
    const Tensor *bias;
    float         beta;
    int64_t       rows, n_chunks, n_blocks; // the grid of parts
    int64_t       images;                   // scatter: images a part
    Outcome       outcome;
} Work;

/* The weights as f32: themselves, or a widened copy that scratch_give takes back through *owned. */
static const float *weights_f32(const Tensor *w, void **owned)
{
    *owned = NULL;
    if (w->dtype == F32)
        return w->data;
    int64_t n = tensor_count(w);
    float  *low = scratch_take(n * (int64_t)sizeof *low);
    if (low)
        cpu_loops()->widen(low, w->data, n);
    return *owned = low;
}

static void lay_out(Work *k, int64_t M, int64_t channels)
{
    int64_t parts = size_max(1, (M + ROWS - 1) / ROWS);
    if (M > 64 && parts < 8)
        parts = size_min(8, M / 64); // keep a few cores busy on small maps
    k->rows = size_round_up((M + parts - 1) / parts, 8);
    k->n_chunks = (M + k->rows - 1) / k->rows;
    k->n_blocks = (channels + CHANNELS - 1) / CHANNELS;
}

/* c (rows, width) back into out's rows [m0,m1), channels [o0, o0+width): bf16 only. */
static void store_rows(Work *k, const float *c, int64_t m0, int64_t m1, int64_t o0, int64_t width)
{
    int64_t C = k->out->dim[3];
    for (int64_t m = m0; m < m1; m++)
        cpu_loops()->narrow_add((uint16_t *)k->out->data + m * C + o0, c + (m - m0) * width,
                                k->beta, width);
}

static void add_bias(float *c, int64_t ldc, const float *bias, int64_t rows, int64_t width)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < width; i++)
            c[r * ldc + i] += bias[i];
}

/* ---- forward: one chunk of rows, one block of output channels of one group ---- */

static Status forward_part(Work *k, float *buffer, int64_t m0, int64_t m1, int64_t g, int64_t o0,
                           int64_t width)
{
    const ConvSizes *s = &k->s;
    bool             direct = k->out->dtype == F32;
    int64_t          rows = m1 - m0;
    float           *c = direct ? (float *)k->out->data + m0 * s->Co + o0 : buffer;
    int64_t          ldc = direct ? s->Co : width;
    float           *a = direct ? buffer : buffer + rows * width;
    Gather  from = {k->in, s->P, s->Q, s->kw, k->op->stride, k->op->pad, k->op->dilation, false};
    int64_t step = size_max(1, size_min(s->taps, GATHERED / size_max(1, rows * s->ci)));
    if (s->is_plain && k->in->dtype == F32) {
        TRY(onednn_sgemm('N', 'T', rows, width, s->ci, (const float *)k->in->data + m0 * s->Ci,
                         s->Ci, k->w + o0 * s->K, s->K, 0.0f, c, ldc));
    } else {
        for (int64_t t = 0; t < s->taps; t += step) {
            int64_t end = size_min(t + step, s->taps), depth = (end - t) * s->ci;
            im2col(a, &from, m0, m1, t, end, g * s->ci, s->ci);
            TRY(onednn_sgemm('N', 'T', rows, width, depth, a, depth, k->w + o0 * s->K + t * s->ci,
                             s->K, t == 0 ? 0.0f : 1.0f, c, ldc));
        }
    }
    if (k->bias)
        add_bias(c, ldc, (const float *)k->bias->data + o0, rows, width);
    if (!direct)
        store_rows(k, c, m0, m1, o0, width);
    return OK;
}

static void forward_parts(void *ctx, int64_t begin, int64_t end)
{
    Work            *k = ctx;
    const ConvSizes *s = &k->s;
    int64_t wide = size_max(GATHERED, k->rows * s->ci) + k->rows * size_min(CHANNELS, s->co);
    float  *buffer = scratch_take(wide * (int64_t)sizeof *buffer);
    Status  st = buffer ? OK : ERR_MEMORY;
    for (int64_t i = begin; st == OK && i < end; i++) {
        int64_t block = i % k->n_blocks, g = i / k->n_blocks % s->groups,
                chunk = i / k->n_blocks / s->groups;
        int64_t o0 = g * s->co + block * CHANNELS;
        st = forward_part(k, buffer, chunk * k->rows, size_min((chunk + 1) * k->rows, s->M), g, o0,
                          size_min(CHANNELS, (g + 1) * s->co - o0));
    }
    scratch_give(buffer);
    outcome_note(&k->outcome, st);
}

Status cpu_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                          const Conv2d *op)
{
    if (tensor_count(y) == 0 || tensor_count(w) == 0 || tensor_count(x) == 0)
        return ref_conv2d_forward(y, x, w, bias, op);
    Work  k = {.s = conv_sizes(y, x, w, op), .op = op, .out = y, .in = x, .bias = bias};
    void *owned = NULL;
    if (!(k.w = weights_f32(w, &owned)))
        return ERR_MEMORY;
    lay_out(&k, k.s.M, k.s.co);
    threads_for(k.n_chunks * k.s.groups * k.n_blocks, 1, forward_parts, &k);
    scratch_give(owned);
    return outcome_status(&k.outcome);
}

/* ---- gradient of the input, stride 1: a convolution of dy with the mirrored kernel ---- */

static Status gathered_part(Work *k, float *buffer, int64_t m0, int64_t m1, int64_t g, int64_t c0,
                            int64_t width)
{
    const ConvSizes *s = &k->s;
    bool             direct = k->out->dtype == F32;
    int64_t          rows = m1 - m0, first = g * s->ci + c0;
    float           *c = direct ? (float *)k->out->data + m0 * s->Ci + first : buffer;
    int64_t          ldc = direct ? s->Ci : width;
    float           *a = direct ? buffer : buffer + rows * width;
    Gather           from = {k->in, s->H, s->W, s->kw, 1, k->op->pad, k->op->dilation, true};
    const float     *w = k->w + g * s->taps * s->co * s->ci + c0 * s->taps * s->co;
    int64_t          step = size_max(1, size_min(s->taps, GATHERED / size_max(1, rows * s->co)));
    float            beta = direct ? k->beta : 0.0f;
    if (s->is_plain && k->in->dtype == F32) {
        TRY(onednn_sgemm('N', 'N', rows, width, s->co, (const float *)k->in->data + m0 * s->Co,
                         s->Co, w, width, beta, c, ldc));
    } else {
        for (int64_t t = 0; t < s->taps; t += step) {
            int64_t end = size_min(t + step, s->taps), depth = (end - t) * s->co;
            im2col(a, &from, m0, m1, t, end, g * s->co, s->co);
            TRY(onednn_sgemm('N', 'N', rows, width, depth, a, depth, w + t * s->co * width, width,
                             t == 0 ? beta : 1.0f, c, ldc));
        }
    }
    if (!direct)
        store_rows(k, c, m0, m1, first, width);
    return OK;
}

static void gathered_parts(void *ctx, int64_t begin, int64_t end)
{
    Work            *k = ctx;
    const ConvSizes *s = &k->s;
    int64_t wide = size_max(GATHERED, k->rows * s->co) + k->rows * size_min(CHANNELS, s->ci),
            M = s->N * s->H * s->W;
    float *buffer = scratch_take(wide * (int64_t)sizeof *buffer);
    Status st = buffer ? OK : ERR_MEMORY;
    for (int64_t i = begin; st == OK && i < end; i++) {
        int64_t block = i % k->n_blocks, g = i / k->n_blocks % s->groups,
                chunk = i / k->n_blocks / s->groups;
        int64_t c0 = block * CHANNELS;
        st = gathered_part(k, buffer, chunk * k->rows, size_min((chunk + 1) * k->rows, M), g, c0,
                           size_min(CHANNELS, s->ci - c0));
    }
    scratch_give(buffer);
    outcome_note(&k->outcome, st);
}

/* (groups co, taps, ci) -> (groups, blocks of ci, taps, co, width): each part's weights in one piece. */
typedef struct Turn {
    float       *to;
    const float *from;
    int64_t      co, taps, ci;
} Turn;

static void turn_rows(void *ctx, int64_t begin, int64_t end)
{
    const Turn *k = ctx;
    for (int64_t o = begin; o < end; o++)
        for (int64_t c0 = 0; c0 < k->ci; c0 += CHANNELS) {
            int64_t width = size_min(CHANNELS, k->ci - c0);
            float  *to = k->to + o / k->co * k->taps * k->co * k->ci + c0 * k->taps * k->co;
            for (int64_t t = 0; t < k->taps; t++)
                memcpy(to + (t * k->co + o % k->co) * width,
                       k->from + (o * k->taps + t) * k->ci + c0, (size_t)width * sizeof(float));
        }
}

static Status backward_gathered(Work *k)
{
    const ConvSizes *s = &k->s;
    float           *turned = NULL;
    lay_out(k, s->N * s->H * s->W, s->ci);
    if (s->taps > 1 || k->n_blocks > 1) {
        turned = scratch_take(s->Co * s->K * (int64_t)sizeof *turned);
        if (!turned)
            return ERR_MEMORY;
        Turn turn = {turned, k->w, s->co, s->taps, s->ci};
        threads_for(s->Co, threads_grain(s->Co, 16), turn_rows, &turn);
        k->w = turned;
    }
    threads_for(k->n_chunks * s->groups * k->n_blocks, 1, gathered_parts, k);
    scratch_give(turned);
    return outcome_status(&k->outcome);
}

/* ---- gradient of the input, any stride: each tap's product is added where it came from ---- */

/* sums (images, H, W, width) += cols (rows m0.. of dy, width) at one tap. */
static void scatter(float *sums, int64_t ld, const Work *k, const float *cols, int64_t m0,
                    int64_t m1, int64_t tap, int64_t width)
{
    const ConvSizes *s = &k->s;
    int64_t          i = tap / s->kw, j = tap % s->kw;
    for (int64_t m = m0; m < m1; m++, cols += width) {
        int64_t q = m % s->Q, p = m / s->Q % s->P, n = (m - m0) / (s->P * s->Q);
        int64_t h = p * k->op->stride - k->op->pad + i * k->op->dilation;
        int64_t v = q * k->op->stride - k->op->pad + j * k->op->dilation;
        if (h < 0 || h >= s->H || v < 0 || v >= s->W)
            continue;
        cpu_loops()->f32.accumulate(sums + ((n * s->H + h) * s->W + v) * ld, cols, 1.0f, width);
    }
}

static Status scattered_part(Work *k, float *buffer, int64_t n0, int64_t n1, int64_t g, int64_t c0,
                             int64_t width)
{
    const ConvSizes *s = &k->s;
    int64_t m0 = n0 * s->P * s->Q, m1 = n1 * s->P * s->Q, rows = m1 - m0, first = g * s->ci + c0;
    int64_t places = (n1 - n0) * s->H * s->W;
    bool    direct = k->out->dtype == F32;
    float  *sums = direct ? (float *)k->out->data + n0 * s->H * s->W * s->Ci + first : buffer;
    int64_t ld = direct ? s->Ci : width;
    float  *cols = direct ? buffer : buffer + places * width;
    float  *a = cols + rows * width;
    const float *dy = (const float *)k->in->data + m0 * s->Co + g * s->co;
    int64_t      lda = s->Co;
    Gather       from = {k->in, s->P, s->Q, 1, 1, 0, 1, false};
    if (k->in->dtype == BF16) {
        im2col(a, &from, m0, m1, 0, 1, g * s->co, s->co);
        dy = a;
        lda = s->co;
    }
    if (!direct || k->beta == 0.0f)
        for (int64_t i = 0; i < places; i++)
            memset(sums + i * ld, 0, (size_t)width * sizeof *sums);
    for (int64_t t = 0; t < s->taps; t++) {
        TRY(onednn_sgemm('N', 'N', rows, width, s->co, dy, lda,
                         k->w + g * s->co * s->K + t * s->ci + c0, s->K, 0.0f, cols, width));
        scatter(sums, ld, k, cols, m0, m1, t, width);
    }
    if (!direct)
        store_rows(k, sums, n0 * s->H * s->W, n1 * s->H * s->W, first, width);
    return OK;
}

static void scattered_parts(void *ctx, int64_t begin, int64_t end)
{
    Work            *k = ctx;
    const ConvSizes *s = &k->s;
    int64_t          block_max = size_min(CHANNELS, s->ci), places = k->images * s->H * s->W,
            rows = k->images * s->P * s->Q;
    int64_t wide = places * block_max + rows * (block_max + s->co);
    float  *buffer = scratch_take(wide * (int64_t)sizeof *buffer);
    Status  st = buffer ? OK : ERR_MEMORY;
    for (int64_t i = begin; st == OK && i < end; i++) {
        int64_t block = i % k->n_blocks, g = i / k->n_blocks % s->groups,
                chunk = i / k->n_blocks / s->groups;
        int64_t c0 = block * CHANNELS;
        st = scattered_part(k, buffer, chunk * k->images, size_min((chunk + 1) * k->images, s->N),
                            g, c0, size_min(CHANNELS, s->ci - c0));
    }
    scratch_give(buffer);
    outcome_note(&k->outcome, st);
}

static Status backward_scattered(Work *k)
{
    const ConvSizes *s = &k->s;
    k->images = size_max(1, size_min(s->N, 256 / (s->P * s->Q)));
    k->n_chunks = (s->N + k->images - 1) / k->images;
    k->n_blocks = (s->ci + CHANNELS - 1) / CHANNELS;
    threads_for(k->n_chunks * s->groups * k->n_blocks, 1, scattered_parts, k);
    return outcome_status(&k->outcome);
}

Status cpu_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op)
{
    if (tensor_count(dx) == 0 || tensor_count(w) == 0 || tensor_count(dy) == 0)
        return ref_conv2d_backward_data(dx, dy, w, op);
    Work  k = {.s = conv_sizes(dy, dx, w, op), .op = op, .out = dx, .in = dy};
    void *owned = NULL;
    if (!(k.w = weights_f32(w, &owned)))
        return ERR_MEMORY;
    k.beta = tensor_beta(dx);
    Status st = op->stride == 1 ? backward_gathered(&k) : backward_scattered(&k);
    scratch_give(owned);
    return st;
}
