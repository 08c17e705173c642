/* lvis.h -- LVIS average precision: COCO's frame under federated rules
 *
 * Every image lists which categories were looked for and not found (neg_category_ids) and which were not annotated
 * exhaustively. A result counts only if its category is annotated in the image or listed as negative there; an
 * unmatched one of a not exhaustively annotated category counts neither way. 300 results per image over all
 * categories; no caps per category. Rare, common and frequent categories (`frequency`) have means of their own.
 *
 * Gupta et al. 2019; evaluated as lvis-api 0.5.3 does (lvis/eval.py, results.py), v0.5 and v1 alike.
 */
#pragma once
#include "eval/coco.h"

typedef struct LvisOptions {
    CocoIou iou;           // boxes or masks
    int64_t max_per_image; // 300; -1: no cap
    bool    bug_compatible;
} LvisOptions;

typedef struct LvisStat {
    const char
          *name;  // AP AP50 AP75 APs APm APl APr APc APf AR@300 ARs@300 ARm@300 ARl@300, by the cap
    double value; // -1: undefined
} LvisStat;

typedef struct LvisClassScore {
    double  ap, ap50, ap75, ap_small, ap_medium, ap_large, ar; // -1: undefined
    int64_t n_truth;                                           // annotations that count
    int64_t n_found;   // results after cap and federated rules
    int64_t n_checked; // images in which the category is annotated or listed as negative
} LvisClassScore;

typedef struct LvisResult {
    CocoIou     iou;
    MatchResult match; // M = 1
    int         n_stats;
    LvisStat    stat[COCO_MAX_STATS];
    int64_t     n_images, n_truth, n_ignored; // annotations, those that count neither way
    int64_t     max_per_image;
    int64_t n_found, n_capped, n_dropped; // results, those cut by the cap and by federated rules
    int64_t n_rare, n_common, n_frequent; // categories
    LvisClassScore  *per_class;           // (K)
    /* how the match was made, for analysis.h and against.h; borrows the columns of truth and found */
    const MatchTask *task;
    MatchSimilarity  overlap; // all values from COCO_LEAST_OVERLAP up, between any rows of an image
} LvisResult;

/* Everything in `out` lives in `a`. The files must have been read with CocoReadOptions.lvis. */
Status lvis_evaluate(Arena *a, const LvisOptions *options, LvisResult *out, const CocoTruth *truth,
                     const CocoResults *found) STATUS_MUST_USE;

/* lvis-api's summary lines. */
void lvis_summary(Text *out, const LvisResult *result);

/* The definition printed beside the numbers, with the cap of this evaluation; lives in `a`. */
Status lvis_definition(Arena *a, const char **out, const LvisResult *result) STATUS_MUST_USE;

/* "300 results", or "all results" without a cap; NULL when memory is short. */
const char *lvis_cap_text(Arena *a, const LvisResult *result);
