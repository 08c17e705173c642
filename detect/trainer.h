/* trainer.h -- what a detection run is made of, shared by train.c and its helpers; not for other rooms
 *
 *      train.c             the loop: load, forward, backward, step, log
 *      trainer_open.c      data, model, loader: before the loop
 *      trainer_state.c     everything that a checkpoint must hold, as named arrays
 *      trainer_watch.c     means, metrics, the dump of a non-finite step
 *      trainer_evaluate.c  the test part, the model that is written, the best one
 *      precise_bn.c        running statistics over training batches, before a model is written
 */
#pragma once
#include "base/job.h"
#include "detect/train.h"
#include "detect/weights.h"
#include "kernels/ledger.h"

/* One step, or the sum of several. */
typedef struct DetectTerms {
    double n, loss, rpn_class, rpn_box, roi_class, roi_box, regions, grad_norm;
} DetectTerms;

/* A step's words in the ledger: the sum of squares, then for each pass its four terms and its number of regions. */
enum { WORD_SQUARES = 0, WORD_PASSES = 2, WORDS_A_PASS = 5, LEDGER_STEPS = 64 };

/* What the host knows of a step whose numbers are still on the device. */
typedef struct DetectNote {
    int64_t        step;
    DetBatchImage *image; // (batch); boxes and labels are not kept
} DetectNote;

typedef struct DetectTrainer {
    DetectConfig   config;
    const Backend *be;
    DType          dtype;
    ParamSet       params;
    FasterRcnnC4   model;
    Tape           tape;
    Feed           feed;
    bool           has_params, has_tape;

    DetSet      train;
    char        data_digest[DIGEST_TEXT];
    DetLoader  *loader;
    const char *data, *device, *init_name; // of the options; init_name lives in config.arena
    bool        is_init_named;             // by this call, not by default
    bool        has_test;

    Job         job;
    Ledger      ledger;
    DetectNote  note[LEDGER_STEPS]; // of the steps in the ledger
    DetectTerms last, window; // of the latest step that was read; since the last line of metrics
    double      best;         // greatest test.best so far
    int64_t     best_step;    // -1: none
    int64_t     tested_step;  // of the latest evaluation on the way; 0: none
} DetectTrainer;

/* ---- trainer_open.c ---- */
/* Everything up to the first step. */
Status detect_trainer_open(DetectTrainer *r, const DetectTrainOptions *o);
Status detect_trainer_close(DetectTrainer *r); // also after a failure

/* ---- trainer_state.c ---- */
Status detect_trainer_save(DetectTrainer *r);
/* Loads the newest checkpoint if there is one and sets job.step. */
Status detect_trainer_resume(DetectTrainer *r);

/* ---- trainer_watch.c ---- */
/* Reads the steps that are still on the device into last and window. The first whose loss or gradient is not finite ends
 * the run as detect_trainer_stop does. */
Status detect_trainer_read(DetectTrainer *r);
Status detect_trainer_log(DetectTrainer *r); // a line of metrics.jsonl
/* Writes RUN/nonfinite_step_N.json and returns ERR_NONFINITE with a sentence that names it. */
Status detect_trainer_stop(DetectTrainer *r, const DetectNote *note, const char *cause);

/* ---- trainer_evaluate.c ---- */
/* A test part that cannot be read is better known before the run than after it. */
Status detect_trainer_try_test(const DetectTrainer *r);
bool   detect_trainer_is_test_due(
      const DetectTrainer *r); // during the run, and not yet done at this step
/* Evaluates the model as it would be written now; training goes on as if nothing had happened. A signal leaves the
 * evaluation unfinished (ERR_INTERRUPTED): it is then due again after the resume. */
Status detect_trainer_test(DetectTrainer *r);
/* RUN/model.safetensors, and its evaluation where there is a test part. */
Status detect_trainer_finish(DetectTrainer *r, DetectTrainResult *result);

/* ---- precise_bn.c ---- */
/* Replaces every running statistic by its mean over n training batches, weights fixed. */
Status detect_precise_bn(DetectTrainer *r, int64_t n);
