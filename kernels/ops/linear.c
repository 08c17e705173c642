#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

static Status backward(Tape *t, Node *n)
{
    Tensor *dw = GRAD_OF(t, n->in[1]), *dbias = GRAD_OF(t, n->in[2]), *dx = GRAD_OF(t, n->in[0]);
    TRY(t->status);
    if (dw || dbias)
        TRY(t->be->linear_backward_weights(dw, dbias, n->in[0], n->out->grad));
    return dx ? t->be->linear_backward_data(dx, n->out->grad, compute_copy(n->in[1], dx)) : OK;
}

Tensor *linear(Tape *t, const LinearLayer *layer, Tensor *x)
{
    const Tensor *w = layer->weight;
    char          a[64], b[64];
    if (t->status != OK)
        return &t->nothing;
    if (x->ndim != 2 || w->ndim != 2 || x->dim[1] != w->dim[1] || !is_float(x))
        return tape_fail(t, status_fail(ERR_SHAPE, "linear: weight %s wants (N,%lld), found %s",
                                        tensor_shape_text(w, b),
                                        w->ndim == 2 ? (long long)w->dim[1] : 0LL,
                                        tensor_shape_text(x, a)));
    if (layer->bias && (layer->bias->ndim != 1 || layer->bias->dim[0] != w->dim[0]))
        return tape_fail(t,
                         status_fail(ERR_SHAPE, "linear: bias %s does not fit weight %s",
                                     tensor_shape_text(layer->bias, a), tensor_shape_text(w, b)));
    Tensor *y = TAPE_TENSOR(t, x->dtype, x->dim[0], w->dim[0]);
    if (t->status != OK)
        return y;
    Status  st = t->be->linear_forward(y, x, compute_copy(w, x), layer->bias);
    Tensor *in[] = {x, layer->weight, layer->bias};
    return st == OK ? tape_record(t, "linear", y, backward, in, 3, NULL, 0, NULL, 0)
                    : tape_fail(t, st);
}
