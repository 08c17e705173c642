#include "detect/rpn.h"
#include "kernels/ops/losses.h"

static ConvLayer conv_layer(ParamSet *ps, const char *weight, const char *bias, int64_t out,
                            int64_t in, int64_t k)
{
    ParamSpec w = {.name = weight, .kind = PARAM_CONV, .init = {INIT_NORMAL, 0.01f}};
    ParamSpec b = {.name = bias, .kind = PARAM_WEIGHT, .init = {INIT_ZERO, 0}, .is_bias = true};
    ConvLayer layer = {.op = {.stride = 1, .pad = k / 2, .dilation = 1, .groups = 1}};
    layer.weight = params_add(ps, w, 4, (int64_t[]){out, k, k, in});
    layer.bias = params_add(ps, b, 1, &out);
    return layer;
}

Status rpn_register(Rpn *rpn, ParamSet *ps, const DetectRpnKeys *keys, int64_t C, int64_t stride)
{
    *rpn = (Rpn){.grid.stride = (float)stride};
    TRY(anchor_cell(&rpn->grid, keys->sizes.v, keys->sizes.n, keys->ratios.v, keys->ratios.n));
    rpn->conv = conv_layer(ps, "proposal_generator.rpn_head.conv.weight",
                           "proposal_generator.rpn_head.conv.bias", C, C, 3);
    rpn->logit =
        conv_layer(ps, "proposal_generator.rpn_head.objectness_logits.weight",
                   "proposal_generator.rpn_head.objectness_logits.bias", rpn->grid.A, C, 1);
    rpn->delta =
        conv_layer(ps, "proposal_generator.rpn_head.anchor_deltas.weight",
                   "proposal_generator.rpn_head.anchor_deltas.bias", 4 * rpn->grid.A, C, 1);
    rpn->targets = (RpnTargets){.match = {.bg_below = (float)keys->bg_below,
                                          .fg_from = (float)keys->fg_from,
                                          .keeps_low_quality = true},
                                .per_image = keys->batch,
                                .fg_fraction = keys->fg_fraction};
    rpn->propose_train = (RpnPropose){keys->pre_train, keys->post_train, (float)keys->nms, true};
    rpn->propose_test = (RpnPropose){keys->pre_test, keys->post_test, (float)keys->nms, false};
    return OK;
}

RpnOut rpn_head(Tape *t, const Rpn *rpn, Tensor *x)
{
    Tensor *conv = conv2d(t, &rpn->conv, x);
    Tensor *h = relu(t, conv);
    tape_done(t, conv);
    RpnOut out = {cast(t, F32, conv2d(t, &rpn->logit, h)), cast(t, F32, conv2d(t, &rpn->delta, h)),
                  &t->nothing};
    tape_done(t, h);
    if (t->status != OK)
        return out;
    AnchorGrid grid = rpn->grid;
    grid.H = out.logit->dim[1];
    grid.W = out.logit->dim[2];
    out.anchors = TAPE_TENSOR(t, F32, grid.H * grid.W * grid.A, 4);
    if (t->status == OK && t->be->box.anchors(out.anchors, &grid) != OK)
        tape_fail(t, ERR_DEVICE);
    return out;
}

void rpn_loss(Tape *t, const Rpn *rpn, const RpnOut *out, const DetectInput *in,
              Tensor **class_loss, Tensor **box_loss)
{
    *class_loss = *box_loss = &t->nothing;
    if (t->status != OK)
        return;
    int64_t    N = in->N, M = out->anchors->dim[0];
    float      norm = (float)(rpn->targets.per_image * N);
    RpnTargets op = rpn->targets;
    op.random = in->random;
    Tensor *label = TAPE_TENSOR(t, I32, N, M), *fg_label = TAPE_TENSOR(t, I32, N, M);
    Tensor *target = TAPE_TENSOR(t, F32, N, M, 4);
    if (t->status != OK)
        return;
    const Tensor *anchors[] = {out->anchors};
    Status        st = t->be->box.rpn_targets(&label, &fg_label, &target, anchors, 1, &in->gt, &op);
    if (st != OK) {
        tape_fail(t, st);
        return;
    }
    *class_loss = sigmoid_cross_entropy(t, out->logit, label, norm);
    *box_loss = box_regression(t, RESHAPE(t, out->delta, N * M, 4), RESHAPE(t, target, N * M, 4),
                               RESHAPE(t, fg_label, N * M), 0, norm);
}

Proposals rpn_propose(Tape *t, const Rpn *rpn, const RpnOut *out, const DetectInput *in)
{
    const RpnPropose *op = t->is_training ? &rpn->propose_train : &rpn->propose_test;
    Proposals         p = {TAPE_TENSOR(t, F32, in->N, op->post_top, 4),
                           TAPE_TENSOR(t, F32, in->N, op->post_top), TAPE_TENSOR(t, I32, in->N)};
    if (t->status != OK)
        return p;
    const Tensor *logit[] = {out->logit}, *delta[] = {out->delta}, *anchors[] = {out->anchors};
    Status        st = t->be->box.rpn_propose(&p, logit, delta, anchors, 1, in->size, op);
    if (st != OK)
        tape_fail(t, st);
    return p;
}
