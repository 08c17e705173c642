/* top1.cu -- a warp a row; what the warps count is added in integers, whose order changes nothing */
#include "kernels/cuda/warp_rows.h"

template <typename T>
__global__ void top1_kernel(int32_t *count, const T *x, const int32_t *label, int64_t R, int64_t K)
{
    int right = 0, labelled = 0;
    for (int64_t r = warp_row(); r < R; r += warp_row_stride()) {
        int64_t label_of_row = label[r];
        if (label_of_row < 0)
            continue; // the whole warp
        float own = gpu_get(x + r * K + label_of_row);
        int   before = 0; // numbers that rank before it
        for (int64_t k = gpu_lane(); k < K; k += GPU_WARP) {
            float other = gpu_get(x + r * K + k);
            before += k < label_of_row ? !(own > other) : !(own >= other);
        }
        right += gpu_warp_reduce(before, GpuSum()) == 0;
        labelled++;
    }
    if (gpu_lane() == 0 && labelled > 0) {
        atomicAdd(&count[0], right);
        atomicAdd(&count[1], labelled);
    }
}

Status cuda_top1(Tensor *count, const Tensor *x, const Tensor *label)
{
    int64_t  R = x->dim[0], K = x->dim[1];
    int32_t *out = static_cast<int32_t *>(count->data);
    TRY(gpu_check("top1", cudaMemsetAsync(out, 0, 2 * sizeof *out, gpu_stream())));
    return gpu_by_dtype(x, [&](auto type) {
        using T = decltype(type);
        return gpu_launch("top1", top1_kernel<T>, warp_row_grid(R), GPU_BLOCK, 0, out,
                          static_cast<const T *>(x->data),
                          static_cast<const int32_t *>(label->data), R, K);
    });
}
