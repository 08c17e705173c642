/* coco_arrays.c -- arrays to raw columns; see coco_arrays.h */
#include "eval/coco_arrays.h"
#include "eval/coco_raw.h"
#include <math.h>
#include <string.h>

static Status check_number(double x, double limit, const char *what, int64_t row)
{
    if (!isfinite(x))
        return status_fail(ERR_NONFINITE, "row %lld: %s is not finite", (long long)row, what);
    if (fabs(x) > limit)
        return status_fail(ERR_FORMAT, "row %lld: %s is %g; more than %g is refused",
                           (long long)row, what, x, limit);
    return OK;
}

static Status check_box(const double box[4], int64_t row)
{
    for (int k = 0; k < 4; k++)
        TRY(check_number(box[k], COCO_MAX_COORDINATE, "box", row));
    return OK;
}

static Status keep_box(CocoRaw *raw, const double box[4], double area)
{
    TRY(COLUMN_RESERVE(&raw->box, 4));
    memcpy(raw->box.data + raw->box.n, box, 4 * sizeof *box);
    raw->box.n += 4;
    return COLUMN_PUSH(&raw->area, area);
}

static Status keep_mask(CocoRaw *raw, const CocoArrayMask *m)
{
    int64_t  n = (int64_t)strlen(m->text);
    CocoMask window = {.kind = COCO_MASK_STRING,
                       .at = raw->text.n,
                       .n = (uint32_t)n,
                       .h = m->runs->h,
                       .w = m->runs->w};
    TRY(COLUMN_RESERVE(&raw->text, n + 1));
    memcpy(raw->text.data + raw->text.n, m->text, (size_t)n);
    raw->text.n += n;
    return COLUMN_PUSH(&raw->mask, window);
}

static Status keep_ids(CocoRaw *raw, const CocoArrays *a)
{
    raw->ids_are_text = 0;
    if (a->n >= INT32_MAX)
        return status_fail(ERR_FORMAT, "more than 2^31 rows");
    TRY(COLUMN_RESERVE(&raw->image_id, a->n));
    TRY(COLUMN_RESERVE(&raw->category_id, a->n));
    for (int64_t i = 0; i < a->n; i++) {
        TRY(COLUMN_PUSH(&raw->image_id, a->image_id[i]));
        TRY(COLUMN_PUSH(&raw->category_id, a->category_id[i]));
    }
    return OK;
}

/* Row i of the poses; *visible as num_keypoints counts. */
static Status keep_pose(CocoRaw *raw, const CocoArrays *a, int64_t i, int32_t *visible)
{
    int64_t       n = 3 * a->n_keypoints;
    const double *xyv = a->keypoint + i * n;
    *visible = 0;
    raw->n_keypoints = (int32_t)a->n_keypoints;
    TRY(COLUMN_RESERVE(&raw->keypoint, n));
    for (int64_t k = 0; k < n; k++) {
        TRY(check_number(xyv[k], COCO_MAX_COORDINATE, "keypoint", i));
        TRY(COLUMN_PUSH(&raw->keypoint, xyv[k]));
        *visible += k % 3 == 2 && xyv[k] > 0;
    }
    return OK;
}

/* ---- ground truth ---- */

static Status keep_tables(CocoRaw *raw, const CocoArrays *a)
{
    for (int64_t i = 0; i < a->n_images; i++) { // sizes are not known: masks bring their own
        CocoRawImage image = {.id = {.value = a->images[i]}, .list_at = {-1, -1}};
        TRY(COLUMN_PUSH(&raw->image, image));
    }
    for (int64_t k = 0; k < a->n_categories; k++) {
        CocoRawCategory category = {.id = a->categories[k], .name_at = -1};
        TRY(COLUMN_PUSH(&raw->category, category));
    }
    return OK;
}

static Status keep_truth(CocoRaw *raw, const CocoArrays *a)
{
    TRY(keep_tables(raw, a));
    TRY(keep_ids(raw, a));
    for (int64_t i = 0; i < a->n; i++) {
        const double *box = a->box + 4 * i;
        double        area = a->area   ? a->area[i]
                             : a->mask ? (double)a->mask[i].runs->area
                                       : box[2] * box[3];
        TRY(check_number(area, COCO_MAX_AREA, "area", i));
        TRY(check_box(box, i));
        TRY(keep_box(raw, box, area));
        TRY(COLUMN_PUSH(&raw->id, i + 1));
        TRY(COLUMN_PUSH(&raw->crowd, a->is_crowd && a->is_crowd[i]));
        TRY(COLUMN_PUSH(&raw->ignore, 0));
        if (a->mask)
            TRY(keep_mask(raw, &a->mask[i]));
        if (a->keypoint) {
            int32_t visible;
            TRY(keep_pose(raw, a, i, &visible));
            TRY(COLUMN_PUSH(&raw->visible, visible));
        }
    }
    return OK;
}

Status coco_truth_arrays(CocoTruth *t, const CocoReadOptions *options, const CocoArrays *a)
{
    CocoRaw raw;
    Status  st = OK;
    memset(t, 0, sizeof *t);
    coco_raw_init(&raw);
    TRY_OUT(keep_truth(&raw, a));
    TRY_OUT(coco_index_truth(t, options, &raw, "ground truth array"));
out:
    coco_raw_release(&raw);
    return st;
}

/* ---- results ---- */

/* Box and area of a mask result are those of its mask, as files have them. */
static Status keep_mask_result(CocoRaw *raw, const CocoArrayMask *m)
{
    double box[4];
    for (int k = 0; k < 4; k++)
        box[k] = m->runs->box[k];
    TRY(keep_box(raw, box, m->runs->area));
    return keep_mask(raw, m);
}

static Status keep_results(CocoRaw *raw, const CocoArrays *a)
{
    TRY(keep_ids(raw, a));
    for (int64_t i = 0; i < a->n; i++) {
        TRY(check_number(a->score[i], COCO_MAX_SCORE, "score", i));
        TRY(COLUMN_PUSH(&raw->score, a->score[i]));
        if (a->mask) {
            TRY(keep_mask_result(raw, &a->mask[i]));
            continue;
        }
        if (a->keypoint) {
            int32_t visible;
            double  around[4];
            TRY(keep_pose(raw, a, i, &visible));
            coco_pose_extent(a->keypoint + 3 * a->n_keypoints * i, 3 * a->n_keypoints, around);
            TRY(keep_box(raw, around, around[2] * around[3]));
            continue;
        }
        const double *box = a->box + 4 * i;
        TRY(check_box(box, i));
        TRY(keep_box(raw, box, box[2] * box[3]));
    }
    return OK;
}

Status coco_results_arrays(CocoResults *r, const CocoReadOptions *options, const CocoTruth *truth,
                           const CocoArrays *a)
{
    CocoRaw raw;
    Status  st = OK;
    memset(r, 0, sizeof *r);
    coco_raw_init(&raw);
    TRY_OUT(keep_results(&raw, a));
    TRY_OUT(coco_index_results(r, options, &raw, truth, "results array"));
out:
    coco_raw_release(&raw);
    return st;
}
