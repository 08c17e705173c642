#include "detect/faster_rcnn_c4.h"
#include "kernels/ops/losses.h"

enum { ROWS_AT_ONCE = 256 }; // regions that layer4 sees at once in testing: bounds the memory

static NormLayer extra_norm(ParamSet *ps, int64_t C, bool is_frozen)
{
    NormLayer n = {.op = {.eps = 1e-5f, .momentum = 0.1f, .groups = 1}, .is_frozen = is_frozen};
    Init      one = {INIT_ONE, 0}, zero = {INIT_ZERO, 0};
    ParamSpec gamma = {"roi_heads.res5.norm.weight", PARAM_WEIGHT, one, true, false};
    ParamSpec beta = {"roi_heads.res5.norm.bias", PARAM_WEIGHT, zero, true, true};
    ParamSpec mean = {"roi_heads.res5.norm.running_mean", PARAM_BUFFER, zero, false, false};
    ParamSpec var = {"roi_heads.res5.norm.running_var", PARAM_BUFFER, one, false, false};
    n.gamma = params_add(ps, gamma, 1, &C);
    n.beta = params_add(ps, beta, 1, &C);
    n.running_mean = params_add(ps, mean, 1, &C);
    n.running_var = params_add(ps, var, 1, &C);
    return n;
}

Status faster_rcnn_c4_register(FasterRcnnC4 *m, ParamSet *ps, const DetectConfig *c,
                               int64_t n_classes)
{
    ResNetConfig net;
    *m = (FasterRcnnC4){.has_extra = c->model.extra_norm};
    TRY(detect_config_net(&net, c));
    TRY(resnet_register(&m->body, ps, &net, "", HEAD_NONE, 0));
    int64_t stride = resnet_stride(&net, 3), C = resnet_channels(&net, 3),
            F = resnet_channels(&net, 4);
    TRY(rpn_register(&m->rpn, ps, &c->rpn, C, stride));
    m->pool = (RoiAlign){
        .P = c->roi.pool, .S = c->roi.samples, .scale = 1 / (float)stride, .is_aligned = true};
    if (m->has_extra)
        m->extra = extra_norm(ps, F, net.has_frozen_norm);
    m->images_per_group = detect_config_group(c);
    return box_head_register(&m->head, ps, c, F, n_classes);
}

Tensor *faster_rcnn_c4_map(Tape *t, const FasterRcnnC4 *m, Tensor *images)
{
    Tensor *x = resnet_stem(t, &m->body, images);
    for (int s = 1; s <= 3; s++) {
        Tensor *next = resnet_stage(t, &m->body, s, x);
        tape_done(t, x);
        x = next;
    }
    return x;
}

Tensor *faster_rcnn_c4_regions(Tape *t, const FasterRcnnC4 *m, Tensor *c4, const Tensor *rois)
{
    Tensor *x = roi_align(t, &m->pool, c4, rois);
    Tensor *y = resnet_stage(t, &m->body, 4, x);
    tape_done(t, x);
    if (!m->has_extra)
        return y;
    Tensor *z = batch_norm(t, &m->extra, y, NULL, false);
    tape_done(t, y);
    return z;
}

/* The last number of an array, where it lies. */
static Tensor *last_of(Tape *t, const Tensor *x)
{
    if (t->status != OK)
        return &t->nothing;
    Tensor *view = ARENA_NEW(&t->arena, Tensor);
    if (view == NULL)
        return tape_fail(t, ERR_MEMORY);
    *view = (Tensor){.dtype = I32, .ndim = 1, .dim = {1}};
    view->data = (int32_t *)x->data + x->dim[0] - 1;
    return view;
}

/* Ren et al. 2015, sec. 3, with the training of both stages at once. */
Tensor *faster_rcnn_c4_loss(Tape *t, const FasterRcnnC4 *m, const DetectInput *in, LossTerms *terms)
{
    Tensor *c4 = faster_rcnn_c4_map(t, m, in->images);
    RpnOut  rpn = rpn_head(t, &m->rpn, c4);
    rpn_loss(t, &m->rpn, &rpn, in, &terms->rpn_class, &terms->rpn_box);

    Proposals props = in->given ? *in->given : rpn_propose(t, &m->rpn, &rpn, in);
    RoiSet    rois = box_head_sample(t, &m->head, &props, in);
    terms->n_regions = last_of(t, rois.start);

    t->count = terms->n_regions;
    Tensor *f = faster_rcnn_c4_regions(t, m, c4, rois.rois);
    t->count = NULL;
    BoxOut out = box_head(t, &m->head, mean_hw(t, f));
    box_head_loss(t, &m->head, &out, &rois, in->N, m->images_per_group, &terms->roi_class,
                  &terms->roi_box);

    Tensor *parts[] = {terms->rpn_class, terms->rpn_box, terms->roi_class, terms->roi_box};
    return weighted_sum(t, parts, (float[]){1, 1, 1, 1}, 4);
}

/* Rows begin .. begin+n-1 of rois (R,5), sharing their memory. */
static Tensor some_rows(const Tensor *rois, int64_t begin, int64_t n)
{
    return (Tensor){
        .dtype = F32, .ndim = 2, .dim = {n, 5}, .data = (float *)rois->data + 5 * begin};
}

/* layer4 and the box head over all regions, ROWS_AT_ONCE at a time. */
static BoxOut regions_in_parts(Tape *t, const FasterRcnnC4 *m, Tensor *c4, const Tensor *rois)
{
    int64_t R = rois->dim[0],
            n_parts = R > ROWS_AT_ONCE ? (R + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE : 1;
    Tensor **logit = ARENA_ARRAY(&t->arena, Tensor *, n_parts),
           **delta = ARENA_ARRAY(&t->arena, Tensor *, n_parts);
    Tensor *view = ARENA_ARRAY(&t->arena, Tensor, n_parts);
    if (!logit || !delta || !view) {
        Tensor *nothing = tape_fail(t, ERR_MEMORY);
        return (BoxOut){nothing, nothing};
    }
    for (int64_t p = 0; p < n_parts; p++) {
        int64_t begin = p * ROWS_AT_ONCE;
        view[p] = some_rows(rois, begin, R - begin < ROWS_AT_ONCE ? R - begin : ROWS_AT_ONCE);
        Tensor *f = faster_rcnn_c4_regions(t, m, c4, &view[p]);
        BoxOut  out = box_head(t, &m->head, mean_hw(t, f));
        tape_done(t, f);
        logit[p] = out.logit;
        delta[p] = out.delta;
    }
    if (n_parts == 1)
        return (BoxOut){logit[0], delta[0]};
    return (BoxOut){concat(t, logit, (int)n_parts), concat(t, delta, (int)n_parts)};
}

static Detections no_detections(Tape *t, int64_t N, int64_t D)
{
    return (Detections){TAPE_TENSOR(t, F32, N, D, 4), TAPE_TENSOR(t, F32, N, D),
                        TAPE_TENSOR(t, I32, N, D), TAPE_TENSOR(t, I32, N)};
}

Detections faster_rcnn_c4_detect(Tape *t, const FasterRcnnC4 *m, const DetectInput *in,
                                 DetectHeads *heads)
{
    Detections out = no_detections(t, in->N, m->head.predict.max_per_image);
    Tensor    *c4 = faster_rcnn_c4_map(t, m, in->images);
    RpnOut     rpn = rpn_head(t, &m->rpn, c4);
    Proposals  props = in->given ? *in->given : rpn_propose(t, &m->rpn, &rpn, in);
    if (t->status != OK)
        return out;
    int64_t  P = props.box->dim[1];
    int32_t *first = ARENA_ARRAY(&t->arena, int32_t, in->N + 1);
    Tensor  *rois = TAPE_TENSOR(t, F32, in->N * P, 5), *start = TAPE_TENSOR(t, I32, in->N + 1);
    Status   st = t->status != OK ? t->status : first ? OK : ERR_MEMORY;
    if (st == OK)
        st = t->be->box.rois_pack(rois, start, &props);
    if (st == OK)
        st = t->be->read(first, start->data, tensor_bytes(start));
    if (st != OK) {
        tape_fail(t, st);
        return out;
    }
    rois->dim[0] = first[in->N];

    BoxOut box = regions_in_parts(t, m, c4, rois);
    if (t->status == OK)
        st = t->be->box.box_predict(&out, box.logit, box.delta, rois, start, in->size,
                                    &m->head.predict);
    if (st != OK)
        tape_fail(t, st);
    if (heads)
        *heads = (DetectHeads){rpn, box};
    return out;
}

void faster_rcnn_c4_set_momentum(FasterRcnnC4 *m, float momentum)
{
    m->extra.op.momentum = momentum;
    m->body.stem.norm.op.momentum = momentum;
    for (int s = 0; s < RESNET_STAGES; s++)
        for (int b = 0; b < m->body.config.n_blocks[s]; b++) {
            ResBlock *block = &m->body.stage[s][b];
            block->proj.norm.op.momentum = momentum;
            for (int i = 0; i < block->n_convs; i++)
                block->conv[i].norm.op.momentum = momentum;
        }
}
