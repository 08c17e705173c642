/* coco_arrays.h -- ground truth and results that are in memory already
 *
 * The same tables as coco_data.h makes of files with the same content, byte for byte, without a text in between.
 * Values outside the limits of files are refused: ERR_NONFINITE, ERR_FORMAT; the sentence names
 * the row.
 */
#pragma once
#include "eval/coco_data.h"
#include "eval/rle.h"

typedef struct CocoArrayMask {
    const Rle  *runs;
    const char *text; // the same runs compressed, zero-terminated
} CocoArrayMask;

/* What does not apply is NULL. */
typedef struct CocoArrays {
    int64_t              n_images; // ground truth
    const int64_t       *images;   // (n_images) ids
    int64_t              n_categories;
    const int64_t       *categories; // (n_categories) ids
    int64_t              n;
    const int64_t       *image_id, *category_id; // (n)
    const double        *box;                    // (n,4) x y w h; of results, for COCO_BBOX only
    const double        *area;                   // (n) ground truth; NULL: of the mask, else w * h
    const double        *score;                  // (n) results
    const uint8_t       *is_crowd;               // (n) ground truth; NULL: none
    const CocoArrayMask *mask;                   // (n) for COCO_SEGM
    int64_t              n_keypoints;            // for COCO_KEYPOINTS
    const double        *keypoint;               // (n, n_keypoints, 3) x y v
} CocoArrays;

Status coco_truth_arrays(CocoTruth *truth, const CocoReadOptions *options,
                         const CocoArrays *arrays) STATUS_MUST_USE;
Status coco_results_arrays(CocoResults *results, const CocoReadOptions *options,
                           const CocoTruth *truth, const CocoArrays *arrays) STATUS_MUST_USE;
