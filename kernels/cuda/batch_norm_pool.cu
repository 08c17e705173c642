/* batch_norm_pool.cu -- batch norm, ReLU and max pooling of 3x3 windows by 2 with a border of 1 (ResNet's stem)
 *
 *      column   2q-1  2q  2q+1
 *      line 2p-1  x    x    x     a thread goes down the windows of one column: of the lines of a window only two are new,
 *      line 2p    x    x    x     and of line 2p+1 it keeps the largest tap for the next
 *      line 2p+1  x    x    x
 *
 * Forward: the moments of batch_norm.cu, then one pass over x. Every tap is normalised and rounded as if it were stored, so the
 * largest, and of equals the first, is that of max_pool.cu. It also leaves x at the places where y comes from (picked).
 *
 * Backward: d, the gradient at a place of x, is the sum of dy of the windows that took it, and 0 where the ReLU did. So the sums
 * over all places of d and of d (x - mean) are those over the windows of dy and picked, a quarter of the rows, which
 * batch_norm_backward.cu adds up. One pass over x then gathers d, as max_pool.cu does, rounds it as if it were stored, and makes
 * dx of it, which may lie over x: a thread has read its 2x2 places before it writes them.
 */
#include "kernels/cuda/batch_norm.h"
#include "kernels/cuda/pool.h"
#include "kernels/cuda/scratch.h"
extern "C" {
#include "kernels/body/relu.h"
}

#include <cuda_bf16.h>

enum { NORM_POOL_DEPTH = 8 }; // lines of windows that a thread goes down

/* The images of a group, cut into pieces of that many lines. A line of x has fewer than 2^31 numbers. */
struct NormPoolShape {
    int images, pieces, H, W, P, Q, C;
};

static NormPoolShape norm_pool_shape_of(const Tensor *x, const Tensor *y, int64_t groups)
{
    auto size = [](const Tensor *of, int i) { return (int)of->dim[i]; };
    int  lines = size(y, 1);
    return {size(x, 0) / (int)groups,
            (lines + NORM_POOL_DEPTH - 1) / NORM_POOL_DEPTH,
            size(x, 1),
            size(x, 2),
            lines,
            size(y, 2),
            size(x, 3)};
}

/* Piece i of a group, from the first to the last: what the pass before read last may still lie in the cache. */
struct NormPoolPiece {
    int64_t image;
    int     first, end; // lines of windows

    __device__ NormPoolPiece(const NormPoolShape &s, int i)
    {
        image = (int64_t)blockIdx.z * s.images + i / s.pieces;
        first = i % s.pieces * NORM_POOL_DEPTH;
        end = min(first + NORM_POOL_DEPTH, s.P);
    }
};

/* v as memory keeps it. */
template <typename T>
__device__ inline float norm_pool_rounded(float v)
{
    T stored;
    gpu_put(&stored, v);
    return gpu_get(&stored);
}

/* Of a window: y, x where it comes from, and the tap. */
template <int V, typename T>
struct NormPoolMost {
    RowVector<V, T>       y, picked;
    RowVector<V, uint8_t> tap;
};

/* The first of the largest of three taps of a line. A tap that does not exist is given as the nearest that does: of those on
 * the right that one comes first anyway, and of those on the left `left` is its name, 1. */
template <int V, typename T>
struct NormPoolLine {
    float best[V], x[V];
    int   column[V];

    __device__ inline void look(const RowVector<V, T> *tap, int left, const NormValue<V> &norm)
    {
        GPU_UNROLL
        for (int k = 0; k < 3; k++) {
            float v[V];
            row_unpack<V>(v, tap[k]);
            GPU_UNROLL
            for (int j = 0; j < V; j++) {
                float value = norm_pool_rounded<T>(relu_value(norm(v[j], j)));
                if (k > 0 && !max_pool_takes(value, best[j]))
                    continue;
                best[j] = value;
                x[j] = v[j];
                column[j] = k == 0 ? left : k;
            }
        }
    }

    /* Lines 0, 1 and 2 of a window; `top` is the name of the first tap of line 0: 3 where that is line 1 again. */
    __device__ static inline void join(NormPoolMost<V, T> *most, const NormPoolLine *line, int top)
    {
        GPU_UNROLL
        for (int j = 0; j < V; j++) {
            float best = line[0].best[j], x = line[0].x[j];
            int   tap = line[0].column[j] + top;
            GPU_UNROLL
            for (int i = 1; i < 3; i++)
                if (max_pool_takes(line[i].best[j], best)) {
                    best = line[i].best[j];
                    x = line[i].x[j];
                    tap = line[i].column[j] + 3 * i;
                }
            gpu_put(&most->y.element[j], best);
            gpu_put(&most->picked.element[j], x);
            most->tap.element[j] = (uint8_t)tap;
        }
    }
};

/* ---- two bfloat16 in a word ---- */

__device__ inline __nv_bfloat162 norm_pool_pair(unsigned word)
{
    __nv_bfloat162 pair;
    memcpy((void *)&pair, &word, sizeof pair);
    return pair;
}

/* max(0, v) of both, rounded; NaN stays. */
__device__ inline unsigned norm_pool_relu(float low, float high)
{
#ifdef __CUDA_ARCH__
    unsigned word;
    asm("cvt.rn.relu.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
    return word;
#else
    return bf16_from_f32(relu_value(low)) | (unsigned)bf16_from_f32(relu_value(high)) << 16;
#endif
}

/* The larger of both; NaN wins. */
__device__ inline unsigned norm_pool_larger(unsigned a, unsigned b)
{
    __nv_bfloat162 pair = __hmax2_nan(norm_pool_pair(a), norm_pool_pair(b));
    unsigned       word;
    memcpy(&word, (const void *)&pair, sizeof word);
    return word;
}

/* Sixteen ones for each half of `best`, a maximum that v took part in, which v equals. Where it is NaN all are taken for it: a
 * channel of finite gamma and beta is NaN everywhere, as its mean is, or nowhere. */
__device__ inline unsigned norm_pool_is(unsigned v, unsigned best)
{
    return __hgeu2_mask(norm_pool_pair(v), norm_pool_pair(best));
}

__device__ inline unsigned norm_pool_select(unsigned mask, unsigned a, unsigned b)
{
    return (a & mask) | (b & ~mask);
}

/* Eight channels in pairs: two are compared and selected by one instruction. */
template <>
struct NormPoolLine<8, bf16> {
    unsigned best[4], x[4], column[4];

    __device__ inline void look(const RowVector<8, bf16> *tap, int left, const NormValue<8> &norm)
    {
        unsigned px[3][4];
        memcpy(px, tap, sizeof px);
        GPU_UNROLL
        for (int k = 0; k < 4; k++) {
            unsigned v[3];
            GPU_UNROLL
            for (int t = 0; t < 3; t++)
                v[t] = norm_pool_relu(norm(bf16_to_f32((uint16_t)px[t][k]), 2 * k),
                                      norm(bf16_to_f32((uint16_t)(px[t][k] >> 16)), 2 * k + 1));
            best[k] = norm_pool_larger(norm_pool_larger(v[0], v[1]), v[2]);
            unsigned is_0 = norm_pool_is(v[0], best[k]), is_1 = norm_pool_is(v[1], best[k]);
            column[k] = norm_pool_select(is_0, (unsigned)left * 0x10001u,
                                         norm_pool_select(is_1, 0x10001u, 0x20002u));
            x[k] = norm_pool_select(is_0, px[0][k], norm_pool_select(is_1, px[1][k], px[2][k]));
        }
    }

    __device__ static inline void join(NormPoolMost<8, bf16> *most, const NormPoolLine *line,
                                       int top)
    {
        unsigned y[4], picked[4];
        GPU_UNROLL
        for (int k = 0; k < 4; k++) {
            y[k] = norm_pool_larger(norm_pool_larger(line[0].best[k], line[1].best[k]),
                                    line[2].best[k]);
            unsigned is_0 = norm_pool_is(line[0].best[k], y[k]);
            unsigned is_1 = norm_pool_is(line[1].best[k], y[k]);
            unsigned tap = norm_pool_select(
                is_0, line[0].column[k] + (unsigned)top * 0x10001u,
                norm_pool_select(is_1, line[1].column[k] + 0x30003u, line[2].column[k] + 0x60006u));
            picked[k] = norm_pool_select(is_0, line[0].x[k],
                                         norm_pool_select(is_1, line[1].x[k], line[2].x[k]));
            most->tap.element[2 * k] = (uint8_t)tap;
            most->tap.element[2 * k + 1] = (uint8_t)(tap >> 16);
        }
        memcpy(&most->y, y, sizeof y);
        memcpy(&most->picked, picked, sizeof picked);
    }
};

/* where and picked may be NULL; grid (channels, pieces, G). */
template <int V, typename T>
__global__ void __launch_bounds__(GPU_BLOCK, 2)
    batch_norm_pool_kernel(T *y, uint8_t *where, T *picked, const T *x, const float *gamma,
                           const float *beta, const float *mean, const float *rstd, NormPoolShape s)
{
    int64_t c = gpu_channel<V>();
    if (c >= s.C)
        return;
    NormValue<V> norm(gamma, beta, mean, rstd, blockIdx.z, s.C, c);
    for (int i = (int)blockIdx.y; i < s.images * s.pieces; i += (int)gridDim.y) {
        NormPoolPiece piece(s, i);
        const T      *image = x + piece.image * s.H * s.W * s.C + c;
        for (int q = (int)threadIdx.y; q < s.Q; q += (int)blockDim.y) {
            int column[3] = {max(2 * q - 1, 0) * s.C, 2 * q * s.C, min(2 * q + 1, s.W - 1) * s.C};
            int left = q == 0;
            NormPoolLine<V, T> line[3];
            RowVector<V, T>    tap[2][3];
            const T           *above = image + (int64_t)max(2 * piece.first - 1, 0) * (s.W * s.C);
            GPU_UNROLL
            for (int k = 0; k < 3; k++)
                tap[0][k] = row_fetch<V>(above + column[k]);
            line[0].look(tap[0], left, norm);
            for (int p = piece.first; p < piece.end; p++) {
                GPU_UNROLL
                for (int l = 0; l < 2; l++)
                    GPU_UNROLL
                for (int k = 0; k < 3; k++)
                    tap[l][k] = row_fetch<V>(
                        image + (int64_t)min(2 * p + l, s.H - 1) * (s.W * s.C) + column[k]);
                line[1].look(tap[0], left, norm);
                line[2].look(tap[1], left, norm);
                NormPoolMost<V, T> most;
                NormPoolLine<V, T>::join(&most, line, p == 0 ? 3 : 0);
                int64_t at = ((piece.image * s.P + p) * s.Q + q) * s.C + c;
                *(RowVector<V, T> *)(y + at) = most.y;
                if (where)
                    *(RowVector<V, uint8_t> *)(where + at) = most.tap;
                if (picked)
                    *(RowVector<V, T> *)(picked + at) = most.picked;
                line[0] = line[2];
            }
        }
    }
}

/* Windows q and q+1 of a line. One that does not exist took no tap. */
template <int V, typename T>
struct NormPoolWindows {
    RowVector<V, uint8_t> tap[2];
    RowVector<V, T>       dy[2];

    __device__ inline void load(const T *of_dy, const uint8_t *where, int64_t at, int C,
                                int n_there)
    {
        GPU_UNROLL
        for (int j = 0; j < 2; j++)
            if (j < n_there) {
                tap[j] = row_fetch<V>(where + at + j * C);
                dy[j] = row_fetch<V>(of_dy + at + j * C);
            } else {
                dy[j] = {};
                GPU_UNROLL
                for (int l = 0; l < V; l++)
                    tap[j].element[l] = 255;
            }
    }
};

/* dx in the place of x, of 2x2 places under 2x2 windows. Channel by channel: registers decide how many threads there are. */
template <int V, typename T>
__device__ inline void norm_pool_pull_back(RowVector<V, T>              place[2][2],
                                           const NormPoolWindows<V, T> *line,
                                           const NormValue<V> &norm, const NormSlope<V> &slope)
{
    GPU_UNROLL
    for (int l = 0; l < V; l++)
        GPU_UNROLL
    for (int h = 0; h < 2; h++)
        GPU_UNROLL
    for (int w = 0; w < 2; w++) {
        T    *at = &place[h][w].element[l];
        float d = 0.0f, v = gpu_get(at);
        GPU_UNROLL
        for (int k = h; k >= 0; k--)
            GPU_UNROLL
        for (int j = w; j >= 0; j--)
            if (line[k].tap[j].element[l] == (h + 1 - 2 * k) * 3 + w + 1 - 2 * j)
                d += gpu_get(&line[k].dy[j].element[l]);
        d = norm_is_kept<T>(norm(v, l)) ? norm_pool_rounded<T>(d) : 0.0f;
        gpu_put(at, slope(d, v, norm, l));
    }
}

/* dx = gamma rstd (d - mean of d - xhat * mean of d xhat), of_norm (G,2,C) those means; dx may be x. A thread has 2x2 places,
 * which lie under 2x2 windows: place i of the two along an axis under window 0 as its tap i + 1 and, if odd, under window 1 as
 * its tap 0. Grid (channels, pieces, G). */
template <int V, typename T>
__global__ void __launch_bounds__(GPU_BLOCK, 2)
    batch_norm_pool_gradient_kernel(T *dx, const T *dy, const uint8_t *where, const T *x,
                                    const float *gamma, const float *beta, const float *mean,
                                    const float *rstd, const float *of_norm, NormPoolShape s)
{
    int64_t c = gpu_channel<V>(), g = blockIdx.z;
    if (c >= s.C)
        return;
    NormValue<V> norm(gamma, beta, mean, rstd, g, s.C, c);
    NormSlope<V> slope(norm, of_norm, rstd, g, s.C, c);
    for (int i = (int)blockIdx.y; i < s.images * s.pieces; i += (int)gridDim.y) {
        NormPoolPiece piece(s, i);
        for (int q = (int)threadIdx.y; q < s.Q; q += (int)blockDim.y) {
            int     n_there = min(s.Q - q, 2), n_wide = min(s.W - 2 * q, 2);
            int64_t windows = ((piece.image * s.P + piece.first) * s.Q + q) * s.C + c;
            int64_t places = ((piece.image * s.H + 2 * piece.first) * s.W + 2 * q) * s.C + c;
            NormPoolWindows<V, T> line[2];
            line[0].load(dy, where, windows, s.C, n_there);
            for (int p = piece.first; p < piece.end; p++) {
                RowVector<V, T> place[2][2];
                int             n_high = min(s.H - 2 * p, 2);
                windows += s.Q * s.C;
                line[1].load(dy, where, windows, s.C, p + 1 < s.P ? n_there : 0);
                GPU_UNROLL
                for (int h = 0; h < 2; h++)
                    GPU_UNROLL
                for (int w = 0; w < 2; w++)
                    place[h][w] = row_fetch<V>(
                        x + places + (min(h, n_high - 1) * s.W + min(w, n_wide - 1)) * s.C);
                norm_pool_pull_back(place, line, norm, slope);
                GPU_UNROLL
                for (int h = 0; h < 2; h++)
                    GPU_UNROLL
                for (int w = 0; w < 2; w++)
                    if (h < n_high && w < n_wide)
                        *(RowVector<V, T> *)(dx + places + (h * s.W + w) * s.C) = place[h][w];
                line[0] = line[1];
                places += 2 * s.W * s.C;
            }
        }
    }
}

static const float *floats(const Tensor *x)
{
    return (const float *)x->data;
}

/* Blocks over pieces. */
static RowLaunch launch_of(const NormPoolShape &s, int V, int64_t groups)
{
    return gpu_rows_blocks(s.C, V, gpu_rows_enough(s.images * s.pieces), groups);
}

Status cuda_norm_pool_train_forward(Tensor *y, Tensor *where, Tensor *picked, Tensor *mean,
                                    Tensor *rstd, Tensor *running_mean, Tensor *running_var,
                                    const Tensor *x, const Tensor *gamma, const Tensor *beta,
                                    const Norm *op)
{
    if (x->dim[3] == 0)
        return OK;
    TRY(norm_statistics(mean, rstd, running_mean, running_var, x, op));
    if (tensor_count(x) == 0)
        return OK;
    bool is_aligned = gpu_all_aligned(y, where, picked, x, gamma, beta, mean, rstd);
    return gpu_by_width(x, x->dim[3], is_aligned, [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value;
        NormPoolShape s = norm_pool_shape_of(x, y, op->groups);
        RowLaunch     at = launch_of(s, V, op->groups);
        return gpu_launch("batch_norm with max_pool", batch_norm_pool_kernel<V, T>, at.grid,
                          at.block, 0, (T *)y->data, (uint8_t *)(where ? where->data : nullptr),
                          (T *)(picked ? picked->data : nullptr), (const T *)x->data, floats(gamma),
                          floats(beta), floats(mean), floats(rstd), s);
    });
}

Status cuda_norm_pool_train_backward(Tensor *dx, Tensor *dgamma, Tensor *dbeta, const Tensor *dy,
                                     const Tensor *where, const Tensor *picked, const Tensor *x,
                                     const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                     const Norm *op)
{
    int64_t C = x->dim[3], places = x->dim[0] / op->groups * x->dim[1] * x->dim[2];
    Scratch scratch("batch_norm with max_pool, gradient");
    float  *of_norm;
    if (C == 0)
        return OK;
    TRY(scratch.take(&of_norm, op->groups * 2 * C));
    TRY(norm_gradient_sums(dgamma, dbeta, of_norm, dy, picked, gamma, mean, rstd, op, places));
    if (!dx || tensor_count(x) == 0)
        return OK;
    (void)tensor_beta(dx);
    bool is_aligned = gpu_all_aligned(dx, dy, where, x, gamma, op->beta, mean, rstd);
    return gpu_by_width(x, C, is_aligned, [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value == 1 ? 1 : NORM_BACK_WIDTH;
        NormPoolShape s = norm_pool_shape_of(x, dy, op->groups);
        RowLaunch     at = launch_of(s, V, op->groups);
        return gpu_launch("batch_norm with max_pool, gradient",
                          batch_norm_pool_gradient_kernel<V, T>, at.grid, at.block, 0,
                          (T *)dx->data, (const T *)dy->data, (const uint8_t *)where->data,
                          (const T *)x->data, floats(gamma), floats(op->beta), floats(mean),
                          floats(rstd), (const float *)of_norm, s);
    });
}
