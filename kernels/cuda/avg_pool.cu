/* avg_pool.cu -- the mean of each window, pads included: x is read about once, in either direction */
#include "kernels/cuda/pool.h"

template <int V, typename T>
__global__ void avg_pool_forward_kernel(T *y, const T *x, PoolShape s)
{
    int64_t c = gpu_channel<V>();
    for (int64_t line = blockIdx.y; c < s.C && line < s.N * s.P; line += gridDim.y) {
        int64_t n = line / s.P, p = line % s.P;
        int64_t i0 = pool_first_tap(p, s.stride, s.pad);
        int64_t i1 = pool_end_tap(p, s.size, s.stride, s.pad, s.H);
        for (int64_t q = threadIdx.y; q < s.Q; q += blockDim.y) {
            int64_t j0 = pool_first_tap(q, s.stride, s.pad);
            int64_t j1 = pool_end_tap(q, s.size, s.stride, s.pad, s.W);
            float   mean[V] = {};
            for (int64_t i = i0; i < i1; i++)
                for (int64_t j = j0; j < j1; j++) {
                    int64_t h = p * s.stride - s.pad + i, w = q * s.stride - s.pad + j;
                    float   v[V];
                    row_load<V>(v, x + ((n * s.H + h) * s.W + w) * s.C + c);
                    for (int l = 0; l < V; l++)
                        mean[l] += v[l];
                }
            for (int l = 0; l < V; l++)
                mean[l] /= (float)(s.size * s.size);
            row_store<V>(y + (line * s.Q + q) * s.C + c, mean);
        }
    }
}

template <int V, typename T>
__global__ void avg_pool_backward_kernel(T *dx, float beta, const T *dy, PoolShape s)
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
                    float v[V];
                    row_load<V>(v, dy + ((n * s.P + p) * s.Q + q) * s.C + c);
                    for (int l = 0; l < V; l++)
                        sum[l] += v[l];
                }
            for (int l = 0; l < V; l++)
                sum[l] /= (float)(s.size * s.size);
            row_add<V>(dx + (line * s.W + w) * s.C + c, beta, sum);
        }
    }
}

Status cuda_avg_pool_forward(Tensor *y, const Tensor *x, const Pool2d *op)
{
    PoolShape s = pool_shape_of(x, y, op);
    return pool_launch(
        y, s.C, s.N * s.P, gpu_all_aligned(y, x), [&](auto type, auto width, RowLaunch at) {
            using T = decltype(type);
            return gpu_launch("avg_pool", avg_pool_forward_kernel<decltype(width)::value, T>,
                              at.grid, at.block, 0, (T *)y->data, (const T *)x->data, s);
        });
}

Status cuda_avg_pool_backward(Tensor *dx, const Tensor *dy, const Pool2d *op)
{
    PoolShape s = pool_shape_of(dx, dy, op);
    float     beta = tensor_beta(dx);
    return pool_launch(
        dx, s.C, s.N * s.H, gpu_all_aligned(dx, dy), [&](auto type, auto width, RowLaunch at) {
            using T = decltype(type);
            return gpu_launch("avg_pool gradient",
                              avg_pool_backward_kernel<decltype(width)::value, T>, at.grid,
                              at.block, 0, (T *)dx->data, beta, (const T *)dy->data, s);
        });
}
