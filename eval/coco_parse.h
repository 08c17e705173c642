/* coco_parse.h -- the streaming half of coco_data.h; internal to eval/
 *
 * A Parse turns JSON events into raw columns: image ids as they stand in the file. coco_index.c makes indices of them.
 */
#pragma once
#include "base/json_stream.h"
#include "eval/coco_data.h"
#include "eval/column.h"

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

/* An image id as written: an integer, or a string as offset into Parse.id_text. */
typedef struct CocoRawId {
    int64_t value;
    bool    is_text;
} CocoRawId;

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

typedef struct CocoRawImage {
    CocoRawId id;
    int32_t   h, w;
    int64_t   list_at[2], list_n[2]; // neg, unfinished; -1 absent
} CocoRawImage;

typedef struct CocoRawCategory {
    int64_t id, name_at;
    char    frequency;
} CocoRawCategory;

typedef struct CocoParse {
    CocoReadOptions opt;
    bool            is_results;
    CocoBranch      branch; // results: decided by the first row
    CocoSection     section;
    unsigned        sections_seen; // bit per CocoSection
    int             base;          // depth of the record's object
    unsigned        field;         // the member being read
    CocoRecord      r;
    COLUMN(int64_t) id;
    COLUMN(int64_t) image_id; // CocoRawId.value
    COLUMN(int64_t) category_id;
    COLUMN(double) box;
    COLUMN(double) area;
    COLUMN(double) score;
    COLUMN(uint8_t) crowd;
    COLUMN(uint8_t) ignore;
    COLUMN(int32_t) visible;
    COLUMN(CocoMask) mask;
    COLUMN(double) number;
    COLUMN(int32_t) part;
    COLUMN(char) text;
    COLUMN(double) keypoint;
    COLUMN(char) id_text; // zero-terminated string ids and names
    COLUMN(CocoRawImage) image;
    COLUMN(CocoRawCategory) category;
    COLUMN(int64_t) listed;
    int32_t n_keypoints;  // 0 until the first row with keypoints
    int     ids_are_text; // -1 unknown, 0 integers, 1 strings
} CocoParse;

void   coco_parse_init(CocoParse *p, const CocoReadOptions *options, bool is_results);
Status coco_parse_event(void *parse, const JsonEvent *event, JsonStream *s); // a JsonHandler
void   coco_parse_release(CocoParse *p);
