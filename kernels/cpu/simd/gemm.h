/* gemm.h -- the matrix products of the cpu backend; included by loops.c once per type of operand
 *
 *      product   c (rows, n) = a (rows, K) . b (K, n)              forward, gradient of the input
 *      outer     c (rows, n) = a (places, rows)' . b (places, n)   gradient of the weights
 *
 * One step of the sums takes a unit of each operand: a float, or a pair of bf16 that are neighbours along the summed
 * axis. b comes packed in panels of NR columns, so that the innermost loop reads it in order; a tile of MR x NR sums
 * lives in registers. `product` reads a in place, one address a row and tap: a convolution is never written out as a
 * matrix. `outer` reads both packed. (Goto and van de Geijn 2008; addresses: Dukhan 2019, arXiv:1907.02129.)
 *
 * Set by loops.c: UNIT, SPREAD(p) (the unit at p in all lanes), MULTIPLY_ADD(sum, x, b), ROUND_TWO(to, v0, v1) where the
 * machine rounds to bf16 itself, and NAME(x).
 */

#define INLINE static inline __attribute__((always_inline))

/* sum[MR][nv] += units [k0, k1) of the rows a[0 .. MR) times a panel. */
INLINE void NAME(add_units)(V (*sum)[2], const UNIT *const *a, int64_t a_step, const UNIT *b,
                            int64_t b_step, int64_t k0, int64_t k1, int nv)
{
    for (int64_t k = k0; k < k1; k++) {
        const float *panel = (const float *)(const void *)(b + k * b_step);
        V            b0 = *(const V *)panel, b1 = b0;
        if (nv > 1)
            b1 = *(const V *)(panel + CPU_LANES);
#pragma GCC unroll 8
        for (int i = 0; i < MR; i++) {
            V x = SPREAD(a[i] + k * a_step);
            sum[i][0] = MULTIPLY_ADD(sum[i][0], x, b0);
            if (nv > 1)
                sum[i][1] = MULTIPLY_ADD(sum[i][1], x, b1);
        }
    }
}

INLINE void NAME(load_tile)(V (*sum)[2], const float *from, int64_t ld, bool adds, int nv)
{
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++)
        for (int v = 0; v < nv; v++)
            sum[i][v] = adds ? (V) * (const Vu *)(from + i * ld + v * CPU_LANES) : (V){0};
}

INLINE void NAME(store_tile)(float *to, int64_t ld, V (*sum)[2], int nv)
{
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++)
        for (int v = 0; v < nv; v++)
            *(Vu *)(to + i * ld + v * CPU_LANES) = sum[i][v];
}

/* ---- product ---- */

/* Sums that are complete, from memory: edges of c, and bf16 where the machine does not round itself. */
static void NAME(finish)(const Product *p, int64_t i0, int64_t j0)
{
    int64_t rows = p->rows - i0 < MR ? p->rows - i0 : MR, n = p->n - j0 < NR ? p->n - j0 : NR;
    for (int64_t i = i0; i < i0 + rows; i++) {
        float *sum = p->sums + i * NR;
        for (int64_t j = 0; p->bias && j < n; j++)
            sum[j] += p->bias[j0 + j];
        if (p->is_low) {
            narrow_add((uint16_t *)p->c[i] + j0, sum, p->adds ? 1.0f : 0.0f, n);
        } else {
            float *c = (float *)p->c[i] + j0;
            for (int64_t j = 0; j < n; j++)
                c[j] = p->adds ? c[j] + sum[j] : sum[j];
        }
    }
}

/* The same from registers, for a whole tile. */
INLINE void NAME(finish_tile)(const Product *p, int64_t i0, int64_t j, V (*sum)[2], int nv)
{
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++) {
        if (p->bias)
            for (int v = 0; v < nv; v++)
                sum[i][v] += *(const Vu *)(p->bias + j + v * CPU_LANES);
#ifdef ROUND_TWO
        if (p->is_low) {
            uint16_t *low = (uint16_t *)p->c[i0 + i] + j;
            if (p->adds)
                for (int v = 0; v < nv; v++)
                    sum[i][v] += WIDEN(low + v * CPU_LANES);
            if (nv > 1)
                ROUND_TWO(low, sum[i][0], sum[i][1]);
            else
                ROUND_ONE(low, sum[i][0]);
            continue;
        }
#endif
        float *c = (float *)p->c[i0 + i] + j;
        for (int v = 0; v < nv; v++) {
            if (p->adds)
                sum[i][v] += *(const Vu *)(c + v * CPU_LANES);
            *(Vu *)(c + v * CPU_LANES) = sum[i][v];
        }
    }
}

/* Asks for the rows of the next tile while this one is summed: rows of a plain 1x1 convolution come from main memory,
 * and the machine's own prefetcher follows eight short ones badly (256 -> 64 channels of bf16: 2.2 ms without, 1.7
 * with). */
INLINE void NAME(ask_for_rows)(const void *const *a, Slice s)
{
    enum { CACHE_LINE = 64, MOST = 1024 };
    int64_t begin = s.k0 * (int64_t)sizeof(UNIT), end = s.k1 * (int64_t)sizeof(UNIT);
    end = end - begin < MOST ? end : begin + MOST;
    for (int i = 0; i < MR; i++)
        for (int64_t at = begin; at < end; at += CACHE_LINE)
            __builtin_prefetch((const char *)a[i] + at);
}

INLINE void NAME(product_tile)(const Product *p, int64_t i, int64_t j, Slice s, int nv)
{
    int64_t     up = (p->rows + MR - 1) / MR * MR;
    const UNIT *b = (const UNIT *)p->b + j / NR * p->panel;
    V           sum[MR][2];
    NAME(load_tile)(sum, p->sums + i * NR, NR, !s.is_first, nv);
    if (p->taps == 1 && j == 0 && i + MR < up)
        NAME(ask_for_rows)(p->a + i + MR, s);
    for (int64_t t = s.t0; t < s.t1; t++) {
        const void *rows = p->a + t * up + i;
        NAME(add_units)(sum, rows, 1, b + p->tap[t] * p->K * NR, NR, s.k0, s.k1, nv);
    }
    bool is_whole = i + MR <= p->rows && j + nv * CPU_LANES <= p->n;
#ifndef ROUND_TWO
    is_whole = is_whole && !p->is_low;
#endif
    if (s.is_last && is_whole) {
        NAME(finish_tile)(p, i, j, sum, nv);
        return;
    }
    NAME(store_tile)(p->sums + i * NR, NR, sum, nv);
    if (s.is_last)
        NAME(finish)(p, i, j);
}

static void NAME(product)(const Product *p)
{
    int64_t k_each = p->K < KC ? p->K : KC;
    int64_t t_each = KC / k_each;
    for (int64_t j = 0; j < p->n; j += NR)
        for (int64_t t = 0; t < p->taps; t += t_each)
            for (int64_t k = 0; k < p->K; k += k_each) {
                Slice s = {.t0 = t,
                           .t1 = t + t_each < p->taps ? t + t_each : p->taps,
                           .k0 = k,
                           .k1 = k + k_each < p->K ? k + k_each : p->K,
                           .is_first = t == 0 && k == 0};
                s.is_last = s.t1 == p->taps && s.k1 == p->K;
                if (p->n - j > CPU_LANES)
                    for (int64_t i = 0; i < p->rows; i += MR)
                        NAME(product_tile)(p, i, j, s, 2);
                else
                    for (int64_t i = 0; i < p->rows; i += MR)
                        NAME(product_tile)(p, i, j, s, 1);
            }
}

/* ---- outer ---- */

INLINE void NAME(outer_tile)(const Outer *p, int64_t i, int64_t j, int nv)
{
    const UNIT *a = (const UNIT *)p->a + i / MR * p->group;
    const UNIT *b = (const UNIT *)p->b + j / NR * p->panel;
    int64_t     rows = p->rows - i < MR ? p->rows - i : MR, n = p->n - j < NR ? p->n - j : NR;
    bool        is_whole = rows == MR && n == nv * CPU_LANES;
    float      *c = p->c + i * p->ldc + j, aside[MR * NR] __attribute__((aligned(64)));
    V           sum[MR][2];
    NAME(load_tile)(sum, c, p->ldc, p->adds && is_whole, nv);
    for (int64_t l = 0; l < p->n_lines; l++) {
        const UNIT *at[MR];
#pragma GCC unroll 8
        for (int r = 0; r < MR; r++)
            at[r] = a + l * p->Q * MR + r;
        NAME(add_units)(sum, at, MR, b + p->line[l] * NR, p->step * NR, 0, p->Q, nv);
    }
    if (is_whole) {
        NAME(store_tile)(c, p->ldc, sum, nv);
        return;
    }
    NAME(store_tile)(aside, NR, sum, nv);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < n; k++)
            c[r * p->ldc + k] = (p->adds ? c[r * p->ldc + k] : 0.0f) + aside[r * NR + k];
}

static void NAME(outer)(const Outer *p)
{
    for (int64_t j = 0; j < p->n; j += NR)
        for (int64_t i = 0; i < p->rows; i += MR)
            if (p->n - j > CPU_LANES)
                NAME(outer_tile)(p, i, j, 2);
            else
                NAME(outer_tile)(p, i, j, 1);
}

#undef INLINE
#undef UNIT
#undef SPREAD
#undef MULTIPLY_ADD
#undef NAME
