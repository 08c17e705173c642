/* train.h -- a detection run from recipe and initial weights to model.safetensors
 *
 *      RUN/recipe.json           resolved: every key, what was asked for and what was left at its default
 *      RUN/metrics.jsonl, tb/    loss and its four terms, foreground counts, rate, data wait; AP of each evaluation
 *      RUN/checkpoints/          everything a run needs to go on, bit for bit
 *      RUN/model.safetensors     the detector after precise batch norm; body under torchvision's names
 *      RUN/best.safetensors      likewise, at the evaluation with the best test.best (with test.every)
 *      RUN/detections.json       of the test part, when the recipe names one: COCO results (detect/evaluate.h)
 *
 * Errors: ERR_RECIPE (unknown key, impossible numbers), ERR_MISSING / ERR_FORMAT (data, weights), ERR_NONFINITE (a
 * loss; RUN/nonfinite_step_N.json names images and loss terms), ERR_INTERRUPTED (a signal came; the checkpoint is written
 * and --resume auto goes on), ERR_IO.
 */
#pragma once
#include "base/job.h"

/* job.data: VOCdevkit (or one VOC folder), or the folder of COCO's annotations and pictures. job.init: a backbone
 * (safetensors, torchvision's names), whose layer4 becomes res5; NULL: random. */
typedef struct DetectTrainOptions {
    JobOptions  job;
    const char *init_name;     // row of `godwit compare`: "random", ...; NULL: from job.init
    long long   seed_offset;   // added to the recipe's seed: the number of a trial
    bool        no_evaluation; // leave the test part alone even when the recipe names one
} DetectTrainOptions;

/* AP as fractions, NaN when there was no evaluation; test.metric says which AP. */
typedef struct DetectTrainResult {
    long long   steps;                                  // taken in all
    double      loss;                                   // of the last step; NaN: none in this call
    double      rpn_class, rpn_box, roi_class, roi_box; // its terms
    double      ap, ap50, ap75;
    const char *definition; // of AP; NULL: no evaluation
    long long   best_step;  // of best.safetensors, -1: none
    double      best;       // its test.best, a fraction
    double      seconds;    // of this call, without the evaluation
    double      images_per_second;
    char        model[1024]; // path written
} DetectTrainResult;

/* Runs to the end (or to a signal, or to a failure). `result` may be NULL. */
Status detect_train(DetectTrainResult *result, const DetectTrainOptions *options);

/* Every key of a detection recipe with default, range and sentence, for --help. */
void detect_keys_help(Text *out);
