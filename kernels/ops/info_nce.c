#include "kernels/ops/loss.h"

static Status backward(Tape *t, Node *n)
{
    const Tensor *q = n->in[0];
    Tensor       *dq = GRAD_OF(t, n->in[0]);
    TRY(t->status);
    if (dq == NULL)
        return OK;
    float share = q->dim[0] > 0 ? 1.0f / (float)q->dim[0] : 0;
    return t->be->info_nce_backward(dq, share, n->out->grad, n->saved[0], n->in[1], n->in[2],
                                    *(const float *)n->op);
}

Tensor *info_nce(Tape *t, Tensor **stats, Tensor *q, const Tensor *k, const Tensor *queue,
                 float temperature)
{
    char a[64], b[64], c[64];
    if (stats)
        *stats = &t->nothing;
    if (t->status != OK)
        return &t->nothing;
    if (q->ndim != 2 || !tensor_same_shape(q, k) || queue->ndim != 2 ||
        queue->dim[1] != q->dim[1] || !(temperature > 0))
        return tape_fail(
            t, status_fail(ERR_SHAPE,
                           "info_nce: wants q and k (N,C), queue (K,C), temperature > 0; found %s, "
                           "%s, %s, %g",
                           tensor_shape_text(q, a), tensor_shape_text(k, b),
                           tensor_shape_text(queue, c), (double)temperature));
    Tensor *in[] = {cast(t, F32, q), cast(t, F32, (Tensor *)k), cast(t, F32, (Tensor *)queue)};
    Tensor *loss = loss_scalar(t), *figures = TAPE_TENSOR(t, F32, 5);
    Tensor *prob = TAPE_TENSOR(t, F32, q->dim[0], queue->dim[0] + 1);
    if (t->status != OK)
        return &t->nothing;
    Status st = t->be->info_nce_forward(loss, figures, prob, in[0], in[1], in[2], temperature);
    if (st != OK)
        return tape_fail(t, st);
    if (stats)
        *stats = tape_keep(figures);
    return tape_keep(tape_record(t, "info_nce", loss, backward, in, 3, &prob, 1, &temperature,
                                 sizeof temperature));
}
