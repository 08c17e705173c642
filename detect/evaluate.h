/* evaluate.h -- the AP of a detector on a set
 *
 * Matching and averages are eval/voc.h's; detections are rounded as detectron2 writes them (boxes to 0.1 pixel, scores
 * to 0.001, 1 added to x1 and y1) before anything is counted, so `godwit eval voc` on the written files agrees.
 * Classes without ground truth are left out of the area means (they would be NaN) and count 0 in the 11-point means.
 */
#pragma once
#include "detect/data.h"
#include "detect/predict.h"
#include "eval/voc.h"

typedef struct DetectEvaluation {
    VocResult      voc;            // per class and threshold; lives in the arena
    bool           is_11_point;    // which of the two means is the headline: test.metric
    double         ap, ap50, ap75; // fractions
    const char    *definition;     // printed beside every AP
    DetectedImage *image;          // (n_images), for pictures and curves
} DetectEvaluation;

/* Runs `d` over `set` and scores it. With json_path, detections.json is written (COCO results, as `godwit eval`
 * reads them). Difficult objects count nowhere. */
Status detect_evaluate(Arena *a, DetectEvaluation *out, Detector *d, const DetSet *set,
                       const char *json_path);
