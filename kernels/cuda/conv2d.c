/* conv2d.c -- convolutions: the library's, with bias and empty tensors taken care of */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/lib.h"

Status cuda_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                           const Conv2d *op)
{
    if (tensor_count(y) == 0)
        return OK;
    TRY(tensor_count(x) > 0 ? lib_conv2d_forward(y, x, w, op) : cuda_fill(y, 0));
    return bias ? cuda_add_bias(y, bias) : OK;
}

Status cuda_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op)
{
    float beta = tensor_beta(dx);
    if (tensor_count(dx) == 0)
        return OK;
    if (tensor_count(dy) == 0)
        return beta == 0 ? cuda_fill(dx, 0) : OK;
    return lib_conv2d_backward_data(dx, beta, dy, w, op);
}

Status cuda_conv2d_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                    const Conv2d *op)
{
    if (dbias)
        TRY(cuda_column_sums(dbias, dy));
    if (!dw)
        return OK;
    float beta = tensor_beta(dw);
    if (tensor_count(dw) == 0)
        return OK;
    if (tensor_count(x) == 0 || tensor_count(dy) == 0)
        return beta == 0 ? cuda_fill(dw, 0) : OK;
    return lib_conv2d_backward_weights(dw, beta, x, dy, op);
}
