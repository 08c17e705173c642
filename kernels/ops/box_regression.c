#include "kernels/ops/loss.h"

typedef struct Options {
    float beta, norm;
} Options;

static Status backward(Tape *t, Node *n)
{
    const Options *op = n->op;
    Tensor        *dx = tape_grad(t, n->in[0]);
    TRY(t->status);
    return t->be->box_regression_backward(dx, n->out->grad, n->in[0], n->in[1], n->in[2], op->beta,
                                          op->norm);
}

Tensor *box_regression(Tape *t, Tensor *x, const Tensor *target, const Tensor *label, float beta,
                       float norm)
{
    char    a[64], b[64], c[64];
    Options op = {beta, norm};
    if (t->status != OK)
        return &t->nothing;
    if (x->ndim != 2 || x->dim[1] % 4 != 0 || target->ndim != 2 || target->dim[0] != x->dim[0] ||
        target->dim[1] != 4 || target->dtype != F32 || !is_label(label, x->dim[0]) || beta < 0 ||
        norm < 0)
        return tape_fail(
            t, status_fail(
                   ERR_SHAPE,
                   "box_regression: wants x (R,4K), target (R,4), i32 label (R); found %s, %s, "
                   "%s %s",
                   tensor_shape_text(x, a), tensor_shape_text(target, b), dtype_name(label->dtype),
                   tensor_shape_text(label, c)));
    Tensor *in[] = {cast(t, F32, x), (Tensor *)target, (Tensor *)label};
    Tensor *loss = loss_scalar(t);
    if (t->status != OK)
        return &t->nothing;
    Status st = t->be->box_regression_forward(loss, in[0], target, label, beta, norm);
    return st != OK ? tape_fail(t, st)
                    : tape_keep(tape_record(t, "box_regression", loss, backward, in, 3, NULL, 0,
                                            &op, sizeof op));
}
