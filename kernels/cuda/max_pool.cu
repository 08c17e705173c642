/* max_pool.cu -- the largest of each window, and the tap it came from
 *
 * Forward: neighbouring windows share taps through the caches, so x is read from memory about once. Backward gathers
 * over the windows that cover a place (at most 4 for ResNet's 3x3 by 2), the last first: nothing is added twice and no
 * order is left to chance.
 */
#include "kernels/cuda/pool.h"

#include <cuda_bf16.h>

template <int V>
struct alignas(V) MaxPoolTaps {
    uint8_t tap[V];
};

/* SIZE is s.size, known in advance, or 0: then taps are met one by one. */
template <int V, typename T, int SIZE>
__global__ void max_pool_forward_kernel(T *y, uint8_t *where, const T *x, PoolShape s)
{
    constexpr int W =
        SIZE ? SIZE : 1; // taps of a line that are loaded before the first is looked at
    const int size = SIZE ? SIZE : (int)s.size;
    int64_t   c = gpu_channel<V>();
    for (int64_t line = blockIdx.y; c < s.C && line < s.N * s.P; line += gridDim.y) {
        int64_t n = line / s.P;
        int     h0 = (int)(line % s.P * s.stride - s.pad);
        for (int q = (int)threadIdx.y; q < s.Q; q += (int)blockDim.y) {
            int   w0 = (int)(q * s.stride - s.pad), tap[V];
            float best[V]; // the first tap that exists, which every other number displaces
            GPU_UNROLL
            for (int l = 0; l < V; l++) {
                best[l] = -INFINITY;
                tap[l] = max(-h0, 0) * size + max(-w0, 0);
            }
            GPU_UNROLL
            for (int i = 0; i < size; i++)
                for (int j = 0; j < size; j += W) {
                    int             h = h0 + i, there = min(max(h, 0), (int)s.H - 1);
                    const T        *row = x + (n * s.H + there) * s.W * s.C + c;
                    RowVector<V, T> taps[W];
                    GPU_UNROLL
                    for (int k = 0; k < W; k++)
                        taps[k] = row_fetch<V>(row + min(max(w0 + j + k, 0), (int)s.W - 1) * s.C);
                    GPU_UNROLL
                    for (int k = 0; k < W; k++) {
                        int   w = w0 + j + k;
                        float v[V];
                        if (h != there || w < 0 || w >= s.W)
                            continue;
                        row_unpack<V>(v, taps[k]);
                        GPU_UNROLL
                        for (int l = 0; l < V; l++)
                            if (max_pool_takes(v[l], best[l])) {
                                best[l] = v[l];
                                tap[l] = i * size + j + k;
                            }
                    }
                }
            MaxPoolTaps<V> at;
            for (int l = 0; l < V; l++)
                at.tap[l] = (uint8_t)tap[l];
            row_store<V>(y + (line * s.Q + q) * s.C + c, best);
            *(MaxPoolTaps<V> *)(where + (line * s.Q + q) * s.C + c) = at;
        }
    }
}

/* Eight channels in pairs. */
struct alignas(16) PoolPairs {
    __nv_bfloat162 pair[4];
};

/* ResNet's 3x3 by 2 with a border of 1, in bfloat16: maxima of two channels an instruction, then the first tap that equals
 * them, or is NaN where they are. A tap outside is read as the nearest one inside, which belongs to the window too, and
 * goes by that one's name. Of zeros of both signs y may have either. */
__global__ void max_pool_forward_3x3_kernel(bf16 *y, uint8_t *where, const bf16 *x, PoolShape s)
{
    int64_t c = gpu_channel<8>();
    int     C = (int)s.C, H = (int)s.H, W = (int)s.W;
    for (int64_t line = blockIdx.y; c < s.C && line < s.N * s.P; line += gridDim.y) {
        int64_t     n = line / s.P;
        int         h0 = 2 * (int)(line % s.P) - 1, name_of_row[3];
        const bf16 *row[3];
        GPU_UNROLL
        for (int i = 0; i < 3; i++) {
            int h = min(max(h0 + i, 0), H - 1);
            row[i] = x + (n * H + h) * W * C + c;
            name_of_row[i] = 3 * (h - h0);
        }
        for (int q = (int)threadIdx.y; q < s.Q; q += (int)blockDim.y) {
            int       w0 = 2 * q - 1, name[3];
            PoolPairs tap[3][3];
            GPU_UNROLL
            for (int j = 0; j < 3; j++) {
                int w = min(max(w0 + j, 0), W - 1);
                name[j] = w - w0;
                GPU_UNROLL
                for (int i = 0; i < 3; i++)
                    tap[i][j] = *(const PoolPairs *)(row[i] + (int64_t)w * C);
            }
            PoolPairs      best = tap[0][0];
            MaxPoolTaps<8> at;
            GPU_UNROLL
            for (int k = 0; k < 4; k++) {
                GPU_UNROLL
                for (int t = 1; t < 9; t++)
                    best.pair[k] = __hmax2_nan(best.pair[k], tap[t / 3][t % 3].pair[k]);
                bool     has_nan = __hneu2_mask(best.pair[k], best.pair[k]) != 0;
                unsigned first = 0; // of both channels
                GPU_UNROLL
                for (int t = 8; t >= 0; t--) {
                    __nv_bfloat162 v = tap[t / 3][t % 3].pair[k];
                    unsigned       is_it = __heq2_mask(v, best.pair[k]);
                    if (has_nan)
                        is_it |= __hneu2_mask(v, v);
                    unsigned own = (unsigned)(name_of_row[t / 3] + name[t % 3]) * 0x10001u;
                    first = (own & is_it) | (first & ~is_it);
                }
                at.tap[2 * k] = (uint8_t)first;
                at.tap[2 * k + 1] = (uint8_t)(first >> 16);
            }
            int64_t to = (line * s.Q + q) * s.C + c;
            *(PoolPairs *)(y + to) = best;
            *(MaxPoolTaps<8> *)(where + to) = at;
        }
    }
}

/* Windows of any size, a place a thread. */
template <int V, typename T>
__global__ void max_pool_backward_kernel(T *dx, float beta, const T *dy, const uint8_t *where,
                                         PoolShape s)
{
    int64_t c = gpu_channel<V>();
    for (int64_t line = blockIdx.y; c < s.C && line < s.N * s.H; line += gridDim.y) {
        int64_t n = line / s.H, h = line % s.H;
        int64_t p0 = pool_first_window(h, s.size, s.stride, s.pad);
        int64_t p1 = pool_end_window(h, s.stride, s.pad, s.P);
        for (int64_t w = threadIdx.y; w < s.W; w += blockDim.y) {
            int64_t q0 = pool_first_window(w, s.size, s.stride, s.pad);
            int64_t q1 = pool_end_window(w, s.stride, s.pad, s.Q);
            float   sum[V] = {}, v[V];
            for (int64_t p = p1 - 1; p >= p0; p--)
                for (int64_t q = q1 - 1; q >= q0; q--) {
                    int64_t        at = ((n * s.P + p) * s.Q + q) * s.C + c;
                    MaxPoolTaps<V> best = *(const MaxPoolTaps<V> *)(where + at);
                    int64_t tap = (h + s.pad - p * s.stride) * s.size + w + s.pad - q * s.stride;
                    row_load<V>(v, dy + at);
                    GPU_UNROLL
                    for (int l = 0; l < V; l++)
                        sum[l] += best.tap[l] == tap ? v[l] : 0.0f;
                }
            row_add<V>(dx + (line * s.W + w) * s.C + c, beta, sum);
        }
    }
}

/* ResNet's 3x3 by 2 with a border of 1: 2x2 places a thread, which lie under 2x2 windows. Place i of the two along an axis
 * lies under window 0 as its tap i + 1 and, if odd, under window 1 as its tap 0. */
template <int V, typename T>
__global__ void max_pool_backward_3x3_kernel(T *dx, float beta, const T *dy, const uint8_t *where,
                                             PoolShape s)
{
    int64_t c = gpu_channel<V>(), lines = (s.H + 1) / 2;
    for (int64_t line = blockIdx.y; c < s.C && line < s.N * lines; line += gridDim.y) {
        int64_t n = line / lines;
        int     C = (int)s.C, Q = (int)s.Q, W = (int)s.W, p = (int)(line % lines);
        int64_t windows = (n * s.P + p) * s.Q * C + c, places = (n * s.H + 2 * p) * s.W * C + c;
        for (int q = (int)threadIdx.y; 2 * q < W; q += (int)blockDim.y) {
            MaxPoolTaps<V>  best[2][2];
            RowVector<V, T> arrived[2][2];
            bool            is_there[2][2];
            GPU_UNROLL
            for (int i = 0; i < 2; i++)
                GPU_UNROLL
            for (int j = 0; j < 2; j++) {
                int64_t at = windows + (int64_t)(i * Q + q + j) * C;
                is_there[i][j] = p + i < s.P && q + j < Q;
                if (!is_there[i][j])
                    continue;
                best[i][j] = *(const MaxPoolTaps<V> *)(where + at);
                arrived[i][j] = row_fetch<V>(dy + at);
            }
            GPU_UNROLL
            for (int h = 0; h < 2; h++)
                GPU_UNROLL
            for (int w = 0; w < 2; w++) {
                float sum[V] = {};
                if (2 * p + h >= s.H || 2 * q + w >= W)
                    continue;
                GPU_UNROLL
                for (int i = h; i >= 0; i--)
                    GPU_UNROLL
                for (int j = w; j >= 0; j--) {
                    float v[V];
                    if (!is_there[i][j])
                        continue;
                    row_unpack<V>(v, arrived[i][j]);
                    GPU_UNROLL
                    for (int l = 0; l < V; l++)
                        sum[l] +=
                            best[i][j].tap[l] == (h + 1 - 2 * i) * 3 + w + 1 - 2 * j ? v[l] : 0.0f;
                }
                row_add<V>(dx + places + (int64_t)(h * W + 2 * q + w) * C, beta, sum);
            }
        }
    }
}

static bool is_3x3(const PoolShape &s)
{
    return s.size == 3 && s.stride == 2 && s.pad == 1;
}

Status cuda_max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op)
{
    PoolShape s = pool_shape_of(x, y, op);
    return pool_launch(
        y, s.C, s.N * s.P, gpu_all_aligned(y, where, x), [&](auto type, auto width, RowLaunch at) {
            using T = decltype(type);
            constexpr int V = decltype(width)::value;
            if constexpr (std::is_same_v<T, bf16> && V == 8)
                if (is_3x3(s))
                    return gpu_launch("max_pool", max_pool_forward_3x3_kernel, at.grid, at.block, 0,
                                      (T *)y->data, (uint8_t *)where->data, (const T *)x->data, s);
            return gpu_launch(
                "max_pool",
                s.size == 3 ? max_pool_forward_kernel<V, T, 3> : max_pool_forward_kernel<V, T, 0>,
                at.grid, at.block, 0, (T *)y->data, (uint8_t *)where->data, (const T *)x->data, s);
        });
}

Status cuda_max_pool_backward(Tensor *dx, const Tensor *dy, const Tensor *where, const Pool2d *op)
{
    PoolShape s = pool_shape_of(dx, dy, op);
    float     beta = tensor_beta(dx);
    return pool_launch(dx, s.C, s.N * (is_3x3(s) ? (s.H + 1) / 2 : s.H),
                       gpu_all_aligned(dx, dy, where), [&](auto type, auto width, RowLaunch at) {
                           using T = decltype(type);
                           constexpr int V = decltype(width)::value;
                           return gpu_launch("max_pool gradient",
                                             is_3x3(s) ? max_pool_backward_3x3_kernel<V, T>
                                                       : max_pool_backward_kernel<V, T>,
                                             at.grid, at.block, 0, (T *)dx->data, beta,
                                             (const T *)dy->data, (const uint8_t *)where->data, s);
                       });
}
