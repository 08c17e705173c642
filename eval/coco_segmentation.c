/* coco_segmentation.c -- polygons, run lengths and compressed runs; see coco_parse.h
 *
 *      [[x y x y ...], ...]                         polygons: numbers, and the length of each
 *      {"size": [h, w], "counts": [n, n, ...]}      run lengths: numbers
 *      {"size": [h, w], "counts": "..."}            compressed runs: text
 */
#include "eval/coco_parse.h"
#include <limits.h>
#include <string.h>

static Status mask_number(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth)
{
    CocoRecord *r = &p->r;
    if (e->kind != JSON_INT && e->kind != JSON_UINT && e->kind != JSON_DOUBLE)
        return json_stream_fail(s, ERR_FORMAT, "expected a number in segmentation");
    if (r->mask.kind == COCO_MASK_POLYGONS) {
        if (depth != 3)
            return json_stream_fail(s, ERR_FORMAT,
                                    "expected segmentation to be a list of polygons");
        p->raw.part.data[p->raw.part.n - 1]++;
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
    return COLUMN_PUSH(&p->raw.number, e->number);
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
        m->n = (uint32_t)(p->raw.number.n - m->at);
        m->n_parts = (uint32_t)(p->raw.part.n - m->part_at);
        bool usable = m->n_parts > 0 && p->raw.part.data[m->part_at] >= 6;
        if (!usable && p->opt.lenient && !p->is_results) {
            m->kind = COCO_MASK_NONE;
            return OK;
        }
        if (m->n_parts == 0)
            return json_stream_fail(s, ERR_FORMAT, "segmentation is an empty list of polygons");
        if (p->raw.part.data[m->part_at] < 6)
            return json_stream_fail(s, ERR_FORMAT,
                                    "the first polygon has %d numbers, expected at least 6",
                                    p->raw.part.data[m->part_at]);
        return OK;
    }
    if (r->mask_seen != 3 || r->n_size != 2)
        return json_stream_fail(s, ERR_FORMAT,
                                "a segmentation object needs size [rows, columns] and counts");
    if (m->kind == COCO_MASK_COUNTS)
        m->n = (uint32_t)(p->raw.number.n - m->at);
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
    r->mask.at = p->raw.text.n;
    r->mask.n = (uint32_t)e->len;
    TRY(COLUMN_RESERVE(&p->raw.text, e->len + 1)); // also for an empty string
    memcpy(p->raw.text.data + p->raw.text.n, e->text, (size_t)e->len);
    p->raw.text.n += e->len;
    return OK;
}

Status coco_segmentation_event(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth)
{
    CocoRecord *r = &p->r;
    switch (e->kind) {
    case JSON_ARRAY:
        if (depth == 1) {
            r->mask = (CocoMask){
                .kind = COCO_MASK_POLYGONS, .at = p->raw.number.n, .part_at = p->raw.part.n};
        } else if (depth == 2 && r->mask.kind == COCO_MASK_POLYGONS) {
            return COLUMN_PUSH(&p->raw.part, 0);
        } else if (depth == 2 && r->mask_key == 2) {
            r->mask.kind = COCO_MASK_COUNTS;
            r->mask.at = p->raw.number.n;
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
