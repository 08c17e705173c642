/* the fused door: a convolution whose chunks leave their moments while they are in cache, so that batch norm reads its
 * input once instead of twice */
#include "kernels/cpu/moments.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref.h"

Status cpu_conv_bn_train_forward(Tensor *y, Tensor *conv, Tensor *mean, Tensor *rstd,
                                 Tensor *running_mean, Tensor *running_var, const Tensor *x,
                                 const Tensor *w, const Tensor *residual, const Tensor *gamma,
                                 const Tensor *beta, const Conv2d *op, const Norm *norm)
{
    if (tensor_count(y) == 0 || tensor_count(w) == 0 || tensor_count(x) == 0) {
        TRY(cpu_conv2d_forward(conv, x, w, NULL, op));
        return cpu_batch_norm_train_forward(y, mean, rstd, running_mean, running_var, conv,
                                            residual, gamma, beta, norm);
    }
    int64_t C = y->dim[3];
    Moments parts = {.C = C, .rows = tensor_count(y) / C / norm->groups, .fold = 1};
    conv2d_parts(&parts);
    int64_t n = norm->groups * parts.n_parts * C;
    parts.mean = scratch_take(2 * n * (int64_t)sizeof(float));
    if (!parts.mean)
        return ERR_MEMORY;
    parts.m2 = parts.mean + n;
    Status st = cpu_conv2d_forward_moments(conv, &parts, x, w, op);
    if (st == OK)
        st = cpu_norm_by_moments(y, mean, rstd, running_mean, running_var, conv, &parts, residual,
                                 gamma, beta, norm);
    scratch_give(parts.mean);
    return st;
}
