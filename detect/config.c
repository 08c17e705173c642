/* config.c -- the tables of keys, and what follows from them */
#include "detect/config.h"
#include <string.h>

static const RecipeKey RUN[] = {
    RECIPE_INT(DetectRunKeys, seed, "seed", "0", 0, 9e15,
               "of new weights, order, flips and samples"),
    RECIPE_CHOICE(DetectRunKeys, dtype, "dtype", "f32", "f32|bf16", "precision of activations"),
    RECIPE_INT(DetectRunKeys, log_every, "log_every", "20", 1, 1e9,
               "steps between lines of metrics.jsonl"),
    RECIPE_INT(DetectRunKeys, checkpoint_every, "checkpoint_every", "5000", 1, 1e9,
               "steps between checkpoints"),
    RECIPE_INT(DetectRunKeys, keep, "keep", "2", 1, 1000, "newest checkpoints that are kept"),
};

static const RecipeKey MODEL[] = {
    RECIPE_STRING(DetectModelKeys, arch, "arch", "resnet50",
                  "body: resnet18, resnet34, resnet50, resnet101, resnext50_32x8d, resnet50w2x or "
                  "resnet50w4x"),
    RECIPE_FLOAT(DetectModelKeys, width, "width", "1", 0.015625, 16,
                 "factor on every channel count of the body"),
    RECIPE_BOOL(DetectModelKeys, stride_in_1x1, "stride_in_1x1", "false",
                "stride on the first 1x1, as MSRA's supervised weights have it"),
    RECIPE_BOOL(DetectModelKeys, extra_norm, "extra_norm", "true",
                "one more batch norm after res5"),
    RECIPE_CHOICE(DetectModelKeys, norm, "norm", "trained", "trained|frozen",
                  "batch norm with statistics of the batch, or with the stored ones"),
    RECIPE_CHOICE(DetectModelKeys, bn_sync, "bn_sync", "batch", "batch|group",
                  "whose statistics: all images of a step (as synchronised batch norm), or each "
                  "group's own; group runs "
                  "one group after another in the memory of one"),
};

static const RecipeKey RPN[] = {
    RECIPE_FLOATS(DetectRpnKeys, sizes, "sizes", "[32, 64, 128, 256, 512]", 1, 4096,
                  "anchor sides in pixels of the resized picture (square root of the area)"),
    RECIPE_FLOATS(DetectRpnKeys, ratios, "ratios", "[0.5, 1, 2]", 0.01, 100,
                  "anchor heights / widths"),
    RECIPE_INT(DetectRpnKeys, batch, "batch", "256", 1, 65536, "anchors sampled per image"),
    RECIPE_FLOAT(DetectRpnKeys, fg_fraction, "fg_fraction", "0.5", 0, 1,
                 "largest share of foreground among them"),
    RECIPE_FLOAT(DetectRpnKeys, fg_from, "fg_from", "0.7", 0, 1,
                 "IoU from which an anchor is foreground"),
    RECIPE_FLOAT(DetectRpnKeys, bg_below, "bg_below", "0.3", 0, 1,
                 "IoU below which it is background"),
    RECIPE_FLOAT(DetectRpnKeys, nms, "nms", "0.7", 0, 1, "IoU above which a worse proposal falls"),
    RECIPE_INT(DetectRpnKeys, pre_train, "pre_train", "12000", 1, 1e6,
               "best anchors before NMS, training"),
    RECIPE_INT(DetectRpnKeys, pre_test, "pre_test", "6000", 1, 1e6,
               "best anchors before NMS, testing"),
    RECIPE_INT(DetectRpnKeys, post_train, "post_train", "2000", 1, 1e5,
               "proposals per image, training"),
    RECIPE_INT(DetectRpnKeys, post_test, "post_test", "1000", 1, 1e5,
               "proposals per image, testing"),
};

static const RecipeKey ROI[] = {
    RECIPE_INT(DetectRoiKeys, batch, "batch", "512", 1, 65536, "regions sampled per image"),
    RECIPE_FLOAT(DetectRoiKeys, fg_fraction, "fg_fraction", "0.25", 0, 1,
                 "largest share of foreground among them"),
    RECIPE_FLOAT(DetectRoiKeys, fg_from, "fg_from", "0.5", 0, 1,
                 "IoU from which a region is foreground"),
    RECIPE_INT(DetectRoiKeys, pool, "pool", "14", 1, 64,
               "bins per side of RoIAlign, before res5 halves them"),
    RECIPE_INT(DetectRoiKeys, samples, "samples", "0", 0, 16,
               "samples per bin side; 0: as many as fit"),
    RECIPE_FLOAT(DetectRoiKeys, smooth_l1, "smooth_l1", "0", 0, 100,
                 "where smooth L1 becomes linear; 0: plain L1"),
};

static const RecipeKey DATA[] = {
    RECIPE_CHOICE(DetectDataKeys, format, "format", "voc", "voc|coco", "layout of --data"),
    RECIPE_STRINGS(DetectDataKeys, train, "train", "[\"VOC2007/trainval\"]",
                   "parts below --data: FOLDER/SPLIT for VOC, ANNOTATIONS.json:PICTURES for COCO"),
    RECIPE_STRINGS(DetectDataKeys, test, "test", "[\"VOC2007/test\"]",
                   "likewise; empty: no evaluation"),
    RECIPE_STRINGS(DetectDataKeys, classes, "classes", "[]",
                   "VOC: class names in their order; empty: the twenty of VOC for folders VOC20.., "
                   "else those found, sorted"),
    RECIPE_INT(DetectDataKeys, batch, "batch", "16", 1, 4096, "images a step"),
    RECIPE_INTS(DetectDataKeys, sizes, "sizes",
                "[480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800]", 16, 8192,
                "short sides to draw from in training, pixels"),
    RECIPE_INT(DetectDataKeys, test_size, "test_size", "800", 16, 8192,
               "short side in testing, pixels"),
    RECIPE_INT(DetectDataKeys, max_size, "max_size", "1333", 0, 16384,
               "longest side after resizing, pixels; 0: the most, 16384"),
    RECIPE_FLOAT(DetectDataKeys, flip_p, "flip_p", "0.5", 0, 1, "probability of a mirror image"),
    RECIPE_BOOL(DetectDataKeys, group_aspect, "group_aspect", "true",
                "wide and tall pictures in different groups"),
    RECIPE_BOOL(DetectDataKeys, bgr, "bgr", "false",
                "blue first, as MSRA's supervised weights want it"),
    RECIPE_FLOATS(DetectDataKeys, mean, "mean", "[123.675, 116.28, 103.53]", 0, 255,
                  "of the channels in their order, 0..255"),
    RECIPE_FLOATS(DetectDataKeys, std, "std", "[58.395, 57.12, 57.375]", 0.001, 1000,
                  "deviations, likewise"),
    RECIPE_INT(DetectDataKeys, workers, "workers", "0", 0, 1024, "loader threads; 0: one a core"),
    RECIPE_INT(DetectDataKeys, cache_mb, "cache_mb", "0", 0, 1048576,
               "decoded pictures kept in memory, MiB"),
    RECIPE_INT(DetectDataKeys, first, "first", "0", 0, 1e9,
               "use the first n training pictures only; 0: all"),
};

static const RecipeKey SOLVER[] = {
    RECIPE_FLOAT(DetectSolverKeys, lr, "lr", "0.02", 0, 1000,
                 "learning rate for lr_batch images a step"),
    RECIPE_INT(DetectSolverKeys, lr_batch, "lr_batch", "0", 0, 1048576,
               "images a step that lr is meant for; 0: data.batch"),
    RECIPE_CHOICE(DetectSolverKeys, lr_scale, "lr_scale", "none", "none|linear|sqrt",
                  "how lr follows data.batch / lr_batch"),
    RECIPE_FLOAT(DetectSolverKeys, momentum, "momentum", "0.9", 0, 1, "of SGD"),
    RECIPE_FLOAT(DetectSolverKeys, decay, "decay", "0.0001", 0, 1, "weight decay"),
    RECIPE_FLOAT(DetectSolverKeys, decay_norm, "decay_norm", "0", 0, 1,
                 "weight decay of batch norms"),
    RECIPE_FLOAT(DetectSolverKeys, clip, "clip", "0", 0, 1e9,
                 "largest norm of the gradient; 0: no limit"),
    RECIPE_INT(DetectSolverKeys, iters, "iters", "24000", 1, 1e9, "steps of the run"),
    RECIPE_INTS(DetectSolverKeys, milestones, "milestones", "[18000, 22000]", 0, 1e9,
                "steps from which the rate is multiplied by factor"),
    RECIPE_FLOAT(DetectSolverKeys, factor, "factor", "0.1", 0, 1, "at each milestone"),
    RECIPE_INT(DetectSolverKeys, warmup_iters, "warmup_iters", "100", 0, 1e9,
               "steps of linear warm-up"),
    RECIPE_FLOAT(DetectSolverKeys, warmup_factor, "warmup_factor", "0.001", 0, 1,
                 "share of the rate at step 0"),
    RECIPE_INT(DetectSolverKeys, images_per_group, "images_per_group", "2", 0, 4096,
               "images that share loss normalisers, as those of one GPU do; gradients are averaged "
               "over the groups; 0: "
               "the whole batch"),
};

static const RecipeKey TEST[] = {
    RECIPE_FLOAT(DetectTestKeys, score, "score", "0.05", 0, 1, "detections must score more"),
    RECIPE_FLOAT(DetectTestKeys, nms, "nms", "0.5", 0, 1,
                 "IoU above which a worse detection of the class falls"),
    RECIPE_INT(DetectTestKeys, per_image, "per_image", "100", 1, 10000,
               "best detections kept per image"),
    RECIPE_INT(DetectTestKeys, precise_bn_iters, "precise_bn_iters", "200", 0, 1e6,
               "training batches from which running statistics are recomputed before the model is "
               "written; 0: kept"),
    RECIPE_CHOICE(
        DetectTestKeys, metric, "metric", "auto", "auto|voc07|area|coco",
        "headline AP: VOC 2007's 11 points, VOC's area under the curve, COCO's 101 points; "
        "auto: coco for data in COCO format, else voc07"),
    RECIPE_INT(DetectTestKeys, every, "every", "0", 0, 1e9,
               "steps between evaluations during the run; 0: at the end alone"),
    RECIPE_CHOICE(DetectTestKeys, best, "best", "ap", "ap|ap50|ap75",
                  "the number whose best evaluation is kept as best.safetensors"),
};

void detect_config_tables(DetectConfig *c)
{
    *c = (DetectConfig){0};
    RecipeTable tables[] = {
        RECIPE_TABLE("", RUN, &c->run),       RECIPE_TABLE("model", MODEL, &c->model),
        RECIPE_TABLE("rpn", RPN, &c->rpn),    RECIPE_TABLE("roi", ROI, &c->roi),
        RECIPE_TABLE("data", DATA, &c->data), RECIPE_TABLE("solver", SOLVER, &c->solver),
        RECIPE_TABLE("test", TEST, &c->test),
    };
    memcpy(c->tables, tables, sizeof tables);
    c->n_tables = (int)(sizeof tables / sizeof tables[0]);
}

static Status check(const DetectConfig *c)
{
    int64_t group = detect_config_group(c);
    if (c->data.mean.n != 3 || c->data.std.n != 3)
        return status_fail(ERR_RECIPE,
                           "data.mean and data.std: want three numbers each, have %lld and %lld",
                           (long long)c->data.mean.n, (long long)c->data.std.n);
    if (c->data.batch % group != 0)
        return status_fail(ERR_RECIPE,
                           "solver.images_per_group: batch %lld does not split into groups of %lld",
                           (long long)c->data.batch, (long long)group);
    if (c->data.sizes.n < 1 || c->data.sizes.n > 64 || c->data.train.n < 1)
        return status_fail(ERR_RECIPE, "data: wants 1 to 64 sizes and at least one training part");
    if (detect_config_metric(c) == DETECT_COCO && (c->data.format != 1 || c->data.test.n > 1))
        return status_fail(ERR_RECIPE,
                           "test.metric coco: wants one data.test part in COCO format, "
                           "have %lld in %s format",
                           (long long)c->data.test.n, c->data.format == 1 ? "COCO" : "VOC");
    if (c->rpn.bg_below > c->rpn.fg_from)
        return status_fail(ERR_RECIPE, "rpn.bg_below %g is above rpn.fg_from %g", c->rpn.bg_below,
                           c->rpn.fg_from);
    ResNetConfig net;
    return detect_config_net(&net, c);
}

static int64_t lr_batch(const DetectConfig *c)
{
    return c->solver.lr_batch > 0 ? c->solver.lr_batch : c->data.batch;
}

Status detect_config_load(DetectConfig *c, const RecipeSource *source)
{
    detect_config_tables(c);
    TRY(recipe_load(&c->arena, c->tables, c->n_tables, source));
    TRY(check(c));
    schedule_warn_of_batch(c->solver.lr, (RateScale)c->solver.lr_scale, c->data.batch, lr_batch(c));
    return OK;
}

void detect_config_release(DetectConfig *c)
{
    arena_release(&c->arena);
    *c = (DetectConfig){0};
}

Status detect_config_net(ResNetConfig *out, const DetectConfig *c)
{
    TRY(resnet_config(out, c->model.arch));
    out->width *= c->model.width;
    out->has_stride_in_1x1 = c->model.stride_in_1x1;
    out->has_frozen_norm = c->model.norm == 1;
    out->bn_groups = 1;
    return OK;
}

DetLoaderOptions detect_config_loader(const DetectConfig *c, bool train)
{
    const DetectDataKeys *d = &c->data;
    DetLoaderOptions      o = det_loader_options();
    o.train = train;
    o.batch = train ? d->batch : 1;
    o.group = train ? detect_config_group(c) : 1;
    o.group_aspect = train && d->group_aspect;
    o.sizes = train ? d->sizes.v : &d->test_size;
    o.n_sizes = train ? d->sizes.n : 1;
    o.max_size = d->max_size;
    o.flip_p = train ? (float)d->flip_p : 0;
    o.pad_multiple = 1;
    o.bgr = d->bgr;
    for (int i = 0; i < 3; i++) {
        o.stats.mean[i] = (float)d->mean.v[i];
        o.stats.std[i] = (float)d->std.v[i];
    }
    o.n_workers = d->workers;
    o.cache_bytes = d->cache_mb << 20;
    o.seed = (uint64_t)c->run.seed;
    return o;
}

SgdOptions detect_config_sgd(const DetectConfig *c)
{
    return (SgdOptions){.momentum = (float)c->solver.momentum,
                        .decay = (float)c->solver.decay,
                        .decay_norm = (float)c->solver.decay_norm,
                        .clip_norm = (float)c->solver.clip};
}

double detect_config_base_lr(const DetectConfig *c)
{
    return schedule_scale(c->solver.lr, (RateScale)c->solver.lr_scale, c->data.batch, lr_batch(c));
}

double detect_config_lr(const DetectConfig *c, int64_t step)
{
    Schedule s = {.kind = SCHEDULE_STEP,
                  .base_lr = detect_config_base_lr(c),
                  .total = c->solver.iters,
                  .milestones = c->solver.milestones.v,
                  .n_milestones = (int)c->solver.milestones.n,
                  .factor = c->solver.factor,
                  .every = 1,
                  .warmup_iters = c->solver.warmup_iters,
                  .warmup_factor = c->solver.warmup_factor};
    return schedule_lr(&s, step, step);
}

int64_t detect_config_pass(const DetectConfig *c)
{
    return c->model.bn_sync == 0 ? c->data.batch : detect_config_group(c);
}

int64_t detect_config_group(const DetectConfig *c)
{
    int64_t group = c->solver.images_per_group;
    return group == 0 || group > c->data.batch ? c->data.batch : group;
}

DetectMetric detect_config_metric(const DetectConfig *c)
{
    if (c->test.metric == 0)
        return c->data.format == 1 ? DETECT_COCO : DETECT_VOC07;
    return (DetectMetric)(c->test.metric - 1);
}
