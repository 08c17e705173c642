#include "detect/box_head.h"
#include "kernels/ops/losses.h"

static LinearLayer linear_layer(ParamSet *ps, const char *weight, const char *bias, int64_t out,
                                int64_t in, float std)
{
    ParamSpec   w = {.name = weight, .kind = PARAM_WEIGHT, .init = {INIT_NORMAL, std}};
    ParamSpec   b = {.name = bias, .kind = PARAM_WEIGHT, .init = {INIT_ZERO, 0}, .is_bias = true};
    LinearLayer layer;
    layer.weight = params_add(ps, w, 2, (int64_t[]){out, in});
    layer.bias = params_add(ps, b, 1, &out);
    return layer;
}

Status box_head_register(BoxHead *head, ParamSet *ps, const DetectConfig *c, int64_t F,
                         int64_t n_classes)
{
    if (n_classes < 1 || n_classes > 100000)
        return status_fail(ERR_FORMAT,
                           "the data set names %lld classes; a detector wants 1 to 100000",
                           (long long)n_classes);
    *head = (BoxHead){.K = n_classes, .smooth_l1 = (float)c->roi.smooth_l1};
    head->score = linear_layer(ps, "roi_heads.box_predictor.cls_score.weight",
                               "roi_heads.box_predictor.cls_score.bias", n_classes + 1, F, 0.01f);
    head->delta = linear_layer(ps, "roi_heads.box_predictor.bbox_pred.weight",
                               "roi_heads.box_predictor.bbox_pred.bias", 4 * n_classes, F, 0.001f);
    head->targets = (RoiTargets){.fg_from = (float)c->roi.fg_from,
                                 .per_image = c->roi.batch,
                                 .fg_fraction = c->roi.fg_fraction,
                                 .n_classes = n_classes,
                                 .weight = {10, 10, 5, 5}};
    head->predict = (BoxPredict){.weight = {10, 10, 5, 5},
                                 .score_threshold = (float)c->test.score,
                                 .nms = (float)c->test.nms,
                                 .max_per_image = c->test.per_image};
    return OK;
}

RoiSet box_head_sample(Tape *t, const BoxHead *head, const Proposals *proposals,
                       const DetectInput *in)
{
    int64_t    rows = in->N * head->targets.per_image;
    RoiSet     set = {TAPE_TENSOR(t, F32, rows, 5), TAPE_TENSOR(t, I32, rows),
                      TAPE_TENSOR(t, F32, rows, 4), TAPE_TENSOR(t, I32, rows),
                      TAPE_TENSOR(t, I32, in->N + 1)};
    RoiTargets op = head->targets;
    op.random = in->random;
    if (t->status != OK)
        return set;
    Status st = t->be->box.roi_targets(&set, proposals, &in->gt, &op);
    if (st != OK)
        tape_fail(t, st);
    return set;
}

BoxOut box_head(Tape *t, const BoxHead *head, Tensor *features)
{
    Tensor *x = cast(t, F32, features);
    return (BoxOut){linear(t, &head->score, x), linear(t, &head->delta, x)};
}

/* The class of every region of images first .. end-1, -1 for the others. */
static Tensor *labels_of_images(Tape *t, const RoiSet *rois, int64_t first, int64_t end)
{
    Tensor *kept = TAPE_TENSOR(t, I32, rois->label->dim[0]);
    if (t->status != OK)
        return kept;
    Status st = t->be->box.labels_of_images(kept, rois->label, rois->start, first, end);
    return st == OK ? kept : tape_fail(t, st);
}

void box_head_loss(Tape *t, const BoxHead *head, const BoxOut *out, const RoiSet *rois, int64_t N,
                   int64_t images_per_group, Tensor **class_loss, Tensor **box_loss)
{
    float share = (float)images_per_group / (float)N, weight[] = {1, share};
    *class_loss = *box_loss = &t->nothing;
    if (images_per_group >= N) {
        *class_loss = softmax_cross_entropy(t, out->logit, rois->label, 0);
        *box_loss = box_regression(t, out->delta, rois->target, rois->label, head->smooth_l1, 0);
        return;
    }
    for (int64_t i = 0; i < N; i += images_per_group) {
        Tensor *label = labels_of_images(t, rois, i, i + images_per_group);
        Tensor *class_term = softmax_cross_entropy(t, out->logit, label, 0);
        Tensor *box_term = box_regression(t, out->delta, rois->target, label, head->smooth_l1, 0);
        *class_loss = i == 0 ? weighted_sum(t, &class_term, &share, 1)
                             : weighted_sum(t, (Tensor *[]){*class_loss, class_term}, weight, 2);
        *box_loss = i == 0 ? weighted_sum(t, &box_term, &share, 1)
                           : weighted_sum(t, (Tensor *[]){*box_loss, box_term}, weight, 2);
    }
}
