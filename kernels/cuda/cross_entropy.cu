/* cross_entropy.cu -- softmax and sigmoid cross entropy; rows of scores are short, a warp takes one */
#include "kernels/cuda/loss_sum.h"
#include "kernels/cuda/rows.h"
#include "kernels/cuda/warp_rows.h"
extern "C" {
#include "kernels/body/losses.h"
#include "kernels/body/softmax.h"
}

/* prob (R,K), and loss (R) of rows whose label is not negative. */
__global__ void softmax_cross_entropy_kernel(float *prob, float *loss, const float *x,
                                             const int32_t *label, int64_t R, int64_t K)
{
    for (int64_t r = warp_row(); r < R; r += warp_row_stride()) {
        const float *row = x + r * K;
        float        most = -INFINITY, total = 0;
        for (int64_t k = gpu_lane(); k < K; k += GPU_WARP)
            most = fmaxf(most, row[k]);
        most = gpu_warp_reduce(most, GpuMax());
        for (int64_t k = gpu_lane(); k < K; k += GPU_WARP)
            total += prob[r * K + k] = softmax_term(row[k], most);
        total = gpu_warp_reduce(total, GpuSum());
        for (int64_t k = gpu_lane(); k < K; k += GPU_WARP) // each lane what it wrote
            prob[r * K + k] /= total;
        if (gpu_lane() == 0 && label[r] >= 0)
            loss[r] = (float)softmax_loss((double)total, most, row[label[r]]);
    }
}

template <int V>
__global__ void softmax_cross_entropy_backward_kernel(float *dx, float beta, const float *dloss,
                                                      const float *divisor, float norm,
                                                      const float *prob, const int32_t *label,
                                                      int64_t R, int64_t K)
{
    float   scale = loss_scale(dloss, divisor, norm), v[V];
    int64_t k = gpu_channel<V>();
    for (int64_t r = gpu_row(); k < K && r < R; r += gpu_row_stride()) {
        int32_t l = label[r];
        row_load<V>(v, prob + r * K + k);
        GPU_UNROLL
        for (int j = 0; j < V; j++)
            v[j] = scale * (l < 0 ? 0.0f : softmax_slope(v[j], k + j == l));
        row_add<V>(dx + r * K + k, beta, v);
    }
}

__global__ void sigmoid_cross_entropy_backward_kernel(float *dx, float beta, const float *dloss,
                                                      const float *divisor, float norm,
                                                      const float *x, const int32_t *label,
                                                      int64_t n)
{
    float scale = loss_scale(dloss, divisor, norm);
    for (int64_t i = gpu_index(); i < n; i += gpu_stride())
        loss_put(dx + i, beta, label[i] < 0 ? 0.0f : scale * sigmoid_slope(x[i], (float)label[i]));
}

struct LossOfRow {
    const float      *loss;
    __device__ double operator()(int64_t i, int32_t) const
    {
        return (double)loss[i];
    }
};
struct SigmoidLoss {
    const float      *x;
    __device__ double operator()(int64_t i, int32_t label) const
    {
        return (double)sigmoid_loss(x[i], (float)label);
    }
};

Status cuda_softmax_cross_entropy_forward(Tensor *loss, Tensor *prob, const Tensor *x,
                                          const Tensor *label, float norm)
{
    int64_t R = x->dim[0], K = x->dim[1];
    void   *rows = nullptr;
    TRY(cuda_scratch("softmax_cross_entropy", &rows, R * (int64_t)sizeof(float)));
    Status st = gpu_launch("softmax_cross_entropy", softmax_cross_entropy_kernel, warp_row_grid(R),
                           GPU_BLOCK, 0, (float *)prob->data, (float *)rows, (const float *)x->data,
                           (const int32_t *)label->data, R, K);
    if (st == OK)
        st = loss_sum("softmax_cross_entropy", (float *)loss->data, nullptr, label, norm,
                      LossOfRow{(const float *)rows});
    cuda_free(rows);
    return st;
}

Status cuda_softmax_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *prob,
                                           const Tensor *label, float norm)
{
    int64_t     R = prob->dim[0], K = prob->dim[1];
    float       beta = tensor_beta(dx);
    const char *name = "softmax_cross_entropy gradient";
    if (tensor_count(prob) == 0)
        return OK;
    return loss_gradient(name, label, norm, [&](const float *divisor) {
        return gpu_by_float_width(K, gpu_all_aligned(dx, prob), [&](auto width) {
            constexpr int V = decltype(width)::value;
            RowLaunch     at = gpu_rows(R, K, V, 1, 1);
            return gpu_launch(name, softmax_cross_entropy_backward_kernel<V>, at.grid, at.block, 0,
                              (float *)dx->data, beta, (const float *)dloss->data, divisor, norm,
                              (const float *)prob->data, (const int32_t *)label->data, R, K);
        });
    });
}

Status cuda_sigmoid_cross_entropy_forward(Tensor *loss, const Tensor *x, const Tensor *label,
                                          float norm)
{
    return loss_sum("sigmoid_cross_entropy", (float *)loss->data, nullptr, label, norm,
                    SigmoidLoss{(const float *)x->data});
}

Status cuda_sigmoid_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                           const Tensor *label, float norm)
{
    int64_t n = tensor_count(x);
    float   beta = tensor_beta(dx);
    return loss_gradient("sigmoid_cross_entropy gradient", label, norm, [&](const float *divisor) {
        return gpu_launch("sigmoid_cross_entropy gradient", sigmoid_cross_entropy_backward_kernel,
                          gpu_grid(n), GPU_BLOCK, 0, (float *)dx->data, beta,
                          (const float *)dloss->data, divisor, norm, (const float *)x->data,
                          (const int32_t *)label->data, n);
    });
}
