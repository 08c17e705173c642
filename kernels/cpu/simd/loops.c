/* Compiled once per instruction set: CPU_LEVEL is v2, v3 or v4 (see kernels/CMakeLists.txt). Written for the compiler's
 * vectoriser; no intrinsics. */
#include "kernels/cpu/loops.h"
#include "kernels/body/bf16.h"

#include <stddef.h>
#include <string.h>

/* One rounding where the machine has it: forward and backward must agree on what passed a ReLU. */
#ifdef __FMA__
#define MULADD(a, b, c) __builtin_fmaf((a), (b), (c))
#else
#define MULADD(a, b, c) ((a) * (b) + (c))
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

#include "kernels/cpu/simd/gemm.h"

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

#define LEVEL_TEXT_(x) "x86-64-" #x
#define LEVEL_TEXT(x) LEVEL_TEXT_(x)
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

const CpuLoops *JOIN(cpu_loops_, CPU_LEVEL)(void)
{
    static const CpuLoops TABLE = {
        .level = LEVEL_TEXT(CPU_LEVEL),
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
        .product = product,
        .pack_panels = pack_panels,
        .pack_turned = pack_turned,
        .pack_groups = pack_groups,
        .peak = peak,
    };
    return &TABLE;
}
