/* The gradient of a convolution's weights: dw (Co, taps, ci) = sum over places of dy (place, Co)' x (place + tap, ci).
 *
 * Parts: a block of output channels x a block of input channels x a share of the places. Shares exist only where there
 * are few blocks (early layers, whose dw is small); each sums into its own copy, and the copies are added in order.
 *
 * A part walks its places chunk by chunk, a chunk being some lines of y. dy and x are packed once a chunk (simd/gemm.h),
 * x with the zeros around it, so that every tap is the same panel read from another place. Inputs of few channels are
 * gathered first, all taps beside each other, and are then one tap of many channels.
 *
 * bf16 is multiplied in pairs of places: the same place of two images, or, when their number is odd, of an image's upper
 * and lower half.
 */
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/im2col.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref.h"

#include <string.h>

enum {
    MOST_BLOCK = 256, // channels of a block, on both sides
    LEAST_BLOCK = 64, //
    NARROW = 16,      // inputs of fewer channels are gathered
    PARTS = 16,       // wanted at least, for cores; fixed, so that sums do not depend on threads
    DEPTH = 256,      // wanted places of a chunk
    PANELS = 1 << 19, // wanted bytes of a chunk's x: half of the second-level cache
    UNIT = 4,         // bytes
};

typedef struct Work {
    ConvSizes           s;
    const Conv2d       *op;
    const Tensor       *x, *dy;
    float              *dw, *partial; // partial: n_shares copies of dw
    float               beta;
    const ProductLoops *loops, *pack_x, *pack_dy;
    bool                is_gathered;
    bool                is_dense;  // one tap: x is packed without what lies between
    bool                is_plain;  // dense, and nothing lies between: lines follow each other
    bool                by_halves; // pairs are halves of one image
    int64_t             taps, ci;  // as the product sees them
    int64_t             n_items, n_lines; // images, or pairs; lines of y of each
    int64_t             items, lines;     // of a chunk
    int64_t             n_chunks, share, n_shares;
    int64_t in_lines, in_places; // x of an item's part of a chunk: lines, places of a line
    int64_t co_block, ci_block, n_co, n_ci;
    void   *outside; // zeros, a place
    Lattice l;       // gathering
    Outcome outcome;
} Work;

static void choose_loops(Work *k)
{
    const CpuLoops *loops = cpu_loops();
    bool            in_pairs =
        k->x->dtype == BF16 && k->dy->dtype == BF16 && loops->of_pairs.pair && k->s.N * k->s.P > 1;
    k->loops = in_pairs ? &loops->of_pairs : &loops->of_f32;
    k->pack_x = in_pairs ? k->loops : k->x->dtype == BF16 ? &loops->of_widened : &loops->of_f32;
    k->pack_dy = in_pairs ? k->loops : k->dy->dtype == BF16 ? &loops->of_widened : &loops->of_f32;
}

static void lay_out_chunks(Work *k)
{
    const ConvSizes *s = &k->s;
    bool             in_pairs = k->loops->pair == 2;
    k->by_halves = in_pairs && s->N % 2 == 1;
    k->n_items = in_pairs && !k->by_halves ? s->N / 2 : s->N;
    k->n_lines = k->by_halves ? (s->P + 1) / 2 : s->P;
    k->lines = size_min(k->n_lines, size_max(1, DEPTH / s->Q));
    k->items =
        k->lines < k->n_lines ? 1 : size_min(k->n_items, size_max(1, DEPTH / (k->n_lines * s->Q)));
    int64_t pieces = (k->n_lines + k->lines - 1) / k->lines; // of an item, when a chunk is less
    k->n_chunks = (k->n_items + k->items - 1) / k->items * pieces;
    k->in_lines =
        k->is_dense ? k->lines : (k->lines - 1) * k->op->stride + (s->kh - 1) * k->op->dilation + 1;
    k->in_places =
        k->is_dense ? s->Q : (s->Q - 1) * k->op->stride + (s->kw - 1) * k->op->dilation + 1;
}

/* Enough parts for the cores, by whichever costs less: a smaller block on one side packs the other side once more, a
 * share writes and reads another copy of dw. Counted in numbers moved. */
static void lay_out_blocks(Work *k)
{
    const ConvSizes *s = &k->s;
    int64_t          fits =
        PANELS / UNIT / (k->items * k->in_lines * k->in_places) / LEAST_BLOCK * LEAST_BLOCK;
    int64_t shares = 1, most_shares = k->n_chunks;
    k->co_block = size_min(MOST_BLOCK, s->co);
    k->ci_block = size_min(size_max(LEAST_BLOCK, size_min(fits, MOST_BLOCK)), k->ci);
    for (;;) {
        k->n_co = (s->co + k->co_block - 1) / k->co_block;
        k->n_ci = (k->ci + k->ci_block - 1) / k->ci_block;
        if (s->groups * k->n_co * k->n_ci * shares >= PARTS)
            break;
        int64_t by_co = k->co_block > LEAST_BLOCK ? s->M * k->n_co * k->ci : INT64_MAX;
        int64_t by_ci = k->ci_block > LEAST_BLOCK ? s->M * k->n_ci * s->co : INT64_MAX;
        int64_t by_share = shares < most_shares ? 2 * shares * s->co * s->K : INT64_MAX;
        int64_t least = size_min(by_share, size_min(by_co, by_ci));
        if (least == INT64_MAX)
            break;
        if (least == by_share)
            shares = size_min(2 * shares, most_shares);
        else if (least == by_ci)
            k->ci_block = size_round_up((k->ci_block + 1) / 2, LEAST_BLOCK);
        else
            k->co_block = size_round_up((k->co_block + 1) / 2, LEAST_BLOCK);
    }
    k->share = (k->n_chunks + shares - 1) / shares;
    k->n_shares = (k->n_chunks + k->share - 1) / k->share;
}

/* ---- where lines lie ---- */

/* Line `line` of strand 0 or 1 of an item: the image, and the line of y; false where there is none. */
static bool find_line(int64_t *n, int64_t *p, const Work *k, int64_t item, int64_t line, int strand)
{
    *n = k->loops->pair == 2 && !k->by_halves ? 2 * item + strand : item;
    *p = k->by_halves ? strand * k->n_lines + line : line;
    return *p < k->s.P;
}

/* The line of y `line` of an item, channels from o. */
static Strands dy_line(const Work *k, int64_t item, int64_t line, int64_t o)
{
    Strands from;
    for (int i = 0; i < 2; i++) {
        int64_t n, p;
        bool    is_there = find_line(&n, &p, k, item, line, i % k->loops->pair);
        from.at[i] = is_there ? at(k->dy, ((n * k->s.P + p) * k->s.Q) * k->s.Co + o) : k->outside;
        from.ld[i] = is_there ? k->s.Co : 0;
    }
    return from;
}

/* The line of x that lies `down` below the first that y's line needs, from column w. Lines that no place of y meets
 * count as outside: what lies there must not reach the sums, not even times zero. */
static Strands x_line(const Work *k, int64_t item, int64_t line, int64_t down, int64_t w,
                      int64_t step, int64_t c)
{
    const ConvSizes *s = &k->s;
    Strands          from;
    int64_t          last = (s->P - 1) * k->op->stride - k->op->pad + (s->kh - 1) * k->op->dilation;
    for (int i = 0; i < 2; i++) {
        int64_t n, p;
        (void)find_line(&n, &p, k, item, line, i % k->loops->pair);
        int64_t h = p * k->op->stride - k->op->pad + down;
        bool    is_there = h >= 0 && h < s->H && h <= last;
        from.at[i] = is_there ? at(k->x, ((n * s->H + h) * s->W + w) * s->Ci + c) : k->outside;
        from.ld[i] = is_there ? step * s->Ci : 0;
    }
    return from;
}

/* ---- a part ---- */

/* Channels [o, o+height) of dy, [c, c+width) of x (both counted within group g), chunks [begin, end). */
typedef struct Part {
    int64_t g, o, height, c, width, begin, end;
    float  *dw; // of the part's first element
    bool    adds;
} Part;

/* Scratch memory of a part. */
typedef struct Buffers {
    char    *panels, *groups, *gathered;
    int64_t *line;
} Buffers;

static int64_t cut(Buffers *b, const Work *k, char *memory)
{
    const CpuLoops *loops = cpu_loops();
    int64_t         places = k->items * k->lines * k->s.Q;
    int64_t         panels = size_round_up(size_min(k->ci_block, k->ci), loops->nr) * k->items *
                     k->in_lines * k->in_places * UNIT;
    int64_t groups = size_round_up(size_min(k->co_block, k->s.co), loops->mr) * places * UNIT;
    int64_t lines = size_max(1, k->items * k->lines) * (int64_t)sizeof *b->line;
    if (memory) {
        b->panels = memory;
        b->groups = memory + panels;
        b->line = (int64_t *)(void *)(memory + panels + groups);
        b->gathered = memory + panels + groups + lines;
    }
    return panels + groups + lines + (k->is_gathered ? 2 * k->s.Q * k->ci * UNIT : 0);
}

static void clear_places(char *panels, int64_t first, int64_t n, int64_t width, int64_t panel)
{
    int64_t nr = cpu_loops()->nr;
    for (int64_t j = 0; n > 0 && j < width; j += nr)
        memset(panels + (j / nr * panel + first * nr) * UNIT, 0, (size_t)(n * nr * UNIT));
}

/* A line of x, `places` wide, into the panels from place `to` on: what lies inside, and zeros beside it. */
static void pack_x_line(const Work *k, const Buffers *b, const Part *p, int64_t item, int64_t line,
                        int64_t down, int64_t to, int64_t places, int64_t panel)
{
    int64_t step = k->is_dense ? k->op->stride : 1, pad = k->op->pad, nr = cpu_loops()->nr;
    int64_t left = size_min((pad + step - 1) / step, places);
    int64_t inside =
        k->s.W * (places / k->in_places) + pad - left * step; // columns, from the first on
    int64_t mid = inside > 0 ? size_min((inside + step - 1) / step, places - left) : 0;
    clear_places(b->panels, to, left, p->width, panel);
    clear_places(b->panels, to + left + mid, places - left - mid, p->width, panel);
    if (mid == 0)
        return;
    Strands from = x_line(k, item, line, down, left * step - pad, step, p->g * k->s.ci + p->c);
    k->pack_x->pack_panels(b->panels + (to + left) * nr * UNIT, &from, mid, p->width, panel);
}

static void pack_gathered_line(const Work *k, const Buffers *b, const Part *p, int64_t item,
                               int64_t line, int64_t to, int64_t panel)
{
    Strands from = {{k->outside, k->outside}, {0, 0}};
    for (int i = k->loops->pair - 1; i >= 0; i--) { // the slack behind a line is the next one
        int64_t n, y;
        if (!find_line(&n, &y, k, item, line, i))
            continue;
        int64_t m = (n * k->s.P + y) * k->s.Q;
        char   *rows = b->gathered + i * k->s.Q * k->ci * UNIT;
        im2col(rows, k->ci, k->x->dtype, &k->l, k->x, m, m + k->s.Q, p->g * k->s.ci, k->s.ci);
        from.at[i] = rows + p->c * dtype_bytes(k->x->dtype);
        from.ld[i] = k->ci;
    }
    k->pack_x->pack_panels(b->panels + to * cpu_loops()->nr * UNIT, &from, k->s.Q, p->width, panel);
}

/* Items [i0, i1), lines [l0, l1) of each. */
static void sum_chunk(const Work *k, const Buffers *b, const Part *p, int64_t i0, int64_t i1,
                      int64_t l0, int64_t l1, bool adds)
{
    const ConvSizes *s = &k->s;
    int64_t          nr = cpu_loops()->nr, mr = cpu_loops()->mr, lines = l1 - l0;
    int64_t in_lines = k->is_dense ? lines : k->in_lines - (k->lines - lines) * k->op->stride;
    int64_t places = (i1 - i0) * lines * s->Q, panel = (i1 - i0) * in_lines * k->in_places * nr;
    int64_t joined = k->by_halves && k->n_lines + l1 > s->P ? 1 : lines; // lines packed in one go
    for (int64_t i = i0; i < i1; i++) {
        for (int64_t l = 0; l < lines; l += joined) {
            Strands from = dy_line(k, i, l0 + l, p->g * s->co + p->o);
            k->pack_dy->pack_groups(b->groups + ((i - i0) * lines + l) * s->Q * mr * UNIT, &from,
                                    joined * s->Q, p->height, places * mr);
        }
        int64_t step = k->is_plain ? joined : 1;
        for (int64_t h = 0; h < in_lines; h += step) {
            int64_t to = ((i - i0) * in_lines + h) * k->in_places;
            if (k->is_gathered)
                pack_gathered_line(k, b, p, i, l0 + h, to, panel);
            else if (k->is_dense)
                pack_x_line(k, b, p, i, l0 + h, 0, to, step * k->in_places, panel);
            else
                pack_x_line(k, b, p, i, l0, h, to, k->in_places, panel);
        }
        for (int64_t l = 0; !k->is_dense && l < lines; l++)
            b->line[(i - i0) * lines + l] =
                ((i - i0) * in_lines + l * k->op->stride) * k->in_places;
    }
    b->line[0] = 0;
    Outer q = {.rows = p->height,
               .n = p->width,
               .n_lines = k->is_dense ? 1 : (i1 - i0) * lines,
               .Q = k->is_dense ? places : s->Q,
               .a = b->groups,
               .group = places * mr,
               .panel = panel,
               .step = k->is_dense ? 1 : k->op->stride,
               .line = b->line,
               .ldc = s->K,
               .adds = adds};
    for (int64_t t = 0; t < k->taps; t++) {
        int64_t i = t / s->kw * k->op->dilation, j = t % s->kw * k->op->dilation;
        q.b = b->panels + (k->is_dense ? 0 : i * k->in_places + j) * nr * UNIT;
        q.c = p->dw + t * k->ci;
        k->loops->outer(&q);
    }
}

static Status sum_part(const Work *k, const Part *p)
{
    Buffers b = {0};
    char   *memory = scratch_take(cut(&b, k, NULL));
    if (!memory)
        return ERR_MEMORY;
    (void)cut(&b, k, memory);
    int64_t pieces = (k->n_lines + k->lines - 1) / k->lines;
    for (int64_t i = p->begin; i < p->end; i++) {
        int64_t item = i / pieces * k->items, line = i % pieces * k->lines;
        sum_chunk(k, &b, p, item, size_min(item + k->items, k->n_items), line,
                  size_min(line + k->lines, k->n_lines), p->adds || i > p->begin);
    }
    scratch_give(memory);
    return OK;
}

static void parts(void *ctx, int64_t begin, int64_t end)
{
    Work            *k = ctx;
    const ConvSizes *s = &k->s;
    for (int64_t i = begin; i < end; i++) {
        int64_t in = i % k->n_ci, out = i / k->n_ci % k->n_co,
                g = i / k->n_ci / k->n_co % s->groups;
        int64_t share = i / k->n_ci / k->n_co / s->groups;
        Part    p = {.g = g,
                     .o = out * k->co_block,
                     .height = size_min(k->co_block, s->co - out * k->co_block),
                     .c = in * k->ci_block,
                     .width = size_min(k->ci_block, k->ci - in * k->ci_block),
                     .begin = share * k->share,
                     .end = size_min((share + 1) * k->share, k->n_chunks),
                     .adds = !k->partial && k->beta != 0.0f};
        p.dw = (k->partial ? k->partial + share * s->Co * s->K : k->dw) + (g * s->co + p.o) * s->K +
               p.c;
        outcome_note(&k->outcome, sum_part(k, &p));
    }
}

static void add_shares(void *ctx, int64_t begin, int64_t end)
{
    const Work *k = ctx;
    int64_t     n = k->s.Co * k->s.K;
    for (int64_t share = 0; share < k->n_shares; share++)
        cpu_loops()->f32.accumulate(k->dw + begin, k->partial + share * n + begin,
                                    share == 0 ? k->beta : 1.0f, end - begin);
}

static Status run_parts(Work *k)
{
    int64_t n = k->s.Co * k->s.K;
    if (k->n_shares > 1 && !(k->partial = scratch_take(k->n_shares * n * (int64_t)sizeof(float))))
        return ERR_MEMORY;
    threads_for(k->n_shares * k->s.groups * k->n_co * k->n_ci, 1, parts, k);
    if (k->partial)
        threads_for(n, threads_grain(n, 4096), add_shares, k);
    scratch_give(k->partial);
    return outcome_status(&k->outcome);
}

static Status weights(Tensor *dw, const Tensor *x, const Tensor *dy, const Conv2d *op)
{
    Work k = {.s = conv_sizes(dy, x, dw, op),
              .op = op,
              .x = x,
              .dy = dy,
              .dw = dw->data,
              .beta = tensor_beta(dw)};
    k.is_gathered = k.s.taps > 1 && k.s.ci < NARROW;
    k.is_dense = k.is_gathered || k.s.taps == 1;
    k.is_plain = k.is_dense && !k.is_gathered && op->stride == 1 && op->pad == 0;
    k.taps = k.is_gathered ? 1 : k.s.taps;
    k.ci = k.is_gathered ? k.s.K : k.s.ci;
    choose_loops(&k);
    lay_out_chunks(&k);
    lay_out_blocks(&k);
    int64_t zeros = size_max(MOST_BLOCK, size_max(k.co_block, k.ci_block)) * UNIT;
    k.outside = scratch_take(zeros);
    Status st = lattice_init(&k.l, k.s.taps);
    if (st == OK && k.outside) {
        memset(k.outside, 0, (size_t)zeros);
        lattice_forward(&k.l, &k.s, op);
        st = run_parts(&k);
    }
    lattice_release(&k.l);
    scratch_give(k.outside);
    return k.outside ? st : ERR_MEMORY;
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
