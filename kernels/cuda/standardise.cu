/* standardise.cu -- pictures of bytes to standardised ones, a block a row of pixels */
#include "kernels/cuda/gpu.h"

template <typename T>
__global__ void standardise_kernel(T *y, const uint8_t *x, const float *size, PixelStats stats,
                                   int64_t n_rows, int64_t H, int64_t W)
{
    for (int64_t row = blockIdx.x; row < n_rows; row += gridDim.x) {
        const float *own = size + row / H * 2; // width, height
        int64_t      used = (float)(row % H) < own[1] ? (int64_t)own[0] * 3 : 0;
        for (int64_t e = threadIdx.x; e < W * 3; e += blockDim.x) {
            int     c = (int)(e % 3);
            int64_t i = row * W * 3 + e;
            gpu_put(y + i, e < used ? pixel_standardise(x[i], stats.mean[c], stats.std[c]) : 0.0f);
        }
    }
}

Status cuda_standardise(Tensor *y, const Tensor *x, const Tensor *size, const PixelStats *stats)
{
    int64_t n_rows = x->dim[0] * x->dim[1], H = x->dim[1], W = x->dim[2];
    if (tensor_count(x) == 0)
        return OK;
    return gpu_by_dtype(y, [&](auto type) {
        using T = decltype(type);
        return gpu_launch("standardise", standardise_kernel<T>, gpu_grid(n_rows * GPU_BLOCK),
                          GPU_BLOCK, 0, static_cast<T *>(y->data),
                          static_cast<const uint8_t *>(x->data),
                          static_cast<const float *>(size->data), *stats, n_rows, H, W);
    });
}
