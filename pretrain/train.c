/* train.c -- the plain loop: load, forward, backward, step, log
 *
 *      for (step ...) { batch; loss; backward; SGD; enqueue; count; log; save }
 *
 * No hooks: what happens when is readable from top to bottom of `run_loop`.
 */
#include "pretrain/train.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/size.h"
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

static Tensor *images(Tape *t, const Trainer *r, const LoaderBatch *batch, int view)
{
    int64_t side = config_augment(&r->config).crop;
    return tape_input(t, F32, 4, (int64_t[]){batch->n, side, side, 3}, batch->view[view]);
}

static Tensor *labels(Tape *t, const LoaderBatch *batch)
{
    int32_t *label = ARENA_ARRAY(&t->arena, int32_t, batch->n);
    if (!label)
        return tape_fail(t, ERR_MEMORY);
    for (int64_t i = 0; i < batch->n; i++)
        label[i] = (int32_t)batch->label[i];
    return tape_input(t, I32, 1, &batch->n, label);
}

static Status backward(Trainer *r, Tensor *loss)
{
    float value;
    TRY(tape_backward(&r->tape, loss));
    TRY(tape_read(&r->tape, &value, loss));
    r->report.loss = (double)value;
    return OK;
}

/* The terms of the first loss; a symmetric second one has the same meaning and is left out. */
static Status moco_report(Trainer *r, const MocoStep *s)
{
    float   stats[5];
    Tape   *t = &r->tape;
    int64_t N = s->q->dim[0], C = s->q->dim[1];
    float  *q = ARENA_ARRAY(&t->arena, float, N *C);
    if (!q)
        return ERR_MEMORY;
    TRY(tape_read(t, stats, s->stats[0]));
    TRY(tape_read(t, q, s->q));
    r->report.positive = (double)stats[1];
    r->report.negative = (double)stats[2];
    r->report.top1 = (double)stats[3];
    r->report.top5 = (double)stats[4];
    r->report.spread = moco_feature_spread(q, N, C);
    return OK;
}

static Status moco_step(Trainer *r, const LoaderBatch *batch)
{
    Tape    *t = &r->tape;
    MocoStep s =
        moco_loss(t, &r->moco, images(t, r, batch, 0), images(t, r, batch, 1), batch->step);
    TRY(backward(r, s.loss));
    TRY(moco_report(r, &s));
    return moco_enqueue(&r->moco);
}

static Status supervised_step(Trainer *r, const LoaderBatch *batch)
{
    Tape   *t = &r->tape;
    Tensor *logits;
    Tensor *loss = supervised_loss(t, &r->sup, &logits, images(t, r, batch, 0), labels(t, batch));
    TRY(backward(r, loss));

    float *host = ARENA_ARRAY(&t->arena, float, batch->n * r->sup.n_classes);
    if (!host)
        return ERR_MEMORY;
    TRY(tape_read(t, host, logits));
    r->report.top1 = supervised_top1(host, batch->label, batch->n, r->sup.n_classes);
    return OK;
}

static Status train_step(Trainer *r, const LoaderBatch *batch)
{
    ParamSet  *ps = trainer_params(r);
    SgdOptions sgd = config_sgd(&r->config);
    r->report = (StepReport){.lr = config_lr(&r->config, r->step, r->steps_per_epoch)};

    tape_reset(&r->tape, TAPE_RECORD | TAPE_TRAIN);
    params_clear_grads(ps);
    TRY(r->config.run.method == METHOD_MOCO ? moco_step(r, batch) : supervised_step(r, batch));
    if (!isfinite(r->report.loss))
        return trainer_dump(r, batch);
    TRY(params_finish_grads(ps));
    Status st = sgd_step(ps, &sgd, r->report.lr, r->step == 0, &r->report.grad_norm);
    return st == ERR_NONFINITE ? trainer_dump(r, batch) : st;
}

/* ---- the loop ---- */

static bool is_epoch_end(const Trainer *r)
{
    return r->step % r->steps_per_epoch == 0 || r->step == r->n_steps;
}

static Status end_of_epoch(Trainer *r)
{
    const KnnKeys *k = &r->config.knn;
    int64_t        epoch = (r->step + r->steps_per_epoch - 1) / r->steps_per_epoch;
    trainer_log_epoch(r);
    if (k->every > 0 && (epoch % k->every == 0 || r->step == r->n_steps))
        TRY(trainer_knn(r));
    return OK;
}

static bool is_save_due(const Trainer *r)
{
    int64_t every = r->config.run.checkpoint_every;
    return r->step == r->n_steps || (every > 0 ? r->step % every == 0 : is_epoch_end(r));
}

static void show(Trainer *r)
{
    char note[96];
    snprintf(note, sizeof note, "loss %.3f  top-1 %.1f%%  lr %.4g", r->report.loss,
             100 * r->report.top1, r->report.lr);
    progress_update(&r->progress, r->step, note);
}

static Status run_loop(Trainer *r, int64_t stop_at)
{
    while (r->step < r->n_steps) {
        LoaderBatch batch;
        TRY(loader_next(r->loader, &batch));
        TRY(train_step(r, &batch));
        r->step++;
        trainer_count(r);
        show(r);
        if (r->step % r->config.run.log_every == 0 || r->step == r->n_steps)
            TRY(trainer_log(r));
        if (is_epoch_end(r))
            TRY(end_of_epoch(r));

        bool stop = run_stop_requested() || r->step == stop_at;
        if (stop || is_save_due(r))
            TRY(trainer_save(r));
        if (stop && r->step < r->n_steps)
            return run_interrupted(r->run);
    }
    return OK;
}

/* ---- setting up ---- */

static bool is_pattern_absent(const char *part)
{
    return part[0] == 0;
}

/* `part` below --data, or beside it when --data is itself a file. */
static Status open_part(Source **out, Arena *a, const char *data, const char *part)
{
    const char *dir = file_is_dir(data) ? data : file_dir(a, data);
    const char *path = dir ? file_join(a, dir, part) : NULL;
    return path ? source_open(out, path) : ERR_MEMORY;
}

static Status open_data(Trainer *r, const char *data)
{
    const DataKeys *d = &r->config.data;
    Arena          *a = &r->config.arena;
    if (!data)
        return status_fail(ERR_USAGE,
                           "pretrain: --data is missing (a folder of pictures or shards)");
    if (is_pattern_absent(d->train) || !file_is_dir(data))
        TRY(source_open(&r->train, data));
    else
        TRY(open_part(&r->train, a, data, d->train));
    r->n_images = source_count(r->train);
    if (r->n_images < d->batch)
        return status_fail(ERR_FORMAT, "%s: %lld pictures are fewer than one batch of %lld", data,
                           (long long)r->n_images, (long long)d->batch);

    if (r->config.knn.every > 0 && source_n_classes(r->train) < 2) {
        log_warn("%s has no labels of two classes: no nearest-neighbour evaluation", data);
        r->config.knn.every = 0;
    }
    if (r->config.knn.every > 0 && !is_pattern_absent(d->test))
        TRY(open_part(&r->test, a, data, d->test));
    return OK;
}

static Status init_model(Trainer *r)
{
    const PretrainConfig *c = &r->config;
    if (c->run.method == METHOD_MOCO) {
        MocoConfig moco;
        TRY(config_moco(&moco, c));
        return moco_init(&r->moco, r->be, r->dtype, &moco);
    }
    ResNetConfig net;
    TRY(config_net(&net, c));
    return supervised_init(&r->sup, r->be, r->dtype, &net, source_n_classes(r->train),
                           (uint64_t)c->run.seed);
}

/* Weights of another run: the body must fit, heads may differ. */
static Status load_init(Trainer *r, const char *path)
{
    static const char *const head[] = {"fc.*", NULL};
    LoadOptions              options = {.prefix = "", .allow_missing = head, .allow_unused = head};
    LoadReport               report = {0};
    Status                   st = params_load(trainer_params(r), path, &options, &report);
    if (st == OK) {
        log_info("%s: %d tensors loaded, %d keep their initial values, %d unused", path,
                 report.n_loaded, report.n_missing, report.n_unused);
        st = params_refresh_low(trainer_params(r));
    }
    if (st == OK && r->config.run.method == METHOD_MOCO)
        st = params_copy(&r->moco.params_k, &r->moco.params_q);
    arena_release(&report.arena);
    return st;
}

static Status open_run(Trainer *r, const PretrainOptions *o)
{
    Text       recipe = {0};
    RunOptions options = {.resume = RUN_NEW, .keep_last = (int)r->config.run.keep};
    if (!o->run_dir)
        return status_fail(ERR_USAGE, "pretrain: --out is missing (the run folder)");
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

static Status open_loader(Trainer *r)
{
    LoaderOptions options = config_loader(&r->config);
    options.start_step = r->step;
    options.end_step = r->n_steps;
    return loader_open(&r->loader, r->train, &options);
}

static Status print_table(const Trainer *r)
{
    Text    table = {0};
    int64_t side = config_augment(&r->config).crop;
    resnet_table(&table, trainer_net(r), side, side);
    Status st = text_status(&table);
    for (char *line = table.data; st == OK && line && *line;) {
        char *end = strchr(line, '\n');
        *end = 0;
        log_info("%s", line);
        line = end + 1;
    }
    text_release(&table);
    return st;
}

static Status set_up(Trainer *r, const PretrainOptions *o)
{
    TRY(pretrain_config_load(&r->config, o->recipe, o->folders, o->n_folders, o->overrides,
                             o->n_overrides));
    TRY(backend_open(&r->be, o->device ? o->device : "auto"));
    r->dtype = r->config.run.dtype == 1 ? BF16 : F32;
    TRY(open_data(r, o->data));
    r->steps_per_epoch = r->n_images / r->config.data.batch;
    r->n_steps = config_steps(&r->config, r->steps_per_epoch);

    TRY(open_run(r, o));
    TRY(init_model(r));
    if (o->init)
        TRY(load_init(r, o->init));
    TRY(trainer_resume(r));
    TRY(metrics_open(&r->metrics, run_dir(r->run), r->step > 0 ? r->step : -1, true));
    TRY(tape_init(&r->tape, r->be, r->dtype));
    r->has_tape = true;
    TRY(open_loader(r));
    TRY(print_table(r));
    trainer_warn_at_start(r);
    return OK;
}

static Status tear_down(Trainer *r)
{
    loader_close(r->loader);
    if (r->has_tape)
        tape_release(&r->tape);
    if (r->moco.params_q.be)
        moco_release(&r->moco);
    if (r->sup.params.be)
        supervised_release(&r->sup);
    Status st = metrics_close(r->metrics);
    run_close(r->run);
    source_close(r->train);
    source_close(r->test);
    pretrain_config_release(&r->config);
    return st;
}

/* ---- the end ---- */

static Status export(Trainer *r, char path[1024])
{
    AugmentOptions a = config_augment(&r->config);
    BackboneInfo   info = {.crop = a.crop,
                           .method = r->config.run.method == METHOD_MOCO ? "moco" : "supervised",
                           .step = r->step};
    memcpy(info.mean, a.mean, sizeof info.mean);
    memcpy(info.std, a.std, sizeof info.std);

    char with_head[1024];
    int  n = snprintf(path, 1024, "%s/backbone.safetensors", run_dir(r->run));
    int  m = snprintf(with_head, sizeof with_head, "%s/encoder.safetensors", run_dir(r->run));
    if (n >= 1024 || m >= 1024)
        return status_fail(ERR_CREATE, "%s: the path is too long", run_dir(r->run));
    TRY(backbone_save(with_head, trainer_params(r), trainer_net(r), &info, true));
    TRY(backbone_save(path, trainer_params(r), trainer_net(r), &info, false));
    log_info("wrote %s", path);
    return OK;
}

static Status first_scores(Trainer *r)
{
    if (r->step > 0 || r->config.knn.every == 0 || !r->config.knn.pixels)
        return OK;
    TRY(trainer_knn_pixels(r));
    return trainer_knn(r);
}

static Status run_all(Trainer *r, PretrainResult *result, const PretrainOptions *o)
{
    TRY(set_up(r, o));
    TRY(first_scores(r));
    int64_t first = r->step;
    r->started = r->line_time = clock_seconds();
    r->line_step = r->step;
    progress_begin(&r->progress, "pretrain", r->n_steps, r->step);
    Status st = run_loop(r, o->stop_after > 0 ? first + o->stop_after : -1);
    progress_end(&r->progress, NULL);
    TRY(st);

    TRY(export(r, result->backbone));
    double seconds = clock_seconds() - r->started,
           n = (double)((r->step - first) * r->config.data.batch);
    result->steps = r->step;
    result->loss = r->report.loss;
    result->pretext_top1 = r->report.top1;
    result->knn_top1 = r->knn.n_test > 0 ? r->knn.top1 : -1;
    result->seconds = seconds;
    result->images_per_second = seconds > 0 ? n / seconds : 0;
    return OK;
}

Status pretrain_run(PretrainResult *result, const PretrainOptions *options)
{
    PretrainResult unused;
    Trainer        r = {0};
    result = result ? result : &unused;
    *result = (PretrainResult){.knn_top1 = -1};
    run_signals_install();
    Status st = run_all(&r, result, options);
    Status close = tear_down(&r);
    return st == OK ? close : st;
}

void pretrain_keys_help(Text *out)
{
    PretrainConfig c;
    pretrain_config_tables(&c);
    recipe_help(out, c.tables, c.n_tables);
}
