#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

static Status backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    return dx ? t->be->l2_normalise_backward(dx, n->out->grad, n->out, n->saved[0]) : t->status;
}

Tensor *l2_normalise(Tape *t, Tensor *x)
{
    char a[64];
    if (t->status != OK)
        return &t->nothing;
    if (x->ndim != 2 || !is_float(x))
        return tape_fail(t, status_fail(ERR_SHAPE, "l2_normalise: wants (N,C), found %s",
                                        tensor_shape_text(x, a)));
    Tensor *y = tape_tensor(t, x->dtype, 2, x->dim);
    Tensor *norm = TAPE_TENSOR(t, F32, x->dim[0]);
    if (t->status != OK)
        return &t->nothing;
    Status st = t->be->l2_normalise_forward(y, norm, x);
    return st == OK ? tape_record(t, "l2_normalise", y, backward, &x, 1, &norm, 1, NULL, 0)
                    : tape_fail(t, st);
}
