/* conv_bn_act: convolution, batch norm, optional residual, optional ReLU: the one door for fusion.
 *
 *      x --conv--> c --norm--> + residual --ReLU--> y          c is kept for backward only where a gradient needs it;
 *                                                              otherwise y is written over c
 *
 * On the way back dc overwrites dy: nobody reads dy afterwards.
 */
#include "kernels/ops/batch_norm.h"
#include "kernels/ops/check.h"
#include "kernels/ops/conv2d.h"

typedef struct Options {
    Conv2d  conv;
    Norm    norm;
    Tensor *running_mean, *running_var;
} Options;

static Status backward(Tape *t, Node *n)
{
    const Options *o = n->op;
    NormSaved      s = {.x = n->saved[0],
                        .gamma = n->in[2],
                        .beta = n->in[4],
                        .residual = n->in[3],
                        .y = n->out,
                        .mean = n->saved[1],
                        .rstd = n->saved[2],
                        .running_mean = o->running_mean,
                        .running_var = o->running_var};
    bool           conv_learns = n->in[0]->wants_grad || n->in[1]->wants_grad;
    Tensor         dc = *n->out->grad;
    dc.view_of = NULL;
    dc.is_blank = true;
    TRY(batch_norm_gradients(t, conv_learns ? &dc : NULL, &s, n->out->grad, &o->norm));
    return conv_learns ? conv2d_gradients(t, n->in[0], n->in[1], NULL, &dc, &o->conv) : OK;
}

/* Whether backward will read the convolution's output. */
static bool keeps_conv(const Tape *t, const ConvBn *layer, const Tensor *x, bool by_batch)
{
    const Tensor *w = layer->conv.weight, *gamma = layer->norm.gamma, *beta = layer->norm.beta;
    if (!t->is_recording)
        return false;
    if (!by_batch)
        return gamma->wants_grad;
    return x->wants_grad || w->wants_grad || gamma->wants_grad || beta->wants_grad;
}

/* Whether backward will find the ReLU's mask in bits: where a residual was added, x does not tell it. */
static bool keeps_mask(const Tape *t, const Tensor *y, const Tensor *residual, bool relu)
{
    return t->be->has_norm_masks && relu && residual && y->dtype == BF16 && y->dim[3] % 8 == 0;
}

static Status run(Tape *t, Tensor *y, Tensor *c, Tensor *mean, Tensor *rstd, const ConvBn *layer,
                  const Tensor *x, const Tensor *residual, const Norm *norm)
{
    const NormLayer *l = &layer->norm;
    const Tensor    *w = compute_copy(layer->conv.weight, x);
    if (mean && !norm->count && t->be->conv_bn_train_forward)
        return t->be->conv_bn_train_forward(y, c, mean, rstd, l->running_mean, l->running_var, x, w,
                                            residual, l->gamma, l->beta, &layer->conv.op, norm);
    TRY(t->be->conv2d_forward(c, x, w, NULL, &layer->conv.op));
    return mean ? t->be->batch_norm_train_forward(y, mean, rstd, l->running_mean, l->running_var, c,
                                                  residual, l->gamma, l->beta, norm)
                : t->be->batch_norm_eval_forward(y, c, residual, l->gamma, l->beta, l->running_mean,
                                                 l->running_var, norm);
}

Tensor *conv_bn_act(Tape *t, const ConvBn *layer, Tensor *x, Tensor *residual, bool relu)
{
    int64_t dim[4];
    if (t->status != OK || !conv2d_shape(t, dim, &layer->conv, x))
        return &t->nothing;
    bool    by_batch = batch_norm_uses_batch(t, &layer->norm);
    bool    keeps = keeps_conv(t, layer, x, by_batch);
    Tensor *y = tape_tensor(t, x->dtype, 4, dim);
    Tensor *c = keeps ? tape_tensor(t, x->dtype, 4, dim) : y;
    Tensor *saved[4] = {keeps ? c : NULL, NULL, NULL, NULL};
    if (t->status != OK || !batch_norm_fits(t, &layer->norm, y, residual))
        return &t->nothing;
    if (by_batch) {
        saved[1] = TAPE_TENSOR(t, F32, layer->norm.op.groups, dim[3]);
        saved[2] = TAPE_TENSOR(t, F32, layer->norm.op.groups, dim[3]);
        if (keeps && keeps_mask(t, y, residual, relu))
            saved[3] = TAPE_TENSOR(t, U8, dim[0], dim[1], dim[2], dim[3] / 8);
    }
    Options o = {layer->conv.op, layer->norm.op, layer->norm.running_mean, layer->norm.running_var};
    o.norm.relu = relu;
    o.norm.count = by_batch ? t->count : NULL;
    o.norm.mask = saved[3];
    if (t->status != OK)
        return &t->nothing;
    Status st = run(t, y, c, saved[1], saved[2], layer, x, residual, &o.norm);
    if (st != OK)
        return tape_fail(t, st);
    Tensor *in[] = {x, layer->conv.weight, layer->norm.gamma, residual, layer->norm.beta};
    return tape_record(t, "conv_bn_act", y, backward, in, 5, saved, 4, &o, sizeof o);
}
