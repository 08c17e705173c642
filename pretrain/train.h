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
#include "base/job.h"

typedef struct PretrainResult {
    long long steps;        // taken in all
    double    loss;         // of the last step; NaN when this call took none
    double    pretext_top1; // share, 0..1, of the last step; NaN likewise
    double    knn_top1;     // share, 0..1, of the last online evaluation; -1: none
    double    seconds;      // of this call
    double    images_per_second;
    char      backbone[1024]; // path written
} PretrainResult;

/* Runs to the end (or to a signal, or to a failure). `result` may be NULL. options->data: a folder, shards or a list of
 * shards (datasets/source.h); options->init: safetensors under torchvision's names. */
Status pretrain_run(PretrainResult *result, const JobOptions *options);

/* Every key of a pretraining recipe with default, range and sentence, for --help. */
void pretrain_keys_help(Text *out);
