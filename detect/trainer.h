/* trainer.h -- what a detection run is made of, shared by train.c and its helpers; not for other rooms
 *
 *      train.c          the loop: load, forward, backward, step, log
 *      trainer_state.c  everything that a checkpoint must hold, as named arrays
 *      trainer_watch.c  means, metrics, the dump of a non-finite step
 *      precise_bn.c     running statistics over training batches, before the model is written
 */
#pragma once
#include "base/metrics.h"
#include "base/progress.h"
#include "base/run.h"
#include "detect/train.h"
#include "detect/weights.h"

/* One step, or the sum of several. */
typedef struct DetectTerms {
    double n, loss, rpn_class, rpn_box, roi_class, roi_box, regions, grad_norm;
} DetectTerms;

typedef struct DetectTrainer {
    DetectConfig   config;
    const Backend *be;
    DType          dtype;
    ParamSet       params;
    FasterRcnnC4   model;
    Tape           tape;
    bool           has_params, has_tape;

    DetSet     train;
    DetLoader *loader;
    int64_t    step, n_steps; // taken so far, of the run

    Run        *run;
    Metrics    *metrics;
    Progress    progress;
    DetectTerms last, window; // of the latest step; since the last line of metrics
    double      lr;
    double      line_time, line_wait_s; // of the last line
    int64_t     line_step;
} DetectTrainer;

/* Images that run through the network together. */
int64_t detect_trainer_pass(const DetectTrainer *r);

/* ---- trainer_state.c ---- */
Status detect_trainer_save(DetectTrainer *r);
/* Loads the newest checkpoint if there is one and sets r->step. */
Status detect_trainer_resume(DetectTrainer *r);

/* ---- trainer_watch.c ---- */
void   detect_trainer_count(DetectTrainer *r); // last into window
Status detect_trainer_log(DetectTrainer *r);   // a line of metrics.jsonl
/* Writes RUN/nonfinite_step_N.json and returns ERR_NONFINITE with a sentence that names it. */
Status detect_trainer_dump(DetectTrainer *r, const DetBatch *batch);

/* ---- precise_bn.c ---- */
/* Replaces every running statistic by its mean over n training batches, weights fixed. */
Status detect_precise_bn(DetectTrainer *r, int64_t n);
