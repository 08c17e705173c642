/* train.c -- the plain loop: load, forward, backward, step, log
 *
 *      for (step ...) { batch; loss; backward; SGD; enqueue; log; evaluate; save }
 *
 * No hooks: what happens when is readable from top to bottom of `run_loop`. A step leaves its numbers on the device
 * (kernels/ledger.h); they are read when somebody wants them.
 */
#include "pretrain/train.h"
#include "base/log.h"
#include "kernels/ops/augment.h"
#include "pretrain/trainer.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

ParamSet *trainer_params(Trainer *r)
{
    return r->config.run.method == METHOD_MOCO ? &r->moco.params_q : &r->sup.params;
}

const ResNet *trainer_net(const Trainer *r)
{
    return r->config.run.method == METHOD_MOCO ? &r->moco.q : &r->sup.net;
}

/* ---- one step ---- */

/* What the host gives of a batch: pictures, or crops with their plans for the device to finish. */
typedef struct Input {
    Tensor *pictures, *crops, *plans, *labels; // absent ones NULL
} Input;

static Input feed_batch(Trainer *r, const LoaderBatch *batch)
{
    Tape    *t = &r->tape;
    Feed    *f = &r->feed;
    int64_t  N = batch->n, side = r->augment.crop, words[2] = {N, PIXEL_PLAN_WORDS};
    Input    in = {0};
    int32_t *label = ARENA_ARRAY(&t->arena, int32_t, N);
    if (!label) {
        tape_fail(t, ERR_MEMORY);
        return in;
    }
    for (int64_t i = 0; i < N; i++)
        label[i] = (int32_t)batch->label[i];
    in.labels = feed_input(f, t, I32, 1, &N, label);
    if (batch->crop[0]) {
        in.crops = feed_input(f, t, U8, 4, (int64_t[]){N, 3, side, side}, batch->crop[0]);
        in.plans = feed_input(f, t, I32, 2, words, batch->plan[0]);
    } else {
        in.pictures = feed_input(f, t, F32, 4, (int64_t[]){N, side, side, 3}, batch->view[0]);
    }
    Status st = feed_end(f);
    if (st != OK)
        tape_fail(t, st);
    return in;
}

static Status moco_step(Trainer *r, const LoaderBatch *batch)
{
    MocoGraph *g = &r->moco_graph;
    int64_t    side = r->augment.crop, dim[4] = {batch->n, side, side, 3};
    MocoView   view[2];
    for (int v = 0; v < 2; v++)
        view[v] = (MocoView){batch->view[v], batch->crop[v], batch->plan[v]};
    g->stats = r->stats;
    TRY(moco_graph_step(g, &r->tape, &r->moco, dim, view, batch->step));
    r->features = g->step.q;
    TRY(ledger_put(&r->ledger, WORD_LOSS, g->step.loss->data, 1));
    /* The terms of the first loss; a symmetric second one has the same meaning and is left out. */
    TRY(ledger_put(&r->ledger, WORD_STATS, g->step.stats[0]->data, 5));
    return moco_enqueue(&r->moco);
}

static Status supervised_step(Trainer *r, const LoaderBatch *batch)
{
    Tape   *t = &r->tape;
    Tensor *right;
    tape_reset(t, TAPE_RECORD | TAPE_TRAIN);
    params_clear_grads(&r->sup.params);
    Input in = feed_batch(r, batch);
    TRY(tape_status(t));
    Tensor *pictures = in.crops ? augment(t, in.crops, in.plans, &r->stats) : in.pictures;
    Tensor *loss = supervised_loss(t, &r->sup, &right, pictures, in.labels);
    TRY(tape_backward(t, loss));
    TRY(ledger_put(&r->ledger, WORD_LOSS, loss->data, 1));
    return ledger_put(&r->ledger, WORD_RIGHT, right->data, 2);
}

static Status train_step(Trainer *r, const LoaderBatch *batch)
{
    ParamSet  *ps = trainer_params(r);
    SgdOptions sgd = config_sgd(&r->config);
    StepNote  *note = &r->note[r->ledger.n_rows];
    note->step = batch->step;
    note->epoch = batch->epoch;
    memcpy(note->index, batch->index, (size_t)batch->n * sizeof *note->index);

    TRY(r->config.run.method == METHOD_MOCO ? moco_step(r, batch) : supervised_step(r, batch));
    TRY(params_finish_grads(ps));
    double lr = config_lr(&r->config, batch->step, r->steps_per_epoch);
    TRY(sgd_step(ps, &sgd, lr, batch->step == 0));
    TRY(ledger_put(&r->ledger, WORD_SQUARES, ps->squares, 2));
    ledger_end_step(&r->ledger);
    return OK;
}

/* ---- the loop ---- */

static bool is_epoch_end(const Trainer *r)
{
    return r->job.step % r->steps_per_epoch == 0 || r->job.step == r->job.n_steps;
}

static bool is_knn_due(const Trainer *r)
{
    const KnnKeys *k = &r->config.knn;
    int64_t        epoch = (r->job.step + r->steps_per_epoch - 1) / r->steps_per_epoch;
    return k->every > 0 && is_epoch_end(r) && r->knn_step < r->job.step &&
           (epoch % k->every == 0 || r->job.step == r->job.n_steps);
}

/* checkpoint_every 0: once an epoch. */
static bool is_save_due(const Trainer *r)
{
    return job_is_save_due(&r->job) || (r->job.save_every == 0 && is_epoch_end(r));
}

static void count(Trainer *r)
{
    char   note[96];
    double lr = config_lr(&r->config, r->job.step, r->steps_per_epoch);
    snprintf(note, sizeof note, "loss %.3f  top-1 %.1f%%  lr %.4g", r->report.loss,
             100 * r->report.top1, lr);
    job_count(&r->job, note);
}

static Status save(Trainer *r)
{
    TRY(trainer_read(r));
    return trainer_save(r);
}

/* A signal during the evaluation: the step is saved without it. */
static Status knn_if_due(Trainer *r)
{
    Status st = is_knn_due(r) ? trainer_knn(r) : OK;
    if (st != ERR_INTERRUPTED)
        return st;
    TRY(save(r));
    return run_interrupted(r->job.run);
}

static Status run_loop(Trainer *r)
{
    TRY(knn_if_due(r)); // of a run that was stopped in it
    while (r->job.step < r->job.n_steps) {
        LoaderBatch batch;
        Status      st = loader_next(r->loader, &batch);
        if (st == ERR_INTERRUPTED) { // while storage stood still
            TRY(save(r));
            return run_interrupted(r->job.run);
        }
        TRY(st);
        TRY(train_step(r, &batch));
        if (ledger_is_due(&r->ledger))
            TRY(trainer_read(r));
        count(r);

        if (job_is_log_due(&r->job))
            TRY(trainer_log(r));
        if (is_epoch_end(r))
            TRY(trainer_log_epoch(r));
        TRY(knn_if_due(r));
        bool stop = job_must_stop(&r->job);
        if (stop || is_save_due(r))
            TRY(save(r));
        if (stop)
            return run_interrupted(r->job.run);
    }
    return OK;
}

/* ---- the end ---- */

static Status export(Trainer *r, char path[1024])
{
    AugmentOptions a = config_augment(&r->config);
    BackboneInfo   info = {.crop = a.crop,
                           .method = r->config.run.method == METHOD_MOCO ? "moco" : "supervised",
                           .step = r->job.step};
    memcpy(info.mean, a.mean, sizeof info.mean);
    memcpy(info.std, a.std, sizeof info.std);

    char with_head[1024];
    int  n = snprintf(path, 1024, "%s/backbone.safetensors", run_dir(r->job.run));
    int  m = snprintf(with_head, sizeof with_head, "%s/encoder.safetensors", run_dir(r->job.run));
    if (n >= 1024 || m >= 1024)
        return status_fail(ERR_CREATE, "%s: the path is too long", run_dir(r->job.run));
    TRY(backbone_save(with_head, trainer_params(r), trainer_net(r), &info, true));
    TRY(backbone_save(path, trainer_params(r), trainer_net(r), &info, false));
    log_info("wrote %s", path);
    return OK;
}

static Status first_scores(Trainer *r)
{
    if (r->job.step > 0 || r->config.knn.every == 0 || !r->config.knn.pixels)
        return OK;
    Status st = trainer_knn_pixels(r);
    if (st == OK)
        st = trainer_knn(r);
    return st == ERR_INTERRUPTED ? run_interrupted(r->job.run) : st;
}

static Status run_all(Trainer *r, PretrainResult *result, const JobOptions *o)
{
    TRY(trainer_open(r, o));
    TRY(first_scores(r));
    job_begin(&r->job, o->stop_after);
    Status st = run_loop(r);
    job_end(&r->job);
    backend_log_peak(r->be);
    TRY(st);

    TRY(export(r, result->backbone));
    result->steps = r->job.step;
    result->loss = job_has_stepped(&r->job) ? r->report.loss : NAN;
    result->pretext_top1 = job_has_stepped(&r->job) ? r->report.top1 : NAN;
    result->knn_top1 = r->knn.n_test > 0 ? r->knn.top1 : -1;
    result->seconds = job_seconds(&r->job);
    result->images_per_second = job_rate(&r->job, r->config.data.batch);
    return OK;
}

Status pretrain_run(PretrainResult *result, const JobOptions *options)
{
    PretrainResult unused;
    Trainer        r = {0};
    result = result ? result : &unused;
    *result = (PretrainResult){.knn_top1 = -1};
    run_signals_install();
    Status st = run_all(&r, result, options);
    Status close = trainer_close(&r);
    return st == OK ? close : st;
}

void pretrain_keys_help(Text *out)
{
    PretrainConfig c;
    pretrain_config_tables(&c);
    recipe_help(out, c.tables, c.n_tables);
}
