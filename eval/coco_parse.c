/* coco_parse.c -- JSON events to raw columns; see coco_parse.h
 *
 * Depths are counted from the record's object: its members are 1 deep, the numbers of a box 2, those of a polygon or
 * of run lengths 3.
 */
#include "eval/coco_parse.h"
#include <limits.h>
#include <math.h>
#include <string.h>

void coco_parse_init(CocoParse *p, const CocoReadOptions *options, bool is_results)
{
    memset(p, 0, sizeof *p);
    p->opt = *options;
    p->is_results = is_results;
    p->base = is_results ? 1 : 2;
    p->section = is_results ? SECTION_ROWS : SECTION_OTHER;
    coco_raw_init(&p->raw);
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

const char *coco_field_name(const CocoParse *p, unsigned field)
{
    const FieldName *f = p->section == SECTION_ROWS     ? ROW_FIELDS
                         : p->section == SECTION_IMAGES ? IMAGE_FIELDS
                                                        : CATEGORY_FIELDS;
    while (f->name && f->field != field)
        f++;
    return f->name ? f->name : "?";
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
    TRY(COLUMN_RESERVE(&p->raw.id_text, e->len + 1));
    *at = p->raw.id_text.n;
    memcpy(p->raw.id_text.data + p->raw.id_text.n, e->text, (size_t)e->len + 1);
    p->raw.id_text.n += e->len + 1;
    return OK;
}

static Status expect_image_id(CocoParse *p, JsonStream *s, const JsonEvent *e, CocoRawId *out)
{
    bool is_text = e->kind == JSON_STRING;
    if (p->raw.ids_are_text >= 0 && p->raw.ids_are_text != is_text)
        return json_stream_fail(s, ERR_FORMAT,
                                "image ids are strings in one place and numbers in another");
    p->raw.ids_are_text = is_text;
    out->is_text = is_text;
    if (is_text)
        return keep_text(p, &out->value, e);
    return expect_integer(s, e, &out->value, "an image id");
}

/* ---- values ---- */

static Status list_event(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth, int which)
{
    int64_t value = 0;
    if (e->kind == JSON_ARRAY && depth == 1) {
        p->r.list_at[which] = p->raw.listed.n;
        return OK;
    }
    if (e->kind == JSON_ARRAY_END && depth == 1) {
        p->r.list_n[which] = p->raw.listed.n - p->r.list_at[which];
        return OK;
    }
    if (depth != 2)
        return json_stream_fail(s, ERR_FORMAT, "expected a list of category ids");
    TRY(expect_integer(s, e, &value, "a category id"));
    return COLUMN_PUSH(&p->raw.listed, value);
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
    return expect_number(s, e, &r->box[r->n_box++], COCO_MAX_COORDINATE, "a bbox coordinate");
}

static Status keypoint_event(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth)
{
    double value = 0;
    if (depth == 1 && e->kind == JSON_ARRAY) {
        p->r.keypoint_at = p->raw.keypoint.n;
        return OK;
    }
    if (depth == 1 && e->kind == JSON_ARRAY_END) {
        p->r.n_keypoint = p->raw.keypoint.n - p->r.keypoint_at;
        return OK;
    }
    if (depth != 2)
        return json_stream_fail(s, ERR_FORMAT, "expected keypoints to be a flat list of numbers");
    TRY(expect_number(s, e, &value, COCO_MAX_COORDINATE, "a keypoint coordinate"));
    return COLUMN_PUSH(&p->raw.keypoint, value);
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
        return p->is_results ? OK : expect_number(s, e, &r->area, COCO_MAX_AREA, "area");
    case FIELD_SCORE:
        return p->is_results ? expect_number(s, e, &r->score, COCO_MAX_SCORE, "score") : OK;
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
                                coco_field_name(p, p->field));
    }
    if (depth == 1 && e->kind != JSON_ARRAY && e->kind != JSON_ARRAY_END &&
        !(p->field == FIELD_MASK && (e->kind == JSON_OBJECT || e->kind == JSON_OBJECT_END)))
        return json_stream_fail(s, ERR_FORMAT, "expected \"%s\" to be a list",
                                coco_field_name(p, p->field));
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
        return coco_segmentation_event(p, s, e, depth);
    }
}

/* ---- records ---- */

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
        return coco_complete_record(p, s);
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

Status coco_parse_check(const CocoParse *p, const char *name)
{
    static const char *const NAME[4] = {"", "images", "annotations", "categories"};
    for (int s = SECTION_IMAGES; s <= SECTION_CATEGORIES && !p->is_results; s++)
        if (!(p->sections_seen & 1U << s))
            return status_fail(ERR_FORMAT, "%s: no \"%s\"; expected a COCO ground truth", name,
                               NAME[s]);
    return OK;
}
