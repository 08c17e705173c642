/* linear.c -- the dense layer as products of matrices */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/lib.h"

Status cuda_linear_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias)
{
    Product p = {.m = x->dim[0],
                 .n = w->dim[0],
                 .k = x->dim[1],
                 .is_b_transposed = true,
                 .in = x->dtype,
                 .out = y->dtype,
                 .alpha = 1};
    if (p.m == 0 || p.n == 0)
        return OK;
    TRY(p.k > 0 ? lib_product("linear", y->data, x->data, w->data, &p) : cuda_fill(y, 0));
    return bias ? cuda_add_bias(y, bias) : OK;
}

Status cuda_linear_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w)
{
    Product p = {.m = dx->dim[0],
                 .n = dx->dim[1],
                 .k = dy->dim[1],
                 .in = dy->dtype,
                 .out = dx->dtype,
                 .alpha = 1,
                 .beta = tensor_beta(dx)};
    if (p.m == 0 || p.n == 0)
        return OK;
    if (p.k == 0)
        return p.beta == 0 ? cuda_fill(dx, 0) : OK;
    return lib_product("linear data gradient", dx->data, dy->data, w->data, &p);
}

Status cuda_linear_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy)
{
    if (dbias)
        TRY(cuda_column_sums(dbias, dy));
    if (!dw)
        return OK;
    Product p = {.m = dw->dim[0],
                 .n = dw->dim[1],
                 .k = x->dim[0],
                 .is_a_transposed = true,
                 .in = x->dtype,
                 .out = dw->dtype,
                 .alpha = 1,
                 .beta = tensor_beta(dw)};
    if (p.m == 0 || p.n == 0)
        return OK;
    if (p.k == 0)
        return p.beta == 0 ? cuda_fill(dw, 0) : OK;
    return lib_product("linear weight gradient", dw->data, dy->data, x->data, &p);
}
