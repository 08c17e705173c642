/* evaluate.h -- the AP of a detector on a set
 *
 * VOC: matching and averages are eval/voc.h's; detections are rounded as detectron2 writes them (boxes to 0.1 pixel,
 * scores to 0.001, 1 added to x1 and y1) before anything is counted, so `godwit eval voc` on the written files agrees.
 * Classes without ground truth are left out of the area means (they would be NaN) and count 0 in the 11-point means.
 * COCO: eval/coco.h reads the annotations and the detections.json that was just written, so `godwit eval coco` on the
 * two files gives the same numbers to the last bit.
 */
#pragma once
#include "detect/config.h"
#include "detect/data.h"
#include "detect/predict.h"
#include "eval/voc.h"

/* Paths; json is written (COCO results) unless NULL, truth is the annotation file of DETECT_COCO, which wants both. */
typedef struct DetectEvaluateFiles {
    const char *json, *truth;
} DetectEvaluateFiles;

enum { DETECT_MORE = 12 };

typedef struct DetectEvaluation {
    DetectMetric metric;         // which AP is the headline: test.metric
    double       ap, ap50, ap75; // fractions, NaN: undefined
    struct {
        const char *name; // "aps", "ar100", ...
        double      value;
    } more[DETECT_MORE]; // the other numbers of COCO's summary
    int            n_more;
    int64_t        n_found;    // detections
    const char    *definition; // printed beside every AP
    VocResult      voc;        // per class and threshold (VOC's metrics); lives in the arena
    DetectedImage *image;      // (n_images), for pictures and curves
} DetectEvaluation;

/* Runs `d` over `set` and scores it. `files` may be NULL but for DETECT_COCO. Difficult objects count nowhere. */
Status detect_evaluate(Arena *a, DetectEvaluation *out, Detector *d, const DetSet *set,
                       const DetectEvaluateFiles *files);
