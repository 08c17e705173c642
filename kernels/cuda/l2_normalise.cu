/* l2_normalise.cu -- rows of length 1: a warp a row; 256 features of 128 numbers are a launch's time, not a bandwidth's */
#include "kernels/cuda/warp_rows.h"
extern "C" {
#include "kernels/body/l2_normalise.h"
}

template <typename T>
__global__ void l2_normalise_forward_kernel(T *y, float *norm, const T *x, int64_t N, int64_t C)
{
    for (int64_t n = warp_row(); n < N; n += warp_row_stride()) {
        float sum = 0;
        for (int64_t c = gpu_lane(); c < C; c += GPU_WARP) {
            float v = gpu_get(x + n * C + c);
            sum = fmaf(v, v, sum);
        }
        float length = l2_length((double)gpu_warp_reduce(sum, GpuSum()));
        if (gpu_lane() == 0)
            norm[n] = length;
        for (int64_t c = gpu_lane(); c < C; c += GPU_WARP)
            gpu_put(y + n * C + c, l2_value(gpu_get(x + n * C + c), length));
    }
}

template <typename T>
__global__ void l2_normalise_backward_kernel(T *dx, float beta, const T *dy, const T *y,
                                             const float *norm, int64_t N, int64_t C)
{
    for (int64_t n = warp_row(); n < N; n += warp_row_stride()) {
        float dot = 0, length = norm[n];
        for (int64_t c = gpu_lane(); c < C; c += GPU_WARP)
            dot = fmaf(gpu_get(y + n * C + c), gpu_get(dy + n * C + c), dot);
        dot = gpu_warp_reduce(dot, GpuSum());
        for (int64_t c = gpu_lane(); c < C; c += GPU_WARP) {
            int64_t i = n * C + c;
            float   v = l2_slope(gpu_get(dy + i), gpu_get(y + i), dot, length);
            gpu_put(dx + i, beta == 0.0f ? v : gpu_get(dx + i) + v);
        }
    }
}

Status cuda_l2_normalise_forward(Tensor *y, Tensor *norm, const Tensor *x)
{
    int64_t N = x->dim[0], C = x->dim[1];
    if (N == 0)
        return OK;
    return gpu_by_dtype(x, [&](auto type) {
        using T = decltype(type);
        return gpu_launch("l2_normalise", l2_normalise_forward_kernel<T>, warp_row_grid(N),
                          GPU_BLOCK, 0, (T *)y->data, (float *)norm->data, (const T *)x->data, N,
                          C);
    });
}

Status cuda_l2_normalise_backward(Tensor *dx, const Tensor *dy, const Tensor *y, const Tensor *norm)
{
    int64_t N = dx->dim[0], C = dx->dim[1];
    float   beta = tensor_beta(dx);
    if (N == 0)
        return OK;
    return gpu_by_dtype(dx, [&](auto type) {
        using T = decltype(type);
        return gpu_launch("l2_normalise gradient", l2_normalise_backward_kernel<T>,
                          warp_row_grid(N), GPU_BLOCK, 0, (T *)dx->data, beta, (const T *)dy->data,
                          (const T *)y->data, (const float *)norm->data, N, C);
    });
}
