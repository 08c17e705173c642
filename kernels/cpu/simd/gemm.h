/* gemm.h -- the matrix product of the cpu backend; included once by loops.c
 *
 *      c (rows, n) = [c +] a (rows, K) . b (K, n)
 *
 * b comes packed in panels of NR columns, [panel][k][NR], so that the innermost loop reads it in order and one panel's
 * slice of KC rows stays in the first-level cache while all rows pass by. a is read in place, MR rows at a time, or
 * packed as [group][k][MR] where its columns are what lies together (gradients of weights). A tile of MR x NR sums
 * lives in registers. (Goto and van de Geijn 2008.)
 */

#if CPU_LANES == 16
enum { MR = 8 };
#elif CPU_LANES == 8
enum { MR = 6 };
#else
enum { MR = 4 };
#endif
enum { NR = 2 * CPU_LANES, KC = 256 };

typedef float V __attribute__((vector_size(CPU_LANES * 4)));
typedef float Vu __attribute__((vector_size(CPU_LANES * 4), aligned(4)));

/* One tile of c from K steps; step: floats from a's column k to k + 1. */
static inline __attribute__((always_inline)) void tile(float *c, int64_t ldc, const float *const *a,
                                                       int64_t step, const float *b, int64_t K,
                                                       bool adds)
{
    V            sum[MR][2];
    const float *row[MR];
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++) {
        row[i] = a[i];
        sum[i][0] = adds ? (V) * (const Vu *)(c + i * ldc) : (V){0};
        sum[i][1] = adds ? (V) * (const Vu *)(c + i * ldc + CPU_LANES) : (V){0};
    }
    for (int64_t k = 0; k < K; k++) {
        V b0 = *(const V *)(b + k * NR), b1 = *(const V *)(b + k * NR + CPU_LANES);
#pragma GCC unroll 8
        for (int i = 0; i < MR; i++) {
            float x = row[i][k * step];
            sum[i][0] += x * b0;
            sum[i][1] += x * b1;
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++) {
        *(Vu *)(c + i * ldc) = sum[i][0];
        *(Vu *)(c + i * ldc + CPU_LANES) = sum[i][1];
    }
}

/* A tile at the lower or right edge: through a whole tile aside. Rows beyond the last repeat it. */
static void edge(float *c, int64_t ldc, const float *const *a, int64_t step, const float *b,
                 int64_t K, bool adds, int64_t rows, int64_t n)
{
    float aside[MR * NR] __attribute__((aligned(64))) = {0};
    for (int64_t i = 0; adds && i < rows; i++)
        for (int64_t j = 0; j < n; j++)
            aside[i * NR + j] = c[i * ldc + j];
    tile(aside, NR, a, step, b, K, true);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++)
            c[i * ldc + j] = aside[i * NR + j];
}

static inline __attribute__((always_inline)) void panel(const Product *p, int64_t k0, int64_t depth,
                                                        int64_t j, bool is_packed)
{
    const float *b = p->b + j / NR * p->panel + k0 * NR;
    int64_t      step = is_packed ? MR : 1, n = p->n - j;
    bool         adds = p->adds || k0 > 0;
    for (int64_t i = 0; i < p->rows; i += MR) {
        const float *a[MR];
        for (int64_t r = 0; r < MR; r++) {
            int64_t row = i + r < p->rows ? i + r : p->rows - 1;
            a[r] = is_packed ? p->a + i * p->K + k0 * MR + r : p->a + row * p->lda + k0;
        }
        float *c = p->c + i * p->ldc + j;
        if (i + MR <= p->rows && n >= NR)
            tile(c, p->ldc, a, step, b, depth, adds);
        else
            edge(c, p->ldc, a, step, b, depth, adds, p->rows - i < MR ? p->rows - i : MR,
                 n < NR ? n : NR);
    }
}

static void product(const Product *p)
{
    for (int64_t k0 = 0; k0 < p->K; k0 += KC)
        for (int64_t j = 0; j < p->n; j += NR) {
            int64_t depth = p->K - k0 < KC ? p->K - k0 : KC;
            if (p->is_packed)
                panel(p, k0, depth, j, true);
            else
                panel(p, k0, depth, j, false);
        }
}

static void pack_panels(float *restrict to, const float *from, int64_t ld, int64_t K, int64_t n,
                        int64_t stride)
{
    for (int64_t j = 0; j < n; j += NR) {
        float       *out = to + j / NR * stride;
        const float *in = from + j;
        int64_t      width = n - j < NR ? n - j : NR;
        if (width == NR)
            for (int64_t k = 0; k < K; k++)
                memcpy(out + k * NR, in + k * ld, NR * sizeof *out);
        else
            for (int64_t k = 0; k < K; k++)
                for (int64_t i = 0; i < NR; i++)
                    out[k * NR + i] = i < width ? in[k * ld + i] : 0.0f;
    }
}

static void pack_turned(float *restrict to, const float *from, int64_t ld, int64_t K, int64_t n,
                        int64_t stride)
{
    for (int64_t j = 0; j < n; j += NR) {
        float  *out = to + j / NR * stride;
        int64_t width = n - j < NR ? n - j : NR;
        for (int64_t k0 = 0; k0 < K; k0 += 16)
            for (int64_t i = 0; i < NR; i++)
                for (int64_t k = k0; k < K && k < k0 + 16; k++)
                    out[k * NR + i] = i < width ? from[(j + i) * ld + k] : 0.0f;
    }
}

static void pack_groups(float *restrict to, const float *from, int64_t ld, int64_t K, int64_t rows)
{
    for (int64_t g = 0; g < rows; g += MR) {
        float  *out = to + g * K;
        int64_t width = rows - g < MR ? rows - g : MR;
        if (width == MR)
            for (int64_t k = 0; k < K; k++)
                memcpy(out + k * MR, from + k * ld + g, MR * sizeof *out);
        else
            for (int64_t k = 0; k < K; k++)
                for (int64_t i = 0; i < MR; i++)
                    out[k * MR + i] = i < width ? from[k * ld + g + i] : 0.0f;
    }
}
