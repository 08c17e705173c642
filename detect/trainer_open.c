/* trainer_open.c -- a detection run before its first step: data, model, initial weights, loader */
#include "base/log.h"
#include "detect/data.h"
#include "detect/trainer.h"
#include <stdio.h>
#include <string.h>

static Status open_model(DetectTrainer *r, const DetectTrainOptions *o)
{
    params_init(&r->params, r->be, false);
    r->has_params = true;
    TRY(faster_rcnn_c4_register(&r->model, &r->params, &r->config, r->train.n_classes));
    TRY(params_commit(&r->params, r->dtype, (uint64_t)r->config.run.seed));
    if (o->job.init && strcmp(o->job.init, "random") != 0) {
        TRY(detect_check_backbone(&r->config, o->job.init));
        TRY(detect_load_backbone(&r->params, o->job.init));
    }
    TRY(tape_init(&r->tape, r->be, r->dtype));
    r->has_tape = true;
    return OK;
}

static Status open_loader(DetectTrainer *r)
{
    DetLoaderOptions o = detect_input_loader(&r->config, true, r->be);
    o.start_step = r->job.step;
    o.end_step = r->job.n_steps;
    return r->job.step < r->job.n_steps ? det_loader_open(&r->loader, &r->train, &o) : OK;
}

static Status open_ledger(DetectTrainer *r)
{
    int64_t batch = r->config.data.batch, passes = batch / detect_config_pass(&r->config);
    for (int i = 0; i < LEDGER_STEPS; i++) {
        r->note[i].image = ARENA_ARRAY(&r->config.arena, DetBatchImage, batch);
        if (!r->note[i].image)
            return ERR_MEMORY;
    }
    return ledger_open(&r->ledger, r->be, WORD_PASSES + passes * WORDS_A_PASS, LEDGER_STEPS);
}

/* The row of `godwit compare`: what the user says, or what the weights say of themselves. */
static Status name_init(DetectTrainer *r, const DetectTrainOptions *o)
{
    const char *name = o->init_name ? o->init_name : o->job.init ? "pretrained" : "random";
    SafeFile    f = {0};
    if (!o->init_name && o->job.init && strcmp(o->job.init, "random") != 0) {
        TRY(safetensors_open(&f, o->job.init));
        const char *method = safetensors_meta(&f, "method");
        name = method ? method : name;
    }
    r->is_init_named = o->init_name || o->job.init;
    r->init_name = arena_strdup(&r->config.arena, name);
    safetensors_close(&f);
    return r->init_name ? OK : ERR_MEMORY;
}

/* Pictures without objects are legal, a set without any is a mistake in its annotations or in data.classes. */
static Status want_objects(const DetSet *set, const RecipeStrings *parts)
{
    for (int64_t i = 0; i < set->n_images; i++)
        if (set->image[i].n_objects > 0)
            return OK;
    return status_fail(
        ERR_FORMAT,
        "%s: none of the %lld training pictures has an object; expected some to learn "
        "from (`godwit check` names what is wrong)",
        parts->n ? parts->v[0] : "data.train", (long long)set->n_images);
}

static void tell_dropped(const DetSet *set, const RecipeStrings *parts)
{
    if (set->n_dropped > 0)
        log_warn("%s%s: %lld boxes have no extent and are left out (`godwit check` looks closer)",
                 parts->v[0], parts->n > 1 ? " and others" : "", (long long)set->n_dropped);
}

static Status open_data(DetectTrainer *r, const DetectTrainOptions *o)
{
    const DetectDataKeys *d = &r->config.data;
    r->data = o->job.data;
    r->has_test = !o->no_evaluation && d->test.n > 0;
    if (d->format == 0)
        TRY(detect_name_classes(&r->train, &d->classes));
    TRY(detect_open_parts(&r->train, r->data, &d->train, d->format == 1, true, d->first));
    tell_dropped(&r->train, &d->train);
    TRY(want_objects(&r->train, &d->train));
    Digest digest = {0};
    detset_digest(&r->train, &digest);
    digest_text(&digest, r->data_digest);
    return detect_trainer_try_test(r);
}

Status detect_trainer_open(DetectTrainer *r, const DetectTrainOptions *o)
{
    RecipeSource        source = job_recipe(&o->job);
    const DetectConfig *c = &r->config;
    r->best_step = -1;
    TRY(detect_config_load(&r->config, &source));
    r->config.run.seed += o->seed_offset;
    r->device = o->job.device ? o->job.device : "auto";
    r->dtype = c->run.dtype == 1 ? BF16 : F32;
    TRY(backend_open(&r->be, r->device, r->dtype));
    r->feed.be = r->be;
    backend_log_device(r->be);
    r->job.n_steps = c->solver.iters;
    r->job.log_every = c->run.log_every;
    r->job.save_every = c->run.checkpoint_every;
    TRY(open_data(r, o));
    TRY(job_open(&r->job, "train", &o->job, c->tables, c->n_tables, c->run.keep));
    TRY(name_init(r, o));
    TRY(open_model(r, o));
    TRY(detect_trainer_resume(r));
    TRY(job_open_metrics(&r->job));
    TRY(open_ledger(r));
    TRY(open_loader(r));
    log_info("%lld pictures, %lld classes, %lld numbers to learn; step %lld of %lld, learning rate "
             "%g for %lld pictures a step",
             (long long)r->train.n_images, (long long)r->train.n_classes,
             (long long)params_learned_count(&r->params), (long long)r->job.step,
             (long long)r->job.n_steps, detect_config_base_lr(c), (long long)c->data.batch);
    return OK;
}

Status detect_trainer_close(DetectTrainer *r)
{
    det_loader_close(r->loader);
    ledger_close(&r->ledger);
    feed_release(&r->feed);
    if (r->has_tape)
        tape_release(&r->tape);
    if (r->has_params)
        params_release(&r->params);
    Status st = job_close(&r->job);
    detset_release(&r->train);
    detect_config_release(&r->config);
    return st;
}
