#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

/* The index goes into the node as a view without gradient. */
static Status backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    return dx ? t->be->gather_backward(dx, n->out->grad, n->in[1]) : t->status;
}

Tensor *gather(Tape *t, Tensor *x, const Tensor *index)
{
    char a[64], b[64];
    if (t->status != OK)
        return &t->nothing;
    if (x->ndim < 1 || !is_float(x) || index->ndim != 1 || index->dtype != I32)
        return tape_fail(
            t, status_fail(
                   ERR_SHAPE, "gather: wants x (N,...) and index (R) of i32, found %s and %s of %s",
                   tensor_shape_text(x, a), tensor_shape_text(index, b), dtype_name(index->dtype)));
    int64_t dim[TENSOR_MAX_DIMS] = {index->dim[0]};
    for (int i = 1; i < x->ndim; i++)
        dim[i] = x->dim[i];
    Tensor *y = tape_tensor(t, x->dtype, x->ndim, dim);
    if (t->status != OK)
        return y;
    Status  st = t->be->gather_forward(y, x, index);
    Tensor *in[] = {x, detach(t, (Tensor *)index)};
    return st == OK ? tape_record(t, "gather", y, backward, in, 2, NULL, 0, NULL, 0)
                    : tape_fail(t, st);
}
