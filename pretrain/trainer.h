/* trainer.h -- what a pretraining run is made of, shared by train.c and its helpers; not for other rooms
 *
 *      train.c          the loop: load, forward, backward, step, log
 *      trainer_state.c  everything that a checkpoint must hold, as named arrays
 *      trainer_watch.c  means, metrics, warnings, the dump of a non-finite step
 *      trainer_knn.c    nearest neighbours during a run
 */
#pragma once
#include "base/metrics.h"
#include "base/progress.h"
#include "base/run.h"
#include "pretrain/embed.h"
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
    double spread;             // of query features (MoCo), see moco_feature_spread
    double grad_norm;
    double lr;
} StepReport;

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
    Supervised sup;

    Source *train, *test; // test NULL: every tenth training picture
    Loader *loader;
    int64_t n_images, steps_per_epoch, n_steps;
    int64_t step; // taken so far

    Run       *run;
    Metrics   *metrics;
    Progress   progress;
    Means      window, epoch;
    StepReport report;    // of the latest step
    KnnScore   knn;       // latest online evaluation
    double     started;   // clock_seconds
    double     line_time; // of the last line of metrics
    int64_t    line_step;
    double     line_wait_s;
    int64_t    n_collapse_warnings;
} Trainer;

ParamSet     *trainer_params(Trainer *r);    // learned ones
const ResNet *trainer_net(const Trainer *r); // query encoder or classifier

/* ---- trainer_state.c ---- */
Status trainer_save(Trainer *r);
/* Loads the newest checkpoint if there is one and sets r->step. */
Status trainer_resume(Trainer *r);

/* ---- trainer_watch.c ---- */
void   trainer_count(Trainer *r);     // report into the means
Status trainer_log(Trainer *r);       // a line of metrics.jsonl
void   trainer_log_epoch(Trainer *r); // a line for people; forgets the epoch's means
void   trainer_warn_at_start(const Trainer *r);
/* Writes RUN/nonfinite_step_N.json and returns ERR_NONFINITE with a sentence that names it. */
Status trainer_dump(Trainer *r, const LoaderBatch *batch);

/* ---- trainer_knn.c ---- */
Status trainer_knn(Trainer *r); // into r->knn, metrics and log
Status trainer_knn_pixels(Trainer *r);
