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

SampledRois box_head_sample(Tape *t, const BoxHead *head, const Proposals *proposals,
                            const DetectInput *in)
{
    int64_t     rows = in->N * head->targets.per_image;
    SampledRois s = {0};
    s.set = (RoiSet){TAPE_TENSOR(t, F32, rows, 5), TAPE_TENSOR(t, I32, rows),
                     TAPE_TENSOR(t, I32, rows),    TAPE_TENSOR(t, F32, rows, 4),
                     TAPE_TENSOR(t, I32, rows),    TAPE_TENSOR(t, I32, in->N + 1)};
    s.start = ARENA_ARRAY(&t->arena, int32_t, in->N + 1);
    if (t->status != OK || s.start == NULL) {
        tape_fail(t, t->status != OK ? t->status : ERR_MEMORY);
        return s;
    }
    RoiTargets op = head->targets;
    op.random = in->random;
    Status st = t->be->box.roi_targets(&s.set, proposals, &in->gt, &op);
    /* NEEDSWORK: the number of regions travels to the host. It is S per image in nearly every step; a backend that
     * captures the step as a graph would have to fill the missing rows instead. */
    if (st == OK)
        st = t->be->read(s.start, s.set.start->data, tensor_bytes(s.set.start));
    if (st != OK) {
        tape_fail(t, st);
        return s;
    }
    s.R = s.start[in->N];
    Tensor *packed[] = {s.set.rois, s.set.label, s.set.fg_label, s.set.target, s.set.gt};
    for (int i = 0; i < 5; i++)
        packed[i]->dim[0] = s.R;
    return s;
}

BoxOut box_head(Tape *t, const BoxHead *head, Tensor *features)
{
    Tensor *x = cast(t, F32, features);
    return (BoxOut){linear(t, &head->score, x), linear(t, &head->delta, x)};
}

/* Rows begin .. end-1 of a packed array without gradient. */
static Tensor *rows_of(Tape *t, const Tensor *x, int64_t begin, int64_t end)
{
    Tensor *view = ARENA_NEW(&t->arena, Tensor);
    if (view == NULL)
        return tape_fail(t, ERR_MEMORY);
    int64_t row_bytes = x->dim[0] > 0 ? tensor_bytes(x) / x->dim[0] : 0;
    *view =
        (Tensor){.dtype = x->dtype, .ndim = x->ndim, .data = (char *)x->data + begin * row_bytes};
    for (int i = 0; i < x->ndim; i++)
        view->dim[i] = x->dim[i];
    view->dim[0] = end - begin;
    return view;
}

/* The same rows with gradient. */
static Tensor *pick_rows(Tape *t, Tensor *x, int64_t begin, int64_t end)
{
    int64_t  n = end - begin;
    int32_t *index = ARENA_ARRAY(&t->arena, int32_t, n);
    if (index == NULL)
        return tape_fail(t, ERR_MEMORY);
    for (int64_t i = 0; i < n; i++)
        index[i] = (int32_t)(begin + i);
    return gather(t, x, tape_input(t, I32, 1, &n, index));
}

static void group_loss(Tape *t, const BoxHead *head, const BoxOut *out, const RoiSet *set,
                       int64_t R, Tensor **class_loss, Tensor **box_loss)
{
    *class_loss = softmax_cross_entropy(t, out->logit, set->label, 0);
    *box_loss = box_regression(t, out->delta, set->target, set->fg_label, head->smooth_l1,
                               (float)(R > 0 ? R : 1));
}

void box_head_loss(Tape *t, const BoxHead *head, const BoxOut *out, const SampledRois *rois,
                   int64_t N, int64_t images_per_group, Tensor **class_loss, Tensor **box_loss)
{
    *class_loss = *box_loss = &t->nothing;
    if (t->status != OK)
        return;
    if (images_per_group >= N) {
        group_loss(t, head, out, &rois->set, rois->R, class_loss, box_loss);
        return;
    }
    float share = (float)images_per_group / (float)N, weight[] = {1, share};
    for (int64_t i = 0; i < N && t->status == OK; i += images_per_group) {
        int64_t begin = rois->start[i], end = rois->start[i + images_per_group];
        BoxOut  part = {pick_rows(t, out->logit, begin, end), pick_rows(t, out->delta, begin, end)};
        RoiSet  set = {.label = rows_of(t, rois->set.label, begin, end),
                       .fg_label = rows_of(t, rois->set.fg_label, begin, end),
                       .target = rows_of(t, rois->set.target, begin, end)};
        Tensor *terms[2];
        group_loss(t, head, &part, &set, end - begin, &terms[0], &terms[1]);
        *class_loss = i == 0 ? weighted_sum(t, &terms[0], &share, 1)
                             : weighted_sum(t, (Tensor *[]){*class_loss, terms[0]}, weight, 2);
        *box_loss = i == 0 ? weighted_sum(t, &terms[1], &share, 1)
                           : weighted_sum(t, (Tensor *[]){*box_loss, terms[1]}, weight, 2);
    }
}
