/* mean_hw.cu -- the mean over all places of an image
 *
 * Forward: a block sums one image's places for its channels, every byte read once; 2048 channels of 7x7 places in a
 * batch of 256 are 2048 blocks in bf16. Backward writes dy / places to every place.
 */
#include "kernels/cuda/rows.h"

template <int V, typename T>
__global__ void mean_hw_forward_kernel(T *y, const T *x, int64_t N, int64_t places, int64_t C)
{
    int64_t c = gpu_channel<V>();
    for (int64_t n = blockIdx.y; n < N; n += gridDim.y) {
        float sum[V] = {};
        for (int64_t i = threadIdx.y; c < C && i < places; i += blockDim.y) {
            float v[V];
            row_load<V>(v, x + (n * places + i) * C + c);
            for (int l = 0; l < V; l++)
                sum[l] += v[l];
        }
        rows_sum<V>(sum);
        if (threadIdx.y != 0 || c >= C)
            continue;
        for (int l = 0; l < V; l++)
            sum[l] /= (float)places;
        row_store<V>(y + n * C + c, sum);
    }
}

template <int V, typename T>
__global__ void mean_hw_backward_kernel(T *dx, float beta, const T *dy, int64_t n_rows,
                                        int64_t places, int64_t C)
{
    int64_t c = gpu_channel<V>();
    for (int64_t r = gpu_row(); c < C && r < n_rows; r += gpu_row_stride()) {
        float v[V];
        row_load<V>(v, dy + r / places * C + c);
        for (int l = 0; l < V; l++)
            v[l] /= (float)places;
        row_add<V>(dx + r * C + c, beta, v);
    }
}

Status cuda_mean_hw_forward(Tensor *y, const Tensor *x)
{
    int64_t N = x->dim[0], places = x->dim[1] * x->dim[2], C = x->dim[3];
    if (tensor_count(y) == 0)
        return OK;
    return gpu_by_width(y, C, gpu_all_aligned(y, x), [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value;
        RowLaunch     at = gpu_rows_blocks(C, V, gpu_rows_enough(N), 1);
        return gpu_launch("mean_hw", mean_hw_forward_kernel<V, T>, at.grid, at.block, 0,
                          (T *)y->data, (const T *)x->data, N, places, C);
    });
}

Status cuda_mean_hw_backward(Tensor *dx, const Tensor *dy)
{
    int64_t places = dx->dim[1] * dx->dim[2], C = dx->dim[3], n_rows = dx->dim[0] * places;
    float   beta = tensor_beta(dx);
    if (tensor_count(dx) == 0)
        return OK;
    return gpu_by_width(dx, C, gpu_all_aligned(dx, dy), [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value;
        RowLaunch     at = gpu_rows(n_rows, C, V);
        return gpu_launch("mean_hw gradient", mean_hw_backward_kernel<V, T>, at.grid, at.block, 0,
                          (T *)dx->data, beta, (const T *)dy->data, n_rows, places, C);
    });
}
