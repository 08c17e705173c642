/* train.h -- a detection run from recipe and initial weights to model.safetensors
 *
 *      RUN/recipe.json           resolved: every key, what was asked for and what was left at its default
 *      RUN/metrics.jsonl, tb/    loss and its four terms, foreground counts, rate, data wait; AP of each evaluation
 *      RUN/checkpoints/          everything a run needs to go on, bit for bit
 *      RUN/model.safetensors     the detector after precise batch norm; body under torchvision's names
 *      RUN/detections.json       of the test part, when the recipe names one: COCO results (detect/evaluate.h)
 *
 * Errors: ERR_RECIPE (unknown key, impossible numbers), ERR_MISSING / ERR_FORMAT (data, weights), ERR_NONFINITE (a
 * loss; RUN/nonfinite.json names step, images and loss terms), ERR_INTERRUPTED (a signal came; the checkpoint is written
 * and --resume auto goes on), ERR_IO.
 */
#pragma once
#include "base/status.h"
#include "base/text.h"
#include <stdbool.h>

typedef struct DetectTrainOptions {
    const char        *recipe;  // path, or a bare name looked for in `folders`; NULL: the defaults
    const char *const *folders; // may be NULL
    int                n_folders;
    const char *const *overrides; // "solver.lr=0.01", ...
    int                n_overrides;
    const char
        *data; // VOCdevkit (or one VOC folder), or the folder of COCO's annotations and pictures
    const char *run_dir; // created; locked while the run lives
    const char *device;  // "cpu", "ref", "cuda", "auto"; NULL: auto
    const char *
        resume; // NULL: a new run; "auto": go on if there is a checkpoint; "yes": there must be one
    const char *
        init; // NULL: random; else a backbone (safetensors, torchvision's names); layer4 becomes res5
    const char
        *init_name; // row of `godwit compare`: "random", "supervised", "moco"; NULL: from `init`
    long long stop_after;    // steps of this call, then stop as a signal would; 0: to the end
    bool      no_evaluation; // leave the test part alone even when the recipe names one
} DetectTrainOptions;

/* AP as fractions, NaN when there was no evaluation. VOC07 recipes: 11-point; else area (eval/voc.h). */
typedef struct DetectTrainResult {
    long long steps;                                  // taken in all
    double    loss;                                   // of the last step
    double    rpn_class, rpn_box, roi_class, roi_box; // its terms
    double    ap, ap50, ap75;
    double    seconds; // of this call, without the evaluation
    double    images_per_second;
    char      model[1024]; // path written
} DetectTrainResult;

/* Runs to the end (or to a signal, or to a failure). `result` may be NULL. */
Status detect_train(DetectTrainResult *result, const DetectTrainOptions *options);

/* Every key of a detection recipe with default, range and sentence, for --help. */
void detect_keys_help(Text *out);
