/* typed.h -- included once per element type by loops.c: T, LOAD(p, i), STORE(p, i, v) and NAME(x) are set by it
 *
 * Loops run over channels inside and rows outside, several rows at once where sums are kept, so that the compiler
 * vectorises over channels without reordering any sum.
 */

static void NAME(moments)(float *restrict mean, float *restrict m2, const void *px, int64_t ld,
                          int64_t rows, int64_t C)
{
    const T *x = px;
    for (int64_t c = 0; c < C; c++)
        mean[c] = m2[c] = 0.0f;
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const T *a = x + r * ld, *b = a + ld, *d = b + ld, *e = d + ld;
        for (int64_t c = 0; c < C; c++)
            mean[c] += (LOAD(a, c) + LOAD(b, c)) + (LOAD(d, c) + LOAD(e, c));
    }
    for (; r < rows; r++)
        for (int64_t c = 0; c < C; c++)
            mean[c] += LOAD(x, r * ld + c);
    float share = 1.0f / (float)rows;
    for (int64_t c = 0; c < C; c++)
        mean[c] *= share;
    for (r = 0; r + 4 <= rows; r += 4) {
        const T *a = x + r * ld, *b = a + ld, *d = b + ld, *e = d + ld;
        for (int64_t c = 0; c < C; c++) {
            float m = mean[c], u = LOAD(a, c) - m, v = LOAD(b, c) - m, s = LOAD(d, c) - m,
                  t = LOAD(e, c) - m;
            m2[c] += (u * u + v * v) + (s * s + t * t);
        }
    }
    for (; r < rows; r++)
        for (int64_t c = 0; c < C; c++) {
            float u = LOAD(x, r * ld + c) - mean[c];
            m2[c] += u * u;
        }
}

static void NAME(norm)(void *py, const NormRows *n, int64_t rows, int64_t C)
{
    T           *y = py;
    const T     *x = n->x, *residual = n->residual;
    const float *scale = n->scale, *shift = n->shift;
    for (int64_t r = 0; r < rows; r++, x += C, y += C, residual = residual ? residual + C : NULL) {
        if (residual && n->relu) {
#pragma GCC ivdep
            for (int64_t c = 0; c < C; c++) {
                float v = LOAD(x, c) * scale[c] + shift[c] + LOAD(residual, c);
                STORE(y, c, v < 0.0f ? 0.0f : v);
            }
        } else if (residual) {
#pragma GCC ivdep
            for (int64_t c = 0; c < C; c++)
                STORE(y, c, LOAD(x, c) * scale[c] + shift[c] + LOAD(residual, c));
        } else if (n->relu) {
#pragma GCC ivdep
            for (int64_t c = 0; c < C; c++) {
                float v = LOAD(x, c) * scale[c] + shift[c];
                STORE(y, c, v < 0.0f ? 0.0f : v);
            }
        } else {
#pragma GCC ivdep
            for (int64_t c = 0; c < C; c++)
                STORE(y, c, LOAD(x, c) * scale[c] + shift[c]);
        }
    }
}

static void NAME(relu_back)(void *pdx, const void *pdy, const void *py, float beta, int64_t n)
{
    T       *dx = pdx;
    const T *dy = pdy, *y = py;
    if (beta == 0.0f) { // dx is not read: it may hold anything, and reading takes time
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++)
            STORE(dx, i, keep(LOAD(y, i) > 0.0f, LOAD(dy, i)));
    } else {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++)
            STORE(dx, i, LOAD(dx, i) + keep(LOAD(y, i) > 0.0f, LOAD(dy, i)));
    }
}

static void NAME(accumulate)(void *pdx, const void *pdy, float beta, int64_t n)
{
    T       *dx = pdx;
    const T *dy = pdy;
    if (beta == 0.0f) {
        memcpy(dx, dy, (size_t)n * sizeof(T));
        return;
    }
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++)
        STORE(dx, i, LOAD(dx, i) + LOAD(dy, i));
}

/* sum and dot over rows; MASKED(r, c) is dy behind the ReLU. Two rows at once halve the traffic of the sums. */
#define SUM_ROWS(MASKED)                                                                           \
    for (; r + 2 <= rows; r += 2)                                                                  \
        for (int64_t c = 0; c < C; c++) {                                                          \
            int64_t i = r * C + c, j = i + C;                                                      \
            float   u = MASKED(i, c), v = MASKED(j, c);                                            \
            sum[c] += u + v;                                                                       \
            dot[c] += u * (LOAD(x, i) - mean[c]) + v * (LOAD(x, j) - mean[c]);                     \
        }                                                                                          \
    for (; r < rows; r++)                                                                          \
        for (int64_t c = 0; c < C; c++) {                                                          \
            int64_t i = r * C + c;                                                                 \
            float   u = MASKED(i, c);                                                              \
            sum[c] += u;                                                                           \
            dot[c] += u * (LOAD(x, i) - mean[c]);                                                  \
        }
/* keep() takes its number by value: the load happens either way, which lets the loops be vectorised. */
#define BY_NONE(i, c) LOAD(dy, i)
#define BY_Y(i, c) keep(LOAD(y, i) > 0.0f, LOAD(dy, i))

static void NAME(norm_sums)(const NormRows *n, int64_t rows, int64_t C)
{
    const T *restrict x = n->x, *restrict dy = n->dy, *restrict y = n->y;
    const float *restrict mean = n->mean;
    float *restrict sum = n->sum, *restrict dot = n->dot;
    int64_t r = 0;
    for (int64_t c = 0; c < C; c++)
        sum[c] = dot[c] = 0.0f;
    if (n->mask == MASK_BY_Y) {
        SUM_ROWS(BY_Y)
    } else {
        SUM_ROWS(BY_NONE)
    }
    if (n->residual && n->mask == MASK_BY_Y)
        NAME(relu_back)(n->residual, dy, y, n->beta_residual, rows * C);
    else if (n->residual)
        NAME(accumulate)(n->residual, dy, n->beta_residual, rows * C);
}

#define APPLY_ROWS(MASKED)                                                                         \
    for (int64_t r = 0; r < rows; r++) {                                                           \
        _Pragma("GCC ivdep") for (int64_t c = 0; c < C; c++)                                       \
        {                                                                                          \
            int64_t i = r * C + c;                                                                 \
            float   old = LOAD(dx, i);                                                             \
            float   d = MASKED(i, c) * k[c] + (LOAD(x, i) * p[c] + q[c]);                          \
            STORE(dx, i, adds ? old + d : d);                                                      \
        }                                                                                          \
    }

/* dx may be the memory of dy. */
static void NAME(norm_apply)(const NormRows *n, int64_t rows, int64_t C)
{
    const T     *x = n->x, *dy = n->dy, *y = n->y;
    const float *k = n->k, *p = n->p, *q = n->q;
    T           *dx = n->dx;
    bool         adds = n->beta_dx != 0.0f;
    if (n->mask == MASK_BY_Y) {
        APPLY_ROWS(BY_Y)
    } else {
        APPLY_ROWS(BY_NONE)
    }
}
#undef SUM_ROWS
#undef APPLY_ROWS
#undef BY_NONE
#undef BY_Y

static void NAME(relu)(void *py, const void *px, int64_t n)
{
    T       *y = py;
    const T *x = px;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) {
        float v = LOAD(x, i);
        STORE(y, i, v < 0.0f ? 0.0f : v);
    }
}

static void NAME(add)(void *py, const void *pa, const void *pb, int64_t n)
{
    T       *y = py;
    const T *a = pa, *b = pb;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++)
        STORE(y, i, LOAD(a, i) + LOAD(b, i));
}

static void NAME(fill)(void *px, float value, int64_t n)
{
    T *x = px;
    for (int64_t i = 0; i < n; i++)
        STORE(x, i, value);
}

/* One tap of a max pool over n channels. NaN wins, the first of equals wins. */
static void NAME(max_of)(void *py, uint8_t *restrict where, const void *px, uint8_t tap,
                         bool is_first, int64_t n)
{
    T *restrict y = py;
    const T *restrict x = px;
    if (is_first) {
        memcpy(y, x, (size_t)n * sizeof(T));
        memset(where, tap, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        float v = LOAD(x, i), best = LOAD(y, i);
        bool  wins = v > best || (v != v && best == best);
        y[i] = wins ? x[i] : y[i];
        where[i] = wins ? tap : where[i];
    }
}

static void NAME(max_back)(void *pdx, const void *pdy, const uint8_t *restrict where, uint8_t tap,
                           int64_t n)
{
    T *restrict dx = pdx;
    const T *restrict dy = pdy;
    for (int64_t i = 0; i < n; i++) {
        float d = keep(where[i] == tap, LOAD(dy, i));
        STORE(dx, i, LOAD(dx, i) + d);
    }
}

static void NAME(sum_rows)(float *restrict sum, const void *px, int64_t rows, int64_t C)
{
    const T *x = px;
    for (int64_t c = 0; c < C; c++)
        sum[c] = 0.0f;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < C; c++)
            sum[c] += LOAD(x, r * C + c);
}

static void NAME(spread)(void *pdx, const float *restrict row, float beta, int64_t rows, int64_t C)
{
    T   *dx = pdx;
    bool adds = beta != 0.0f;
    for (int64_t r = 0; r < rows; r++)
#pragma GCC ivdep
        for (int64_t c = 0; c < C; c++)
            STORE(dx, r * C + c, adds ? LOAD(dx, r * C + c) + row[c] : row[c]);
}

#undef T
#undef LOAD
#undef STORE
#undef NAME
