/* trainer.h -- what a pretraining run is made of, shared by train.c and its helpers; not for other rooms
 *
 *      train.c          the loop: load, forward, backward, step, log
 *      trainer_open.c   data, model, loader: before the loop
 *      trainer_state.c  everything that a checkpoint must hold, as named arrays
 *      trainer_watch.c  means, metrics, warnings, the dump of a non-finite step
 *      trainer_knn.c    nearest neighbours during a run
 */
#pragma once
#include "base/job.h"
#include "kernels/ledger.h"
#include "pretrain/embed.h"
#include "pretrain/moco_graph.h"
#include "pretrain/supervised.h"
#include "pretrain/train.h"
#include "pretrain/train_config.h"

/* Sums over steps since the last line or the start of the epoch; part of a checkpoint. */
typedef struct Means {
    double n, loss, top1, top5, positive, negative;
} Means;

/* What one step reports. */
typedef struct StepReport {
    double loss, top1, top5;   // top: shares 0..1
    double positive, negative; // mean q.k and q.queue (MoCo)
    double grad_norm;
} StepReport;

/* A step's words in the ledger: the loss, info_nce's five stats or top1's two counts, the sum of squares. */
enum {
    WORD_LOSS = 0,
    WORD_STATS = 1,
    WORD_RIGHT = 1,
    WORD_SQUARES = 6,
    N_WORDS = 8,
    LEDGER_STEPS = 64
};

/* What the host knows of a step whose numbers are still on the device. */
typedef struct StepNote {
    int64_t  step, epoch;
    int64_t *index; // (batch) pictures, in the training source
} StepNote;

typedef struct KnnScore {
    double  top1; // share; -1: not measured
    int64_t n_bank, n_test;
} KnnScore;

typedef struct Trainer {
    PretrainConfig config;
    const Backend *be;
    DType          dtype;
    Tape           tape;
    bool           has_tape;

    Moco       moco; // one of the two, by config.run.method
    MocoGraph  moco_graph;
    Supervised sup;
    Feed       feed; // of it

    Source        *train, *test; // test NULL: every tenth training picture
    Loader        *loader;
    AugmentOptions augment; // the training pictures'
    PixelStats     stats;   // of them
    int64_t        n_images, steps_per_epoch;
    char           data_digest[DIGEST_TEXT];

    Job        job;
    Ledger     ledger;
    StepNote   note[LEDGER_STEPS]; // of the steps in the ledger
    Means      window, epoch;
    StepReport report;   // of the latest step that was read
    Tensor    *features; // (N,C) queries of the latest step (MoCo), kept until the next
    double     spread;   // of them when last looked at, see moco_feature_spread
    KnnScore   knn;      // latest online evaluation
    int64_t    knn_step; // when it was; 0: not since the start
    int64_t    n_collapse_warnings;
} Trainer;

ParamSet     *trainer_params(Trainer *r);    // learned ones
const ResNet *trainer_net(const Trainer *r); // query encoder or classifier

/* ---- trainer_open.c ---- */
/* Everything up to the first step. */
Status trainer_open(Trainer *r, const JobOptions *o);
Status trainer_close(Trainer *r); // also after a failure

/* ---- trainer_state.c ---- */
Status trainer_save(Trainer *r);
/* Loads the newest checkpoint if there is one and sets job.step. */
Status trainer_resume(Trainer *r);

/* ---- trainer_watch.c ---- */
/* Reads the steps that are still on the device into report and means. The first whose loss or gradient is not finite
 * ends the run: RUN/nonfinite_step_N.json is written, ERR_NONFINITE comes back with a sentence that names it. */
Status trainer_read(Trainer *r);
Status trainer_log(Trainer *r);       // a line of metrics.jsonl
Status trainer_log_epoch(Trainer *r); // a line for people; forgets the epoch's means
void   trainer_warn_at_start(const Trainer *r);

/* ---- trainer_knn.c ---- */
/* Into r->knn, metrics and log. ERR_INTERRUPTED when a signal came: it is then due again after the resume. */
Status trainer_knn(Trainer *r);
Status trainer_knn_pixels(Trainer *r);
