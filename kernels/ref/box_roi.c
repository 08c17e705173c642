/* box_roi.c -- regions for the second stage: sampled with targets in training, packed for inference, and what the box
 * head's answers mean */
#include "kernels/ref/ref_box.h"
#include <string.h>

Status ref_rois_pack(Tensor *rois, Tensor *start, const Proposals *proposals)
{
    int64_t        N = proposals->box->dim[0], P = proposals->box->dim[1], n = 0;
    const int32_t *count = proposals->count->data;
    const float   *box = proposals->box->data;
    float         *out = rois->data;
    int32_t       *first = start->data;
    memset(out, 0, (size_t)tensor_bytes(rois));
    first[0] = 0;
    for (int64_t i = 0; i < N; i++) {
        for (int64_t p = 0; p < count[i]; p++, n++) {
            out[5 * n] = (float)i;
            memcpy(out + 5 * n + 1, box + 4 * (i * P + p), 4 * sizeof *out);
        }
        first[i + 1] = (int32_t)n;
    }
    return OK;
}

typedef struct Choice {
    int64_t  n, n_gt;     // candidates, of which the last n_gt are ground truths
    float   *box;         // (n,4)
    int32_t *label, *arg; // (n) foreground or not; its ground truth in the image
    int32_t *chosen;
    int64_t  n_fg, n_bg;
} Choice;

/* Proposals and ground truths of image i, matched (no low-quality matches) and sampled. */
static Status choose(Arena *a, Choice *c, const Proposals *proposals, const GroundTruth *gt,
                     const RoiTargets *op, int64_t i)
{
    const int32_t *start = gt->start->data;
    const float   *truth = (const float *)gt->box->data + 4 * start[i];
    int64_t P = proposals->box->dim[1], n_props = ((const int32_t *)proposals->count->data)[i];
    c->n_gt = start[i + 1] - start[i];
    c->n = n_props + c->n_gt;
    c->box = ARENA_ARRAY(a, float, 4 * c->n);
    c->label = ARENA_ARRAY(a, int32_t, c->n);
    c->arg = ARENA_ARRAY(a, int32_t, c->n);
    c->chosen = ARENA_ARRAY(a, int32_t, c->n > op->per_image ? c->n : op->per_image);
    float *iou = ARENA_ARRAY(a, float, c->n), *best = ARENA_ARRAY(a, float, c->n_gt);
    if (!c->box || !c->label || !c->arg || !c->chosen || !iou || !best)
        return ERR_MEMORY;
    memcpy(c->box, (const float *)proposals->box->data + 4 * i * P,
           (size_t)n_props * 4 * sizeof(float));
    memcpy(c->box + 4 * n_props, truth, (size_t)c->n_gt * 4 * sizeof(float));

    BoxMatcher m = {c->n_gt, truth, best};
    BoxMatch   match = {op->fg_from, op->fg_from, false};
    box_match_best(&m, iou, c->arg, c->box, c->n);
    box_match_label(&m, c->label, iou, c->box, c->n, &match);
    if (!op->keeps_all)
        return box_sample_image(a, c->chosen, &c->n_fg, &c->n_bg, c->label, c->n, op->per_image,
                                op->fg_fraction, &op->random, i, BOX_STAGE_ROI);
    if (c->n > op->per_image)
        return status_fail(ERR_SHAPE,
                           "roi_targets: %lld regions of image %lld do not fit %lld slots",
                           (long long)c->n, (long long)i, (long long)op->per_image);
    for (int32_t r = 0; r < c->n; r++)
        c->chosen[r] = r;
    c->n_bg = c->n;
    return OK;
}

Status ref_roi_targets(const RoiSet *out, const Proposals *proposals, const GroundTruth *gt,
                       const RoiTargets *op)
{
    Arena          a = {0};
    Status         st = OK;
    int64_t        N = proposals->box->dim[0], row = 0;
    float         *rois = out->rois->data, *target = out->target->data;
    int32_t       *label = out->label->data, *gt_row = out->gt->data, *first = out->start->data;
    const int32_t *start = gt->start->data, *class_index = gt->label->data;
    memset(rois, 0, (size_t)tensor_bytes(out->rois));
    memset(target, 0, (size_t)tensor_bytes(out->target));
    first[0] = 0;
    for (int64_t i = 0; i < N; i++) {
        Choice    c = {0};
        ArenaMark mark = arena_mark(&a);
        TRY_OUT(choose(&a, &c, proposals, gt, op, i));
        for (int64_t s = 0; s < c.n_fg + c.n_bg; s++, row++) {
            int32_t r = c.chosen[s], g = start[i] + c.arg[r];
            rois[5 * row] = (float)i;
            memcpy(rois + 5 * row + 1, c.box + 4 * r, 4 * sizeof *rois);
            bool is_fg = c.label[r] == 1;
            label[row] = is_fg ? class_index[g] : (int32_t)op->n_classes;
            gt_row[row] = is_fg ? g : -1;
            if (is_fg)
                box_encode(target + 4 * row, c.box + 4 * r, (const float *)gt->box->data + 4 * g,
                           op->weight);
        }
        first[i + 1] = (int32_t)row;
        arena_rewind(&a, mark);
    }
    for (; row < N * op->per_image; row++)
        label[row] = gt_row[row] = -1;
out:
    arena_release(&a);
    return st;
}

Status ref_labels_of_images(Tensor *kept, const Tensor *label, const Tensor *start, int64_t first,
                            int64_t end)
{
    const int32_t *from = label->data, *row = start->data;
    int32_t       *to = kept->data;
    for (int64_t r = 0; r < label->dim[0]; r++)
        to[r] = r >= row[first] && r < row[end] ? from[r] : -1;
    return OK;
}

/* prob (K+1) = softmax of x. */
static void softmax_row(float *prob, const float *x, int64_t n)
{
    float  most = x[0];
    double sum = 0;
    for (int64_t k = 1; k < n; k++)
        most = x[k] > most ? x[k] : most;
    for (int64_t k = 0; k < n; k++)
        sum += (double)(prob[k] = expf(x[k] - most));
    for (int64_t k = 0; k < n; k++)
        prob[k] = (float)((double)prob[k] / sum);
}

static bool all_finite(const float *x, int64_t n)
{
    bool yes = true;
    for (int64_t i = 0; i < n; i++)
        yes = yes && isfinite(x[i]);
    return yes;
}

Status ref_box_predict_image(Arena *a, const BoxPredictJob *job, int64_t i)
{
    ArenaMark      mark = arena_mark(a);
    const int32_t *start = job->start->data;
    int64_t D = job->out->box->dim[1], K = job->logit->dim[1] - 1, R = start[i + 1] - start[i],
            n = 0;
    const float *size = (const float *)job->size->data + 2 * i;
    float       *prob = ARENA_ARRAY(a, float, K + 1), *boxes = ARENA_ARRAY(a, float, 4 * K);
    float       *box = ARENA_ARRAY(a, float, 4 * R * K), *score = ARENA_ARRAY(a, float, R *K);
    int32_t     *label = ARENA_ARRAY(a, int32_t, R * K), *order = ARENA_ARRAY(a, int32_t, R * K);
    int32_t     *keep = ARENA_ARRAY(a, int32_t, D);
    float       *scratch = ARENA_ARRAY(a, float, 6 * D);
    if (!prob || !boxes || !box || !score || !label || !order || !keep || !scratch)
        return ERR_MEMORY;

    for (int64_t r = start[i]; r < start[i + 1]; r++) {
        const float *delta = (const float *)job->delta->data + 4 * K * r;
        const float *roi = (const float *)job->rois->data + 5 * r + 1;
        softmax_row(prob, (const float *)job->logit->data + (K + 1) * r, K + 1);
        for (int64_t k = 0; k < K; k++)
            box_decode(boxes + 4 * k, delta + 4 * k, roi, job->op->weight);
        if (!all_finite(prob, K + 1) || !all_finite(boxes, 4 * K))
            continue;
        for (int64_t k = 0; k < K; k++) {
            if (!(prob[k] > job->op->score_threshold))
                continue;
            box_clip(boxes + 4 * k, size[0], size[1]);
            memcpy(box + 4 * n, boxes + 4 * k, 4 * sizeof *box);
            score[n] = prob[k];
            label[n++] = (int32_t)k;
        }
    }
    TRY(box_order(a, order, score, n));
    n = job->nms(keep, box, order, label, n, job->op->nms, D, scratch);

    float *out_box = (float *)job->out->box->data + 4 * D * i,
          *out_score = (float *)job->out->score->data + D * i;
    int32_t *out_label = (int32_t *)job->out->label->data + D * i;
    memset(out_box, 0, (size_t)(4 * D) * sizeof *out_box);
    for (int64_t d = 0; d < D; d++) {
        out_score[d] = d < n ? score[keep[d]] : 0;
        out_label[d] = d < n ? label[keep[d]] : -1;
        if (d < n)
            memcpy(out_box + 4 * d, box + 4 * keep[d], 4 * sizeof *box);
    }
    ((int32_t *)job->out->count->data)[i] = (int32_t)n;
    arena_rewind(a, mark);
    return OK;
}
