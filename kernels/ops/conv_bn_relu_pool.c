/* conv_bn_relu_pool: convolution, batch norm, ReLU, max pooling: ResNet's stem, whose map before pooling is as large as any.
 *
 *      x --conv--> c --norm--> ReLU --pool--> y      c is kept for backward only where a gradient needs it
 *
 * Where the backend has entries for it, the map between norm and pooling is never stored, nor its gradient: then dc overwrites
 * c, which nobody reads after norm's gradient. Elsewhere the ops run one by one.
 */
#include "kernels/ops/batch_norm.h"
#include "kernels/ops/check.h"
#include "kernels/ops/conv2d.h"
#include "kernels/ops/pool_shape.h"

typedef struct Options {
    Conv2d conv;
    Norm   norm;
} Options;

/* What forward keeps for backward. */
enum { C_MAP, WHERE, PICKED, MEAN, RSTD, N_SAVED };

static Status backward(Tape *t, Node *n)
{
    const Options *o = n->op;
    Tensor        *x = n->in[0], *w = n->in[1], *gamma = n->in[2], *beta = n->in[3];
    Tensor        *c = n->saved[C_MAP], dc = *c;
    bool           conv_learns = x->wants_grad || w->wants_grad;
    Tensor        *dgamma = GRAD_OF(t, gamma), *dbeta = GRAD_OF(t, beta);
    TRY(t->status);
    dc.is_blank = true;
    TRY(t->be->norm_pool_train_backward(conv_learns ? &dc : NULL, dgamma, dbeta, n->out->grad,
                                        n->saved[WHERE], n->saved[PICKED], c, gamma, n->saved[MEAN],
                                        n->saved[RSTD], &o->norm));
    return conv_learns ? conv2d_gradients(t, x, w, NULL, &dc, &o->conv) : OK;
}

static bool is_one_piece(const Tape *t, const NormLayer *norm, const Pool2d *pool)
{
    return t->be->norm_pool_train_forward && pool->size == 3 && pool->stride == 2 &&
           pool->pad == 1 && batch_norm_uses_batch(t, norm) && !t->count && !norm->op.share;
}

static Tensor *in_parts(Tape *t, const ConvBn *layer, const Pool2d *pool, Tensor *x)
{
    Tensor *normed = conv_bn_act(t, layer, x, NULL, true);
    Tensor *y = max_pool(t, pool, normed);
    tape_done(t, normed);
    return y;
}

static bool a_gradient_follows(const Tape *t, const ConvBn *layer, const Tensor *x)
{
    const NormLayer *l = &layer->norm;
    return t->is_recording && (x->wants_grad || layer->conv.weight->wants_grad ||
                               l->gamma->wants_grad || l->beta->wants_grad);
}

Tensor *conv_bn_relu_pool(Tape *t, const ConvBn *layer, const Pool2d *pool, Tensor *x)
{
    int64_t          c_dim[4], dim[4];
    const NormLayer *l = &layer->norm;
    if (t->status != OK || !is_one_piece(t, l, pool))
        return in_parts(t, layer, pool, x);
    if (!conv2d_shape(t, c_dim, &layer->conv, x))
        return &t->nothing;
    Tensor *c = tape_tensor(t, x->dtype, 4, c_dim);
    if (t->status != OK || !batch_norm_fits(t, l, c, NULL) ||
        !pool_shape(t, dim, "max_pool", pool, c))
        return &t->nothing;
    Tensor *y = tape_tensor(t, x->dtype, 4, dim);
    Tensor *saved[N_SAVED] = {[C_MAP] = c};
    if (a_gradient_follows(t, layer, x)) {
        saved[WHERE] = tape_tensor(t, U8, 4, dim);
        saved[PICKED] = tape_tensor(t, x->dtype, 4, dim);
    }
    saved[MEAN] = TAPE_TENSOR(t, F32, l->op.groups, dim[3]);
    saved[RSTD] = TAPE_TENSOR(t, F32, l->op.groups, dim[3]);
    Options o = {layer->conv.op, l->op};
    o.norm.relu = true;
    o.norm.beta = l->beta;
    if (t->status != OK)
        return &t->nothing;
    Status st =
        t->be->conv2d_forward(c, x, compute_copy(layer->conv.weight, x), NULL, &layer->conv.op);
    if (st == OK)
        st = t->be->norm_pool_train_forward(y, saved[WHERE], saved[PICKED], saved[MEAN],
                                            saved[RSTD], l->running_mean, l->running_var, c,
                                            l->gamma, l->beta, &o.norm);
    if (st != OK)
        return tape_fail(t, st);
    Tensor *in[] = {x, layer->conv.weight, l->gamma, l->beta};
    return tape_record(t, "conv_bn_relu_pool", y, backward, in, 4, saved, N_SAVED, &o, sizeof o);
}
