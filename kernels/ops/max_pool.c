#include "kernels/ops/pool_shape.h"

static Status backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    return dx ? t->be->max_pool_backward(dx, n->out->grad, n->saved[0], n->op) : t->status;
}

Tensor *max_pool(Tape *t, const Pool2d *op, Tensor *x)
{
    int64_t dim[4];
    if (t->status != OK || !pool_shape(t, dim, "max_pool", op, x))
        return &t->nothing;
    Tensor *y = tape_tensor(t, x->dtype, 4, dim);
    Tensor *where = tape_tensor(t, U8, 4, dim);
    if (t->status != OK)
        return &t->nothing;
    Status st = t->be->max_pool_forward(y, where, x, op);
    return st == OK ? tape_record(t, "max_pool", y, backward, &x, 1, &where, 1, op, sizeof *op)
                    : tape_fail(t, st);
}
