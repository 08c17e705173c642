/* box_regression.cu -- smooth L1 of the four deltas of each row's class; reads four numbers of a row, writes whole rows */
#include "kernels/cuda/loss_sum.h"
extern "C" {
#include "kernels/body/losses.h"
}

/* Row r of x (R,C): the columns 4 label .. 4 label + 3, where the label has some; background has none. */
struct BoxLoss {
    const float      *x, *target;
    int64_t           C;
    float             beta;
    __device__ double operator()(int64_t r, int32_t label) const
    {
        double sum = 0;
        for (int64_t j = 0; j < 4 && 4 * (int64_t)label < C; j++)
            sum += (double)smooth_l1(x[r * C + 4 * (int64_t)label + j] - target[4 * r + j], beta);
        return sum;
    }
};

__global__ void box_regression_backward_kernel(float *dx, float dx_beta, const float *dloss,
                                               const float *divisor, float norm, const float *x,
                                               const float *target, const int32_t *label, int64_t R,
                                               int64_t C, float beta)
{
    float scale = loss_scale(dloss, divisor, norm);
    for (int64_t i = gpu_index(); i < R * C; i += gpu_stride()) {
        int64_t r = i / C, c = i % C;
        bool    counts = label[r] >= 0 && c / 4 == label[r];
        float   slope = counts ? smooth_l1_slope(x[i] - target[4 * r + c % 4], beta) : 0.0f;
        loss_put(dx + i, dx_beta, scale * slope);
    }
}

Status cuda_box_regression_forward(Tensor *loss, const Tensor *x, const Tensor *target,
                                   const Tensor *label, float beta, float norm)
{
    return loss_sum("box_regression", (float *)loss->data, nullptr, label, norm,
                    BoxLoss{(const float *)x->data, (const float *)target->data, x->dim[1], beta});
}

Status cuda_box_regression_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                    const Tensor *target, const Tensor *label, float beta,
                                    float norm)
{
    int64_t R = x->dim[0], C = x->dim[1];
    float   dx_beta = tensor_beta(dx);
    return loss_gradient("box_regression gradient", label, norm, [&](const float *divisor) {
        return gpu_launch("box_regression gradient", box_regression_backward_kernel,
                          gpu_grid(R * C), GPU_BLOCK, 0, (float *)dx->data, dx_beta,
                          (const float *)dloss->data, divisor, norm, (const float *)x->data,
                          (const float *)target->data, (const int32_t *)label->data, R, C, beta);
    });
}
