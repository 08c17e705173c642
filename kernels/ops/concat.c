#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

static bool rows_agree(const Tensor *a, const Tensor *b)
{
    if (a->ndim != b->ndim || a->ndim < 1 || a->dtype != b->dtype)
        return false;
    for (int i = 1; i < a->ndim; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

Tensor *concat(Tape *t, Tensor *const *x, int n)
{
    char a[64], b[64];
    if (t->status != OK)
        return &t->nothing;
    if (n < 1)
        return tape_fail(t,
                         status_fail(ERR_SHAPE, "concat: wants at least one tensor, found %d", n));
    int64_t dim[TENSOR_MAX_DIMS] = {0};
    for (int i = 0; i < n; i++) {
        if (!rows_agree(x[0], x[i]))
            return tape_fail(t, status_fail(ERR_SHAPE,
                                            "concat: tensor %d is %s of %s, the first is %s of %s",
                                            i, tensor_shape_text(x[i], b), dtype_name(x[i]->dtype),
                                            tensor_shape_text(x[0], a), dtype_name(x[0]->dtype)));
        dim[0] += x[i]->dim[0];
    }
    for (int i = 1; i < x[0]->ndim; i++)
        dim[i] = x[0]->dim[i];
    Tensor *y = tape_tensor(t, x[0]->dtype, x[0]->ndim, dim);
    if (t->status != OK)
        return y;
    Status st = t->be->concat_forward(y, (const Tensor *const *)x, n);
    return st == OK ? tape_record(t, "concat", y, NULL, x, n > NODE_MAX_IN ? NODE_MAX_IN : n, NULL,
                                  0, NULL, 0)
                    : tape_fail(t, st);
}
