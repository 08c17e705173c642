/* max_pool.cu -- the largest of each window, and the tap it came from
 *
 * Forward: neighbouring windows share taps through the caches, so x is read from memory about once. Backward gathers
 * over the windows that cover a place (at most 4 for ResNet's 3x3 by 2): nothing is added twice and no order is left to
 * chance.
 */
#include "kernels/cuda/pool.h"

template <int V>
struct alignas(V) MaxPoolTaps {
    uint8_t tap[V];
};

/* SIZE and STRIDE are s.size and s.stride, known in advance, or 0: then taps are met one by one. */
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

template <int V, typename T, int SIZE, int STRIDE>
__global__ void max_pool_backward_kernel(T *dx, float beta, const T *dy, const uint8_t *where,
                                         PoolShape s)
{
    constexpr int A =
        SIZE ? (SIZE + STRIDE - 1) / STRIDE : 1; // windows that cover a place, along an axis
    int64_t c = gpu_channel<V>();
    for (int64_t line = blockIdx.y; c < s.C && line < s.N * s.H; line += gridDim.y) {
        int64_t n = line / s.H;
        int     h = (int)(line % s.H), p1 = (int)pool_end_window(h, s.stride, s.pad, s.P);
        int     p0 = (int)pool_first_window(h, s.size, s.stride, s.pad);
        for (int w = (int)threadIdx.y; w < s.W; w += (int)blockDim.y) {
            int   q1 = (int)pool_end_window(w, s.stride, s.pad, s.Q);
            int   q0 = (int)pool_first_window(w, s.size, s.stride, s.pad);
            float sum[V] = {};
            for (int p = p1 - 1; p >= p0; p -= A)
                for (int q = q1 - 1; q >= q0; q -= A) {
                    MaxPoolTaps<V>  best[A][A];
                    RowVector<V, T> arrived[A][A];
                    GPU_UNROLL
                    for (int i = 0; i < A; i++)
                        GPU_UNROLL
                    for (int j = 0; j < A; j++)
                        if (p - i >= p0 && q - j >= q0) {
                            int64_t at = ((n * s.P + p - i) * s.Q + q - j) * s.C + c;
                            best[i][j] = *(const MaxPoolTaps<V> *)(where + at);
                            arrived[i][j] = row_fetch<V>(dy + at);
                        }
                    GPU_UNROLL
                    for (int i = 0; i < A; i++)
                        GPU_UNROLL
                    for (int j = 0; j < A; j++) {
                        if (p - i < p0 || q - j < q0)
                            continue;
                        int   tap = (int)((h + s.pad - (p - i) * s.stride) * s.size + w + s.pad -
                                        (q - j) * s.stride);
                        float v[V];
                        row_unpack<V>(v, arrived[i][j]);
                        GPU_UNROLL
                        for (int l = 0; l < V; l++)
                            sum[l] += best[i][j].tap[l] == tap ? v[l] : 0.0f;
                    }
                }
            row_add<V>(dx + (line * s.W + w) * s.C + c, beta, sum);
        }
    }
}

/* f(SIZE, STRIDE): ResNet's 3x3 by 2 has kernels of its own. */
template <typename F>
static Status by_size(const PoolShape &s, F f)
{
    using std::integral_constant;
    return s.size == 3 && s.stride == 2
               ? f(integral_constant<int, 3>{}, integral_constant<int, 2>{})
               : f(integral_constant<int, 0>{}, integral_constant<int, 1>{});
}

Status cuda_max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op)
{
    PoolShape s = pool_shape_of(x, y, op);
    return by_size(s, [&](auto size, auto) {
        return pool_launch(
            y, s.C, s.N * s.P, gpu_all_aligned(y, where, x),
            [&](auto type, auto width, RowLaunch at) {
                using T = decltype(type);
                return gpu_launch(
                    "max_pool", max_pool_forward_kernel<decltype(width)::value, T, size>, at.grid,
                    at.block, 0, (T *)y->data, (uint8_t *)where->data, (const T *)x->data, s);
            });
    });
}

Status cuda_max_pool_backward(Tensor *dx, const Tensor *dy, const Tensor *where, const Pool2d *op)
{
    PoolShape s = pool_shape_of(dx, dy, op);
    float     beta = tensor_beta(dx);
    return by_size(s, [&](auto size, auto stride) {
        return pool_launch(
            dx, s.C, s.N * s.H, gpu_all_aligned(dx, dy, where),
            [&](auto type, auto width, RowLaunch at) {
                using T = decltype(type);
                return gpu_launch("max_pool gradient",
                                  max_pool_backward_kernel<decltype(width)::value, T, size, stride>,
                                  at.grid, at.block, 0, (T *)dx->data, beta, (const T *)dy->data,
                                  (const uint8_t *)where->data, s);
            });
    });
}
