/* conv2d: every kind of convolution the networks use; LeCun et al. 1989. Strided, dilated, grouped, NHWC. */
#include "kernels/ops/conv2d.h"
#include "kernels/ops/check.h"

enum { MOST = 1 << 20 }; // of any option: keeps the arithmetic below far from overflow

static bool options_are_sane(const Conv2d *op)
{
    return op->stride >= 1 && op->stride <= MOST && op->pad >= 0 && op->pad <= MOST &&
           op->dilation >= 1 && op->dilation <= MOST && op->groups >= 1;
}

bool conv2d_shape(Tape *t, int64_t dim[4], const ConvLayer *layer, const Tensor *x)
{
    const Conv2d *op = &layer->op;
    const Tensor *w = layer->weight;
    char          a[64], b[64];
    if (!options_are_sane(op) || x->ndim != 4 || w->ndim != 4 || !is_float(x) || w->dim[1] > MOST ||
        w->dim[2] > MOST || w->dim[1] < 1 || w->dim[2] < 1) {
        tape_fail(
            t, status_fail(
                   ERR_SHAPE,
                   "conv2d: wants x (N,H,W,C), weight (Co,kh,kw,C/groups), stride, dilation and "
                   "groups "
                   ">= 1; found x %s, weight %s, stride %lld, pad %lld, dilation %lld, groups %lld",
                   tensor_shape_text(x, a), tensor_shape_text(w, b), (long long)op->stride,
                   (long long)op->pad, (long long)op->dilation, (long long)op->groups));
        return false;
    }
    if (w->dim[3] * op->groups != x->dim[3] || w->dim[0] % op->groups != 0) {
        tape_fail(t,
                  status_fail(ERR_SHAPE,
                              "conv2d: weight %s in %lld groups wants %lld channels, x %s has %lld",
                              tensor_shape_text(w, b), (long long)op->groups,
                              (long long)(w->dim[3] * op->groups), tensor_shape_text(x, a),
                              (long long)x->dim[3]));
        return false;
    }
    if (layer->bias && (layer->bias->ndim != 1 || layer->bias->dim[0] != w->dim[0])) {
        tape_fail(t, status_fail(ERR_SHAPE, "conv2d: bias %s does not fit weight %s",
                                 tensor_shape_text(layer->bias, a), tensor_shape_text(w, b)));
        return false;
    }
    dim[0] = x->dim[0];
    dim[3] = w->dim[0];
    for (int i = 1; i <= 2; i++) {
        int64_t free_cells = x->dim[i] + 2 * op->pad - op->dilation * (w->dim[i] - 1) - 1;
        if (free_cells < 0) {
            tape_fail(t, status_fail(
                             ERR_SHAPE,
                             "conv2d: the kernel of weight %s (dilation %lld) is larger than x %s "
                             "padded by %lld",
                             tensor_shape_text(w, b), (long long)op->dilation,
                             tensor_shape_text(x, a), (long long)op->pad));
            return false;
        }
        dim[i] = free_cells / op->stride + 1;
    }
    return true;
}

Status conv2d_gradients(Tape *t, Tensor *x, Tensor *w, Tensor *bias, const Tensor *dy,
                        const Conv2d *op)
{
    Tensor *dw = GRAD_OF(t, w), *dbias = GRAD_OF(t, bias);
    if (dw || dbias)
        TRY(t->be->conv2d_backward_weights(dw, dbias, x, dy, op));
    Tensor *dx = GRAD_OF(t, x);
    TRY(t->status);
    return dx ? t->be->conv2d_backward_data(dx, dy, compute_copy(w, dy), op) : OK;
}

static Status backward(Tape *t, Node *n)
{
    return conv2d_gradients(t, n->in[0], n->in[1], n->in[2], n->out->grad, n->op);
}

Tensor *conv2d(Tape *t, const ConvLayer *layer, Tensor *x)
{
    int64_t dim[4];
    if (t->status != OK || !conv2d_shape(t, dim, layer, x))
        return &t->nothing;
    Tensor *y = tape_tensor(t, x->dtype, 4, dim);
    if (t->status != OK)
        return y;
    Status st =
        t->be->conv2d_forward(y, x, compute_copy(layer->weight, x), layer->bias, &layer->op);
    if (st != OK)
        return tape_fail(t, st);
    Tensor *in[] = {x, layer->weight, layer->bias};
    return tape_record(t, "conv2d", y, backward, in, 3, NULL, 0, &layer->op, sizeof layer->op);
}
