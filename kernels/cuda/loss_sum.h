/* loss_sum.h -- sums over the labelled rows of a loss, and what they are divided by
 *
 * Two launches: at most 128 blocks sum their strides in double and count labels that are not negative, one block adds
 * those up. The blocks depend on the number of labels alone, so a loss is the same number at every run.
 */
#pragma once
#include "kernels/cuda/gpu.h"

enum { LOSS_PARTS = 128 };

/* part[block] and part[LOSS_PARTS + block]: the sum of loss(i) over labels i that count, and their number. */
template <typename F>
__global__ void loss_sum_kernel(double *part, const int32_t *label, int64_t n, F loss)
{
    double sum = 0, count = 0;
    for (int64_t i = gpu_index(); i < n; i += gpu_stride())
        if (label[i] >= 0) {
            sum += loss(i, label[i]);
            count += 1;
        }
    sum = gpu_block_reduce(sum, 0.0, GpuSum());
    count = gpu_block_reduce(count, 0.0, GpuSum());
    if (threadIdx.x == 0) {
        part[blockIdx.x] = sum;
        part[LOSS_PARTS + blockIdx.x] = count;
    }
}

/* *sum = what the parts hold / divisor, *divisor; either may be NULL. One block of LOSS_PARTS threads. */
static __global__ void loss_sum_finish_kernel(float *sum, float *divisor, const double *part,
                                              unsigned n_parts, float norm)
{
    bool   has = threadIdx.x < n_parts;
    double s = gpu_block_reduce(has ? part[threadIdx.x] : 0.0, 0.0, GpuSum());
    double n = gpu_block_reduce(has ? part[LOSS_PARTS + threadIdx.x] : 0.0, 0.0, GpuSum());
    double by = norm > 0.0f ? (double)norm : n > 0 ? n : 1.0;
    if (threadIdx.x != 0)
        return;
    if (sum)
        *sum = (float)(s / by);
    if (divisor)
        *divisor = (float)by;
}

/* Queues both. norm 0 divides by the number of labels that are not negative. */
template <typename F>
Status loss_sum(const char *op, float *sum, float *divisor, const Tensor *label, float norm, F loss)
{
    int64_t  n = tensor_count(label), blocks = (n + GPU_BLOCK - 1) / GPU_BLOCK;
    unsigned n_parts = (unsigned)(blocks < 1            ? 1
                                  : blocks < LOSS_PARTS ? blocks
                                                        : (int64_t)LOSS_PARTS);
    void    *part = nullptr;
    TRY(cuda_scratch(op, &part, 2 * LOSS_PARTS * (int64_t)sizeof(double)));
    Status st = gpu_launch(op, loss_sum_kernel<F>, dim3(n_parts), GPU_BLOCK, 0, (double *)part,
                           (const int32_t *)label->data, n, loss);
    if (st == OK)
        st = gpu_launch(op, loss_sum_finish_kernel, 1, LOSS_PARTS, 0, sum, divisor,
                        (const double *)part, n_parts, norm);
    cuda_free(part);
    return st;
}

struct LossOfNothing {
    __device__ double operator()(int64_t, int32_t) const
    {
        return 0;
    }
};

/* Runs gradient(divisor) where divisor is a number on the device, or NULL when norm is the divisor. */
template <typename F>
Status loss_gradient(const char *op, const Tensor *label, float norm, F gradient)
{
    void *divisor = nullptr;
    if (norm > 0.0f)
        return gradient((const float *)nullptr);
    TRY(cuda_scratch(op, &divisor, sizeof(float)));
    Status st = loss_sum(op, nullptr, (float *)divisor, label, norm, LossOfNothing{});
    if (st == OK)
        st = gradient((const float *)divisor);
    cuda_free(divisor);
    return st;
}

/* What every slope is multiplied with. */
__device__ inline float loss_scale(const float *dloss, const float *divisor, float norm)
{
    return *dloss / (divisor ? *divisor : norm);
}

/* dx = beta dx + v. */
__device__ inline void loss_put(float *dx, float beta, float v)
{
    *dx = beta == 0.0f ? v : *dx + v;
}
