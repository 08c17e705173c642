#include "kernels/ops/loss.h"

static Status softmax_backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    TRY(t->status);
    return t->be->softmax_cross_entropy_backward(dx, n->out->grad, n->saved[0], n->in[1],
                                                 *(const float *)n->op);
}

Tensor *softmax_cross_entropy(Tape *t, Tensor *x, const Tensor *label, float norm)
{
    char a[64], b[64];
    if (t->status != OK)
        return &t->nothing;
    if (x->ndim != 2 || x->dim[1] < 1 || !is_label(label, x->dim[0]) || norm < 0)
        return tape_fail(
            t, status_fail(
                   ERR_SHAPE,
                   "softmax_cross_entropy: wants x (R,K) and i32 label (R); found %s and %s %s",
                   tensor_shape_text(x, a), dtype_name(label->dtype), tensor_shape_text(label, b)));
    Tensor *in[] = {cast(t, F32, x), (Tensor *)label};
    Tensor *loss = loss_scalar(t), *prob = TAPE_TENSOR(t, F32, x->dim[0], x->dim[1]);
    if (t->status != OK)
        return &t->nothing;
    Status st = t->be->softmax_cross_entropy_forward(loss, prob, in[0], label, norm);
    return st != OK ? tape_fail(t, st)
                    : tape_keep(tape_record(t, "softmax_cross_entropy", loss, softmax_backward, in,
                                            2, &prob, 1, &norm, sizeof norm));
}

static Status sigmoid_backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    TRY(t->status);
    return t->be->sigmoid_cross_entropy_backward(dx, n->out->grad, n->in[0], n->in[1],
                                                 *(const float *)n->op);
}

Tensor *sigmoid_cross_entropy(Tape *t, Tensor *x, const Tensor *label, float norm)
{
    char a[64], b[64];
    if (t->status != OK)
        return &t->nothing;
    if (!is_float(x) || !is_label(label, tensor_count(x)) || norm < 0)
        return tape_fail(
            t, status_fail(
                   ERR_SHAPE,
                   "sigmoid_cross_entropy: wants as many i32 labels as logits; found %s and %s %s",
                   tensor_shape_text(x, a), dtype_name(label->dtype), tensor_shape_text(label, b)));
    Tensor *in[] = {cast(t, F32, x), (Tensor *)label};
    Tensor *loss = loss_scalar(t);
    if (t->status != OK)
        return &t->nothing;
    Status st = t->be->sigmoid_cross_entropy_forward(loss, in[0], label, norm);
    return st != OK ? tape_fail(t, st)
                    : tape_keep(tape_record(t, "sigmoid_cross_entropy", loss, sigmoid_backward, in,
                                            2, NULL, 0, &norm, sizeof norm));
}
