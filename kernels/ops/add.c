#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

static Status backward(Tape *t, Node *n)
{
    for (int i = 0; i < 2; i++) {
        Tensor *dx = GRAD_OF(t, n->in[i]);
        if (dx)
            TRY(t->be->add_backward(dx, n->out->grad));
    }
    return t->status;
}

Tensor *add(Tape *t, Tensor *a, Tensor *b)
{
    char p[64], q[64];
    if (t->status != OK)
        return &t->nothing;
    if (!tensor_same_shape(a, b) || a->dtype != b->dtype || !is_float(a))
        return tape_fail(t, status_fail(ERR_SHAPE, "add: %s of %s and %s of %s differ",
                                        tensor_shape_text(a, p), dtype_name(a->dtype),
                                        tensor_shape_text(b, q), dtype_name(b->dtype)));
    Tensor *y = tape_tensor(t, a->dtype, a->ndim, a->dim);
    if (t->status != OK)
        return y;
    Status  st = t->be->add_forward(y, a, b);
    Tensor *in[] = {a, b};
    return st == OK ? tape_record(t, "add", y, backward, in, 2, NULL, 0, NULL, 0)
                    : tape_fail(t, st);
}
