/* coco_similarity.h -- how alike a result and an annotation are: boxes, masks, poses
 *
 *   bbox       overlap / union of x y w h boxes; of a crowd, overlap / the result's area
 *   segm       the same of masks, through their runs
 *   keypoints  OKS: mean over visible points of exp(-d^2 / (2 area (2 sigma)^2)); without visible points, d is the
 *              distance to the annotation's box grown by its own size on every side
 *
 * Arithmetic as in pycocotools 2.0.11 (maskApi.c, computeOks); OKS to 1e-12 because NumPy's exp is its own.
 */
#pragma once
#include "eval/coco_data.h"
#include "eval/match.h"
#include "eval/rle.h"

typedef struct CocoPair {
    const CocoTruth   *truth;
    const CocoResults *found;
    const double      *sigma; // keypoints: (n_keypoints)
    double             least; // similarities below it may be given as 0
} CocoPair;

/* ctx of the similarity is `pair`, which must outlive it. */
MatchSimilarity coco_similarity(const CocoPair *pair, CocoIou iou);

/* The mask of one row at the size of its image (polygons, boxes) or its own. */
Status coco_row_mask(Arena *a, Rle *out, const CocoTruth *truth, const CocoRows *rows,
                     int64_t row) STATUS_MUST_USE;
