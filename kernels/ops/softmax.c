#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

Tensor *softmax(Tape *t, Tensor *x)
{
    char a[64];
    if (t->status != OK)
        return &t->nothing;
    if (x->ndim != 2 || !is_float(x))
        return tape_fail(
            t, status_fail(ERR_SHAPE, "softmax: wants (R,K), found %s", tensor_shape_text(x, a)));
    Tensor *y = tape_tensor(t, F32, 2, x->dim);
    if (t->status != OK)
        return y;
    Status st = t->be->softmax_forward(y, x);
    return st == OK ? tape_record(t, "softmax", y, NULL, &x, 1, NULL, 0, NULL, 0)
                    : tape_fail(t, st);
}
