/* train_config.c -- the tables of keys, and what follows from them */
#include "pretrain/train_config.h"
#include <string.h>

static const RecipeKey RUN[] = {
    RECIPE_CHOICE(RunKeys, method, "method", "moco", "moco|supervised", "what trains the network"),
    RECIPE_INT(RunKeys, seed, "seed", "0", 0, 9e15, "of weights, order, crops and permutations"),
    RECIPE_CHOICE(RunKeys, dtype, "dtype", "f32", "f32|bf16", "precision of activations"),
    RECIPE_INT(RunKeys, log_every, "log_every", "10", 1, 1e9,
               "steps between lines of metrics.jsonl"),
    RECIPE_INT(RunKeys, checkpoint_every, "checkpoint_every", "0", 0, 1e9,
               "steps between checkpoints; 0: one an epoch"),
    RECIPE_INT(RunKeys, keep, "keep", "2", 1, 1000, "newest checkpoints that are kept"),
    RECIPE_FLOAT(RunKeys, collapse_below, "collapse_below", "0.05", 0, 1,
                 "alarm when features spread less than this share of the sphere"),
    RECIPE_INT(RunKeys, collapse_after, "collapse_after", "200", 0, 1e9,
               "steps before the alarm: an untrained network's features lie close together"),
};

static const RecipeKey MODEL[] = {
    RECIPE_STRING(
        ModelKeys, arch, "arch", "resnet50",
        "resnet18, resnet34, resnet50, resnet101, resnext50_32x8d, resnet50w2x or resnet50w4x"),
    RECIPE_FLOAT(ModelKeys, width, "width", "1", 0.015625, 16, "factor on every channel count"),
    RECIPE_CHOICE(ModelKeys, stem, "stem", "imagenet", "imagenet|small",
                  "imagenet: 7x7 stride 2 and a pool; small: 3x3 stride 1, for 32-pixel pictures"),
    RECIPE_CHOICE(ModelKeys, head, "head", "linear", "linear|mlp",
                  "of moco: linear (v1) or an MLP with one hidden layer (v2)"),
    RECIPE_INT(ModelKeys, dim, "dim", "128", 1, 65536, "dimensions C of a feature (moco)"),
    RECIPE_INT(ModelKeys, bn_groups, "bn_groups", "8", 1, 4096,
               "parts of the batch with statistics of their own, as that many GPUs would have"),
    RECIPE_BOOL(ModelKeys, stride_in_1x1, "stride_in_1x1", "false",
                "stride on the first 1x1, as MSRA's weights have it"),
    RECIPE_BOOL(ModelKeys, dilated, "dilated", "false",
                "last stage with dilation 2 instead of stride 2"),
};

static const RecipeKey MOCO[] = {
    RECIPE_INT(MocoKeys, K, "K", "65536", 1, 268435456, "keys in the queue"),
    RECIPE_FLOAT(MocoKeys, m, "m", "0.999", 0, 1, "momentum of the key encoder"),
    RECIPE_FLOAT(MocoKeys, T, "T", "0.07", 0.0001, 100, "temperature"),
    RECIPE_BOOL(MocoKeys, shuffle, "shuffle", "true",
                "shuffling batch norm; false shows why it is needed"),
    RECIPE_BOOL(MocoKeys, symmetric, "symmetric", "false", "both views are queries and keys"),
};

static const RecipeKey DATA[] = {
    RECIPE_CHOICE(DataKeys, order, "order", "v1", "v1|v2|cifar|supervised|test",
                  "which transforms, in which order (the order's published settings unless a key "
                  "below says otherwise)"),
    RECIPE_INT(DataKeys, crop, "crop", "0", 0, 4096,
               "side of the crop in pixels; 0: the order's own"),
    RECIPE_INT(DataKeys, batch, "batch", "256", 1, 1048576, "images a step"),
    RECIPE_FLOAT(DataKeys, scale_min, "scale_min", "-1", -1, 1,
                 "smallest share of the area a crop takes; -1: the order's own"),
    RECIPE_FLOAT(DataKeys, scale_max, "scale_max", "-1", -1, 1,
                 "largest share; -1: the order's own"),
    RECIPE_FLOAT(DataKeys, brightness, "brightness", "-1", -1, 1, "jitter; -1: the order's own"),
    RECIPE_FLOAT(DataKeys, contrast, "contrast", "-1", -1, 1, "jitter; -1: the order's own"),
    RECIPE_FLOAT(DataKeys, saturation, "saturation", "-1", -1, 1, "jitter; -1: the order's own"),
    RECIPE_FLOAT(DataKeys, hue, "hue", "-1", -1, 0.5,
                 "jitter, share of the circle; -1: the order's own"),
    RECIPE_FLOAT(DataKeys, jitter_p, "jitter_p", "-1", -1, 1,
                 "probability of jitter; -1: the order's own"),
    RECIPE_FLOAT(DataKeys, gray_p, "gray_p", "-1", -1, 1,
                 "probability of gray; -1: the order's own"),
    RECIPE_FLOAT(DataKeys, blur_p, "blur_p", "-1", -1, 1,
                 "probability of blur (order v2); -1: the order's own"),
    RECIPE_FLOAT(DataKeys, flip_p, "flip_p", "-1", -1, 1,
                 "probability of a mirror image; -1: the order's own"),
    RECIPE_FLOATS(DataKeys, mean, "mean", "[]", 0, 1,
                  "of red, green, blue in 0..1; empty: the order's own"),
    RECIPE_FLOATS(DataKeys, std, "std", "[]", 0.0001, 10,
                  "deviations of red, green, blue; empty: the order's own"),
    RECIPE_STRING(DataKeys, train, "train", "", "training part below --data; empty: all of it"),
    RECIPE_STRING(DataKeys, test, "test", "",
                  "test part beside it, for nearest neighbours; empty: every tenth training image"),
    RECIPE_INT(DataKeys, workers, "workers", "0", 0, 1024, "loader threads; 0: one a core"),
    RECIPE_CHOICE(
        DataKeys, augment, "augment", "auto", "auto|host|device",
        "where colours, blur and mirror are computed, with the same bits; auto: where the "
        "network is"),
    RECIPE_CHOICE(DataKeys, decode, "decode", "host", "host|device",
                  "who decodes the JPEG files of the training set; a GPU's engines do not give "
                  "libjpeg's bytes"),
    RECIPE_INT(DataKeys, cache_mb, "cache_mb", "0", 0, 1048576,
               "decoded pictures kept in memory, MiB"),
    RECIPE_CHOICE(DataKeys, bad, "bad", "skip", "fail|skip|gray",
                  "what happens to a picture that cannot be read"),
    RECIPE_FLOAT(DataKeys, bad_limit, "bad_limit", "0.001", 0, 1,
                 "share of bad pictures that stops a run under skip"),
};

static const RecipeKey SOLVER[] = {
    RECIPE_FLOAT(SolverKeys, lr, "lr", "0.03", 0, 1000, "learning rate for lr_batch images a step"),
    RECIPE_INT(SolverKeys, lr_batch, "lr_batch", "256", 1, 1048576,
               "images a step that lr is meant for"),
    RECIPE_CHOICE(SolverKeys, lr_scale, "lr_scale", "none", "none|linear|sqrt",
                  "how lr follows batch / lr_batch"),
    RECIPE_FLOAT(SolverKeys, momentum, "momentum", "0.9", 0, 1, "of SGD"),
    RECIPE_FLOAT(SolverKeys, decay, "decay", "0.0001", 0, 1,
                 "weight decay, on every learned number"),
    RECIPE_CHOICE(SolverKeys, schedule, "schedule", "step", "step|cosine|exponential",
                  "how the rate falls"),
    RECIPE_CHOICE(SolverKeys, unit, "unit", "epoch", "epoch|iter",
                  "what milestones, every and the cosine count"),
    RECIPE_INT(SolverKeys, first_epoch, "first_epoch", "0", 0, 1,
               "number of the first epoch in the schedule's formula"),
    RECIPE_INT(SolverKeys, epochs, "epochs", "200", 0, 1e6, "length of the run, when iters is 0"),
    RECIPE_INT(SolverKeys, iters, "iters", "0", 0, 1e12, "length of the run in steps; 0: epochs"),
    RECIPE_INTS(SolverKeys, milestones, "milestones", "[120, 160]", 0, 1e12,
                "where schedule step multiplies by factor"),
    RECIPE_FLOAT(SolverKeys, factor, "factor", "0.1", 0, 1, "of schedules step and exponential"),
    RECIPE_INT(SolverKeys, every, "every", "62500", 1, 1e12,
               "units between factors of schedule exponential"),
    RECIPE_INT(SolverKeys, warmup_iters, "warmup_iters", "0", 0, 1e9, "steps of linear warm-up"),
    RECIPE_FLOAT(SolverKeys, warmup_factor, "warmup_factor", "0.001", 0, 1,
                 "share of the rate at step 0 of a warm-up"),
};

static const RecipeKey KNN[] = {
    RECIPE_INT(KnnKeys, every, "every", "0", 0, 1e6,
               "epochs between nearest-neighbour evaluations; 0: never"),
    RECIPE_INT(KnnKeys, k, "k", "200", 1, 1e6, "neighbours"),
    RECIPE_FLOAT(KnnKeys, T, "T", "0.1", 0.0001, 100, "temperature of votes"),
    RECIPE_CHOICE(KnnKeys, features, "features", "head", "head|pooled",
                  "output of the head, or of the mean before it"),
    RECIPE_INT(KnnKeys, max_bank, "max_bank", "0", 0, 1e9, "training pictures looked at; 0: all"),
    RECIPE_INT(KnnKeys, max_test, "max_test", "0", 0, 1e9, "test pictures; 0: all"),
    RECIPE_BOOL(KnnKeys, pixels, "pixels", "true",
                "also once with raw pixels and the untrained network"),
};

/* ---- reading ---- */

static Status check_triple(const RecipeFloats *list, const char *name)
{
    if (list->n == 0 || list->n == 3)
        return OK;
    return status_fail(ERR_RECIPE, "data.%s: want three numbers (red, green, blue), have %lld",
                       name, (long long)list->n);
}

static Status check(const PretrainConfig *c)
{
    ResNetConfig net;
    MocoConfig   moco;
    TRY(check_triple(&c->data.mean, "mean"));
    TRY(check_triple(&c->data.std, "std"));
    TRY(config_net(&net, c));
    if (c->run.method == METHOD_MOCO) {
        TRY(config_moco(&moco, c));
        TRY(moco_check_batch(&moco, c->data.batch));
    } else if (c->data.batch % c->model.bn_groups != 0) {
        return status_fail(ERR_RECIPE,
                           "model.bn_groups: batch %lld does not split into %lld groups",
                           (long long)c->data.batch, (long long)c->model.bn_groups);
    }
    if (c->solver.epochs == 0 && c->solver.iters == 0)
        return status_fail(ERR_RECIPE,
                           "solver: epochs and iters are both 0; one must say how long the run is");
    return OK;
}

void pretrain_config_tables(PretrainConfig *c)
{
    *c = (PretrainConfig){0};
    RecipeTable tables[] = {
        RECIPE_TABLE("", RUN, &c->run),
        RECIPE_TABLE("model", MODEL, &c->model),
        RECIPE_TABLE("moco", MOCO, &c->moco),
        RECIPE_TABLE("data", DATA, &c->data),
        RECIPE_TABLE("solver", SOLVER, &c->solver),
        RECIPE_TABLE("knn", KNN, &c->knn),
    };
    memcpy(c->tables, tables, sizeof tables);
    c->n_tables = (int)(sizeof tables / sizeof tables[0]);
}

Status pretrain_config_load(PretrainConfig *c, const RecipeSource *source)
{
    pretrain_config_tables(c);
    TRY(recipe_load(&c->arena, c->tables, c->n_tables, source));
    TRY(check(c));
    schedule_warn_of_batch(c->solver.lr, (RateScale)c->solver.lr_scale, c->data.batch,
                           c->solver.lr_batch);
    return OK;
}

void pretrain_config_release(PretrainConfig *c)
{
    arena_release(&c->arena);
    *c = (PretrainConfig){0};
}

/* ---- what follows from the keys ---- */

Status config_net(ResNetConfig *out, const PretrainConfig *c)
{
    TRY(resnet_config(out, c->model.arch));
    out->width *= c->model.width;
    out->has_small_stem = c->model.stem == 1;
    out->has_stride_in_1x1 = c->model.stride_in_1x1;
    out->is_dilated = c->model.dilated;
    out->bn_groups = c->model.bn_groups;
    return OK;
}

Status config_moco(MocoConfig *out, const PretrainConfig *c)
{
    *out = (MocoConfig){
        .head = c->model.head == 1 ? HEAD_MLP : HEAD_LINEAR,
        .C = c->model.dim,
        .K = c->moco.K,
        .m = (float)c->moco.m,
        .T = (float)c->moco.T,
        .is_shuffled = c->moco.shuffle,
        .is_symmetric = c->moco.symmetric,
        .seed = (uint64_t)c->run.seed,
    };
    return config_net(&out->net, c);
}

static void override(float *value, double key)
{
    if (key >= 0)
        *value = (float)key;
}

static void set_statistics(AugmentOptions *o, const DataKeys *d)
{
    for (int i = 0; i < 3; i++) {
        o->mean[i] = d->mean.n == 3 ? (float)d->mean.v[i] : o->mean[i];
        o->std[i] = d->std.n == 3 ? (float)d->std.v[i] : o->std[i];
    }
}

AugmentOptions config_augment(const PretrainConfig *c)
{
    const DataKeys *d = &c->data;
    AugmentOptions  o = augment_options((AugmentOrder)d->order, d->crop);
    override(&o.scale[0], d->scale_min);
    override(&o.scale[1], d->scale_max);
    override(&o.brightness, d->brightness);
    override(&o.contrast, d->contrast);
    override(&o.saturation, d->saturation);
    override(&o.hue, d->hue);
    override(&o.jitter_p, d->jitter_p);
    override(&o.gray_p, d->gray_p);
    override(&o.blur_p, d->blur_p);
    override(&o.flip_p, d->flip_p);
    set_statistics(&o, d);
    return o;
}

AugmentOptions config_augment_test(const PretrainConfig *c)
{
    AugmentOptions train = config_augment(c);
    AugmentOptions o = augment_options(AUGMENT_TEST, train.crop);
    if (c->model.stem == 1)
        o.resize = 0; // small pictures are taken as they are
    memcpy(o.mean, train.mean, sizeof o.mean);
    memcpy(o.std, train.std, sizeof o.std);
    return o;
}

bool config_augments_on_device(const PretrainConfig *c, const Backend *be)
{
    int where = c->data.augment;
    return where == AUGMENT_ON_DEVICE || (where == AUGMENT_AUTO && !be->is_host);
}

LoaderOptions config_loader(const PretrainConfig *c)
{
    return (LoaderOptions){
        .augment = config_augment(c),
        .batch = c->data.batch,
        .n_views = c->run.method == METHOD_MOCO ? 2 : 1,
        .n_workers = c->data.workers,
        .seed = (uint64_t)c->run.seed,
        .shuffle = true,
        .drop_last = true,
        .bad = (BadPolicy)c->data.bad,
        .bad_limit = c->data.bad_limit,
        .cache_bytes = c->data.cache_mb << 20,
    };
}

SgdOptions config_sgd(const PretrainConfig *c)
{
    return (SgdOptions){.momentum = (float)c->solver.momentum,
                        .decay = (float)c->solver.decay,
                        .decay_norm = (float)c->solver.decay};
}

int64_t config_steps(const PretrainConfig *c, int64_t steps_per_epoch)
{
    return c->solver.iters > 0 ? c->solver.iters : c->solver.epochs * steps_per_epoch;
}

double config_base_lr(const PretrainConfig *c)
{
    return schedule_scale(c->solver.lr, (RateScale)c->solver.lr_scale, c->data.batch,
                          c->solver.lr_batch);
}

double config_lr(const PretrainConfig *c, int64_t step, int64_t steps_per_epoch)
{
    const SolverKeys *s = &c->solver;
    bool              by_epoch = s->unit == 0;
    int64_t           n_steps = config_steps(c, steps_per_epoch);
    int64_t           n_epochs = (n_steps + steps_per_epoch - 1) / steps_per_epoch;
    Schedule          schedule = {
                 .kind = (ScheduleKind)s->schedule,
                 .base_lr = config_base_lr(c),
                 .total = by_epoch ? n_epochs : n_steps,
                 .milestones = s->milestones.v,
                 .n_milestones = (int)s->milestones.n,
                 .factor = s->factor,
                 .every = s->every,
                 .warmup_iters = s->warmup_iters,
                 .warmup_factor = s->warmup_factor,
    };
    int64_t at = by_epoch ? step / steps_per_epoch + s->first_epoch : step;
    return schedule_lr(&schedule, at, step);
}
