/* trainer_evaluate.c -- the model that is written, what it finds in the test part, and the best one so far */
#include "base/file.h"
#include "base/log.h"
#include "detect/data.h"
#include "detect/evaluate.h"
#include "detect/trainer.h"
#include <math.h>
#include <stdio.h>

static Status open_test(DetSet *set, const DetectTrainer *r)
{
    const DetectDataKeys *d = &r->config.data;
    TRY(detect_set_classes(set, r->train.class_name, r->train.class_id, r->train.n_classes));
    return detect_open_parts(set, r->data, &d->test, d->format == 1, false, 0);
}

Status detect_trainer_try_test(const DetectTrainer *r)
{
    DetSet set = {0};
    Status st = r->has_test ? open_test(&set, r) : OK;
    detset_release(&set);
    return st;
}

static Status write_model(DetectTrainer *r, const char *path)
{
    return detect_save_model(&r->params, path, &r->train, r->config.model.arch);
}

static Status log_evaluation(DetectTrainer *r, const DetectEvaluation *e)
{
    Metrics *m = r->job.metrics;
    log_info("step %lld: AP %.2f  AP50 %.2f  AP75 %.2f  (%s)", (long long)r->job.step, 100 * e->ap,
             100 * e->ap50, 100 * e->ap75, e->definition);
    metrics_begin(m, "eval", r->job.step);
    metrics_number(m, "ap", e->ap);
    metrics_number(m, "ap50", e->ap50);
    metrics_number(m, "ap75", e->ap75);
    for (int i = 0; i < e->n_more; i++)
        metrics_number(m, e->more[i].name, e->more[i].value);
    metrics_int(m, "n_found", e->n_found);
    metrics_text(m, "init", r->init_name);
    metrics_text(m, "definition", e->definition);
    return metrics_end(m);
}

/* best.safetensors becomes the model of this evaluation if none before was as good; the first counts always. */
static Status keep_best(DetectTrainer *r, const DetectEvaluation *e, const char *best_path)
{
    const char  *name[] = {"AP", "AP50", "AP75"};
    const double value[] = {e->ap, e->ap50, e->ap75};
    int          which = r->config.test.best;
    if (r->best_step >= 0 && !(value[which] > r->best))
        return OK;
    r->best = isfinite(value[which]) ? value[which] : 0;
    r->best_step = r->job.step;
    log_info("best %s so far: %.2f; kept in %s", name[which], 100 * r->best, best_path);
    return write_model(r, best_path);
}

/* RUN/model.safetensors, opened as everybody else opens it, over the test part. */
static Status evaluate(DetectTrainer *r, DetectEvaluation *e, Arena *a)
{
    DetSet              set = {0};
    Detector           *detector = NULL;
    Status              st = OK;
    const char         *dir = run_dir(r->job.run);
    DetectorOptions     options = {.device = r->device};
    DetectEvaluateFiles files = {.json = file_join(a, dir, "detections.json")};
    const char         *best = file_join(a, dir, "best.safetensors");
    if (!files.json || !best)
        return ERR_MEMORY;
    if (detect_config_metric(&r->config) == DETECT_COCO)
        TRY(detect_coco_truth(a, &files.truth, r->data, r->config.data.test.v[0]));
    TRY_OUT(open_test(&set, r));
    TRY_OUT(detector_open(&detector, dir, &options));
    TRY_OUT(detect_evaluate(a, e, detector, &set, &files));
    TRY_OUT(log_evaluation(r, e));
    if (r->config.test.every > 0)
        TRY_OUT(keep_best(r, e, best));
out:
    detector_close(detector);
    detset_release(&set);
    return st;
}

bool detect_trainer_is_test_due(const DetectTrainer *r)
{
    int64_t every = r->config.test.every, step = r->job.step;
    return r->has_test && every > 0 && step > 0 && step % every == 0 && step < r->job.n_steps &&
           r->tested_step < step;
}

/* Writes the model with precise statistics, evaluates it, and puts the run's own statistics back. */
static Status test_now(DetectTrainer *r, Arena *a, float *buffers)
{
    ParamSet        *ps = &r->params;
    int64_t          bytes = ps->n_buffers * (int64_t)sizeof *buffers;
    DetectEvaluation e;
    const char      *model = file_join(a, run_dir(r->job.run), "model.safetensors");
    if (!model || !buffers)
        return ERR_MEMORY;
    TRY(r->be->read(buffers, ps->buffers, bytes));
    Status st = detect_precise_bn(r, r->config.test.precise_bn_iters);
    if (st == OK)
        st = write_model(r, model);
    if (st == OK)
        st = evaluate(r, &e, a);
    Status back = r->be->write(ps->buffers, buffers, bytes);
    if (st == OK && back == OK)
        r->tested_step = r->job.step;
    return st == OK ? back : st;
}

Status detect_trainer_test(DetectTrainer *r)
{
    Arena  a = {0};
    Status st = test_now(r, &a, ARENA_ARRAY(&a, float, r->params.n_buffers));
    arena_release(&a);
    return st;
}

static Status finish(DetectTrainer *r, DetectTrainResult *result, Arena *a)
{
    DetectEvaluation e;
    int              n =
        snprintf(result->model, sizeof result->model, "%s/model.safetensors", run_dir(r->job.run));
    if (n >= (int)sizeof result->model)
        return status_fail(ERR_CREATE, "%s: the path is too long", run_dir(r->job.run));
    TRY(detect_precise_bn(r, r->config.test.precise_bn_iters));
    TRY(write_model(r, result->model));
    log_info("wrote %s", result->model);
    if (!r->has_test)
        return OK;
    TRY(evaluate(r, &e, a));
    result->ap = e.ap;
    result->ap50 = e.ap50;
    result->ap75 = e.ap75;
    result->definition = e.definition;
    return OK;
}

Status detect_trainer_finish(DetectTrainer *r, DetectTrainResult *result)
{
    Arena  a = {0};
    Status st = finish(r, result, &a);
    arena_release(&a);
    result->best_step = r->best_step;
    result->best = r->best;
    return st;
}
