/* train.c -- the loop of a detection run; its parts are in trainer.h */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "detect/data.h"
#include "detect/evaluate.h"
#include "detect/trainer.h"
#include "kernels/ops/losses.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- one step ---- */

int64_t detect_trainer_pass(const DetectTrainer *r)
{
    return r->config.model.bn_sync == 0 ? r->config.data.batch : detect_config_group(&r->config);
}

static Status read_terms(DetectTrainer *r, const LossTerms *terms, double share)
{
    const Tensor *scalar[] = {terms->rpn_class, terms->rpn_box, terms->roi_class, terms->roi_box};
    double *sum[] = {&r->last.rpn_class, &r->last.rpn_box, &r->last.roi_class, &r->last.roi_box};
    for (int i = 0; i < 4; i++) {
        float value;
        TRY(tape_read(&r->tape, &value, scalar[i]));
        *sum[i] += share * (double)value;
        r->last.loss += share * (double)value;
    }
    int32_t n;
    TRY(r->be->read(&n, terms->n_regions->data, sizeof n));
    r->last.regions += (double)n;
    return OK;
}

/* Images first .. first+n-1: their share of the step's loss and of its gradients. */
static Status pass(DetectTrainer *r, const DetBatch *batch, int64_t first, int64_t n)
{
    Tape     *t = &r->tape;
    float     share = (float)n / (float)batch->n;
    LossTerms terms;
    tape_reset(t, TAPE_RECORD | TAPE_TRAIN);
    DetectInput in = detect_input(t, batch, first, n, (uint64_t)r->config.run.seed);
    Tensor     *loss = faster_rcnn_c4_loss(t, &r->model, &in, &terms);
    TRY(tape_status(t));
    TRY(read_terms(r, &terms, (double)share));
    if (!isfinite(r->last.loss))
        return status_fail(ERR_NONFINITE, "the loss is not finite");
    return tape_backward(t, weighted_sum(t, &loss, &share, 1));
}

static Status forward_backward(DetectTrainer *r, const DetBatch *batch)
{
    params_clear_grads(&r->params);
    for (int64_t first = 0; first < batch->n; first += detect_trainer_pass(r))
        TRY(pass(r, batch, first, detect_trainer_pass(r)));
    return params_finish_grads(&r->params);
}

static Status train_step(DetectTrainer *r, const DetBatch *batch)
{
    SgdOptions sgd = detect_config_sgd(&r->config);
    r->last = (DetectTerms){.n = 1};
    r->lr = detect_config_lr(&r->config, r->step);
    Status st = forward_backward(r, batch);
    if (st == OK)
        st = sgd_step(&r->params, &sgd, r->lr, r->step == 0, &r->last.grad_norm);
    return st == ERR_NONFINITE ? detect_trainer_dump(r, batch) : st;
}

/* ---- the loop ---- */

static void show(DetectTrainer *r)
{
    char note[96];
    snprintf(note, sizeof note, "loss %.3f (rpn %.2f %.2f  cls %.2f  box %.2f)  lr %.4g",
             r->last.loss, r->last.rpn_class, r->last.rpn_box, r->last.roi_class, r->last.roi_box,
             r->lr);
    progress_update(&r->progress, r->step, note);
}

static Status run_loop(DetectTrainer *r, int64_t stop_at)
{
    while (r->step < r->n_steps) {
        DetBatch batch;
        TRY(det_loader_next(r->loader, &batch));
        TRY(train_step(r, &batch));
        r->step++;
        detect_trainer_count(r);
        show(r);
        if (r->step % r->config.run.log_every == 0 || r->step == r->n_steps)
            TRY(detect_trainer_log(r));

        bool stop = run_stop_requested() || r->step == stop_at;
        if (stop || r->step == r->n_steps || r->step % r->config.run.checkpoint_every == 0)
            TRY(detect_trainer_save(r));
        if (stop && r->step < r->n_steps)
            return run_interrupted(r->run);
    }
    return OK;
}

/* ---- setting up ---- */

static Status open_run(DetectTrainer *r, const DetectTrainOptions *o)
{
    Text       recipe = {0};
    RunOptions options = {.resume = RUN_NEW, .keep_last = (int)r->config.run.keep};
    if (!o->run_dir)
        return status_fail(ERR_USAGE, "train: --out is missing (the run folder)");
    if (o->resume && strcmp(o->resume, "auto") != 0 && strcmp(o->resume, "yes") != 0)
        return status_fail(ERR_USAGE, "--resume: want auto or yes, have '%s'", o->resume);
    if (o->resume)
        options.resume = strcmp(o->resume, "auto") == 0 ? RUN_AUTO : RUN_RESUME;
    recipe_write(&recipe, r->config.tables, r->config.n_tables);
    Status st = text_status(&recipe);
    options.recipe_json = text_cstr(&recipe);
    if (st == OK)
        st = recipe_hash(&options.recipe_hash, r->config.tables, r->config.n_tables);
    if (st == OK)
        st = run_open(&r->run, o->run_dir, &options);
    text_release(&recipe);
    return st;
}

static Status open_model(DetectTrainer *r, const DetectTrainOptions *o)
{
    params_init(&r->params, r->be, false);
    r->has_params = true;
    TRY(faster_rcnn_c4_register(&r->model, &r->params, &r->config, r->train.n_classes));
    TRY(params_commit(&r->params, r->dtype, (uint64_t)r->config.run.seed));
    if (o->init && strcmp(o->init, "random") != 0)
        TRY(detect_load_backbone(&r->params, o->init));
    TRY(tape_init(&r->tape, r->be, r->dtype));
    r->has_tape = true;
    return OK;
}

static Status open_test(DetSet *set, const DetectTrainer *r, const DetectTrainOptions *o)
{
    TRY(detect_set_classes(set, r->train.class_name, r->train.class_id, r->train.n_classes));
    return detect_open_parts(set, o->data, &r->config.data.test, r->config.data.format == 1, false,
                             0);
}

static bool has_test(const DetectTrainer *r, const DetectTrainOptions *o)
{
    return !o->no_evaluation && r->config.data.test.n > 0;
}

/* A test part that cannot be read is better known before the run than after it. */
static Status try_test(const DetectTrainer *r, const DetectTrainOptions *o)
{
    DetSet set = {0};
    Status st = has_test(r, o) ? open_test(&set, r, o) : OK;
    detset_release(&set);
    return st;
}

static Status set_up(DetectTrainer *r, const DetectTrainOptions *o)
{
    RecipeSource source = {o->recipe, o->folders, o->n_folders, o->overrides, o->n_overrides};
    TRY(detect_config_load(&r->config, &source));
    TRY(backend_open(&r->be, o->device ? o->device : "auto"));
    r->dtype = r->config.run.dtype == 1 ? BF16 : F32;
    r->n_steps = r->config.solver.iters;
    if (r->config.data.format == 0)
        TRY(detect_name_classes(&r->train, &r->config.data.classes));
    TRY(detect_open_parts(&r->train, o->data, &r->config.data.train, r->config.data.format == 1,
                          true, r->config.data.first));
    TRY(try_test(r, o));
    TRY(open_run(r, o));
    TRY(open_model(r, o));
    TRY(detect_trainer_resume(r));
    TRY(metrics_open(&r->metrics, run_dir(r->run), r->step > 0 ? r->step : -1, true));

    DetLoaderOptions loader = detect_config_loader(&r->config, true);
    loader.start_step = r->step;
    loader.end_step = r->n_steps;
    if (r->step < r->n_steps)
        TRY(det_loader_open(&r->loader, &r->train, &loader));
    log_info("%lld pictures, %lld classes, %lld numbers to learn; step %lld of %lld",
             (long long)r->train.n_images, (long long)r->train.n_classes,
             (long long)params_learned_count(&r->params), (long long)r->step,
             (long long)r->n_steps);
    return OK;
}

static Status tear_down(DetectTrainer *r)
{
    det_loader_close(r->loader);
    if (r->has_tape)
        tape_release(&r->tape);
    if (r->has_params)
        params_release(&r->params);
    Status st = metrics_close(r->metrics);
    run_close(r->run);
    detset_release(&r->train);
    detect_config_release(&r->config);
    return st;
}

/* ---- the end ---- */

static Status write_model(DetectTrainer *r, char path[1024])
{
    int n = snprintf(path, 1024, "%s/model.safetensors", run_dir(r->run));
    if (n >= 1024)
        return status_fail(ERR_CREATE, "%s: the path is too long", run_dir(r->run));
    TRY(detect_precise_bn(r, r->config.test.precise_bn_iters));
    TRY(detect_save_model(&r->params, path, &r->train, r->config.model.arch));
    log_info("wrote %s", path);
    return OK;
}

/* The row of `godwit compare`: what the user says, or what the weights say of themselves. */
static Status name_init(char name[64], const DetectTrainOptions *o)
{
    snprintf(name, 64, "%s", o->init_name ? o->init_name : o->init ? "pretrained" : "random");
    if (o->init_name || !o->init)
        return OK;
    SafeFile f = {0};
    TRY(safetensors_open(&f, o->init));
    const char *method = safetensors_meta(&f, "method");
    if (method)
        snprintf(name, 64, "%s", method);
    safetensors_close(&f);
    return OK;
}

static Status log_evaluation(DetectTrainer *r, const DetectEvaluation *e,
                             const DetectTrainOptions *o)
{
    char     init[64];
    Metrics *m = r->metrics;
    TRY(name_init(init, o));
    log_info("AP %.2f  AP50 %.2f  AP75 %.2f  (%s)", 100 * e->ap, 100 * e->ap50, 100 * e->ap75,
             e->definition);
    metrics_begin(m, "eval", r->step);
    metrics_number(m, "ap", e->ap);
    metrics_number(m, "ap50", e->ap50);
    metrics_number(m, "ap75", e->ap75);
    metrics_int(m, "n_found", e->voc.n_found);
    metrics_text(m, "init", init);
    metrics_text(m, "definition", e->definition);
    return metrics_end(m);
}

/* The written model, opened again, over the test part. */
static Status evaluate(DetectTrainer *r, DetectTrainResult *result, const DetectTrainOptions *o)
{
    Arena            a = {0};
    DetSet           set = {0};
    Detector        *detector = NULL;
    DetectEvaluation e;
    Status           st = OK;
    DetectorOptions  options = {.device = o->device};
    char            *json = file_join(&a, run_dir(r->run), "detections.json");
    if (json == NULL) {
        st = ERR_MEMORY;
        goto out;
    }
    TRY_OUT(open_test(&set, r, o));
    TRY_OUT(detector_open(&detector, run_dir(r->run), &options));
    TRY_OUT(detect_evaluate(&a, &e, detector, &set, json));
    TRY_OUT(log_evaluation(r, &e, o));
    result->ap = e.ap;
    result->ap50 = e.ap50;
    result->ap75 = e.ap75;
out:
    detector_close(detector);
    detset_release(&set);
    arena_release(&a);
    return st;
}

static Status run_all(DetectTrainer *r, DetectTrainResult *result, const DetectTrainOptions *o)
{
    TRY(set_up(r, o));
    int64_t first = r->step;
    double  started = r->line_time = clock_seconds();
    r->line_step = r->step;
    progress_begin(&r->progress, "train", r->n_steps, r->step);
    Status st = run_loop(r, o->stop_after > 0 ? first + o->stop_after : -1);
    progress_end(&r->progress, NULL);
    TRY(st);
    result->steps = r->step;
    result->loss = r->last.loss;
    result->rpn_class = r->last.rpn_class;
    result->rpn_box = r->last.rpn_box;
    result->roi_class = r->last.roi_class;
    result->roi_box = r->last.roi_box;
    result->seconds = clock_seconds() - started;
    result->images_per_second =
        result->seconds > 0 ? (double)((r->step - first) * r->config.data.batch) / result->seconds
                            : 0;
    TRY(write_model(r, result->model));
    return has_test(r, o) ? evaluate(r, result, o) : OK;
}

Status detect_train(DetectTrainResult *result, const DetectTrainOptions *options)
{
    DetectTrainResult unused;
    DetectTrainer     r = {0};
    result = result ? result : &unused;
    *result = (DetectTrainResult){.ap = NAN, .ap50 = NAN, .ap75 = NAN};
    run_signals_install();
    Status st = run_all(&r, result, options);
    Status close = tear_down(&r);
    return st == OK ? close : st;
}

void detect_keys_help(Text *out)
{
    DetectConfig c;
    detect_config_tables(&c);
    recipe_help(out, c.tables, c.n_tables);
}
