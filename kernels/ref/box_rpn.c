/* box_rpn.c -- what the RPN should say about one image, and what it proposes there */
#include "kernels/ref/ref_box.h"
#include <stdlib.h>
#include <string.h>

static const float unit_weight[4] = {1, 1, 1, 1};

static int64_t level_rows(const Tensor *const *anchors, int L, int64_t *offset)
{
    int64_t n = 0;
    for (int l = 0; l < L; l++) {
        offset[l] = n;
        n += anchors[l]->dim[0];
    }
    return n;
}

/* Writes labels and targets of anchor `row` of level l for image i. */
static void write_anchor(const RpnTargetsJob *job, int l, int64_t i, int64_t row, int32_t label,
                         const float *gt)
{
    int64_t M = job->anchors[l]->dim[0], at = i * M + row;
    float  *target = (float *)job->target[l]->data + 4 * at;
    ((int32_t *)job->label[l]->data)[at] = label;
    ((int32_t *)job->fg_label[l]->data)[at] = label == 1 ? 0 : -1;
    if (label == 1)
        box_encode(target, (const float *)job->anchors[l]->data + 4 * row, gt, unit_weight);
    else
        memset(target, 0, 4 * sizeof *target);
}

Status ref_rpn_targets_image(Arena *a, const RpnTargetsJob *job, int64_t i)
{
    ArenaMark      mark = arena_mark(a);
    int64_t        offset[BOX_MAX_LEVELS], n_fg, n_bg;
    int64_t        n = level_rows(job->anchors, job->L, offset);
    const int32_t *start = job->gt->start->data;
    int64_t        n_gt = start[i + 1] - start[i];
    float         *iou = ARENA_ARRAY(a, float, n), *best = ARENA_ARRAY(a, float, n_gt);
    int32_t       *label = ARENA_ARRAY(a, int32_t, n), *arg = ARENA_ARRAY(a, int32_t, n);
    int32_t       *chosen = ARENA_ARRAY(a, int32_t, job->op->per_image);
    if (!iou || !best || !label || !arg || !chosen)
        return ERR_MEMORY;

    BoxMatcher m = {n_gt, (const float *)job->gt->box->data + 4 * start[i], best};
    for (int l = 0; l < job->L; l++)
        box_match_best(&m, iou + offset[l], arg + offset[l], job->anchors[l]->data,
                       job->anchors[l]->dim[0]);
    for (int l = 0; l < job->L; l++)
        box_match_label(&m, label + offset[l], iou + offset[l], job->anchors[l]->data,
                        job->anchors[l]->dim[0], &job->op->match);
    TRY(box_sample_image(a, chosen, &n_fg, &n_bg, label, n, job->op->per_image,
                         job->op->fg_fraction, &job->op->random, i, BOX_STAGE_RPN));

    for (int64_t r = 0; r < n; r++)
        label[r] = -1;
    for (int64_t r = 0; r < n_fg + n_bg; r++)
        label[chosen[r]] = r < n_fg;
    for (int l = 0; l < job->L; l++)
        for (int64_t r = 0; r < job->anchors[l]->dim[0]; r++)
            write_anchor(job, l, i, r, label[offset[l] + r], m.gt + 4 * arg[offset[l] + r]);
    arena_rewind(a, mark);
    return OK;
}

typedef struct Candidates {
    int64_t  n;
    float   *box, *score; // (n,4), (n)
    int32_t *level;       // (n)
} Candidates;

/* The level's best pre_top anchors, decoded, clipped, without those that are empty. */
static Status add_level(Arena *a, Candidates *c, const RpnProposeJob *job, int l, int64_t i)
{
    ArenaMark    mark = arena_mark(a);
    int64_t      M = job->anchors[l]->dim[0];
    const float *logit = (const float *)job->logit[l]->data + i * M;
    const float *delta = (const float *)job->delta[l]->data + i * 4 * M;
    const float *anchor = job->anchors[l]->data, *size = (const float *)job->size->data + 2 * i;
    int32_t     *order = ARENA_ARRAY(a, int32_t, M);
    if (order == NULL)
        return ERR_MEMORY;
    TRY(box_order(a, order, logit, M));
    for (int64_t k = 0; k < M && k < job->op->pre_top; k++) {
        int64_t row = order[k];
        float  *box = c->box + 4 * c->n;
        box_decode(box, delta + 4 * row, anchor + 4 * row, unit_weight);
        if (!isfinite(logit[row]) || !box_is_finite(box)) {
            if (job->op->is_strict)
                return status_fail(
                    ERR_NONFINITE,
                    "rpn_propose: image %lld of the batch, anchor %lld of level %d: logit %g, box "
                    "(%g,%g,%g,%g); the training diverged, lower the learning rate",
                    (long long)i, (long long)row, l, (double)logit[row], (double)box[0],
                    (double)box[1], (double)box[2], (double)box[3]);
            continue;
        }
        box_clip(box, size[0], size[1]);
        if (!(box[2] > box[0]) || !(box[3] > box[1]))
            continue;
        c->score[c->n] = logit[row];
        c->level[c->n++] = l;
    }
    arena_rewind(a, mark);
    return OK;
}

Status ref_rpn_propose_image(Arena *a, const RpnProposeJob *job, int64_t i)
{
    ArenaMark  mark = arena_mark(a);
    int64_t    room = 0, P = job->out->box->dim[1];
    Candidates c = {0};
    for (int l = 0; l < job->L; l++)
        room +=
            job->anchors[l]->dim[0] < job->op->pre_top ? job->anchors[l]->dim[0] : job->op->pre_top;
    c.box = ARENA_ARRAY(a, float, 4 * room);
    c.score = ARENA_ARRAY(a, float, room);
    c.level = ARENA_ARRAY(a, int32_t, room);
    int32_t *order = ARENA_ARRAY(a, int32_t, room), *keep = ARENA_ARRAY(a, int32_t, P);
    float   *scratch = ARENA_ARRAY(a, float, 6 * P);
    if (!c.box || !c.score || !c.level || !order || !keep || !scratch)
        return ERR_MEMORY;

    for (int l = 0; l < job->L; l++)
        TRY(add_level(a, &c, job, l, i));
    TRY(box_order(a, order, c.score, c.n));
    int64_t n =
        job->nms(keep, c.box, order, job->L > 1 ? c.level : NULL, c.n, job->op->nms, P, scratch);

    float *box = (float *)job->out->box->data + i * P * 4,
          *score = (float *)job->out->score->data + i * P;
    for (int64_t p = 0; p < P; p++) {
        score[p] = p < n ? c.score[keep[p]] : -INFINITY;
        if (p < n)
            memcpy(box + 4 * p, c.box + 4 * keep[p], 4 * sizeof *box);
        else
            memset(box + 4 * p, 0, 4 * sizeof *box);
    }
    ((int32_t *)job->out->count->data)[i] = (int32_t)n;
    arena_rewind(a, mark);
    return OK;
}
