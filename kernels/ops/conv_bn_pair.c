/* conv_bn_pair: two convolutions with batch norm, their sum and a ReLU: where a residual block's shortcut is projected.
 *
 *      x --------conv--> c[0] --norm--+
 *                                     + --ReLU--> y        both c are kept where a gradient will want them; otherwise y
 *      shortcut --conv--> c[1] --norm--+                    is written over c[0], and c[1] is given back
 *
 * On the way back the gradient of c[0] overwrites dy, which nobody reads afterwards.
 */
#include "kernels/ops/batch_norm.h"
#include "kernels/ops/check.h"
#include "kernels/ops/conv2d.h"

enum { TERMS = 2 };

/* Of a term among the node's tensors. */
enum { IN_X, IN_WEIGHT, IN_GAMMA, IN_BETA, N_IN };
enum { SAVED_CONV, SAVED_MEAN, SAVED_RSTD, N_SAVED };

typedef struct Options {
    Conv2d conv[TERMS];
    Norm   norm;
} Options;

static bool conv_learns(Tensor *const *in)
{
    return in[IN_X]->wants_grad || in[IN_WEIGHT]->wants_grad;
}

static Status backward(Tape *t, Node *n)
{
    const Options *o = n->op;
    NormTerm       term[TERMS];
    Tensor        *other = NULL, over = *n->out->grad;
    over.view_of = NULL;
    over.is_blank = true;
    if (conv_learns(n->in + N_IN)) {
        other = tape_tensor(t, over.dtype, over.ndim, over.dim);
        other->is_blank = true;
    }
    Tensor *dc[TERMS] = {conv_learns(n->in) ? &over : NULL, other};
    for (int i = 0; i < TERMS; i++) {
        Tensor *const *in = n->in + i * N_IN, *const *saved = n->saved + i * N_SAVED;
        term[i] = (NormTerm){.x = saved[SAVED_CONV],
                             .gamma = in[IN_GAMMA],
                             .beta = in[IN_BETA],
                             .mean = saved[SAVED_MEAN],
                             .rstd = saved[SAVED_RSTD],
                             .dx = dc[i],
                             .dgamma = GRAD_OF(t, in[IN_GAMMA]),
                             .dbeta = GRAD_OF(t, in[IN_BETA])};
    }
    TRY(t->status);
    TRY(t->be->norm_pair_train_backward(n->out->grad, &term[0], &term[1], &o->norm));
    for (int i = TERMS - 1; i >= 0; i--) {
        Tensor *const *in = n->in + i * N_IN;
        if (dc[i])
            TRY(conv2d_gradients(t, in[IN_X], in[IN_WEIGHT], NULL, dc[i], &o->conv[i]));
    }
    if (other)
        tape_done(t, other);
    return OK;
}

/* Whether the two may be one. */
static bool can_join(const Tape *t, const NormLayer *a, const NormLayer *b)
{
    return t->be->norm_pair_train_forward && batch_norm_uses_batch(t, a) &&
           batch_norm_uses_batch(t, b) && !t->count && !a->op.share && !b->op.share &&
           a->op.groups == b->op.groups && a->op.eps == b->op.eps &&
           a->op.momentum == b->op.momentum;
}

static Tensor *parts(Tape *t, const ConvBn *a, Tensor *x, const ConvBn *b, Tensor *shortcut,
                     bool relu)
{
    Tensor *residual = conv_bn_act(t, b, shortcut, NULL, false);
    Tensor *y = conv_bn_act(t, a, x, residual, relu);
    tape_done(t, residual);
    return y;
}

Tensor *conv_bn_pair(Tape *t, const ConvBn *a, Tensor *x, const ConvBn *b, Tensor *shortcut,
                     bool relu)
{
    const ConvBn *layer[TERMS] = {a, b};
    Tensor       *from[TERMS] = {x, shortcut};
    int64_t       dim[TERMS][4];
    if (!can_join(t, &a->norm, &b->norm))
        return parts(t, a, x, b, shortcut, relu);
    if (t->status != OK || !conv2d_shape(t, dim[0], &a->conv, x) ||
        !conv2d_shape(t, dim[1], &b->conv, shortcut))
        return &t->nothing;

    Tensor *in[TERMS * N_IN], *saved[TERMS * N_SAVED];
    bool    keeps = false;
    for (int i = 0; i < TERMS; i++) {
        const NormLayer *norm = &layer[i]->norm;
        Tensor          *own[N_IN] = {from[i], layer[i]->conv.weight, norm->gamma, norm->beta};
        for (int k = 0; k < N_IN; k++) {
            in[i * N_IN + k] = own[k];
            keeps |= t->is_recording && own[k]->wants_grad;
        }
    }
    Tensor  *y = tape_tensor(t, x->dtype, 4, dim[0]);
    NormTerm term[TERMS];
    for (int i = 0; i < TERMS; i++) {
        const NormLayer *norm = &layer[i]->norm;
        Tensor         **own = saved + i * N_SAVED;
        own[SAVED_CONV] = keeps || i > 0 ? tape_tensor(t, from[i]->dtype, 4, dim[i]) : y;
        own[SAVED_MEAN] = TAPE_TENSOR(t, F32, norm->op.groups, dim[i][3]);
        own[SAVED_RSTD] = TAPE_TENSOR(t, F32, norm->op.groups, dim[i][3]);
        term[i] = (NormTerm){.x = own[SAVED_CONV],
                             .gamma = norm->gamma,
                             .beta = norm->beta,
                             .mean = own[SAVED_MEAN],
                             .rstd = own[SAVED_RSTD],
                             .running_mean = norm->running_mean,
                             .running_var = norm->running_var};
    }
    if (t->status != OK || !batch_norm_fits(t, &a->norm, y, saved[N_SAVED + SAVED_CONV]) ||
        !batch_norm_fits(t, &b->norm, saved[N_SAVED + SAVED_CONV], NULL))
        return &t->nothing;

    Options o = {{a->conv.op, b->conv.op}, a->norm.op};
    o.norm.relu = relu;
    for (int i = 0; i < TERMS; i++) {
        Status st = t->be->conv2d_forward(saved[i * N_SAVED + SAVED_CONV], from[i],
                                          compute_copy(layer[i]->conv.weight, from[i]), NULL,
                                          &layer[i]->conv.op);
        if (st != OK)
            return tape_fail(t, st);
    }
    Status st = t->be->norm_pair_train_forward(y, &term[0], &term[1], &o.norm);
    if (st != OK)
        return tape_fail(t, st);
    if (saved[SAVED_CONV] == y)
        saved[SAVED_CONV] = NULL;
    return tape_record(t, "conv_bn_pair", y, backward, in, TERMS * N_IN, saved, TERMS * N_SAVED, &o,
                       sizeof o);
}
