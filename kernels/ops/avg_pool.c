#include "kernels/ops/pool_shape.h"

static Status backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    return dx ? t->be->avg_pool_backward(dx, n->out->grad, n->op) : t->status;
}

Tensor *avg_pool(Tape *t, const Pool2d *op, Tensor *x)
{
    int64_t dim[4];
    if (t->status != OK || !pool_shape(t, dim, "avg_pool", op, x))
        return &t->nothing;
    Tensor *y = tape_tensor(t, x->dtype, 4, dim);
    if (t->status != OK)
        return y;
    Status st = t->be->avg_pool_forward(y, x, op);
    return st == OK ? tape_record(t, "avg_pool", y, backward, &x, 1, NULL, 0, op, sizeof *op)
                    : tape_fail(t, st);
}
