/* conv2d as matrix products over chunks of rows (im2col.h, simd/gemm.h): forward and the gradient of the input.
 *
 * The weights are packed once a call and read by all parts. A part is a chunk of rows and a block of output channels;
 * parts are fixed by the sizes alone, so results do not depend on the number of threads. The gradient of the input at a
 * stride s runs as s x s convolutions of dy, one for each class of places that meets the same taps.
 *
 * Where batch norm follows, a chunk leaves the moments of its rows before they go out of cache; chunks then stay within
 * a group of images.
 *
 * bf16 in both operands is multiplied in pairs where the machine can, else widened: the weights while they are packed,
 * the images a chunk's reach at a time.
 */
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/im2col.h"
#include "kernels/cpu/moments.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref.h"

#include <string.h>

enum {
    ROWS = 192,  // of a chunk; a multiple of every tile height, as is STEP
    STEP = 24,   //
    BLOCK = 64,  // channels come in blocks of this many: a multiple of every panel's width
    PARTS = 64,  // wanted at least, for cores
    NARROW = 16, // inputs of fewer channels are gathered
    LINE = 64,   // bytes that blocks of scratch memory are aligned to
};

typedef struct Work {
    ConvSizes           s;
    Tensor             *out; // y or dx
    const Tensor       *in;  // x or dy
    const float        *bias;
    float               beta;
    const ProductLoops *loops, *packing; // packing: of the weights
    bool                is_gathered, is_widened;
    int64_t             in_ci, out_co; // channels of a group of `in` and `out`
    const Tensor       *w;             // (Co,kh,kw,ci)
    char               *panels;        // packed: (groups, panels, all taps, K, nr) units
    int64_t             K, panel;      // units of a tap and of a panel
    int64_t             group_bytes;   // of a group's panels
    void               *outside;       // zeros, as many as channels
    Lattice             l;
    const Moments      *moments;                   // NULL, or where chunks leave theirs
    int64_t             span, rows;                // chunks of `rows` rows cut a span of them
    int64_t             n_chunks, block, n_blocks; // the grid of parts
    Outcome             outcome;
} Work;

enum { UNIT = 4 }; // bytes

/* ---- weights ---- */

/* One panel of one group of the forward product: columns are output channels. */
static void pack_forward(void *ctx, int64_t begin, int64_t end)
{
    const Work      *k = ctx;
    const ConvSizes *s = &k->s;
    int64_t          nr = cpu_loops()->nr, n = (s->co + nr - 1) / nr;
    for (int64_t i = begin; i < end; i++) {
        int64_t g = i / n, o = i % n * nr;
        k->packing->pack_turned(k->panels + g * k->group_bytes + i % n * k->panel * UNIT,
                                at(k->w, (g * s->co + o) * s->K), s->K, s->K,
                                size_min(nr, s->co - o));
    }
}

/* One panel of one group of the way back: columns are input channels, rows (tap, output channel). */
static void pack_backward(void *ctx, int64_t begin, int64_t end)
{
    const Work      *k = ctx;
    const ConvSizes *s = &k->s;
    int64_t          nr = cpu_loops()->nr, n = (s->ci + nr - 1) / nr, pair = k->packing->pair;
    for (int64_t i = begin; i < end; i++) {
        int64_t g = i / n, c = i % n * nr;
        for (int64_t t = 0; t < s->taps; t++) {
            int64_t first = g * s->co * s->K + t * s->ci + c;
            Strands from = {{at(k->w, first), at(k->w, first + (pair - 1) * s->K)},
                            {pair * s->K, pair * s->K}};
            k->packing->pack_panels(k->panels + g * k->group_bytes +
                                        (i % n * k->panel + t * k->K * nr) * UNIT,
                                    &from, k->K, size_min(nr, s->ci - c), 0);
        }
    }
}

static Status pack_weights(Work *k, bool is_forward)
{
    const ConvSizes *s = &k->s;
    int64_t          nr = cpu_loops()->nr, n = (k->out_co + nr - 1) / nr;
    k->panel = k->K * (k->is_gathered ? 1 : s->taps) * nr;
    k->group_bytes = n * k->panel * UNIT;
    k->panels = scratch_take(s->groups * k->group_bytes);
    if (!k->panels)
        return ERR_MEMORY;
    threads_for(s->groups * n, threads_grain(s->groups * n, 1),
                is_forward ? pack_forward : pack_backward, k);
    return OK;
}

/* ---- one call ---- */

static void choose_loops(Work *k)
{
    const CpuLoops *loops = cpu_loops();
    bool            is_low = k->in->dtype == BF16 && k->w->dtype == BF16;
    bool            is_even = k->is_gathered || k->in_ci % 2 == 0; // rows are read in whole pairs
    k->loops = &loops->of_f32;
    k->packing = k->w->dtype == BF16 ? &loops->of_widened : &loops->of_f32;
    if (is_low && is_even && loops->of_pairs.pair)
        k->loops = k->packing = &loops->of_pairs;
    k->is_widened = k->in->dtype == BF16 && k->loops->pair == 1;
    int64_t elements = k->is_gathered ? k->s.K : k->in_ci;
    k->K = (elements + k->loops->pair - 1) / k->loops->pair;
}

static Status open_work(Work *k, bool is_forward)
{
    const ConvSizes *s = &k->s;
    k->in_ci = is_forward ? s->ci : s->co;
    k->out_co = is_forward ? s->co : s->ci;
    k->is_gathered = is_forward && s->taps > 1 && s->ci < NARROW;
    choose_loops(k);
    TRY(lattice_init(&k->l, s->taps));
    k->outside = scratch_take(k->in_ci * UNIT);
    if (!k->outside)
        return ERR_MEMORY;
    memset(k->outside, 0, (size_t)(k->in_ci * UNIT));
    return pack_weights(k, is_forward);
}

static Status close_work(Work *k, Status st)
{
    scratch_give(k->panels);
    scratch_give(k->outside);
    lattice_release(&k->l);
    return st == OK ? outcome_status(&k->outcome) : st;
}

/* ---- a chunk ---- */

/* Scratch memory of a chunk, and what the product is told. */
typedef struct Chunk {
    const void **a;
    void       **c;
    float       *sums;
    char        *image; // gathered or widened
} Chunk;

static Chunk cut(char *memory, const Work *k, int64_t up)
{
    Chunk   c;
    int64_t taps = k->is_gathered ? 1 : k->l.n_taps;
    c.sums = (float *)(void *)memory;
    c.a = (const void **)(void *)(memory + up * cpu_loops()->nr * UNIT);
    c.c = (void **)(void *)(c.a + size_max(1, taps) * up);
    c.image = (char *)(c.c + up);
    return c;
}

static int64_t chunk_bytes(const Work *k, int64_t up, int64_t reach)
{
    int64_t image = k->is_gathered  ? up * k->K * UNIT
                    : k->is_widened ? reach * k->in->dim[3] * UNIT
                                    : 0;
    int64_t addresses = (size_max(1, k->l.n_taps) + 1) * up * (int64_t)sizeof(void *);
    return up * cpu_loops()->nr * UNIT + size_round_up(addresses, LINE) + image;
}

/* Where rows [m0,m1) of group g are read. */
static void find_rows(Chunk *c, const Work *k, int64_t m0, int64_t m1, int64_t up, int64_t g,
                      int64_t begin, int64_t end)
{
    const Tensor *in = k->in;
    int64_t       C = in->dim[3], bytes = k->is_widened ? UNIT : dtype_bytes(in->dtype);
    Pixels        x = {at(in, g * k->in_ci), 0, in->dim[1], in->dim[2], C * bytes, k->outside};
    if (k->is_gathered) {
        DType type = k->is_widened ? F32 : in->dtype;
        im2col(c->image, k->K * k->loops->pair, type, &k->l, in, m0, m1, g * k->in_ci, k->in_ci);
        for (int64_t i = 0; i < up; i++)
            c->a[i] = c->image + size_min(i, m1 - m0 - 1) * k->K * UNIT;
        return;
    }
    if (k->is_widened) {
        cpu_loops()->widen((float *)(void *)c->image, at(in, begin * C), (end - begin) * C);
        x.at = c->image + g * k->in_ci * UNIT;
        x.first = begin;
    }
    lattice_rows(c->a, &k->l, &x, m0, m1, up);
}

/* Rows [m0,m1), channels [o, o+width) of group g. */
static Status chunk(const Work *k, int64_t m0, int64_t m1, int64_t g, int64_t o, int64_t width)
{
    static const int64_t FIRST[1] = {0};
    int64_t              up = size_round_up(m1 - m0, cpu_loops()->mr), begin = 0, end = 0;
    Pixels               whole = {.H = k->in->dim[1], .W = k->in->dim[2]};
    if (k->is_widened && k->l.n_taps > 0)
        lattice_reach(&begin, &end, &k->l, &whole, m0, m1);
    char *memory = scratch_take(chunk_bytes(k, up, end - begin));
    if (!memory)
        return ERR_MEMORY;
    Chunk c = cut(memory, k, up);
    lattice_out(c.c, &k->l, k->out, g * k->out_co + o, m0, m1);
    if (k->l.n_taps > 0) {
        find_rows(&c, k, m0, m1, up, g, begin, end);
        Product p = {.rows = m1 - m0,
                     .n = width,
                     .K = k->K,
                     .taps = k->is_gathered ? 1 : k->l.n_taps,
                     .a = c.a,
                     .tap = k->is_gathered ? FIRST : k->l.tap,
                     .b = k->panels + g * k->group_bytes + o / cpu_loops()->nr * k->panel * UNIT,
                     .panel = k->panel,
                     .c = c.c,
                     .sums = c.sums,
                     .bias = k->bias ? k->bias + g * k->out_co + o : NULL,
                     .adds = k->beta != 0.0f,
                     .is_low = k->out->dtype == BF16};
        k->loops->product(&p);
        if (k->moments) {
            int64_t part =
                (m0 / k->span * k->moments->n_parts + m0 % k->span / k->rows) * k->moments->C +
                g * k->out_co + o;
            loops_of(k->out)->moments(k->moments->mean + part, k->moments->m2 + part, c.c[0],
                                      k->moments->C, m1 - m0, width);
        }
    } else if (k->beta == 0.0f) { // places that no tap reaches
        for (int64_t i = 0; i < m1 - m0; i++)
            memset(c.c[i], 0, (size_t)(width * dtype_bytes(k->out->dtype)));
    }
    scratch_give(memory);
    return OK;
}

static void chunks(void *ctx, int64_t begin, int64_t end)
{
    Work   *k = ctx;
    int64_t of_span = (k->span + k->rows - 1) / k->rows;
    for (int64_t i = begin; i < end; i++) {
        int64_t block = i % k->n_blocks, g = i / k->n_blocks % k->s.groups,
                part = i / k->n_blocks / k->s.groups, first = part / of_span * k->span,
                m0 = first + part % of_span * k->rows;
        outcome_note(&k->outcome,
                     chunk(k, m0, size_min(m0 + k->rows, first + k->span), g, block * k->block,
                           size_min(k->block, k->out_co - block * k->block)));
    }
}

/* Rows of a chunk: equal shares of the span. */
static int64_t chunk_rows(int64_t span)
{
    int64_t n = (span + ROWS - 1) / ROWS;
    return size_round_up((span + n - 1) / n, STEP);
}

static void run_chunks(Work *k)
{
    int64_t M = k->l.N * k->l.P * k->l.Q;
    if (M == 0)
        return;
    k->span = k->moments ? k->moments->rows : M;
    k->rows = chunk_rows(k->span);
    k->n_chunks = M / k->span * ((k->span + k->rows - 1) / k->rows);
    int64_t wanted = size_max(1, PARTS / (k->n_chunks * k->s.groups));
    int64_t blocks = size_min(wanted, (k->out_co + BLOCK - 1) / BLOCK);
    k->block = size_round_up((k->out_co + blocks - 1) / blocks, BLOCK);
    k->n_blocks = (k->out_co + k->block - 1) / k->block;
    threads_for(k->n_chunks * k->s.groups * k->n_blocks, 1, chunks, k);
}

static Status forward(Tensor *y, const Moments *moments, const Tensor *x, const Tensor *w,
                      const Tensor *bias, const Conv2d *op)
{
    Work   k = {.s = conv_sizes(y, x, w, op),
                .out = y,
                .in = x,
                .w = w,
                .bias = bias ? bias->data : NULL,
                .moments = moments};
    Status st = open_work(&k, true);
    if (st == OK) {
        lattice_forward(&k.l, &k.s, op);
        run_chunks(&k);
    }
    return close_work(&k, st);
}

Status cpu_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                          const Conv2d *op)
{
    if (tensor_count(y) == 0 || tensor_count(w) == 0 || tensor_count(x) == 0)
        return ref_conv2d_forward(y, x, w, bias, op);
    return forward(y, NULL, x, w, bias, op);
}

void conv2d_parts(Moments *parts)
{
    parts->part = chunk_rows(parts->rows);
    parts->n_parts = (parts->rows + parts->part - 1) / parts->part;
}

Status cpu_conv2d_forward_moments(Tensor *y, const Moments *parts, const Tensor *x, const Tensor *w,
                                  const Conv2d *op)
{
    return forward(y, parts, x, w, NULL, op);
}

Status cpu_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op)
{
    if (tensor_count(dx) == 0 || tensor_count(w) == 0 || tensor_count(dy) == 0)
        return ref_conv2d_backward_data(dx, dy, w, op);
    Work   k = {.s = conv_sizes(dy, dx, w, op), .out = dx, .in = dy, .w = w};
    Status st = open_work(&k, false);
    k.beta = tensor_beta(dx);
    for (int64_t y = 0; st == OK && y < size_min(op->stride, k.s.H); y++)
        for (int64_t z = 0; z < size_min(op->stride, k.s.W); z++) {
            lattice_backward(&k.l, &k.s, op, y, z);
            run_chunks(&k);
        }
    return close_work(&k, st);
}
