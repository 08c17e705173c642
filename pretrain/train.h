/* train.h -- a pretraining run from recipe to backbone.safetensors
 *
 *      RUN/recipe.json            resolved: every key, what was asked for and what was left at its default
 *      RUN/metrics.jsonl, tb/     loss, pretext accuracy, logits, queue fill, feature spread, rate, data wait, kNN
 *      RUN/checkpoints/           everything a run needs to go on, bit for bit
 *      RUN/backbone.safetensors   the query encoder (or the classifier's body) under torchvision's names
 *
 * Errors: ERR_RECIPE (unknown key, impossible numbers), ERR_MISSING / ERR_FORMAT (data), ERR_NONFINITE (loss; a dump is
 * written), ERR_INTERRUPTED (a signal came; the checkpoint is written and --resume auto goes on), ERR_IO.
 */
#pragma once
#include "base/status.h"
#include "base/text.h"
#include <stdbool.h>

typedef struct PretrainOptions {
    const char        *recipe;  // path of a recipe
    const char *const *folders; // where bare recipe names are looked for; may be NULL
    int                n_folders;
    const char *const *overrides; // "solver.lr=0.01", ...
    int                n_overrides;
    const char        *data;    // folder, shards or a list of shards (datasets/source.h)
    const char        *run_dir; // created; locked while the run lives
    const char        *device;  // "cpu", "ref", "cuda", "auto"
    const char *
        resume; // NULL: a new run; "auto": go on if there is a checkpoint; "yes": there must be one
    const char *init;       // NULL, or weights (safetensors, torchvision names) to start from
    long long   stop_after; // steps of this call, then stop as a signal would; 0: to the end
} PretrainOptions;

typedef struct PretrainResult {
    long long steps;        // taken in all
    double    loss;         // of the last logged step
    double    pretext_top1; // share, 0..1, mean of the last epoch
    double    knn_top1;     // share, 0..1, of the last online evaluation; -1: none
    double    seconds;      // of this call
    double    images_per_second;
    char      backbone[1024]; // path written
} PretrainResult;

/* Runs to the end (or to a signal, or to a failure). `result` may be NULL. */
Status pretrain_run(PretrainResult *result, const PretrainOptions *options);

/* Every key of a pretraining recipe with default, range and sentence, for --help. */
void pretrain_keys_help(Text *out);
