/* coco.c -- gw_coco_gt, gw_coco_dt, gw_coco_eval: COCO, and LVIS behind the same handles */
#include "eval/coco.h"
#include "eval/coco_arrays.h"
#include "eval/lvis.h"
#include "handles.h"
#include <stdlib.h>
#include <string.h>

struct gw_coco_gt {
    CocoReadOptions options;
    CocoTruth       truth;
};

struct gw_coco_dt {
    CocoResults results;
    CocoIou     iou;
};

struct gw_coco_eval {
    Arena       arena;
    MatchResult match;
    int         n_stats;
    double      stat[COCO_MAX_STATS];
    Text        summary;
};

static Status check_iou(gw_iou iou)
{
    if (iou != GW_BBOX && iou != GW_SEGM && iou != GW_KEYPOINTS)
        return status_fail(ERR_USAGE, "iou is %d; expected GW_BBOX, GW_SEGM or GW_KEYPOINTS",
                           (int)iou);
    return OK;
}

static Status begin_gt(gw_coco_gt **gt, gw_iou iou)
{
    *gt = NULL;
    TRY(check_iou(iou));
    *gt = calloc(1, sizeof **gt);
    if (!*gt)
        return status_no_memory("ground truth", sizeof **gt);
    (*gt)->options.iou = iou == GW_BBOX ? COCO_BBOX : iou == GW_SEGM ? COCO_SEGM : COCO_KEYPOINTS;
    return OK;
}

static int read_gt(gw_coco_gt **out, const char *path, gw_iou iou, bool is_lvis)
{
    Status st = begin_gt(out, iou);
    if (st == OK && is_lvis && iou == GW_KEYPOINTS)
        st = status_fail(ERR_USAGE, "LVIS has no keypoints; expected GW_BBOX or GW_SEGM");
    if (st == OK) {
        (*out)->options.lvis = is_lvis;
        st = coco_truth_read(&(*out)->truth, &(*out)->options, path);
    }
    if (st != OK) {
        gw_coco_gt_free(*out);
        *out = NULL;
    }
    return (int)st;
}

int gw_coco_gt_read(gw_coco_gt **out, const char *path, gw_iou iou)
{
    return read_gt(out, path, iou, false);
}

int gw_lvis_gt_read(gw_coco_gt **out, const char *path, gw_iou iou)
{
    return read_gt(out, path, iou, true);
}

int gw_coco_dt_read(gw_coco_dt **out, const gw_coco_gt *gt, const char *path)
{
    Status st = OK;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return (int)status_no_memory("results", sizeof **out);
    (*out)->iou = gt->options.iou;
    st = coco_results_read(&(*out)->results, &gt->options, &gt->truth, path);
    if (st != OK) {
        gw_coco_dt_free(*out);
        *out = NULL;
    }
    return (int)st;
}

/* ---- arrays ---- */

/* *views (n) of the masks; freed by the caller. */
static Status view_masks(CocoArrayMask **views, const gw_mask *const *mask, int64_t n)
{
    *views = calloc((size_t)n + 1, sizeof **views);
    if (!*views)
        return status_no_memory("masks", n * (int64_t)sizeof **views);
    for (int64_t i = 0; i < n; i++) {
        if (!mask[i])
            return status_fail(ERR_USAGE, "row %lld: GW_SEGM needs a mask", (long long)i);
        (*views)[i] = (CocoArrayMask){&mask[i]->rle, mask[i]->text};
    }
    return OK;
}

static Status view_poses(CocoArrays *a, const double *keypoints, int64_t n_keypoints)
{
    if (n_keypoints < 1 || n_keypoints > 1000 || (a->n > 0 && !keypoints))
        return status_fail(ERR_USAGE, "GW_KEYPOINTS needs keypoints, 1 to 1000 a row, not %lld",
                           (long long)n_keypoints);
    a->keypoint = keypoints;
    a->n_keypoints = n_keypoints;
    return OK;
}

static Status read_gt_arrays(gw_coco_gt *gt, const gw_coco_gt_columns *c)
{
    CocoArrayMask *masks = NULL;
    CocoArrays     a = {.n_images = c->n_images,
                        .images = c->images,
                        .n_categories = c->n_categories,
                        .categories = c->categories,
                        .n = c->n,
                        .image_id = c->image_id,
                        .category_id = c->category_id,
                        .box = c->box,
                        .area = c->area,
                        .is_crowd = c->is_crowd};
    bool           is_segm = gt->options.iou == COCO_SEGM;
    Status         st = OK;
    if (gt->options.iou == COCO_KEYPOINTS)
        TRY(view_poses(&a, c->keypoints, c->n_keypoints));
    if (is_segm && c->n > 0 && !c->mask)
        return status_fail(ERR_USAGE, "GW_SEGM needs masks");
    if (c->n > 0 && (!c->image_id || !c->category_id || !c->box))
        return status_fail(ERR_USAGE, "image_id, category_id and box are needed for %lld rows",
                           (long long)c->n);
    if (is_segm)
        TRY_OUT(view_masks(&masks, c->mask, c->n));
    a.mask = masks;
    TRY_OUT(coco_truth_arrays(&gt->truth, &gt->options, &a));
out:
    free(masks);
    return st;
}

int gw_coco_gt_arrays(gw_coco_gt **out, const gw_coco_gt_columns *columns, gw_iou iou)
{
    Status st = begin_gt(out, iou);
    if (st == OK)
        st = read_gt_arrays(*out, columns);
    if (st != OK) {
        gw_coco_gt_free(*out);
        *out = NULL;
    }
    return (int)st;
}

static Status read_dt_arrays(gw_coco_dt *dt, const gw_coco_gt *gt, const gw_coco_dt_columns *c)
{
    CocoArrayMask *masks = NULL;
    CocoArrays     a = {.n = c->n,
                        .image_id = c->image_id,
                        .category_id = c->category_id,
                        .score = c->score,
                        .box = c->box};
    bool           is_segm = dt->iou == COCO_SEGM;
    Status         st = OK;
    bool           is_pose = dt->iou == COCO_KEYPOINTS;
    if (is_pose)
        TRY(view_poses(&a, c->keypoints, c->n_keypoints));
    if (c->n > 0 && (!c->image_id || !c->category_id || !c->score ||
                     (is_segm    ? c->mask == NULL
                      : !is_pose ? c->box == NULL
                                 : false)))
        return status_fail(ERR_USAGE,
                           "image_id, category_id, score and %s are needed for %lld rows",
                           is_segm   ? "mask"
                           : is_pose ? "keypoints"
                                     : "box",
                           (long long)c->n);
    if (is_segm)
        TRY_OUT(view_masks(&masks, c->mask, c->n));
    a.mask = masks;
    TRY_OUT(coco_results_arrays(&dt->results, &gt->options, &gt->truth, &a));
out:
    free(masks);
    return st;
}

int gw_coco_dt_arrays(gw_coco_dt **out, const gw_coco_gt *gt, const gw_coco_dt_columns *columns)
{
    Status st = OK;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return (int)status_no_memory("results", sizeof **out);
    (*out)->iou = gt->options.iou;
    st = read_dt_arrays(*out, gt, columns);
    if (st != OK) {
        gw_coco_dt_free(*out);
        *out = NULL;
    }
    return (int)st;
}

/* ---- numbers ---- */

static Status copy_caps(CocoEvalOptions *to, const gw_coco_options *from)
{
    if (!from->max_detections)
        return OK;
    if (from->n_max_detections < 1 || from->n_max_detections > MATCH_MAX_CAPS)
        return status_fail(ERR_USAGE, "%d values of max_detections; expected 1 .. %d",
                           from->n_max_detections, MATCH_MAX_CAPS);
    to->n_caps = from->n_max_detections;
    for (int i = 0; i < to->n_caps; i++)
        to->cap[i] = from->max_detections[i];
    return OK;
}

static Status copy_ranges(CocoEvalOptions *to, const gw_coco_options *from)
{
    if (from->thresholds) {
        if (from->n_thresholds < 1 || from->n_thresholds > MATCH_MAX_THRESHOLDS)
            return status_fail(ERR_USAGE, "%d thresholds; expected 1 .. %d", from->n_thresholds,
                               MATCH_MAX_THRESHOLDS);
        to->n_thresholds = from->n_thresholds;
        memcpy(to->threshold, from->thresholds, (size_t)from->n_thresholds * sizeof *to->threshold);
    }
    if (!from->area_ranges)
        return OK;
    if (from->n_area_ranges < 1 || from->n_area_ranges > MATCH_MAX_AREAS || !from->area_names)
        return status_fail(ERR_USAGE, "%d area ranges; expected 1 .. %d, with names",
                           from->n_area_ranges, MATCH_MAX_AREAS);
    to->n_areas = from->n_area_ranges;
    for (int i = 0; i < to->n_areas; i++) {
        to->area[i][0] = from->area_ranges[2 * i];
        to->area[i][1] = from->area_ranges[2 * i + 1];
        to->area_name[i] = from->area_names[i];
    }
    return OK;
}

static Status copy_options(CocoEvalOptions *to, const gw_coco_options *from)
{
    if (!from)
        return OK;
    to->bug_compatible = from->bug_compatible != 0;
    to->ignore_categories = from->ignore_categories != 0;
    to->image_id = from->images;
    to->n_image_ids = from->n_images;
    to->category_id = from->categories;
    to->n_category_ids = from->n_categories;
    to->sigma = from->sigmas;
    to->n_sigmas = from->n_sigmas;
    TRY(copy_caps(to, from));
    return copy_ranges(to, from);
}

static Status evaluate_coco(gw_coco_eval *e, const gw_coco_gt *gt, const gw_coco_dt *dt,
                            const gw_coco_options *options)
{
    CocoEvalOptions opt = {.iou = gt->options.iou};
    CocoResult      r;
    TRY(copy_options(&opt, options));
    TRY(coco_evaluate(&e->arena, &opt, &r, &gt->truth, &dt->results));
    e->match = r.match;
    e->n_stats = r.n_stats;
    for (int i = 0; i < r.n_stats; i++)
        e->stat[i] = r.stat[i].value;
    coco_summary(&e->summary, &r);
    return text_status(&e->summary);
}

static Status evaluate_lvis(gw_coco_eval *e, const gw_coco_gt *gt, const gw_coco_dt *dt,
                            const gw_coco_options *options)
{
    LvisOptions           opt = {.iou = gt->options.iou, .max_per_image = 300};
    const gw_coco_options none = {0}, *o = options ? options : &none;
    LvisResult            r;
    if (o->ignore_categories || o->images || o->categories || o->thresholds || o->area_ranges ||
        o->sigmas || (o->max_detections && o->n_max_detections != 1))
        return status_fail(ERR_USAGE, "of the options, LVIS has bug_compatible and one number of "
                                      "max_detections");
    opt.bug_compatible = o->bug_compatible != 0;
    if (o->max_detections)
        opt.max_per_image = o->max_detections[0];
    TRY(lvis_evaluate(&e->arena, &opt, &r, &gt->truth, &dt->results));
    e->match = r.match;
    e->n_stats = r.n_stats;
    for (int i = 0; i < r.n_stats; i++)
        e->stat[i] = r.stat[i].value;
    lvis_summary(&e->summary, &r);
    return text_status(&e->summary);
}

int gw_coco_evaluate(gw_coco_eval **out, const gw_coco_gt *gt, const gw_coco_dt *dt,
                     const gw_coco_options *options)
{
    Status st = OK;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return (int)status_no_memory("evaluation", sizeof **out);
    if (dt->iou != gt->options.iou)
        st = status_fail(ERR_USAGE, "results and ground truth were read for different metrics");
    if (st == OK)
        st = (gt->options.lvis ? evaluate_lvis : evaluate_coco)(*out, gt, dt, options);
    if (st != OK) {
        gw_coco_eval_free(*out);
        *out = NULL;
    }
    return (int)st;
}

void gw_coco_stats(const gw_coco_eval *eval, double *stats, int *n)
{
    *n = eval->n_stats;
    memcpy(stats, eval->stat, (size_t)eval->n_stats * sizeof *stats);
}

const char *gw_coco_summary(const gw_coco_eval *eval)
{
    return text_cstr(&eval->summary);
}

static void put_dims(const MatchResult *m, int64_t *dims)
{
    const int64_t all[5] = {m->T, m->R, m->K, m->A, m->M};
    memcpy(dims, all, sizeof all);
}

const double *gw_coco_precision(const gw_coco_eval *eval, int64_t dims[5])
{
    put_dims(&eval->match, dims);
    return eval->match.precision;
}

const double *gw_coco_scores(const gw_coco_eval *eval, int64_t dims[5])
{
    put_dims(&eval->match, dims);
    return eval->match.scores;
}

const double *gw_coco_recall(const gw_coco_eval *eval, int64_t dims[4])
{
    const MatchResult *m = &eval->match;
    dims[0] = m->T;
    dims[1] = m->K;
    dims[2] = m->A;
    dims[3] = m->M;
    return m->recall;
}

void gw_coco_gt_free(gw_coco_gt *gt)
{
    if (!gt)
        return;
    coco_truth_release(&gt->truth);
    free(gt);
}

void gw_coco_dt_free(gw_coco_dt *dt)
{
    if (!dt)
        return;
    coco_results_release(&dt->results);
    free(dt);
}

void gw_coco_eval_free(gw_coco_eval *eval)
{
    if (!eval)
        return;
    arena_release(&eval->arena);
    text_release(&eval->summary);
    free(eval);
}
