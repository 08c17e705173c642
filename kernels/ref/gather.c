#include "kernels/ref/ref.h"

Status ref_gather_forward(Tensor *y, const Tensor *x, const Tensor *index)
{
    int64_t        R = y->dim[0], row = R > 0 ? tensor_bytes(y) / R : 0;
    const int32_t *at = index->data;
    for (int64_t r = 0; r < R; r++) {
        if (at[r] < 0 || at[r] >= x->dim[0])
            return status_fail(ERR_SHAPE, "gather: index %lld asks for row %d of %lld",
                               (long long)r, (int)at[r], (long long)x->dim[0]);
        memcpy((char *)y->data + r * row, (const char *)x->data + at[r] * row, (size_t)row);
    }
    return OK;
}

Status ref_gather_backward(Tensor *dx, const Tensor *dy, const Tensor *index)
{
    int64_t        R = dy->dim[0], row = R > 0 ? tensor_count(dy) / R : 0, n = tensor_count(dx);
    const int32_t *at = index->data;
    if (tensor_beta(dx) == 0.0f)
        for (int64_t i = 0; i < n; i++)
            ref_store(dx, i, 0.0f);
    for (int64_t r = 0; r < R; r++)
        for (int64_t i = 0; i < row; i++)
            ref_add(dx, at[r] * row + i, 1.0f, (double)ref_load(dy, r * row + i));
    return OK;
}
