/* coco_complete.c -- a record that has been read: what it must have, what follows from it; see coco_parse.h */
#include "eval/coco_parse.h"
#include <math.h>
#include <string.h>

/* What a row must have before it counts: the fields that the reference would miss with a KeyError. */
static unsigned wanted(const CocoParse *p)
{
    if (p->is_results)
        return FIELD_IMAGE | FIELD_CATEGORY | FIELD_SCORE;
    unsigned w = FIELD_ID | FIELD_IMAGE | FIELD_CATEGORY | FIELD_AREA;
    if (!p->opt.lvis)
        w |= FIELD_CROWD;
    if (p->opt.iou != COCO_SEGM)
        w |= FIELD_BOX;
    if (p->opt.iou == COCO_SEGM)
        w |= FIELD_MASK;
    if (p->opt.iou == COCO_KEYPOINTS)
        w |= FIELD_KEYPOINTS | FIELD_VISIBLE;
    return w;
}

static Status lacks(CocoParse *p, JsonStream *s, unsigned missing)
{
    for (unsigned f = 1; f; f <<= 1)
        if (missing & f)
            return json_stream_fail(s, ERR_FORMAT, "this %s has no \"%s\"",
                                    p->section == SECTION_IMAGES       ? "image"
                                    : p->section == SECTION_CATEGORIES ? "category"
                                    : p->is_results                    ? "result"
                                                                       : "annotation",
                                    coco_field_name(p, f));
    return OK;
}

static Status keep_keypoints(CocoParse *p, JsonStream *s)
{
    CocoRecord *r = &p->r;
    if (p->raw.n_keypoints == 0)
        p->raw.n_keypoints = (int32_t)(r->n_keypoint / 3);
    if (r->n_keypoint != 3 * (int64_t)p->raw.n_keypoints || r->n_keypoint == 0 ||
        r->n_keypoint > 3000)
        return json_stream_fail(s, ERR_FORMAT, "keypoints has %lld numbers, expected %d",
                                (long long)r->n_keypoint,
                                p->raw.n_keypoints ? 3 * p->raw.n_keypoints : 51);
    return OK;
}

static Status decide_branch(CocoParse *p, JsonStream *s)
{
    unsigned seen = p->r.seen;
    bool     empty = p->r.n_box == 0 && !p->opt.lvis; // pycocotools passes over "bbox": []
    p->branch = seen & FIELD_BOX && !empty ? BRANCH_BOX
                : seen & FIELD_MASK        ? BRANCH_MASK
                : seen & FIELD_KEYPOINTS   ? BRANCH_KEYPOINTS
                                           : BRANCH_UNDECIDED;
    return p->branch != BRANCH_UNDECIDED
               ? OK
               : json_stream_fail(s, ERR_FORMAT, "a result needs bbox, segmentation or keypoints");
}

/* Box and area as loadRes makes them; of masks (NAN here) they follow in coco_index.c. */
static Status finish_result(CocoParse *p, JsonStream *s)
{
    CocoRecord *r = &p->r;
    if (p->branch == BRANCH_UNDECIDED)
        TRY(decide_branch(p, s));
    if (p->branch == BRANCH_BOX) {
        if (!(r->seen & FIELD_BOX) || r->n_box != 4)
            return json_stream_fail(s, ERR_FORMAT, "this result has no bbox, the first one has");
        r->area = r->box[2] * r->box[3];
        if (!(r->seen & FIELD_MASK))
            r->mask = (CocoMask){.kind = COCO_MASK_BOX};
    } else if (p->branch == BRANCH_MASK) {
        if (!(r->seen & FIELD_MASK) || r->mask.kind != COCO_MASK_STRING)
            return json_stream_fail(
                s, ERR_FORMAT, "expected a compressed mask: segmentation {size, counts: \"...\"}");
        r->area = NAN; // from the mask, later
        if (r->n_box != 4)
            r->box[0] = NAN;
    } else {
        if (!(r->seen & FIELD_KEYPOINTS))
            return json_stream_fail(s, ERR_FORMAT,
                                    "this result has no keypoints, the first one has");
        TRY(keep_keypoints(p, s));
        coco_pose_extent(p->raw.keypoint.data + r->keypoint_at, r->n_keypoint, r->box);
        r->area = r->box[2] * r->box[3];
    }
    if (p->opt.iou == COCO_KEYPOINTS && !(r->seen & FIELD_KEYPOINTS))
        return json_stream_fail(s, ERR_FORMAT, "this result has no keypoints");
    if (p->opt.iou == COCO_SEGM && p->branch == BRANCH_KEYPOINTS)
        return json_stream_fail(s, ERR_FORMAT, "keypoint results have no masks");
    return COLUMN_PUSH(&p->raw.score, r->score);
}

static Status finish_row(CocoParse *p, JsonStream *s)
{
    CocoRecord *r = &p->r;
    TRY(lacks(p, s, wanted(p) & ~r->seen));
    if (p->is_results) {
        TRY(finish_result(p, s));
    } else {
        if (r->n_box != 4 && p->opt.iou != COCO_SEGM)
            return json_stream_fail(s, ERR_FORMAT, "bbox is empty");
        TRY(COLUMN_PUSH(&p->raw.id, r->id));
        TRY(COLUMN_PUSH(&p->raw.crowd, p->opt.lvis ? 0 : (uint8_t)r->crowd));
        TRY(COLUMN_PUSH(&p->raw.ignore, (uint8_t)(r->ignore != 0)));
        if (p->opt.iou == COCO_KEYPOINTS)
            TRY(COLUMN_PUSH(&p->raw.visible, (int32_t)(r->n_visible != 0)));
    }
    if (p->opt.iou == COCO_KEYPOINTS)
        TRY(keep_keypoints(p, s));
    else
        p->raw.keypoint.n = 0;
    if (p->opt.iou == COCO_SEGM || p->branch == BRANCH_MASK)
        TRY(COLUMN_PUSH(&p->raw.mask, r->mask));
    TRY(COLUMN_PUSH(&p->raw.image_id, r->image.value));
    TRY(COLUMN_PUSH(&p->raw.category_id, r->category));
    TRY(COLUMN_PUSH(&p->raw.area, r->area));
    TRY(COLUMN_RESERVE(&p->raw.box, 4));
    memcpy(p->raw.box.data + p->raw.box.n, r->box, sizeof r->box);
    p->raw.box.n += 4;
    if (p->raw.image_id.n >= INT32_MAX)
        return json_stream_fail(s, ERR_FORMAT, "more than 2^31 rows");
    return OK;
}

static Status finish_image(CocoParse *p, JsonStream *s)
{
    CocoRecord *r = &p->r;
    TRY(lacks(p, s, FIELD_ID & ~r->seen));
    if (r->width < 0 || r->height < 0 || r->width > INT32_MAX || r->height > INT32_MAX)
        return json_stream_fail(s, ERR_FORMAT, "an image of %lld x %lld pixels",
                                (long long)r->width, (long long)r->height);
    if (p->opt.lvis && ~r->seen & (FIELD_NEG | FIELD_UNFINISHED))
        return json_stream_fail(
            s, ERR_FORMAT,
            "this image has no %s; LVIS v0.5 and v1 files have it, COCO files do not",
            r->seen & FIELD_NEG ? "not_exhaustive_category_ids" : "neg_category_ids");
    CocoRawImage image = {.id = r->key, .h = (int32_t)r->height, .w = (int32_t)r->width};
    for (int k = 0; k < 2; k++) {
        bool given = r->seen & (k == 0 ? FIELD_NEG : FIELD_UNFINISHED);
        image.list_at[k] = given ? r->list_at[k] : -1;
        image.list_n[k] = given ? r->list_n[k] : 0;
    }
    return COLUMN_PUSH(&p->raw.image, image);
}

static Status finish_category(CocoParse *p, JsonStream *s)
{
    CocoRecord *r = &p->r;
    TRY(lacks(p, s, FIELD_ID & ~r->seen));
    if (p->opt.lvis && !(r->seen & FIELD_FREQUENCY))
        return json_stream_fail(
            s, ERR_FORMAT, "this category has no frequency; LVIS files have it, COCO files do not");
    CocoRawCategory category = {r->id, r->seen & FIELD_NAME ? r->name_at : -1, r->frequency};
    return COLUMN_PUSH(&p->raw.category, category);
}

Status coco_complete_record(CocoParse *p, JsonStream *s)
{
    return p->section == SECTION_ROWS     ? finish_row(p, s)
           : p->section == SECTION_IMAGES ? finish_image(p, s)
                                          : finish_category(p, s);
}
