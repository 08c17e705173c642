/* softmax.cu -- a warp a row: class scores are short rows, which stay in the cache between the three readings */
#include "kernels/cuda/warp_rows.h"
extern "C" {
#include "kernels/body/softmax.h"
}

template <typename T>
__global__ void softmax_kernel(float *y, const T *x, int64_t R, int64_t K)
{
    for (int64_t r = warp_row(); r < R; r += warp_row_stride()) {
        float most = -INFINITY, sum = 0;
        for (int64_t k = gpu_lane(); k < K; k += GPU_WARP)
            most = fmaxf(most, gpu_get(x + r * K + k));
        most = gpu_warp_reduce(most, GpuMax());
        for (int64_t k = gpu_lane(); k < K; k += GPU_WARP)
            sum += softmax_term(gpu_get(x + r * K + k), most);
        sum = gpu_warp_reduce(sum, GpuSum());
        for (int64_t k = gpu_lane(); k < K; k += GPU_WARP)
            y[r * K + k] = softmax_term(gpu_get(x + r * K + k), most) / sum;
    }
}

Status cuda_softmax_forward(Tensor *y, const Tensor *x)
{
    int64_t R = x->dim[0], K = x->dim[1];
    if (tensor_count(y) == 0)
        return OK;
    return gpu_by_dtype(x, [&](auto type) {
        using T = decltype(type);
        return gpu_launch("softmax", softmax_kernel<T>, warp_row_grid(R), GPU_BLOCK, 0,
                          (float *)y->data, (const T *)x->data, R, K);
    });
}
