/* The gradient of a convolution's weights: dw (Co,K) = dy (M,Co)' . rows (M,K).
 *
 * Parts: a block of output channels x a group of columns x a share of the rows. Shares exist only where there are few
 * blocks and columns (early layers, whose dw is small); each sums into its own copy, and the copies are added in order.
 */
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/im2col.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref.h"

enum {
    OUT_BLOCK = 256, // output channels of a part
    NARROW =
        64, // of one product: oneDNN 2.6 packs a wide transposed operand slowly (256: half as fast)
    COLUMNS = 256,      // wanted columns of a part
    MOST_WIDE = 512,    // channels of a part when one tap has more
    PARTS = 16,         // wanted at least, for cores; fixed, so that sums do not depend on threads
    GATHERED = 1 << 17, // floats
};

typedef struct Work {
    ConvSizes     s;
    const Conv2d *op;
    const Tensor *x, *dy;
    float        *dw, *partial; // partial: n_shares copies of dw
    float         beta;
    int64_t       taps_each, n_tap_groups, n_wide, n_out;
    int64_t       n_shares, share;
    Outcome       outcome;
} Work;

static void lay_out(Work *k)
{
    const ConvSizes *s = &k->s;
    int64_t          n = size_max(1, size_min(s->taps, (s->K + COLUMNS - 1) / COLUMNS));
    k->taps_each = (s->taps + n - 1) / n;
    k->n_tap_groups = (s->taps + k->taps_each - 1) / k->taps_each;
    k->n_wide = k->taps_each == 1 ? (s->ci + MOST_WIDE - 1) / MOST_WIDE : 1;
    k->n_out = (s->co + OUT_BLOCK - 1) / OUT_BLOCK;
    int64_t tiles = s->groups * k->n_tap_groups * k->n_wide * k->n_out;
    int64_t shares = size_min((PARTS + tiles - 1) / tiles, size_max(1, s->M / 256));
    k->share = size_round_up((s->M + shares - 1) / shares, 8);
    k->n_shares = (s->M + k->share - 1) / k->share;
}

/* One part: output channels [o0, o0+height), taps [t0,t1), channels [c0, c0+width) of group g, rows [m0,m1). */
static Status part(Work *k, float *buffer, float *dw, float beta, int64_t g, int64_t o0,
                   int64_t height, int64_t t0, int64_t t1, int64_t c0, int64_t width, int64_t m0,
                   int64_t m1)
{
    const ConvSizes *s = &k->s;
    Gather  from = {k->x, s->P, s->Q, s->kw, k->op->stride, k->op->pad, k->op->dilation, false};
    Gather  from_dy = {k->dy, s->P, s->Q, 1, 1, 0, 1, false};
    bool    x_as_is = s->is_plain && k->x->dtype == F32 && width == s->Ci;
    bool    dy_as_is = k->dy->dtype == F32 && height == s->Co;
    int64_t columns = (t1 - t0) * width;
    int64_t floats = (x_as_is ? 0 : columns) + (dy_as_is ? 0 : height);
    int64_t step = floats ? size_max(64, GATHERED / floats / 8 * 8) : 2048;
    float  *to = dw + o0 * s->K + t0 * s->ci + c0;
    for (int64_t m = m0; m < m1; m += step) {
        int64_t      rows = size_min(step, m1 - m);
        const float *a = (const float *)k->dy->data + m * s->Co + o0,
                    *b = (const float *)k->x->data + m * s->Ci + c0;
        int64_t lda = s->Co, ldb = s->Ci;
        float  *free_space = buffer;
        if (!x_as_is) {
            im2col(free_space, &from, m, m + rows, t0, t1, g * s->ci + c0, width);
            b = free_space;
            ldb = columns;
            free_space += rows * columns;
        }
        if (!dy_as_is) {
            im2col(free_space, &from_dy, m, m + rows, 0, 1, o0, height);
            a = free_space;
            lda = height;
        }
        for (int64_t o = 0; o < height; o += NARROW)
            TRY(onednn_sgemm('T', 'N', size_min(NARROW, height - o), columns, rows, a + o, lda, b,
                             ldb, m == m0 ? beta : 1.0f, to + o * s->K, s->K));
    }
    return OK;
}

static void parts(void *ctx, int64_t begin, int64_t end)
{
    Work            *k = ctx;
    const ConvSizes *s = &k->s;
    int64_t          widest = size_min(s->ci, k->n_wide > 1 ? MOST_WIDE : s->ci) * k->taps_each +
                     size_min(s->co, OUT_BLOCK);
    float *buffer = scratch_take((size_max(GATHERED, 64 * widest)) * (int64_t)sizeof *buffer);
    Status st = buffer ? OK : ERR_MEMORY;
    for (int64_t i = begin; st == OK && i < end; i++) {
        int64_t wide = i % k->n_wide, rest = i / k->n_wide;
        int64_t taps = rest % k->n_tap_groups;
        rest /= k->n_tap_groups;
        int64_t out = rest % k->n_out;
        rest /= k->n_out;
        int64_t g = rest % s->groups, share = rest / s->groups;
        int64_t o0 = g * s->co + out * OUT_BLOCK, t0 = taps * k->taps_each, c0 = wide * MOST_WIDE;
        int64_t width = k->n_wide > 1 ? size_min(MOST_WIDE, s->ci - c0) : s->ci;
        float  *dw = k->partial ? k->partial + share * s->Co * s->K : k->dw;
        st = part(k, buffer, dw, k->partial ? 0.0f : k->beta, g, o0,
                  size_min(OUT_BLOCK, (g + 1) * s->co - o0), t0,
                  size_min(t0 + k->taps_each, s->taps), c0, width, share * k->share,
                  size_min((share + 1) * k->share, s->M));
    }
    scratch_give(buffer);
    outcome_note(&k->outcome, st);
}

static void add_shares(void *ctx, int64_t begin, int64_t end)
{
    const Work *k = ctx;
    int64_t     n = k->s.Co * k->s.K;
    for (int64_t share = 0; share < k->n_shares; share++)
        cpu_loops()->f32.accumulate(k->dw + begin, k->partial + share * n + begin,
                                    share == 0 ? k->beta : 1.0f, end - begin);
}

static Status weights(Tensor *dw, const Tensor *x, const Tensor *dy, const Conv2d *op)
{
    Work k = {.s = conv_sizes(dy, x, dw, op),
              .op = op,
              .x = x,
              .dy = dy,
              .dw = dw->data,
              .beta = tensor_beta(dw)};
    lay_out(&k);
    int64_t n = k.s.Co * k.s.K;
    if (k.n_shares > 1 && !(k.partial = scratch_take(k.n_shares * n * (int64_t)sizeof(float))))
        return ERR_MEMORY;
    threads_for(k.n_shares * k.s.groups * k.n_out * k.n_tap_groups * k.n_wide, 1, parts, &k);
    if (k.partial)
        threads_for(n, threads_grain(n, 4096), add_shares, &k);
    scratch_give(k.partial);
    return outcome_status(&k.outcome);
}

Status cpu_conv2d_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                   const Conv2d *op)
{
    if (tensor_count(x) == 0 || tensor_count(dy) == 0 || (dw && tensor_count(dw) == 0))
        return ref_conv2d_backward_weights(dw, dbias, x, dy, op);
    if (dbias)
        TRY(cpu_column_sums(dbias, dy));
    return dw ? weights(dw, x, dy, op) : OK;
}
