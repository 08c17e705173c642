/* batch_norm: Ioffe and Szegedy 2015, with an optional residual and ReLU behind it. */
#include "kernels/ops/batch_norm.h"
#include "kernels/ops/check.h"

bool batch_norm_uses_batch(const Tape *t, const NormLayer *layer)
{
    return t->is_training && !layer->is_frozen;
}

bool batch_norm_fits(Tape *t, const NormLayer *layer, const Tensor *x, const Tensor *residual)
{
    char          a[64], b[64];
    const Tensor *vector[] = {layer->gamma, layer->beta, layer->running_mean, layer->running_var};
    int64_t       C = x->ndim > 0 ? x->dim[x->ndim - 1] : 0;
    if ((x->ndim != 4 && x->ndim != 2) || !is_float(x)) {
        tape_fail(t, status_fail(ERR_SHAPE, "batch_norm: wants (N,H,W,C) or (N,C), found %s",
                                 tensor_shape_text(x, a)));
        return false;
    }
    for (int i = 0; i < 4; i++)
        if (!vector[i] || vector[i]->ndim != 1 || vector[i]->dim[0] != C) {
            tape_fail(t, status_fail(ERR_SHAPE,
                                     "batch_norm: the layer has %lld channels, x %s has %lld",
                                     vector[i] ? (long long)tensor_count(vector[i]) : 0LL,
                                     tensor_shape_text(x, a), (long long)C));
            return false;
        }
    if (residual && (!tensor_same_shape(residual, x) || residual->dtype != x->dtype)) {
        tape_fail(t, status_fail(ERR_SHAPE,
                                 "batch_norm: residual %s of %s cannot be added to %s of %s",
                                 tensor_shape_text(residual, b), dtype_name(residual->dtype),
                                 tensor_shape_text(x, a), dtype_name(x->dtype)));
        return false;
    }
    int64_t G = layer->op.groups;
    if (batch_norm_uses_batch(t, layer) && (G < 1 || x->dim[0] % G != 0)) {
        tape_fail(t, status_fail(ERR_SHAPE, "batch_norm: %lld groups do not divide a batch of %lld",
                                 (long long)G, (long long)x->dim[0]));
        return false;
    }
    if (batch_norm_uses_batch(t, layer) && t->count && G != 1) {
        tape_fail(t, status_fail(ERR_SHAPE,
                                 "batch_norm: %lld groups of a number of images that only the "
                                 "device knows; want one group",
                                 (long long)G));
        return false;
    }
    if (batch_norm_uses_batch(t, layer) && !layer->op.share && C > 0 && tensor_count(x) == G * C) {
        tape_fail(t, status_fail(
                         ERR_SHAPE,
                         "batch_norm: x %s in %lld groups leaves one value per channel, which has "
                         "no variance; use a larger batch or fewer groups",
                         tensor_shape_text(x, a), (long long)G));
        return false;
    }
    return true;
}

Status batch_norm_gradients(Tape *t, Tensor *dx, const NormSaved *s, const Tensor *dy,
                            const Norm *op)
{
    Norm    own = *op;
    Tensor *dgamma = GRAD_OF(t, s->gamma), *dbeta = GRAD_OF(t, s->beta),
           *dresidual = GRAD_OF(t, s->residual);
    TRY(t->status);
    const Tensor *y = op->relu ? s->y : NULL;
    own.beta = s->residual ? NULL : s->beta;
    return s->mean
               ? t->be->batch_norm_train_backward(dx, dresidual, dgamma, dbeta, dy, y, s->x,
                                                  s->gamma, s->mean, s->rstd, &own)
               : t->be->batch_norm_eval_backward(dx, dresidual, dgamma, dbeta, dy, y, s->x,
                                                 s->gamma, s->running_mean, s->running_var, &own);
}

static Status backward(Tape *t, Node *n)
{
    bool      was_batch = n->saved[0] != NULL;
    NormSaved s = {.x = n->in[0],
                   .gamma = n->in[1],
                   .beta = n->in[2],
                   .residual = n->in[3],
                   .y = n->out,
                   .mean = n->saved[0],
                   .rstd = n->saved[1]};
    if (!was_batch) {
        s.running_mean = n->in[4];
        s.running_var = n->in[5];
    }
    Tensor *dx = GRAD_OF(t, n->in[0]);
    TRY(t->status);
    return batch_norm_gradients(t, dx, &s, n->out->grad, n->op);
}

Tensor *batch_norm(Tape *t, const NormLayer *layer, Tensor *x, Tensor *residual, bool relu)
{
    if (t->status != OK || !batch_norm_fits(t, layer, x, residual))
        return &t->nothing;
    Norm    op = layer->op;
    bool    by_batch = batch_norm_uses_batch(t, layer);
    int64_t C = x->dim[x->ndim - 1];
    Tensor *saved[2] = {NULL, NULL};
    op.relu = relu;
    op.count = by_batch ? t->count : NULL;
    Tensor *y = tape_tensor(t, x->dtype, x->ndim, x->dim);
    if (by_batch) {
        saved[0] = TAPE_TENSOR(t, F32, op.groups, C);
        saved[1] = TAPE_TENSOR(t, F32, op.groups, C);
    }
    if (t->status != OK)
        return &t->nothing;
    Status st = by_batch
                    ? t->be->batch_norm_train_forward(y, saved[0], saved[1], layer->running_mean,
                                                      layer->running_var, x, residual, layer->gamma,
                                                      layer->beta, &op)
                    : t->be->batch_norm_eval_forward(y, x, residual, layer->gamma, layer->beta,
                                                     layer->running_mean, layer->running_var, &op);
    if (st != OK)
        return tape_fail(t, st);
    Tensor *in[] = {x,        layer->gamma,        layer->beta,
                    residual, layer->running_mean, layer->running_var};
    return tape_record(t, "batch_norm", y, backward, in, 6, saved, by_batch ? 2 : 0, &op,
                       sizeof op);
}
