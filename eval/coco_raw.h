/* coco_raw.h -- a COCO file as columns before its ids are resolved; internal to eval/
 *
 * What coco_parse.h reads from a file and coco_arrays.h takes from arrays; coco_index.c makes indices of the ids. Rows are
 * in file order, windows (CocoMask, lists, names) point into columns of the same CocoRaw. A column that the metric has
 * no use for stays empty.
 */
#pragma once
#include "eval/coco_data.h"
#include "eval/column.h"

/* What is beyond these is damage, and would overflow further on. */
#define COCO_MAX_COORDINATE 1e9
#define COCO_MAX_AREA 1e18
#define COCO_MAX_SCORE 1e308

/* An image id as written: an integer, or a string as offset into CocoRaw.id_text. */
typedef struct CocoRawId {
    int64_t value;
    bool    is_text;
} CocoRawId;

typedef struct CocoRawImage {
    CocoRawId id;
    int32_t   h, w;
    int64_t   list_at[2], list_n[2]; // neg, unfinished; -1 absent
} CocoRawImage;

typedef struct CocoRawCategory {
    int64_t id, name_at; // name_at -1: none
    char    frequency;
} CocoRawCategory;

typedef struct CocoRaw {
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
} CocoRaw;

void coco_raw_init(CocoRaw *raw);
void coco_raw_clear(CocoRaw *raw); // no rows, but the memory for as many

/* `more` behind `raw`, as if one file had held both. `more` may be shifted by it: clear it afterwards. */
Status coco_raw_append(CocoRaw *raw, CocoRaw *more) STATUS_MUST_USE;
void   coco_raw_release(CocoRaw *raw);

/* The box around the first two of every three of n >= 3 numbers: what a pose without a box has for one. */
void coco_pose_extent(const double *xyv, int64_t n, double box[4]);

/* Raw columns to the tables of coco_data.h; columns are taken out of `raw`. A result whose area is NAN, and whose box
 * starts with NAN, has them from its mask. `name` is used in sentences. */
Status coco_index_truth(CocoTruth *truth, const CocoReadOptions *options, CocoRaw *raw,
                        const char *name) STATUS_MUST_USE;
Status coco_index_results(CocoResults *results, const CocoReadOptions *options, CocoRaw *raw,
                          const CocoTruth *truth, const char *name) STATUS_MUST_USE;

void coco_rows_release(CocoRows *rows);
