/* coco_data.h -- COCO and LVIS files as columns
 *
 *      {"images": [{id ...}], "annotations": [{...}], "categories": [{id ...}]}      [{image_id ...}, ...]
 *                 |                     |                      |                          |
 *                 v                     v                      v                          v
 *        image[0..I-1]           truth rows 0..G-1     category[0..K-1]            result rows 0..D-1
 *        sorted by id            in file order         sorted by id                in file order
 *
 * A row names its image and category by index, -1 when the file does not list it. Only what a similarity needs is
 * kept: segmentations for CocoSegm, keypoints for CocoKeypoints. Files are streamed, by as many threads as there are
 * (json_records.h): memory is that of the columns, and the columns do not depend on the threads.
 * Format: cocodataset.org "data format" and "results format"; rules as pycocotools 2.0.11 reads them, with every
 * unsafe or ambiguous input refused (ERR_FORMAT; the sentence names the file and the line).
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum CocoIou { COCO_BBOX, COCO_SEGM, COCO_KEYPOINTS } CocoIou;

typedef enum CocoMaskKind {
    COCO_MASK_NONE,
    COCO_MASK_POLYGONS, // numbers in `number`, polygon lengths in `part`
    COCO_MASK_COUNTS,   // uncompressed run lengths in `number`
    COCO_MASK_STRING,   // compressed runs in `text`
    COCO_MASK_BOX,      // a result without mask: its box as a polygon
} CocoMaskKind;

/* One segmentation: a window into the shared columns. */
typedef struct CocoMask {
    int64_t  at;      // first number, or first byte
    int64_t  part_at; // POLYGONS: first polygon length
    uint32_t n;       // numbers or bytes
    uint32_t n_parts; // POLYGONS
    uint32_t h, w;    // COUNTS, STRING: the mask's own size
    uint8_t  kind;    // CocoMaskKind
} CocoMask;

/* Annotations or results. Columns that were not asked for are NULL. */
typedef struct CocoRows {
    int64_t   n;
    int64_t  *id;        // annotations as in the file; results 1 .. n
    int32_t  *image;     // index or -1
    int32_t  *category;  // index or -1
    double   *box;       // (n,4) x y w h
    double   *area;      // px^2
    double   *score;     // results
    uint8_t  *is_crowd;  // annotations
    uint8_t  *ignore;    // annotations: `ignore` as in the file (LVIS reads it, COCO does not)
    int32_t  *n_visible; // annotations: num_keypoints
    CocoMask *mask;
    double   *number;
    int32_t  *part;
    char     *text;
    double   *keypoint; // (n, 3 n_keypoints) x y v
    int32_t   n_keypoints;
} CocoRows;

typedef struct CocoImage {
    int64_t     id;   // an integer id, or -1 when `name` is set
    const char *name; // a string id
    int32_t     h, w;
    int64_t     neg_at, n_neg;               // LVIS: window into CocoTruth.listed
    int64_t     unfinished_at, n_unfinished; // LVIS: not_exhaustive_category_ids
    bool        has_neg, has_unfinished;
} CocoImage;

typedef struct CocoCategory {
    int64_t     id;
    const char *name;      // "" when the file has none
    char        frequency; // LVIS: r c f; 0 when absent
} CocoCategory;

typedef struct CocoTruth {
    Arena         arena;
    CocoImage    *image; // sorted by id
    int64_t       n_images;
    CocoCategory *category; // sorted by id
    int64_t       n_categories;
    int64_t      *listed; // category ids of the images' lists, as in the file
    CocoRows      rows;
    Text          warnings; // one line each
} CocoTruth;

typedef struct CocoResults {
    CocoRows rows;
    int64_t  n_unknown_category; // rows with category -1
    Text     warnings;
} CocoResults;

typedef struct CocoReadOptions {
    CocoIou iou;
    bool
            bug_compatible; // repeat what pycocotools does with duplicated ids and unlisted images and categories
    bool    ignore_unknown; // leave out rows on unlisted images instead of refusing them
    bool    lenient;        // leave out masks that cannot be right instead of refusing them
    bool    lvis;           // needs the federated fields; `iscrowd` may be absent
    int64_t piece_bytes;    // of a file that one thread reads at a time; 0: 1 MB
} CocoReadOptions;

Status coco_truth_read(CocoTruth *truth, const CocoReadOptions *options,
                       const char *path) STATUS_MUST_USE;
Status coco_results_read(CocoResults *results, const CocoReadOptions *options,
                         const CocoTruth *truth, const char *path) STATUS_MUST_USE;

/* Both files. */
Status coco_read(CocoTruth *truth, CocoResults *results, const CocoReadOptions *options,
                 const char *truth_path, const char *results_path) STATUS_MUST_USE;

/* The same from memory, for tests and embedders; `name` is used in sentences. */
Status coco_truth_parse(CocoTruth *truth, const CocoReadOptions *options, const char *bytes,
                        int64_t n, const char *name) STATUS_MUST_USE;
Status coco_results_parse(CocoResults *results, const CocoReadOptions *options,
                          const CocoTruth *truth, const char *bytes, int64_t n,
                          const char *name) STATUS_MUST_USE;

/* The place of the category of that id; -1: none. */
int64_t coco_category_at(const CocoTruth *truth, int64_t id);

void coco_truth_release(CocoTruth *truth);
void coco_results_release(CocoResults *results);
