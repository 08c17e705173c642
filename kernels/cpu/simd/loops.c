/* Compiled once per instruction set: CPU_LEVEL is v2, v3, v4 or v4bf16 (see kernels/CMakeLists.txt). Written for the
 * compiler's vectoriser; intrinsics only where C has no word for an instruction: products of bf16 pairs. */
#include "kernels/cpu/loops.h"
#include "kernels/body/bf16.h"

#include <stddef.h>
#include <string.h>

#ifdef __clang__ // its vectoriser checks at run time what the pragmas below tell gcc
#pragma clang diagnostic ignored "-Wunknown-pragmas"
#endif

static inline float keep(bool is_kept, float value)
{
    return is_kept ? value : 0.0f;
}

#define T float
#define LOAD(p, i) ((p)[i])
#define STORE(p, i, v) ((p)[i] = (v))
#define NAME(x) x##_f32
#include "kernels/cpu/simd/typed.h"

#define T uint16_t
#define LOAD(p, i) bf16_to_f32((p)[i])
#define STORE(p, i, v) ((p)[i] = bf16_from_f32(v))
#define NAME(x) x##_bf16
#include "kernels/cpu/simd/typed.h"

static void widen(float *restrict to, const uint16_t *restrict from, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = bf16_to_f32(from[i]);
}

static void narrow(uint16_t *restrict to, const float *restrict from, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = bf16_from_f32(from[i]);
}

static void narrow_add(uint16_t *restrict to, const float *restrict from, float beta, int64_t n)
{
    if (beta == 0.0f) {
        narrow(to, from, n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        to[i] = bf16_from_f32(bf16_to_f32(to[i]) + from[i]);
}

/* ---- matrix products ---- */

#if CPU_LANES == 4
enum { MR = 4 };
#elif CPU_LANES == 8
enum { MR = 6 };
#else
enum { MR = 8 };
#endif
enum { NR = 2 * CPU_LANES, KC = 512 }; // KC: units summed in registers before the sums are put down

typedef float V __attribute__((vector_size(CPU_LANES * 4)));
typedef float Vu __attribute__((vector_size(CPU_LANES * 4), aligned(4)));

/* The taps, and the units of each, that a product sums in one go. */
typedef struct Slice {
    int64_t t0, t1, k0, k1;
    bool    is_first, is_last;
} Slice;

#define UNIT float
#define SPREAD(p) (*(p) - (V){0})
#define MULTIPLY_ADD(sum, x, b) ((sum) + (x) * (b))
#define NAME(x) x##_f32
#include "kernels/cpu/simd/gemm.h"

#define ELEMENT float
#define UNIT float
#define PAIR 1
#define UNIT_OF(a, b) (a)
#define NAME(x) x##_f32
#include "kernels/cpu/simd/pack.h"

#define ELEMENT uint16_t
#define UNIT float
#define PAIR 1
#define UNIT_OF(a, b) bf16_to_f32(a)
#define NAME(x) x##_widened
#include "kernels/cpu/simd/pack.h"

#ifdef __AVX512BF16__
#include "kernels/cpu/simd/pairs.h"
#endif

static void sgd(float *restrict w, float *restrict v, const float *restrict g,
                uint16_t *restrict low, int64_t n, float lr, float momentum, float decay,
                bool is_first)
{
    float keep = is_first ? 0.0f : momentum;
    if (is_first)
        memset(v, 0, (size_t)n * sizeof *v); // the old value may be anything, NaN included
    for (int64_t i = 0; i < n; i++) {
        v[i] = keep * v[i] + (g[i] + decay * w[i]);
        w[i] -= lr * v[i];
    }
    if (low)
        narrow(low, w, n);
}

static void ema(float *restrict k, const float *restrict q, uint16_t *restrict low, int64_t n,
                float m)
{
    for (int64_t i = 0; i < n; i++)
        k[i] = m * k[i] + (1.0f - m) * q[i];
    if (low)
        narrow(low, k, n);
}

static void scale(float *x, int64_t n, float factor)
{
    for (int64_t i = 0; i < n; i++)
        x[i] *= factor;
}

static double sum_squares(const float *x, int64_t n)
{
    enum { LANES = 16 };
    double  lane[LANES] = {0}, sum = 0.0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += (double)x[i + l] * (double)x[i + l];
    for (; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    for (int l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

typedef float Lanes __attribute__((vector_size(CPU_LANES * 4)));

static void peak(float *sink, int64_t rounds)
{
    enum { CHAINS = 10 };
    Lanes a[CHAINS], x, y;
    for (int l = 0; l < CPU_LANES; l++) {
        x[l] = sink[0];
        y[l] = sink[1];
    }
    for (int i = 0; i < CHAINS; i++)
        a[i] = x + (float)i;
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 10
        for (int i = 0; i < CHAINS; i++)
            a[i] = a[i] * x + y;
    for (int i = 1; i < CHAINS; i++)
        a[0] += a[i];
    sink[0] = a[0][0];
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

const CpuLoops *JOIN(cpu_loops_, CPU_LEVEL)(void)
{
    static const CpuLoops TABLE = {
        .level = CPU_LEVEL_TEXT,
        .lanes = CPU_LANES,
        .f32 = {moments_f32, norm_f32, norm_sums_f32, norm_apply_f32, relu_f32, relu_back_f32,
                add_f32, accumulate_f32, fill_f32, max_of_f32, max_back_f32, sum_rows_f32,
                spread_f32},
        .bf16 = {moments_bf16, norm_bf16, norm_sums_bf16, norm_apply_bf16, relu_bf16,
                 relu_back_bf16, add_bf16, accumulate_bf16, fill_bf16, max_of_bf16, max_back_bf16,
                 sum_rows_bf16, spread_bf16},
        .widen = widen,
        .narrow = narrow,
        .narrow_add = narrow_add,
        .sgd = sgd,
        .ema = ema,
        .scale = scale,
        .sum_squares = sum_squares,
        .mr = MR,
        .nr = NR,
        .of_f32 = {1, product_f32, outer_f32, pack_panels_f32, pack_groups_f32, pack_turned_f32},
        .of_widened = {1, product_f32, outer_f32, pack_panels_widened, pack_groups_widened,
                       pack_turned_widened},
#ifdef __AVX512BF16__
        .of_pairs = {2, product_pairs, outer_pairs, pack_panels_pairs, pack_groups_pairs,
                     pack_turned_pairs},
#endif
        .peak = peak,
    };
    return &TABLE;
}
