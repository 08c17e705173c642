#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

static Status backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    return dx ? t->be->relu_backward(dx, n->out->grad, n->out) : t->status;
}

Tensor *relu(Tape *t, Tensor *x)
{
    char a[64];
    if (t->status != OK)
        return &t->nothing;
    if (!is_float(x))
        return tape_fail(t, status_fail(ERR_SHAPE, "relu: wants f32 or bf16, %s is %s",
                                        tensor_shape_text(x, a), dtype_name(x->dtype)));
    Tensor *y = tape_tensor(t, x->dtype, x->ndim, x->dim);
    if (t->status != OK)
        return y;
    Status st = t->be->relu_forward(y, x);
    return st == OK ? tape_record(t, "relu", y, backward, &x, 1, NULL, 0, NULL, 0)
                    : tape_fail(t, st);
}
