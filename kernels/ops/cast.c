#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

static Status backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    TRY(t->status);
    if (tensor_beta(dx) == 0.0f)
        return t->be->cast(dx, n->out->grad);
    Tensor *same =
        tape_tensor(t, dx->dtype, dx->ndim, dx->dim); // x has other readers: cast aside, then add
    TRY(t->status);
    TRY(t->be->cast(same, n->out->grad));
    Status st = t->be->add_backward(dx, same);
    tape_done(t, same);
    return st;
}

Tensor *cast(Tape *t, DType dtype, Tensor *x)
{
    char a[64];
    if (t->status != OK)
        return &t->nothing;
    if (x->dtype == dtype)
        return x;
    if (!is_float(x) || (dtype != F32 && dtype != BF16))
        return tape_fail(
            t, status_fail(ERR_SHAPE,
                           "cast: only f32 and bf16 turn into each other; %s is %s and %s was "
                           "asked for",
                           tensor_shape_text(x, a), dtype_name(x->dtype), dtype_name(dtype)));
    Tensor *y = tape_tensor(t, dtype, x->ndim, x->dim);
    if (t->status != OK)
        return y;
    Status st = t->be->cast(y, x);
    return st == OK ? tape_record(t, "cast", y, backward, &x, 1, NULL, 0, NULL, 0)
                    : tape_fail(t, st);
}
