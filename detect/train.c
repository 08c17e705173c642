/* train.c -- the loop of a detection run; its parts are in trainer.h
 *
 *      for (step ...) { batch; loss and backward, pass by pass; SGD; log; evaluate; save }
 *
 * A step leaves its numbers on the device (kernels/ledger.h); they are read when somebody wants them.
 */
#include "detect/trainer.h"
#include "kernels/ops/losses.h"
#include <math.h>
#include <stdio.h>

/* ---- one step ---- */

static Status put_terms(Ledger *l, int64_t pass, const LossTerms *terms)
{
    const Tensor *number[] = {terms->rpn_class, terms->rpn_box, terms->roi_class, terms->roi_box,
                              terms->n_regions};
    for (int i = 0; i < WORDS_A_PASS; i++)
        TRY(ledger_put(l, WORD_PASSES + pass * WORDS_A_PASS + i, number[i]->data, 1));
    return OK;
}

/* Images first .. first+n-1: their share of the step's loss and of its gradients. */
static Status pass(DetectTrainer *r, const DetBatch *batch, int64_t first, int64_t n)
{
    Tape     *t = &r->tape;
    float     share = (float)n / (float)batch->n;
    LossTerms terms;
    tape_reset(t, TAPE_RECORD | TAPE_TRAIN);
    DetectInput in = detect_input(t, &r->feed, batch, first, n, (uint64_t)r->config.run.seed);
    Tensor     *loss = faster_rcnn_c4_loss(t, &r->model, &in, &terms);
    TRY(tape_status(t));
    TRY(put_terms(&r->ledger, first / n, &terms));
    return tape_backward(t, weighted_sum(t, &loss, &share, 1));
}

static void take_note(DetectNote *note, const DetBatch *batch)
{
    note->step = batch->step;
    for (int64_t i = 0; i < batch->n; i++) {
        note->image[i] = batch->image[i];
        note->image[i].box = NULL; // the loader's, gone with the batch
        note->image[i].label = NULL;
        note->image[i].is_difficult = NULL;
    }
}

/* A loss that follows proposals which are not finite would not be finite either. Steps before may be the first. */
static Status stop_at_proposals(DetectTrainer *r, const DetectNote *note)
{
    char cause[STATUS_TEXT_BYTES];
    snprintf(cause, sizeof cause, "%s", status_text());
    TRY(detect_trainer_read(r));
    return detect_trainer_stop(r, note, cause);
}

static Status train_step(DetectTrainer *r, const DetBatch *batch)
{
    SgdOptions  sgd = detect_config_sgd(&r->config);
    DetectNote *note = &r->note[r->ledger.n_rows];
    int64_t     at_once = detect_config_pass(&r->config);
    Status      st = OK;
    take_note(note, batch);
    params_clear_grads(&r->params);
    for (int64_t first = 0; first < batch->n && st == OK; first += at_once)
        st = pass(r, batch, first, at_once);
    if (st == ERR_NONFINITE)
        return stop_at_proposals(r, note);
    TRY(st);
    TRY(params_finish_grads(&r->params));
    TRY(sgd_step(&r->params, &sgd, detect_config_lr(&r->config, batch->step), batch->step == 0));
    TRY(ledger_put(&r->ledger, WORD_SQUARES, r->params.squares, 2));
    ledger_end_step(&r->ledger);
    return OK;
}

/* ---- the loop ---- */

static void count(DetectTrainer *r)
{
    char               note[96];
    const DetectTerms *l = &r->last;
    snprintf(note, sizeof note, "loss %.3f (rpn %.2f %.2f  cls %.2f  box %.2f)  lr %.4g", l->loss,
             l->rpn_class, l->rpn_box, l->roi_class, l->roi_box,
             detect_config_lr(&r->config, r->job.step));
    job_count(&r->job, note);
}

static Status save(DetectTrainer *r)
{
    TRY(detect_trainer_read(r));
    return detect_trainer_save(r);
}

/* A signal during the evaluation: the step is saved without it. */
static Status test_if_due(DetectTrainer *r)
{
    if (!detect_trainer_is_test_due(r))
        return OK;
    TRY(detect_trainer_read(r));
    Status st = detect_trainer_test(r);
    if (st != ERR_INTERRUPTED)
        return st;
    TRY(save(r));
    return run_interrupted(r->job.run);
}

static Status run_loop(DetectTrainer *r)
{
    TRY(test_if_due(r)); // of a run that was stopped in it
    while (r->job.step < r->job.n_steps) {
        DetBatch batch;
        Status   st = det_loader_next(r->loader, &batch);
        if (st == ERR_INTERRUPTED) { // while storage stood still
            TRY(save(r));
            return run_interrupted(r->job.run);
        }
        TRY(st);
        TRY(train_step(r, &batch));
        if (ledger_is_due(&r->ledger))
            TRY(detect_trainer_read(r));
        count(r);

        if (job_is_log_due(&r->job))
            TRY(detect_trainer_log(r));
        TRY(test_if_due(r));
        bool stop = job_must_stop(&r->job); // asked once: a signal may come at any moment
        if (stop || job_is_save_due(&r->job))
            TRY(save(r));
        if (stop)
            return run_interrupted(r->job.run);
    }
    return OK;
}

static Status run_all(DetectTrainer *r, DetectTrainResult *result, const DetectTrainOptions *o)
{
    TRY(detect_trainer_open(r, o));
    job_begin(&r->job, o->job.stop_after);
    Status st = run_loop(r);
    job_end(&r->job);
    backend_log_peak(r->be);
    TRY(st);
    result->steps = r->job.step;
    if (!job_has_stepped(&r->job))
        r->last = (DetectTerms){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    result->loss = r->last.loss;
    result->rpn_class = r->last.rpn_class;
    result->rpn_box = r->last.rpn_box;
    result->roi_class = r->last.roi_class;
    result->roi_box = r->last.roi_box;
    result->seconds = job_seconds(&r->job);
    result->images_per_second = job_rate(&r->job, r->config.data.batch);
    st = detect_trainer_finish(r, result);
    return st == ERR_INTERRUPTED ? run_interrupted(r->job.run) : st;
}

Status detect_train(DetectTrainResult *result, const DetectTrainOptions *options)
{
    DetectTrainResult unused;
    DetectTrainer     r = {0};
    result = result ? result : &unused;
    *result = (DetectTrainResult){.ap = NAN, .ap50 = NAN, .ap75 = NAN, .best_step = -1};
    run_signals_install();
    Status st = run_all(&r, result, options);
    Status close = detect_trainer_close(&r);
    return st == OK ? close : st;
}

void detect_keys_help(Text *out)
{
    DetectConfig c;
    detect_config_tables(&c);
    recipe_help(out, c.tables, c.n_tables);
}
