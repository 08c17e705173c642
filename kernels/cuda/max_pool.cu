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

template <int V, typename T>
__global__ void max_pool_forward_kernel(T *y, uint8_t *where, const T *x, PoolShape s)
{
    int64_t c = gpu_channel<V>();
    for (int64_t line = blockIdx.y; c < s.C && line < s.N * s.P; line += gridDim.y) {
        int64_t n = line / s.P, p = line % s.P;
        int64_t i0 = pool_first_tap(p, s.stride, s.pad);
        int64_t i1 = pool_end_tap(p, s.size, s.stride, s.pad, s.H);
        for (int64_t q = threadIdx.y; q < s.Q; q += blockDim.y) {
            int64_t        j0 = pool_first_tap(q, s.stride, s.pad);
            int64_t        j1 = pool_end_tap(q, s.size, s.stride, s.pad, s.W);
            float          best[V] = {};
            MaxPoolTaps<V> at = {};
            for (int64_t i = i0; i < i1; i++)
                for (int64_t j = j0; j < j1; j++) {
                    int64_t h = p * s.stride - s.pad + i, w = q * s.stride - s.pad + j;
                    float   v[V];
                    row_load<V>(v, x + ((n * s.H + h) * s.W + w) * s.C + c);
                    GPU_UNROLL
                    for (int l = 0; l < V; l++)
                        if ((i == i0 && j == j0) || max_pool_takes(v[l], best[l])) {
                            best[l] = v[l];
                            at.tap[l] = (uint8_t)(i * s.size + j);
                        }
                }
            row_store<V>(y + (line * s.Q + q) * s.C + c, best);
            *(MaxPoolTaps<V> *)(where + (line * s.Q + q) * s.C + c) = at;
        }
    }
}

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
            float   sum[V] = {};
            for (int64_t p = p1 - 1; p >= p0; p--)
                for (int64_t q = q1 - 1; q >= q0; q--) {
                    int64_t at = ((n * s.P + p) * s.Q + q) * s.C + c;
                    int64_t tap = (h + s.pad - p * s.stride) * s.size + w + s.pad - q * s.stride;
                    MaxPoolTaps<V> best = *(const MaxPoolTaps<V> *)(where + at);
                    float          v[V];
                    row_load<V>(v, dy + at);
                    GPU_UNROLL
                    for (int l = 0; l < V; l++)
                        sum[l] += best.tap[l] == tap ? v[l] : 0.0f;
                }
            row_add<V>(dx + (line * s.W + w) * s.C + c, beta, sum);
        }
    }
}

Status cuda_max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op)
{
    PoolShape s = pool_shape_of(x, y, op);
    return pool_launch(
        y, s.C, s.N * s.P, gpu_all_aligned(y, where, x), [&](auto type, auto width, RowLaunch at) {
            using T = decltype(type);
            return gpu_launch("max_pool", max_pool_forward_kernel<decltype(width)::value, T>,
                              at.grid, at.block, 0, (T *)y->data, (uint8_t *)where->data,
                              (const T *)x->data, s);
        });
}

Status cuda_max_pool_backward(Tensor *dx, const Tensor *dy, const Tensor *where, const Pool2d *op)
{
    PoolShape s = pool_shape_of(dx, dy, op);
    float     beta = tensor_beta(dx);
    return pool_launch(dx, s.C, s.N * s.H, gpu_all_aligned(dx, dy, where),
                       [&](auto type, auto width, RowLaunch at) {
                           using T = decltype(type);
                           return gpu_launch("max_pool gradient",
                                             max_pool_backward_kernel<decltype(width)::value, T>,
                                             at.grid, at.block, 0, (T *)dx->data, beta,
                                             (const T *)dy->data, (const uint8_t *)where->data, s);
                       });
}
