/* voc.h -- PASCAL VOC average precision, two definitions, ten overlap thresholds
 *
 *      ground truth boxes --+                             one class, one threshold
 *      detections ----------+--> rank by score --> TP/FP --> precision against recall --> AP
 *
 *   11-point (VOC2007): mean of the best precision at recall >= 0, .1, ... 1
 *   area (VOC2010 on):  area under the precision envelope
 *
 * Boxes are xmin ymin xmax ymax, 1-based, both ends inside (VOC's pixels), so a box is xmax - xmin
 * + 1 wide. A match needs overlap strictly above the threshold; a detection counts only against its
 * best box; a detection whose best box is difficult counts nowhere (MATCH_BEST_ONLY of match.h).
 * Numbers are those of pascal_voc_evaluation.py (detectron2 @ 02b5c4e) to 1e-12. Values are fractions, 0 .. 1.
 */
#pragma once
#include "eval/match.h"

enum {
    VOC_THRESHOLDS = 10, // .50 .55 ... .95: (50 + 5 i) / 100
    VOC_RECALLS = 101,   // of MatchResult.precision: curves for pictures, not for AP
};

typedef enum VocOrder {
    VOC_ORDER_STABLE,    // equal scores keep their order
    VOC_ORDER_INTROSORT, // the order that NumPy's scalar argsort gives, for comparison with old
                         // tables
} VocOrder;

typedef enum VocBoxes {
    VOC_BOXES_PIXELS,     // detections are 1-based, both ends inside, used as they are
    VOC_BOXES_DETECTRON2, // detections are 0-based x1 y1 x2 y2 with x2, y2 outside; as detectron2
                          // writes them: 1 is added to x1 and y1 in float32, boxes are rounded to
                          // 0.1 and scores to 0.001
    VOC_BOXES_HALF_OPEN,  // the same boxes without rounding
} VocBoxes;

typedef struct VocEvalOptions {
    VocOrder order;
    VocBoxes boxes;
    bool     skip_empty_classes; // leave classes without ground truth out of the means (detectron2
                                 // keeps them: 0 in the 11-point mean, NaN in the area mean)
    int      curve_threshold;    // index 0..9 of the threshold whose curve is kept; 0 is .50
} VocEvalOptions;

/* Boxes of all classes and images in any order; a detection list needs `score`, ground truth may
 * have `difficult` (NULL: none is). Columns are borrowed. */
typedef struct VocBoxList {
    int64_t        n;
    const int32_t *image; // (n) 0 .. n_images-1
    const int32_t *label; // (n) 0 .. n_classes-1
    const double  *box;   // (n,4) xmin ymin xmax ymax
    const double  *score; // (n)
    const uint8_t *difficult;
} VocBoxList;

typedef struct VocSet {
    int64_t        n_images, n_classes;
    const int32_t *image_repeats; // (n_images) how often the image set names it; NULL: once each
    VocBoxList     truth, found;
} VocSet;

/* One class. NaN where undefined (area AP and recall of a class without ground truth). */
typedef struct VocClass {
    int64_t       n_truth, n_difficult, n_found;
    int64_t       tp[VOC_THRESHOLDS], fp[VOC_THRESHOLDS];
    double        ap_11_point[VOC_THRESHOLDS], ap_area[VOC_THRESHOLDS];
    /* the curve at VocEvalOptions.curve_threshold, one point a detection in rank order */
    int64_t       n_points;
    const double *recall, *precision, *score;
} VocClass;

/* Means over classes for one definition of AP. */
typedef struct VocMeans {
    double at[VOC_THRESHOLDS]; // mean over classes at each threshold
    double ap, ap50, ap75;     // ap: the mean of `at`
} VocMeans;

typedef struct VocResult {
    int64_t          n_classes, n_images, n_truth, n_difficult, n_found;
    VocClass        *per_class; // (n_classes)
    VocMeans         means_11_point, means_area;
    double           thresholds[VOC_THRESHOLDS];
    /* the matching: result rows are the detections by class, then rank; truth rows those of the set */
    const MatchTask *task;
    MatchResult      match;
} VocResult;

/* Everything in `out` lives in `a`; `task` also borrows the columns of the set. ERR_FORMAT when a box or score is not finite or an index is out
 * of range (the sentence names the row); a NaN score is allowed and ranks last. */
Status voc_evaluate(Arena *a, const VocEvalOptions *options, VocResult *out, const VocSet *set);

/* The definition printed beside an AP, e.g. "VOC2007 11-point interpolated AP; match at overlap >
 * t, ...". */
const char *voc_definition_11_point(void);
const char *voc_definition_area(void);
