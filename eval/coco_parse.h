/* coco_parse.h -- JSON events to raw columns; internal to eval/ */
#pragma once
#include "base/json_stream.h"
#include "eval/coco_raw.h"

enum CocoField {
    FIELD_ID = 1 << 0,
    FIELD_IMAGE = 1 << 1,
    FIELD_CATEGORY = 1 << 2,
    FIELD_BOX = 1 << 3,
    FIELD_AREA = 1 << 4,
    FIELD_SCORE = 1 << 5,
    FIELD_CROWD = 1 << 6,
    FIELD_IGNORE = 1 << 7,
    FIELD_VISIBLE = 1 << 8,
    FIELD_MASK = 1 << 9,
    FIELD_KEYPOINTS = 1 << 10,
    FIELD_WIDTH = 1 << 11,
    FIELD_HEIGHT = 1 << 12,
    FIELD_NEG = 1 << 13,
    FIELD_UNFINISHED = 1 << 14,
    FIELD_NAME = 1 << 15,
    FIELD_FREQUENCY = 1 << 16,
};

typedef struct CocoRecord {
    unsigned  seen;
    int64_t   id, category, crowd, ignore, n_visible, width, height;
    CocoRawId image, key; // image_id; an image's own id
    double    box[4], area, score;
    int       n_box;
    CocoMask  mask;
    int64_t   keypoint_at, n_keypoint;
    int64_t   size[2];
    int       n_size;
    int       mask_key; // inside a mask object: 1 size, 2 counts
    int       mask_seen;
    int64_t   list_at[2], list_n[2];
    int64_t   name_at;
    char      frequency;
} CocoRecord;

typedef enum CocoSection {
    SECTION_OTHER,
    SECTION_IMAGES,
    SECTION_ROWS,
    SECTION_CATEGORIES
} CocoSection;

typedef enum CocoBranch { BRANCH_UNDECIDED, BRANCH_BOX, BRANCH_MASK, BRANCH_KEYPOINTS } CocoBranch;

typedef struct CocoParse {
    CocoReadOptions opt;
    bool            is_results;
    CocoBranch      branch; // results: decided by the first row
    CocoSection     section;
    unsigned        sections_seen; // bit per CocoSection
    int             base;          // depth of the record's object
    unsigned        field;         // the member being read
    CocoRecord      r;
    CocoRaw         raw;
} CocoParse;

void   coco_parse_init(CocoParse *p, const CocoReadOptions *options, bool is_results);
Status coco_parse_event(void *parse, const JsonEvent *event, JsonStream *s); // a JsonHandler

/* All events have been sent: are the tables complete? */
Status coco_parse_check(const CocoParse *p, const char *name) STATUS_MUST_USE;

/* ---- between coco_parse.c, coco_segmentation.c and coco_complete.c ---- */

/* Values inside "segmentation"; depth as in coco_parse.c. */
Status coco_segmentation_event(CocoParse *p, JsonStream *s, const JsonEvent *e, int depth);

/* The record p->r is read: checks it and adds it to the columns. */
Status coco_complete_record(CocoParse *p, JsonStream *s);

const char *coco_field_name(const CocoParse *p, unsigned field);
