/* coco.h -- COCO average precision and recall: boxes, masks, keypoints
 *
 *      truth.json, results.json --> coco_data.h --> match.h --> precision, recall, scores --> 12 (or 10) numbers
 *
 * Lin et al. 2014; evaluated as pycocotools 2.0.11 does (PythonAPI/pycocotools/cocoeval.py): arrays bit for bit, OKS
 * to 1e-12. Undefined numbers (no truth in the slice) are -1 here as there; the writers say null.
 */
#pragma once
#include "eval/coco_data.h"
#include "eval/match.h"

#define COCO_LEAST_OVERLAP 0.1

enum { COCO_MAX_STATS = 13, COCO_THRESHOLDS = 10, COCO_RECALLS = 101 };

typedef struct CocoEvalOptions {
    CocoIou        iou;
    bool           bug_compatible;      // annotation id 0 is a miss
    bool           ignore_categories;   // useCats = 0
    int64_t        cap[MATCH_MAX_CAPS]; // maxDets; all 0: 1, 10, 100 (keypoints: 20)
    int            n_caps;
    const int64_t *image_id; // NULL: all. Ids that the file does not list are passed over
    int64_t        n_image_ids;
    const int64_t *category_id; // NULL: all
    int64_t        n_category_ids;
    double         threshold[MATCH_MAX_THRESHOLDS]; // n_thresholds 0: .50, .55 ... .95
    int            n_thresholds;
    double         area[MATCH_MAX_AREAS][2];   // n_areas 0: all, small, medium, large
    const char    *area_name[MATCH_MAX_AREAS]; // at most 15 bytes; the first is "all"
    int            n_areas;
    const double  *sigma; // keypoints: per keypoint; NULL: COCO's 17
    int            n_sigmas;
} CocoEvalOptions;

typedef struct CocoStat {
    const char *name;  // "AP", "AP50", "APs", "AR100" by its cap, ...
    double      value; // -1: undefined
    char        title[24], iou[12], area[16];
    int64_t     cap;
} CocoStat;

typedef struct CocoClassScore {
    int32_t category; // index into CocoTruth.category, -1 when categories are ignored
    int64_t n_truth, n_crowd, n_found; // rows that took part
    double  ap, ap50, ap75, ar;        // -1: undefined
    double  ap_area[MATCH_MAX_AREAS];  // AP of each area range
} CocoClassScore;

typedef struct CocoResult {
    CocoIou     iou;
    MatchResult match;
    int         n_stats;
    CocoStat    stat[COCO_MAX_STATS];
    char        area_name[MATCH_MAX_AREAS][16];
    int64_t     n_images, n_truth, n_crowd, n_found;
    int64_t
        n_ignored; // truths that count neither way: crowds, and persons without visible keypoints
    int64_t          n_kept; // results after the largest cap
    int64_t          n_classes;
    CocoClassScore  *per_class;
    int32_t         *class_category; // (K) category index of each k
    /* how the match was made, for analysis.h and against.h; borrows the columns of truth and found */
    const MatchTask *task;
    MatchSimilarity  overlap; // all values from COCO_LEAST_OVERLAP up, between any rows of an image
} CocoResult;

/* Everything in `out` lives in `a`; `truth` and `found` are read only. ERR_USAGE for fewer than three caps (boxes,
 * masks). */
Status coco_evaluate(Arena *a, const CocoEvalOptions *options, CocoResult *out,
                     const CocoTruth *truth, const CocoResults *found) STATUS_MUST_USE;

/* pycocotools' summary lines. */
void coco_summary(Text *out, const CocoResult *result);

/* The definition printed beside the numbers, under the usual settings. */
const char *coco_definition(CocoIou iou);

/* The same with the thresholds, caps, area range and categories of this evaluation; lives in `a`. */
Status coco_result_definition(Arena *a, const char **out, const CocoResult *result) STATUS_MUST_USE;

bool        coco_usual_thresholds(const MatchTask *task); // .50, .55 ... .95
const char *coco_cap_unit(const MatchTask *task);         // "results per image and category"
