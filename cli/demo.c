/* demo.c -- godwit demo: the paper in miniature, in minutes on a CPU
 *
 *      scenes --> pretrain with MoCo (no labels) ------\
 *             --> train supervised (100 labels) --------+--> fine-tune the same Faster R-CNN C4 from each --> AP table
 *                                   random weights ----/                                                      report
 *
 * All rows share one fine-tuning recipe, schedule and seeds: trial t of every row sees the same pictures in the same
 * order and the same new layers. A demo that was interrupted goes on where it was.
 */
#include "cli/demo.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/run.h"
#include "base/size.h"
#include "cli/device.h"
#include "cli/verbs.h"
#include "datasets/scene.h"
#include "detect/train.h"
#include "pretrain/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const DEMO_INIT_NAME[DEMO_INITS] = {"random", "supervised", "moco"};

static const SceneSplits OBJECTS = {5000, 0, 1000}; // pretraining pictures and their test split
static const SceneSplits SCENES = {100, 0, 150};    // few labels: where initialisation matters most

static SceneSplits scaled(SceneSplits all, double scale)
{
    return (SceneSplits){size_max(llround((double)all.n_train * scale), 1), 0,
                         size_max(llround((double)all.n_test * scale), 1)};
}

static Phase *phase_begin(Demo *d, const char *name, int colour)
{
    Phase *p = &d->phase[d->n_phases < DEMO_MAX_PHASES - 1 ? d->n_phases++ : d->n_phases];
    *p = (Phase){.name = name, .start_s = clock_seconds() - d->began, .colour = colour};
    log_info("%s", name);
    return p;
}

static void phase_end(const Demo *d, Phase *p)
{
    p->duration_s = clock_seconds() - d->began - p->start_s;
}

/* What the pictures of the folder were made with, kept beside them: a demo goes on with these alone. */
static Status save_settings(const Demo *d, const char *path)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 1);
    json_open_object(&w, NULL);
    json_put_int(&w, "seed", d->seed);
    json_put_number(&w, "scale", d->scale);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

static Status check_settings(Demo *d)
{
    JsonValue  *root = NULL;
    int64_t     seed = 0;
    double      scale = 0;
    const char *path = file_join(&d->arena, d->out, "demo.json");
    if (!path)
        return ERR_MEMORY;
    if (!file_exists(path))
        return save_settings(d, path);
    TRY(json_read(&d->arena, &root, path, 4096, NULL));
    TRY(json_get_int(root, "seed", &seed));
    TRY(json_get_number(root, "scale", &scale));
    if (seed != d->seed || scale != d->scale)
        return status_fail(ERR_USAGE,
                           "godwit demo: %s was begun with --seed %lld --scale %g, not --seed "
                           "%lld --scale %g; go on with those, or choose another --out",
                           d->out, (long long)seed, scale, (long long)d->seed, d->scale);
    return OK;
}

/* Equal settings give equal bytes, so that a resumed demo finds the pictures that it began with. */
static Status make_pictures(Demo *d)
{
    Phase       *phase = phase_begin(d, "generate pictures", 3);
    SceneOptions objects = scene_defaults(SCENE_OBJECT), scenes = scene_defaults(SCENE_DETECTION);
    objects.seed = scenes.seed = (uint64_t)d->seed;
    const char *object_dir = file_join(&d->arena, d->out, "data/objects");
    const char *scene_dir = file_join(&d->arena, d->out, "data/scenes");
    if (!object_dir || !scene_dir)
        return ERR_MEMORY;
    TRY(scene_write_shards(&objects, object_dir, scaled(OBJECTS, d->scale), 1000));
    TRY(scene_write_voc(&scenes, scene_dir, scaled(SCENES, d->scale)));
    phase_end(d, phase);
    return OK;
}

static Status pretrain_row(Demo *d, int init, const char *recipe, const char *what, int colour)
{
    Phase         *phase = phase_begin(d, what, colour);
    PretrainResult result = {0};
    const char    *seed = arena_printf(&d->arena, "seed=%lld", (long long)d->seed);
    const char    *data = file_join(&d->arena, d->out, "data/objects");
    JobOptions     how = {.recipe = recipe,
                          .overrides = &seed,
                          .n_overrides = 1,
                          .data = data,
                          .device = d->device,
                          .resume = "auto"};
    d->pretrain[init] = arena_printf(&d->arena, "%s/%s-backbone", d->out, DEMO_INIT_NAME[init]);
    if (!seed || !data || !d->pretrain[init])
        return ERR_MEMORY;
    how.run_dir = d->pretrain[init];
    how.folders = recipe_folders(&how.n_folders);
    TRY(pretrain_run(&result, &how));
    d->knn[init] = result.knn_top1 >= 0 ? result.knn_top1 : NAN;
    phase_end(d, phase);
    return OK;
}

static Status finetune(Demo *d, int init, int trial)
{
    DetectTrainResult result = {0};
    const char       *seed =
        arena_printf(&d->arena, "seed=%lld", (long long)(d->seed * DEMO_MAX_TRIALS + trial));
    const char *data = file_join(&d->arena, d->out, "data/scenes/VOCdevkit");
    char       *run = arena_printf(&d->arena, "%s/%s-%d", d->out, DEMO_INIT_NAME[init], trial);
    const char *weights = NULL;
    if (d->pretrain[init])
        weights = file_join(&d->arena, d->pretrain[init], "backbone.safetensors");
    if (!seed || !data || !run || (d->pretrain[init] && !weights))
        return ERR_MEMORY;
    DetectTrainOptions how = {.job = {.recipe = "demo_c4",
                                      .overrides = &seed,
                                      .n_overrides = 1,
                                      .data = data,
                                      .run_dir = run,
                                      .device = d->device,
                                      .resume = "auto",
                                      .init = weights},
                              .init_name = DEMO_INIT_NAME[init]};
    how.job.folders = recipe_folders(&how.job.n_folders);
    TRY(detect_train(&result, &how));
    d->ap[init][trial] = 100 * result.ap;
    d->ap50[init][trial] = 100 * result.ap50;
    d->ap75[init][trial] = 100 * result.ap75;
    if (trial == 0)
        d->run[init] = run;
    return OK;
}

static Status finetune_all(Demo *d)
{
    for (int i = 0; i < DEMO_INITS; i++) {
        const char *what = arena_printf(&d->arena, "fine-tune from %s", DEMO_INIT_NAME[i]);
        if (!what)
            return ERR_MEMORY;
        Phase *phase = phase_begin(d, what, i);
        for (int t = 0; t < d->trials; t++)
            TRY(finetune(d, i, t));
        phase_end(d, phase);
    }
    return OK;
}

static Status make_table(Demo *d)
{
    CompareTable *table = ARENA_NEW(&d->arena, CompareTable);
    const char   *path = file_join(&d->arena, d->out, "compare.json");
    SceneSplits   scenes = scaled(SCENES, d->scale);
    if (!table || !path)
        return ERR_MEMORY;
    table->definition = d->definition;
    for (int i = 0; i < DEMO_INITS; i++)
        for (int t = 0; t < d->trials; t++)
            TRY(compare_add(table, DEMO_INIT_NAME[i], d->ap[i][t], d->ap50[i][t], d->ap75[i][t]));
    compare_sort(table);
    printf("\n%lld test scenes, %lld labelled scenes to fine-tune on, seed %lld\n\n",
           (long long)scenes.n_test, (long long)scenes.n_train, (long long)d->seed);
    compare_print(table);
    return compare_save(table, path);
}

static Status run_demo(Demo *d)
{
    d->began = clock_seconds();
    for (int i = 0; i < DEMO_INITS; i++)
        d->knn[i] = NAN;
    d->knn_pixels = NAN;
    TRY(file_make_dirs(d->out));
    TRY(check_settings(d));
    TRY(make_pictures(d));
    TRY(pretrain_row(d, 2, "moco_demo", "pretrain with MoCo, no labels", 2));
    TRY(pretrain_row(d, 1, "supervised_demo", "train the supervised backbone", 1));
    TRY(finetune_all(d));
    TRY(demo_report(d));
    TRY(make_table(d));
    char took[CLOCK_CHARS];
    printf("\n%s in %s: %s/report.html\n", "done", clock_duration(took, clock_seconds() - d->began),
           d->out);
    return OK;
}

Status verb_demo(const Verb *verb, int argc, char **argv)
{
    Demo   d = {.out = "runs/demo", .trials = 3, .scale = 1};
    Option options[] = {
        {"out", OPTION_TEXT, &d.out, "DIR", "where everything goes (default runs/demo)", false},
        {"seed", OPTION_INT, &d.seed, "N", "of pictures, weights and order (default 0)", false},
        {"trials", OPTION_INT, &d.trials, "N",
         "fine-tunings a row; mean and deviation are printed (default 3)", false},
        {"scale", OPTION_FLOAT, &d.scale, "X",
         "share of the pictures to generate, above 0 (default 1, the most)", false},
    };
    CommandLine line = {
        .verb = verb, .options = options, .n_options = 4, .operands = "[--out DIR] [--seed N]"};
    Status st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    if (d.trials < 1 || d.trials > DEMO_MAX_TRIALS || d.seed < 0 || d.seed > 1000000000) {
        st = status_fail(ERR_USAGE, "godwit demo: --trials expects 1 to %d, --seed 0 to 1000000000",
                         DEMO_MAX_TRIALS);
        goto out;
    }
    if (!(d.scale > 0 && d.scale <= 1)) {
        st = status_fail(ERR_USAGE,
                         "godwit demo: --scale expects a number above 0 and at most 1, not %g",
                         d.scale);
        goto out;
    }
    d.device = line.common.device;
    run_signals_install();
    TRY_OUT(run_demo(&d));
    if (line.common.json) {
        char   *bytes = NULL;
        int64_t n = 0;
        TRY_OUT(
            file_read(&d.arena, &bytes, &n, file_join(&d.arena, d.out, "compare.json"), 1 << 24));
        TRY_OUT(file_write(line.common.json, bytes, n));
    }
out:
    arena_release(&d.arena);
    options_release(&line);
    return st;
}
