#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

static Status backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    return dx ? t->be->mean_hw_backward(dx, n->out->grad) : t->status;
}

Tensor *mean_hw(Tape *t, Tensor *x)
{
    char a[64];
    if (t->status != OK)
        return &t->nothing;
    if (x->ndim != 4 || !is_float(x) || x->dim[1] < 1 || x->dim[2] < 1)
        return tape_fail(t, status_fail(ERR_SHAPE,
                                        "mean_hw: wants (N,H,W,C) with H and W >= 1, found %s",
                                        tensor_shape_text(x, a)));
    Tensor *y = TAPE_TENSOR(t, x->dtype, x->dim[0], x->dim[3]);
    if (t->status != OK)
        return y;
    Status st = t->be->mean_hw_forward(y, x);
    return st == OK ? tape_record(t, "mean_hw", y, backward, &x, 1, NULL, 0, NULL, 0)
                    : tape_fail(t, st);
}
