/* The gradient of a convolution's weights: dw (Co,K) = dy (M,Co)' . rows (M,K).
 *
 * Parts: a block of output channels x a group of columns x a share of the rows. Shares exist only where there are few
 * blocks and columns (early layers, whose dw is small); each sums into its own copy, and the copies are added in order.
 * Both operands are packed chunk by chunk of rows, which are the depth of this product (simd/gemm.h).
 */
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/im2col.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref.h"

enum {
    OUT_BLOCK = 512, // output channels of a part, NARROW at a time
    NARROW =
        240, // packed they fill half of the second-level cache; a multiple of every tile height
    COLUMNS = 512, // wanted columns of a part; channels of a part when one tap has more
    PARTS = 16,    // wanted at least, for cores; fixed, so that sums do not depend on threads
    DEPTH = 256,   // rows of a chunk
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
    k->n_wide = k->taps_each == 1 ? (s->ci + COLUMNS - 1) / COLUMNS : 1;
    k->n_out = (s->co + OUT_BLOCK - 1) / OUT_BLOCK;
    int64_t tiles = s->groups * k->n_tap_groups * k->n_wide * k->n_out;
    int64_t shares = size_min((PARTS + tiles - 1) / tiles, size_max(1, s->M / DEPTH));
    k->share = size_round_up((s->M + shares - 1) / shares, 8);
    k->n_shares = (s->M + k->share - 1) / k->share;
}

/* One part: channels [o0, o0+height) of dy, taps [t0,t1) and channels [c0, c0+width) of x, rows [m0,m1). */
typedef struct Part {
    int64_t o0, height, t0, t1, c0, width, m0, m1;
    float  *dw; // of the part's first element
    bool    adds;
} Part;

static void sum_part(const Work *k, const Part *p, float *buffer)
{
    const ConvSizes *s = &k->s;
    const CpuLoops  *loops = cpu_loops();
    Gather  from = {k->x, s->P, s->Q, s->kw, k->op->stride, k->op->pad, k->op->dilation, false};
    Gather  from_dy = {k->dy, s->P, s->Q, 1, 1, 0, 1, false};
    int64_t columns = (p->t1 - p->t0) * p->width;
    float  *panels = buffer;
    float  *groups = panels + size_round_up(columns, loops->nr) * DEPTH;
    float  *rows_at = groups + size_round_up(NARROW, loops->mr) * DEPTH; // gathered or widened rows
    for (int64_t m = p->m0; m < p->m1; m += DEPTH) {
        int64_t      rows = size_min(DEPTH, p->m1 - m), ld = s->Ci;
        const float *x = (const float *)k->x->data + m * s->Ci + p->c0;
        if (!s->is_plain || k->x->dtype == BF16) {
            im2col(rows_at, &from, m, m + rows, p->t0, p->t1, p->c0, p->width);
            x = rows_at;
            ld = columns;
        }
        loops->pack_panels(panels, x, ld, rows, columns, rows * loops->nr);
        for (int64_t o = 0; o < p->height; o += NARROW) {
            int64_t      height = size_min(NARROW, p->height - o), ld_dy = s->Co;
            const float *dy = (const float *)k->dy->data + m * s->Co + p->o0 + o;
            if (k->dy->dtype == BF16) {
                im2col(rows_at, &from_dy, m, m + rows, 0, 1, p->o0 + o, height);
                dy = rows_at;
                ld_dy = height;
            }
            loops->pack_groups(groups, dy, ld_dy, rows, height);
            Product q = {.rows = height,
                         .n = columns,
                         .K = rows,
                         .a = groups,
                         .is_packed = true,
                         .b = panels,
                         .panel = rows * loops->nr,
                         .c = p->dw + o * s->K,
                         .ldc = s->K,
                         .adds = p->adds || m > p->m0};
            loops->product(&q);
        }
    }
}

static int64_t buffer_floats(const Work *k)
{
    const ConvSizes *s = &k->s;
    int64_t          columns = k->taps_each * (k->n_wide > 1 ? COLUMNS : s->ci);
    return DEPTH * (size_round_up(columns, cpu_loops()->nr) +
                    size_round_up(NARROW, cpu_loops()->mr) + size_max(columns, NARROW));
}

static void parts(void *ctx, int64_t begin, int64_t end)
{
    Work            *k = ctx;
    const ConvSizes *s = &k->s;
    float           *buffer = scratch_take(buffer_floats(k) * (int64_t)sizeof *buffer);
    for (int64_t i = begin; buffer && i < end; i++) {
        int64_t wide = i % k->n_wide, rest = i / k->n_wide;
        int64_t taps = rest % k->n_tap_groups;
        rest /= k->n_tap_groups;
        int64_t out = rest % k->n_out, g = rest / k->n_out % s->groups,
                share = rest / k->n_out / s->groups;
        int64_t c = wide * COLUMNS;
        Part    p = {.o0 = g * s->co + out * OUT_BLOCK,
                     .height = size_min(OUT_BLOCK, s->co - out * OUT_BLOCK),
                     .t0 = taps * k->taps_each,
                     .t1 = size_min((taps + 1) * k->taps_each, s->taps),
                     .c0 = g * s->ci + c,
                     .width = k->n_wide > 1 ? size_min(COLUMNS, s->ci - c) : s->ci,
                     .m0 = share * k->share,
                     .m1 = size_min((share + 1) * k->share, s->M),
                     .adds = !k->partial && k->beta != 0.0f};
        p.dw = (k->partial ? k->partial + share * s->Co * s->K : k->dw) + p.o0 * s->K +
               p.t0 * s->ci + c;
        sum_part(k, &p, buffer);
    }
    outcome_note(&k->outcome, buffer ? OK : ERR_MEMORY);
    scratch_give(buffer);
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
