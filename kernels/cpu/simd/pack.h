/* pack.h -- operands laid out for gemm.h; included by loops.c once per way: f32, bf16 widened, bf16 in pairs
 *
 * Set by it: ELEMENT (in memory), UNIT (packed), PAIR (elements of a unit), UNIT_OF(a, b) and NAME(x).
 */

static inline __attribute__((always_inline)) void NAME(pack)(UNIT *restrict to, const Strands *from,
                                                             int64_t K, int64_t n, int64_t stride,
                                                             int64_t width)
{
    for (int64_t j = 0; j < n; j += width) {
        UNIT          *out = to + j / width * stride;
        const ELEMENT *a = (const ELEMENT *)from->at[0] + j;
        const ELEMENT *b = (const ELEMENT *)from->at[PAIR - 1] + j;
        int64_t        n_here = n - j < width ? n - j : width;
        for (int64_t k = 0; k < K; k++, a += from->ld[0], b += from->ld[PAIR - 1], out += width)
            if (n_here == width && sizeof(ELEMENT) == sizeof(UNIT))
                memcpy(out, a, (size_t)width * sizeof *out); // a known width: moves, not a call
            else if (n_here == width)
                for (int64_t i = 0; i < width; i++)
                    out[i] = UNIT_OF(a[i], b[i]);
            else
                for (int64_t i = 0; i < width; i++)
                    out[i] = i < n_here ? UNIT_OF(a[i], b[i]) : 0;
    }
}

static void NAME(pack_panels)(void *to, const Strands *from, int64_t K, int64_t n, int64_t stride)
{
    NAME(pack)(to, from, K, n, stride, NR);
}

static void NAME(pack_groups)(void *to, const Strands *from, int64_t K, int64_t rows,
                              int64_t stride)
{
    NAME(pack)(to, from, K, rows, stride, MR);
}

static void NAME(pack_turned)(void *to, const void *from, int64_t ld, int64_t K, int64_t n)
{
    enum { STEP = 16 };
    UNIT          *out = to;
    const ELEMENT *in = from;
    int64_t        whole = K / PAIR;
    for (int64_t k0 = 0; k0 < whole; k0 += STEP)
        for (int64_t i = 0; i < NR; i++)
            for (int64_t k = k0; k < whole && k < k0 + STEP; k++)
                out[k * NR + i] =
                    i < n ? UNIT_OF(in[i * ld + PAIR * k], in[i * ld + PAIR * k + PAIR - 1]) : 0;
    for (int64_t i = 0; whole * PAIR < K && i < NR; i++)
        out[whole * NR + i] = i < n ? UNIT_OF(in[i * ld + K - 1], 0) : 0;
}

#undef ELEMENT
#undef UNIT
#undef PAIR
#undef UNIT_OF
#undef NAME
