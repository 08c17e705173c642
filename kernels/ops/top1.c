#include "kernels/ops/loss.h"

Tensor *top1(Tape *t, const Tensor *x, const Tensor *label)
{
    char a[64], b[64];
    if (t->status != OK)
        return &t->nothing;
    if (x->ndim != 2 || !is_float(x) || !is_label(label, x->dim[0]))
        return tape_fail(t, status_fail(ERR_SHAPE,
                                        "top1: wants x (R,K) and i32 label (R); found %s and %s %s",
                                        tensor_shape_text(x, a), dtype_name(label->dtype),
                                        tensor_shape_text(label, b)));
    Tensor *count = TAPE_TENSOR(t, I32, 2);
    if (t->status != OK)
        return count;
    Status st = t->be->top1(count, x, label);
    return st == OK ? tape_keep(count) : tape_fail(t, st);
}
