#include "kernels/body/relu.h"
#include "kernels/ref/ref.h"

Status ref_relu_forward(Tensor *y, const Tensor *x)
{
    int64_t n = tensor_count(x);
    for (int64_t i = 0; i < n; i++)
        ref_store(y, i, relu_value(ref_load(x, i)));
    return OK;
}

Status ref_relu_backward(Tensor *dx, const Tensor *dy, const Tensor *y)
{
    float   beta = tensor_beta(dx);
    int64_t n = tensor_count(dx);
    for (int64_t i = 0; i < n; i++)
        ref_add(dx, i, beta, ref_load(y, i) > 0.0f ? (double)ref_load(dy, i) : 0.0);
    return OK;
}
