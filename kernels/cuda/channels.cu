/* channels.cu -- tensors that differ in their last dimension: zeros behind what is there, or the first ones of more */
#include "kernels/cuda/gpu.h"

template <typename T>
__global__ void copy_channels_kernel(T *to, const T *from, int64_t rows, int64_t C, int64_t D)
{
    for (int64_t i = gpu_index(); i < rows * C; i += gpu_stride()) {
        int64_t r = i / C, c = i % C;
        gpu_put(to + i, c < D ? gpu_get(from + r * D + c) : 0.0f);
    }
}

/* bf16 of few channels to 8: a thread writes a row in one piece. */
__global__ void widen_to_8_kernel(uint4 *to, const uint16_t *from, int64_t rows, int D)
{
    for (int64_t r = gpu_index(); r < rows; r += gpu_stride()) {
        union {
            uint4    word;
            uint16_t bits[8];
        } u;
        for (int c = 0; c < 8; c++)
            u.bits[c] = c < D ? from[r * D + c] : (uint16_t)0;
        to[r] = u.word;
    }
}

Status cuda_copy_channels(Tensor *to, const Tensor *from)
{
    const char *op = "copy_channels";
    int64_t     n = tensor_count(to), C = to->dim[to->ndim - 1], D = from->dim[from->ndim - 1];
    if (n == 0)
        return OK;
    if (to->dtype == BF16 && C == 8 && D < 8 && gpu_is_aligned(to->data))
        return gpu_launch(op, widen_to_8_kernel, gpu_grid(n / C), GPU_BLOCK, 0, (uint4 *)to->data,
                          (const uint16_t *)from->data, n / C, (int)D);
    return gpu_by_dtype(to, [&](auto type) {
        using T = decltype(type);
        return gpu_launch(op, copy_channels_kernel<T>, gpu_grid(n), GPU_BLOCK, 0, (T *)to->data,
                          (const T *)from->data, n / C, C, D);
    });
}
