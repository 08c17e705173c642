/* trainer_open.c -- a pretraining run before its first step: data, encoders, initial weights, loader */
#include "base/file.h"
#include "base/log.h"
#include "pretrain/device_decoder.h"
#include "pretrain/trainer.h"
#include <string.h>

/* ---- data ---- */

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
    Digest digest = {0};
    source_digest(r->train, &digest);
    digest_text(&digest, r->data_digest);
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

/* ---- model ---- */

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
        log_info("%s: %d tensors loaded, %d new, %d unused", path, report.n_loaded,
                 report.n_missing, report.n_unused);
        st = params_refresh_low(trainer_params(r));
    }
    if (st == OK && r->config.run.method == METHOD_MOCO)
        st = params_copy(&r->moco.params_k, &r->moco.params_q);
    arena_release(&report.arena);
    return st;
}

static Status open_loader(Trainer *r)
{
    LoaderOptions options = config_loader(&r->config);
    r->augment = options.augment;
    memcpy(r->stats.mean, options.augment.mean, sizeof r->stats.mean);
    memcpy(r->stats.std, options.augment.std, sizeof r->stats.std);
    options.crops_only = config_augments_on_device(&r->config, r->be);
    if (r->config.data.decode == DECODE_ON_DEVICE)
        TRY(device_decoders(&options.jpeg, r->be));
    options.start_step = r->job.step;
    options.end_step = r->job.n_steps;
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

static Status open_ledger(Trainer *r)
{
    Arena *a = &r->config.arena;
    for (int i = 0; i < LEDGER_STEPS; i++) {
        r->note[i].index = ARENA_ARRAY(a, int64_t, r->config.data.batch);
        if (!r->note[i].index)
            return ERR_MEMORY;
    }
    return ledger_open(&r->ledger, r->be, N_WORDS, LEDGER_STEPS);
}

Status trainer_open(Trainer *r, const JobOptions *o)
{
    RecipeSource          source = job_recipe(o);
    const PretrainConfig *c = &r->config;
    TRY(pretrain_config_load(&r->config, &source));
    r->dtype = c->run.dtype == 1 ? BF16 : F32;
    TRY(backend_open(&r->be, o->device ? o->device : "auto", r->dtype));
    r->feed.be = r->be;
    backend_log_device(r->be);
    TRY(open_data(r, o->data));
    r->steps_per_epoch = r->n_images / c->data.batch;
    r->job.n_steps = config_steps(c, r->steps_per_epoch);
    r->job.log_every = c->run.log_every;
    r->job.save_every = c->run.checkpoint_every;

    TRY(job_open(&r->job, "pretrain", o, c->tables, c->n_tables, c->run.keep));
    TRY(init_model(r));
    if (o->init)
        TRY(load_init(r, o->init));
    TRY(trainer_resume(r));
    TRY(job_open_metrics(&r->job));
    TRY(tape_init(&r->tape, r->be, r->dtype));
    r->has_tape = true;
    TRY(open_ledger(r));
    TRY(open_loader(r));
    TRY(print_table(r));
    log_info("%lld pictures, batch %lld, %lld steps an epoch; step %lld of %lld, learning rate %g",
             (long long)r->n_images, (long long)c->data.batch, (long long)r->steps_per_epoch,
             (long long)r->job.step, (long long)r->job.n_steps, config_base_lr(c));
    trainer_warn_at_start(r);
    return OK;
}

Status trainer_close(Trainer *r)
{
    loader_close(r->loader);
    ledger_close(&r->ledger);
    moco_graph_release(&r->moco_graph);
    feed_release(&r->feed);
    if (r->has_tape)
        tape_release(&r->tape);
    if (r->moco.params_q.be)
        moco_release(&r->moco);
    if (r->sup.params.be)
        supervised_release(&r->sup);
    Status st = job_close(&r->job);
    source_close(r->train);
    source_close(r->test);
    pretrain_config_release(&r->config);
    return st;
}
