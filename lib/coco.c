/* coco.c -- gw_coco_gt, gw_coco_dt, gw_coco_eval
 *
 * Arrays are written as the JSON that the readers take, so that files and arrays go through the
 * same checks and give the same bytes.
 */
#include "eval/coco.h"
#include "handles.h"
#include <math.h>
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
    Arena      arena;
    CocoResult result;
    Text       summary;
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

int gw_coco_gt_read(gw_coco_gt **out, const char *path, gw_iou iou)
{
    Status st = begin_gt(out, iou);
    if (st == OK)
        st = coco_truth_read(&(*out)->truth, &(*out)->options, path);
    if (st != OK) {
        gw_coco_gt_free(*out);
        *out = NULL;
    }
    return (int)st;
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

static Status put_number(Text *t, double x, const char *what, int64_t row)
{
    if (!isfinite(x))
        return status_fail(ERR_NONFINITE, "row %lld: %s is not finite", (long long)row, what);
    text_number(t, x);
    return OK;
}

static Status put_box(Text *t, const double *box, int64_t row)
{
    text_puts(t, ",\"bbox\":[");
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            text_putc(t, ',');
        TRY(put_number(t, box[i], "box", row));
    }
    text_putc(t, ']');
    return OK;
}

static Status put_mask(Text *t, const gw_mask *m, int64_t row)
{
    if (!m)
        return status_fail(ERR_USAGE, "row %lld: GW_SEGM needs a mask", (long long)row);
    text_printf(t, ",\"segmentation\":{\"size\":[%u,%u],\"counts\":", m->rle.h, m->rle.w);
    text_json(t, m->text);
    text_putc(t, '}');
    return OK;
}

static void put_ids(Text *t, const char *key, const int64_t *id, int64_t n, int64_t h, int64_t w)
{
    text_printf(t, "\"%s\":[", key);
    for (int64_t i = 0; i < n; i++) {
        text_printf(t, "%s{\"id\":%lld", i > 0 ? "," : "", (long long)id[i]);
        if (h > 0)
            text_printf(t, ",\"height\":%lld,\"width\":%lld", (long long)h, (long long)w);
        else
            text_puts(t, ",\"name\":\"\"");
        text_putc(t, '}');
    }
    text_puts(t, "],");
}

static Status put_truth(Text *t, const gw_coco_gt_columns *c, bool wants_masks)
{
    int64_t h = 1, w = 1; // sizes matter to polygons only; masks bring their own
    if (wants_masks && c->n > 0 && !c->mask)
        return status_fail(ERR_USAGE, "GW_SEGM needs masks");
    if (c->n > 0 && (!c->image_id || !c->category_id || !c->box))
        return status_fail(ERR_USAGE, "image_id, category_id and box are needed for %lld rows",
                           (long long)c->n);
    if (wants_masks && c->n > 0 && c->mask[0])
        gw_mask_size(c->mask[0], &h, &w);
    text_putc(t, '{');
    put_ids(t, "images", c->images, c->n_images, h, w);
    put_ids(t, "categories", c->categories, c->n_categories, 0, 0);
    text_puts(t, "\"annotations\":[");
    for (int64_t i = 0; i < c->n; i++) {
        const double *box = c->box + 4 * i;
        double        area = c->area                     ? c->area[i]
                             : wants_masks && c->mask[i] ? (double)gw_mask_area(c->mask[i])
                                                         : box[2] * box[3];
        text_printf(t, "%s{\"id\":%lld,\"image_id\":%lld,\"category_id\":%lld,\"iscrowd\":%d",
                    i > 0 ? "," : "", (long long)i + 1, (long long)c->image_id[i],
                    (long long)c->category_id[i], c->is_crowd && c->is_crowd[i]);
        text_puts(t, ",\"area\":");
        TRY(put_number(t, area, "area", i));
        TRY(put_box(t, box, i));
        if (wants_masks)
            TRY(put_mask(t, c->mask[i], i));
        text_putc(t, '}');
    }
    text_puts(t, "]}");
    return text_status(t);
}

int gw_coco_gt_arrays(gw_coco_gt **out, const gw_coco_gt_columns *columns, gw_iou iou)
{
    Text   t = {0};
    Status st = begin_gt(out, iou);
    if (st == OK && iou == GW_KEYPOINTS)
        st = status_fail(ERR_UNSUPPORTED, "keypoints are read from files only");
    if (st == OK)
        st = put_truth(&t, columns, iou == GW_SEGM);
    if (st == OK)
        st =
            coco_truth_parse(&(*out)->truth, &(*out)->options, t.data, t.len, "ground truth array");
    text_release(&t);
    if (st != OK) {
        gw_coco_gt_free(*out);
        *out = NULL;
    }
    return (int)st;
}

static Status put_results(Text *t, const gw_coco_dt_columns *c, bool wants_masks)
{
    if (c->n > 0 && (!c->image_id || !c->category_id || !c->score ||
                     (wants_masks ? c->mask == NULL : c->box == NULL)))
        return status_fail(ERR_USAGE,
                           "image_id, category_id, score and %s are needed for %lld rows",
                           wants_masks ? "mask" : "box", (long long)c->n);
    text_putc(t, '[');
    for (int64_t i = 0; i < c->n; i++) {
        text_printf(t, "%s{\"image_id\":%lld,\"category_id\":%lld,\"score\":", i > 0 ? "," : "",
                    (long long)c->image_id[i], (long long)c->category_id[i]);
        TRY(put_number(t, c->score[i], "score", i));
        if (wants_masks)
            TRY(put_mask(t, c->mask[i], i));
        else
            TRY(put_box(t, c->box + 4 * i, i));
        text_putc(t, '}');
    }
    text_putc(t, ']');
    return text_status(t);
}

int gw_coco_dt_arrays(gw_coco_dt **out, const gw_coco_gt *gt, const gw_coco_dt_columns *columns)
{
    Text   t = {0};
    Status st = OK;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return (int)status_no_memory("results", sizeof **out);
    (*out)->iou = gt->options.iou;
    if (gt->options.iou == COCO_KEYPOINTS)
        st = status_fail(ERR_UNSUPPORTED, "keypoints are read from files only");
    if (st == OK)
        st = put_results(&t, columns, gt->options.iou == COCO_SEGM);
    if (st == OK)
        st = coco_results_parse(&(*out)->results, &gt->options, &gt->truth, t.data, t.len,
                                "results array");
    text_release(&t);
    if (st != OK) {
        gw_coco_dt_free(*out);
        *out = NULL;
    }
    return (int)st;
}

/* ---- numbers ---- */

static Status copy_options(CocoEvalOptions *to, const gw_coco_options *from)
{
    if (!from)
        return OK;
    to->bug_compatible = from->bug_compatible != 0;
    to->ignore_categories = from->ignore_categories != 0;
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

int gw_coco_evaluate(gw_coco_eval **out, const gw_coco_gt *gt, const gw_coco_dt *dt,
                     const gw_coco_options *options)
{
    CocoEvalOptions opt = {.iou = gt->options.iou};
    Status          st = OK;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return (int)status_no_memory("evaluation", sizeof **out);
    if (dt->iou != gt->options.iou)
        st = status_fail(ERR_USAGE, "results and ground truth were read for different metrics");
    if (st == OK)
        st = copy_options(&opt, options);
    if (st == OK)
        st = coco_evaluate(&(*out)->arena, &opt, &(*out)->result, &gt->truth, &dt->results);
    if (st == OK) {
        coco_summary(&(*out)->summary, &(*out)->result);
        st = text_status(&(*out)->summary);
    }
    if (st != OK) {
        gw_coco_eval_free(*out);
        *out = NULL;
    }
    return (int)st;
}

void gw_coco_stats(const gw_coco_eval *eval, double *stats, int *n)
{
    *n = eval->result.n_stats;
    for (int i = 0; i < *n; i++)
        stats[i] = eval->result.stat[i].value;
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
    put_dims(&eval->result.match, dims);
    return eval->result.match.precision;
}

const double *gw_coco_scores(const gw_coco_eval *eval, int64_t dims[5])
{
    put_dims(&eval->result.match, dims);
    return eval->result.match.scores;
}

const double *gw_coco_recall(const gw_coco_eval *eval, int64_t dims[4])
{
    const MatchResult *m = &eval->result.match;
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
