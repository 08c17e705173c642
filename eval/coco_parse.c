/* coco_parse.c -- JSON events to raw columns; see coco_parse.h
 *
 * Depths are counted from the record's object: its members are 1 deep, the numbers of a box 2, those of a polygon or
 * of run lengths 3.
 */
#include "eval/coco_parse.h"
#include <limits.h>
#include <math.h>
#include <string.h>

#define MAX_COORDINATE 1e9
#define MAX_AREA 1e18

void coco_parse_init(CocoParse *p, const CocoReadOptions *options, bool is_results)
{
    memset(p, 0, sizeof *p);
    p->opt = *options;
    p->is_results = is_results;
    p->base = is_results ? 1 : 2;
    p->section = is_results ? SECTION_ROWS : SECTION_OTHER;
    p->ids_are_text = -1;
}

void coco_parse_release(CocoParse *p)
{
    COLUMN_RELEASE(&p->id);
    COLUMN_RELEASE(&p->image_id);
    COLUMN_RELEASE(&p->category_id);
    COLUMN_RELEASE(&p->box);
    COLUMN_RELEASE(&p->area);
    COLUMN_RELEASE(&p->score);
    COLUMN_RELEASE(&p->crowd);
    COLUMN_RELEASE(&p->ignore);
    COLUMN_RELEASE(&p->visible);
    COLUMN_RELEASE(&p->mask);
    COLUMN_RELEASE(&p->number);
    COLUMN_RELEASE(&p->part);
    COLUMN_RELEASE(&p->text);
    COLUMN_RELEASE(&p->keypoint);
    COLUMN_RELEASE(&p->id_text);
    COLUMN_RELEASE(&p->image);
    COLUMN_RELEASE(&p->category);
    COLUMN_RELEASE(&p->listed);
}

/* ---- members ---- */

typedef struct FieldName {
    const char *name;
    unsigned    field;
} FieldName;

static const FieldName ROW_FIELDS[] = {{"id", FIELD_ID},
                                       {"image_id", FIELD_IMAGE},
                                       {"category_id", FIELD_CATEGORY},
                                       {"bbox", FIELD_BOX},
                                       {"area", FIELD_AREA},
                                       {"score", FIELD_SCORE},
                                       {"iscrowd", FIELD_CROWD},
                                       {"ignore", FIELD_IGNORE},
                                       {"num_keypoints", FIELD_VISIBLE},
                                       {"segmentation", FIELD_MASK},
                                       {"keypoints", FIELD_KEYPOINTS},
                                       {NULL, 0}};
static const FieldName IMAGE_FIELDS[] = {{"id", FIELD_ID},
                                         {"width", FIELD_WIDTH},
                                         {"height", FIELD_HEIGHT},
                                         {"neg_category_ids", FIELD_NEG},
                                         {"not_exhaustive_category_ids", FIELD_UNFINISHED},
                                         {NULL, 0}};
static const FieldName CATEGORY_FIELDS[] = {
    {"id", FIELD_ID}, {"name", FIELD_NAME}, {"frequency", FIELD_FREQUENCY}, {NULL, 0}};

static unsigned find_field(const CocoParse *p, const char *key)
{
    const FieldName *f = p->section == SECTION_ROWS     ? ROW_FIELDS
                         : p->section == SECTION_IMAGES ? IMAGE_FIELDS
                                                        : CATEGORY_FIELDS;
    while (f->name && strcmp(f->name, key) != 0)
        f++;
    return f->field;
}

static const char *field_name(const CocoParse *p, unsigned field)
{
    const FieldName *f = p->section == SECTION_ROWS     ? ROW_FIELDS
                         : p->section == SECTION_IMAGES ? IMAGE_FIELDS
                                                        : CATEGORY_FIELDS;
    while (f->name && f->field != field)
        f++;
    return f->name ? f->name : "?";
}

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
                                    field_name(p, f));
    return OK;
}

static bool is_number(const JsonEvent *e)
{
    return e->kind == JSON_INT || e->kind == JSON_UINT || e->kind == JSON_DOUBLE;
}

static Status expect_integer(JsonStream *s, const JsonEvent *e, int64_t *out, const char *what)
{
    if (e->kind == JSON_INT) {
        *out = e->integer;
        return OK;
    }
    if (e->kind == JSON_DOUBLE && fabs(e->number) < 0x1p53 && e->number == rint(e->number)) {
        *out = (int64_t)e->number; // 7.0 equals 7 in the reference
        return OK;
    }
    if (e->kind == JSON_BOOL) {
        *out = e->boolean;
        return OK;
    }
    return json_stream_fail(s, ERR_FORMAT, "expected %s to be an integer of 64 bits", what);
}

static Status expect_number(JsonStream *s, const JsonEvent *e, double *out, double limit,
                            const char *what)
{
    if (!is_number(e))
        return json_stream_fail(s, ERR_FORMAT, "expected %s to be a number", what);
    if (!(fabs(e->number) <= limit))
        return json_stream_fail(s, ERR_FORMAT, "%s is %g; more than %g is refused", what, e->number,
                                limit);
    *out = e->number;
    return OK;
}

static Status keep_text(CocoParse *p, int64_t *at, const JsonEvent *e)
{
    TRY(COLUMN_RESERVE(&p->id_text, e->len + 1));
    *at = p->id_text.n;
    memcpy(p->id_text.data + p->id_text.n, e->text, (size_t)e->len + 1);
    p->id_text.n += e->len + 1;
    return OK;
}

static Status expect_image_id(CocoParse *p, JsonStream *s, const JsonEvent *e, CocoRawId *out)
{
    bool is_text = e->kind == JSON_STRING;
    if (p->ids_are_text >= 0 && p->ids_are_text != is_text)
        return json_stream_fail(s, ERR_FORMAT,
                                "image ids are strings in one place and numbers in another");
    p->ids_are_text = is_text;
    out->is_text = is_text;
    if (is_text)
        return keep_text(p, &out->value, e);
    return expect_integer(s, e, &out->value, "an image id");
}

/* ---- segmentation ---- */

static Status mask_number(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth)
{
    CocoRecord *r = &p->r;
    if (!is_number(e))
        return json_stream_fail(s, ERR_FORMAT, "expected a number in segmentation");
    if (r->mask.kind == COCO_MASK_POLYGONS) {
        if (depth != 3)
            return json_stream_fail(s, ERR_FORMAT,
                                    "expected segmentation to be a list of polygons");
        p->part.data[p->part.n - 1]++;
    } else if (r->mask_key == 1) {
        if (depth != 3 || r->n_size >= 2 || e->kind != JSON_INT || e->integer < 0 ||
            e->integer > INT32_MAX)
            return json_stream_fail(s, ERR_FORMAT, "expected size to be [rows, columns]");
        r->size[r->n_size++] = e->integer;
        return OK;
    } else if (r->mask_key != 2 || depth != 3) {
        return OK; // a member nobody reads
    } else if (e->kind != JSON_INT || e->integer < 0 || e->integer > UINT32_MAX) {
        return json_stream_fail(s, ERR_FORMAT, "expected run lengths to be integers below 2^32");
    }
    return COLUMN_PUSH(&p->number, e->number);
}

static Status mask_key(CocoParse *p, JsonStream *s, const char *key)
{
    CocoRecord *r = &p->r;
    r->mask_key = strcmp(key, "size") == 0 ? 1 : strcmp(key, "counts") == 0 ? 2 : 0;
    if (r->mask_key & r->mask_seen)
        return json_stream_fail(s, ERR_FORMAT, "\"%s\" given twice in one segmentation", key);
    r->mask_seen |= r->mask_key;
    return OK;
}

static Status mask_end(CocoParse *p, JsonStream *s)
{
    CocoRecord *r = &p->r;
    CocoMask   *m = &r->mask;
    if (m->kind == COCO_MASK_POLYGONS) {
        m->n = (uint32_t)(p->number.n - m->at);
        m->n_parts = (uint32_t)(p->part.n - m->part_at);
        if (m->n_parts == 0)
            return json_stream_fail(s, ERR_FORMAT, "segmentation is an empty list of polygons");
        if (p->part.data[m->part_at] < 6)
            return json_stream_fail(s, ERR_FORMAT,
                                    "the first polygon has %d numbers, expected at least 6",
                                    p->part.data[m->part_at]);
        return OK;
    }
    if (r->mask_seen != 3 || r->n_size != 2)
        return json_stream_fail(s, ERR_FORMAT,
                                "a segmentation object needs size [rows, columns] and counts");
    if (m->kind == COCO_MASK_COUNTS)
        m->n = (uint32_t)(p->number.n - m->at);
    m->h = (uint32_t)r->size[0];
    m->w = (uint32_t)r->size[1];
    return OK;
}

static Status mask_string(CocoParse *p, JsonStream *s, const JsonEvent *e)
{
    CocoRecord *r = &p->r;
    if (r->mask_key != 2)
        return OK;
    if (e->len > INT32_MAX)
        return json_stream_fail(s, ERR_FORMAT, "counts is too long");
    r->mask.kind = COCO_MASK_STRING;
    r->mask.at = p->text.n;
    r->mask.n = (uint32_t)e->len;
    TRY(COLUMN_RESERVE(&p->text, e->len + 1)); // also for an empty string
    memcpy(p->text.data + p->text.n, e->text, (size_t)e->len);
    p->text.n += e->len;
    return OK;
}

static Status mask_event(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth)
{
    CocoRecord *r = &p->r;
    switch (e->kind) {
    case JSON_ARRAY:
        if (depth == 1) {
            r->mask =
                (CocoMask){.kind = COCO_MASK_POLYGONS, .at = p->number.n, .part_at = p->part.n};
        } else if (depth == 2 && r->mask.kind == COCO_MASK_POLYGONS) {
            return COLUMN_PUSH(&p->part, 0);
        } else if (depth == 2 && r->mask_key == 2) {
            r->mask.kind = COCO_MASK_COUNTS;
            r->mask.at = p->number.n;
        }
        return OK;
    case JSON_OBJECT:
        if (depth != 1)
            return json_stream_fail(s, ERR_FORMAT, "an object inside segmentation");
        r->mask = (CocoMask){0};
        r->mask_seen = r->mask_key = r->n_size = 0;
        return OK;
    case JSON_KEY:
        return depth == 2 ? mask_key(p, s, e->text) : OK;
    case JSON_STRING:
        return depth == 2 ? mask_string(p, s, e)
                          : json_stream_fail(s, ERR_FORMAT,
                                             "expected segmentation to be a list or an object");
    case JSON_ARRAY_END:
    case JSON_OBJECT_END:
        return depth == 1 ? mask_end(p, s) : OK;
    default:
        return mask_number(p, s, e, depth);
    }
}

/* ---- values ---- */

static Status list_event(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth, int which)
{
    int64_t value = 0;
    if (e->kind == JSON_ARRAY && depth == 1) {
        p->r.list_at[which] = p->listed.n;
        return OK;
    }
    if (e->kind == JSON_ARRAY_END && depth == 1) {
        p->r.list_n[which] = p->listed.n - p->r.list_at[which];
        return OK;
    }
    if (depth != 2)
        return json_stream_fail(s, ERR_FORMAT, "expected a list of category ids");
    TRY(expect_integer(s, e, &value, "a category id"));
    return COLUMN_PUSH(&p->listed, value);
}

static Status box_event(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth)
{
    CocoRecord *r = &p->r;
    if (depth == 1 && (e->kind == JSON_ARRAY || e->kind == JSON_ARRAY_END)) {
        if (e->kind == JSON_ARRAY)
            r->n_box = 0;
        else if (r->n_box != 4 && r->n_box != 0)
            return json_stream_fail(s, ERR_FORMAT,
                                    "bbox has %d numbers, expected x, y, width, height", r->n_box);
        return OK;
    }
    if (depth != 2 || r->n_box >= 4)
        return json_stream_fail(s, ERR_FORMAT,
                                "expected bbox to be four numbers x, y, width, height");
    return expect_number(s, e, &r->box[r->n_box++], MAX_COORDINATE, "a bbox coordinate");
}

static Status keypoint_event(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth)
{
    double value = 0;
    if (depth == 1 && e->kind == JSON_ARRAY) {
        p->r.keypoint_at = p->keypoint.n;
        return OK;
    }
    if (depth == 1 && e->kind == JSON_ARRAY_END) {
        p->r.n_keypoint = p->keypoint.n - p->r.keypoint_at;
        return OK;
    }
    if (depth != 2)
        return json_stream_fail(s, ERR_FORMAT, "expected keypoints to be a flat list of numbers");
    TRY(expect_number(s, e, &value, MAX_COORDINATE, "a keypoint coordinate"));
    return COLUMN_PUSH(&p->keypoint, value);
}

static Status scalar(CocoParse *p, JsonStream *s, const JsonEvent *e)
{
    CocoRecord *r = &p->r;
    switch (p->field) {
    case FIELD_ID:
        if (p->section == SECTION_IMAGES)
            return expect_image_id(p, s, e, &r->key);
        return p->is_results ? OK : expect_integer(s, e, &r->id, "id");
    case FIELD_IMAGE:
        return expect_image_id(p, s, e, &r->image);
    case FIELD_CATEGORY:
        return expect_integer(s, e, &r->category, "category_id");
    case FIELD_AREA:
        return p->is_results ? OK : expect_number(s, e, &r->area, MAX_AREA, "area");
    case FIELD_SCORE:
        return p->is_results ? expect_number(s, e, &r->score, 1e308, "score") : OK;
    case FIELD_CROWD:
        if (p->is_results)
            return OK;
        TRY(expect_integer(s, e, &r->crowd, "iscrowd"));
        return r->crowd == 0 || r->crowd == 1
                   ? OK
                   : json_stream_fail(s, ERR_FORMAT, "iscrowd is %lld, expected 0 or 1",
                                      (long long)r->crowd);
    case FIELD_IGNORE:
        return p->is_results ? OK : expect_integer(s, e, &r->ignore, "ignore");
    case FIELD_VISIBLE:
        return p->is_results ? OK : expect_integer(s, e, &r->n_visible, "num_keypoints");
    case FIELD_WIDTH:
        return expect_integer(s, e, &r->width, "width");
    case FIELD_HEIGHT:
        return expect_integer(s, e, &r->height, "height");
    case FIELD_NAME:
        return e->kind == JSON_STRING
                   ? keep_text(p, &r->name_at, e)
                   : json_stream_fail(s, ERR_FORMAT, "expected a category's name to be a string");
    case FIELD_FREQUENCY:
        if (e->kind != JSON_STRING || e->len != 1 || !strchr("rcf", e->text[0]))
            return json_stream_fail(s, ERR_FORMAT,
                                    "expected frequency to be \"r\", \"c\" or \"f\"");
        r->frequency = e->text[0];
        return OK;
    default:
        return OK;
    }
}

static bool is_list(unsigned field)
{
    return field & (FIELD_BOX | FIELD_MASK | FIELD_KEYPOINTS | FIELD_NEG | FIELD_UNFINISHED);
}

static Status value_event(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth)
{
    if (!is_list(p->field)) {
        if (depth == 1 && e->kind <= JSON_STRING)
            return scalar(p, s, e);
        return json_stream_fail(s, ERR_FORMAT, "expected \"%s\" to be a single value",
                                field_name(p, p->field));
    }
    if (depth == 1 && e->kind != JSON_ARRAY && e->kind != JSON_ARRAY_END &&
        !(p->field == FIELD_MASK && (e->kind == JSON_OBJECT || e->kind == JSON_OBJECT_END)))
        return json_stream_fail(s, ERR_FORMAT, "expected \"%s\" to be a list",
                                field_name(p, p->field));
    switch (p->field) {
    case FIELD_BOX:
        return box_event(p, s, e, depth);
    case FIELD_KEYPOINTS:
        return keypoint_event(p, s, e, depth);
    case FIELD_NEG:
        return list_event(p, s, e, depth, 0);
    case FIELD_UNFINISHED:
        return list_event(p, s, e, depth, 1);
    default:
        return mask_event(p, s, e, depth);
    }
}

/* ---- rows ---- */

/* Which members are read at all: the others pass by unseen. */
static bool is_read(const CocoParse *p, unsigned field)
{
    if (field == FIELD_MASK)
        return p->opt.iou == COCO_SEGM ||
               (p->is_results && (p->branch == BRANCH_UNDECIDED || p->branch == BRANCH_MASK));
    if (field == FIELD_KEYPOINTS)
        return p->opt.iou == COCO_KEYPOINTS ||
               (p->is_results && p->branch != BRANCH_BOX && p->branch != BRANCH_MASK);
    return field != 0;
}

static Status keep_keypoints(CocoParse *p, JsonStream *s)
{
    CocoRecord *r = &p->r;
    if (p->n_keypoints == 0)
        p->n_keypoints = (int32_t)(r->n_keypoint / 3);
    if (r->n_keypoint != 3 * (int64_t)p->n_keypoints || r->n_keypoint == 0 || r->n_keypoint > 3000)
        return json_stream_fail(s, ERR_FORMAT, "keypoints has %lld numbers, expected %d",
                                (long long)r->n_keypoint, p->n_keypoints ? 3 * p->n_keypoints : 51);
    return OK;
}

static void extent(const double *xyv, int64_t n, double box[4])
{
    double x0 = xyv[0], x1 = x0, y0 = xyv[1], y1 = y0;
    for (int64_t i = 0; i < n; i += 3) {
        x0 = fmin(x0, xyv[i]);
        x1 = fmax(x1, xyv[i]);
        y0 = fmin(y0, xyv[i + 1]);
        y1 = fmax(y1, xyv[i + 1]);
    }
    box[0] = x0;
    box[1] = y0;
    box[2] = x1 - x0;
    box[3] = y1 - y0;
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

/* Box and area as loadRes makes them. Mask areas and boxes follow once the rows are complete. */
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
        if (r->n_box != 4)
            r->box[0] = NAN; // from the mask, later
    } else {
        if (!(r->seen & FIELD_KEYPOINTS))
            return json_stream_fail(s, ERR_FORMAT,
                                    "this result has no keypoints, the first one has");
        TRY(keep_keypoints(p, s));
        extent(p->keypoint.data + r->keypoint_at, r->n_keypoint, r->box);
        r->area = r->box[2] * r->box[3];
    }
    if (p->opt.iou == COCO_KEYPOINTS && !(r->seen & FIELD_KEYPOINTS))
        return json_stream_fail(s, ERR_FORMAT, "this result has no keypoints");
    if (p->opt.iou == COCO_SEGM && p->branch == BRANCH_KEYPOINTS)
        return json_stream_fail(s, ERR_FORMAT, "keypoint results have no masks");
    return COLUMN_PUSH(&p->score, r->score);
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
        TRY(COLUMN_PUSH(&p->id, r->id));
        TRY(COLUMN_PUSH(&p->crowd, p->opt.lvis ? 0 : (uint8_t)r->crowd));
        TRY(COLUMN_PUSH(&p->ignore, (uint8_t)(r->ignore != 0)));
        if (p->opt.iou == COCO_KEYPOINTS)
            TRY(COLUMN_PUSH(&p->visible, (int32_t)(r->n_visible != 0)));
    }
    if (p->opt.iou == COCO_KEYPOINTS)
        TRY(keep_keypoints(p, s));
    else
        p->keypoint.n = 0;
    if (p->opt.iou == COCO_SEGM || p->branch == BRANCH_MASK)
        TRY(COLUMN_PUSH(&p->mask, r->mask));
    TRY(COLUMN_PUSH(&p->image_id, r->image.value));
    TRY(COLUMN_PUSH(&p->category_id, r->category));
    TRY(COLUMN_PUSH(&p->area, r->area));
    TRY(COLUMN_RESERVE(&p->box, 4));
    memcpy(p->box.data + p->box.n, r->box, sizeof r->box);
    p->box.n += 4;
    if (p->image_id.n >= INT32_MAX)
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
    return COLUMN_PUSH(&p->image, image);
}

static Status finish_category(CocoParse *p, JsonStream *s)
{
    CocoRecord *r = &p->r;
    TRY(lacks(p, s, FIELD_ID & ~r->seen));
    if (p->opt.lvis && !(r->seen & FIELD_FREQUENCY))
        return json_stream_fail(
            s, ERR_FORMAT, "this category has no frequency; LVIS files have it, COCO files do not");
    CocoRawCategory category = {r->id, r->seen & FIELD_NAME ? r->name_at : -1, r->frequency};
    return COLUMN_PUSH(&p->category, category);
}

static Status record_event(CocoParse *p, JsonStream *s, const JsonEvent *e)
{
    int depth = e->depth - p->base;
    if (depth == 0) {
        if (e->kind == JSON_OBJECT) {
            memset(&p->r, 0, sizeof p->r);
            p->field = 0;
            return OK;
        }
        if (e->kind != JSON_OBJECT_END)
            return json_stream_fail(s, ERR_FORMAT, "expected an object");
        return p->section == SECTION_ROWS     ? finish_row(p, s)
               : p->section == SECTION_IMAGES ? finish_image(p, s)
                                              : finish_category(p, s);
    }
    if (depth == 1 && e->kind == JSON_KEY) {
        p->field = find_field(p, e->text);
        if (p->field & p->r.seen)
            return json_stream_fail(s, ERR_FORMAT, "\"%s\" given twice in one object", e->text);
        p->r.seen |= p->field;
        if (!is_read(p, p->field))
            p->field = 0;
        return OK;
    }
    return p->field ? value_event(p, s, e, depth) : OK;
}

static Status open_section(CocoParse *p, JsonStream *s, const char *key)
{
    p->section = strcmp(key, "images") == 0        ? SECTION_IMAGES
                 : strcmp(key, "annotations") == 0 ? SECTION_ROWS
                 : strcmp(key, "categories") == 0  ? SECTION_CATEGORIES
                                                   : SECTION_OTHER;
    if (p->section == SECTION_OTHER)
        return OK;
    if (p->sections_seen & 1U << p->section)
        return json_stream_fail(s, ERR_FORMAT, "\"%s\" given twice", key);
    p->sections_seen |= 1U << p->section;
    return OK;
}

Status coco_parse_event(void *parse, const JsonEvent *e, JsonStream *s)
{
    CocoParse *p = (CocoParse *)parse;
    if (e->depth >= p->base)
        return p->section == SECTION_OTHER ? OK : record_event(p, s, e);
    if (p->is_results)
        return e->kind == JSON_ARRAY || e->kind == JSON_ARRAY_END
                   ? OK
                   : json_stream_fail(s, ERR_FORMAT, "expected the results to be one array");
    if (e->depth == 0)
        return e->kind == JSON_OBJECT || e->kind == JSON_OBJECT_END
                   ? OK
                   : json_stream_fail(s, ERR_FORMAT,
                                      "expected an object with images, annotations and categories");
    if (e->kind == JSON_KEY)
        return open_section(p, s, e->text);
    if (p->section != SECTION_OTHER && e->kind != JSON_ARRAY && e->kind != JSON_ARRAY_END)
        return json_stream_fail(s, ERR_FORMAT,
                                "expected images, annotations and categories to be arrays");
    return OK;
}
