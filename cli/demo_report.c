/* demo_report.c -- what the demo shows: gathers curves, classes and pictures from the finished runs */
#include "cli/demo.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/curve.h"
#include "cli/report.h"
#include "cli/system.h"
#include "datasets/augment.h"
#include "datasets/scene.h"
#include "detect/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PICTURES = 12, PAIRS = 6, CURVES = 6, CLASSES_MOST = 64 };

/* A row's detector, what it found on the test scenes, and its score. */
typedef struct Judged {
    Detector        *detector;
    DetectEvaluation evaluation;
} Judged;

static Status judge_rows(Demo *d, Judged judged[DEMO_INITS], DetSet *set)
{
    const char *data = file_join(&d->arena, d->out, "data/scenes/VOCdevkit");
    if (!data)
        return ERR_MEMORY;
    for (int i = 0; i < DEMO_INITS; i++) {
        DetectorOptions how = {.device = d->device};
        TRY(detector_open(&judged[i].detector, d->run[i], &how));
        if (i == 0)
            TRY(detector_open_part(judged[0].detector, set, data, "Scenes/test"));
        TRY(detect_evaluate(&d->arena, &judged[i].evaluation, judged[i].detector, set, NULL));
        d->definition = judged[i].evaluation.definition;
    }
    return OK;
}

/* ---- classes ---- */

static Status make_classes(Demo *d, ReportClass **out, int *n, const Judged judged[DEMO_INITS],
                           const DetSet *set)
{
    ReportClass *row = ARENA_ARRAY(&d->arena, ReportClass, set->n_classes);
    if (!row)
        return ERR_MEMORY;
    for (int64_t c = 0; c < set->n_classes; c++) {
        row[c].name = set->class_name[c];
        for (int i = 0; i < DEMO_INITS; i++) {
            const DetectEvaluation *e = &judged[i].evaluation;
            const VocClass         *vc = &e->voc.per_class[c];
            const double           *ap = e->metric == DETECT_VOC07 ? vc->ap_11_point : vc->ap_area;
            double                  sum = 0;
            for (int t = 0; t < VOC_THRESHOLDS; t++)
                sum += ap[t];
            row[c].ap[i] = 100 * sum / VOC_THRESHOLDS;
            row[c].curve[i] = (ReportCurve){vc->recall, vc->precision, vc->n_points, 100 * ap[0]};
        }
    }
    *out = row;
    *n = (int)set->n_classes;
    return OK;
}

/* ---- pictures ---- */

static float overlap(const Detection *a, const DetObject *b)
{
    float w = fminf(a->x2, b->x2) - fmaxf(a->x1, b->x1),
          h = fminf(a->y2, b->y2) - fmaxf(a->y1, b->y1);
    if (w <= 0 || h <= 0)
        return 0;
    float both = w * h;
    return both / ((a->x2 - a->x1) * (a->y2 - a->y1) + (b->x2 - b->x1) * (b->y2 - b->y1) - both);
}

static bool finds_truth(const Detection *f, const DetImage *im)
{
    for (int64_t k = 0; k < im->n_objects; k++)
        if (im->object[k].class_index == f->class_index && overlap(f, &im->object[k]) > 0.5f)
            return true;
    return false;
}

static Status predicted_boxes(Demo *d, ReportBoxes *out, const DetectedImage *found,
                              const DetImage *im, const DetSet *set)
{
    const float least = 0.3f;
    ReportBox  *box = ARENA_ARRAY(&d->arena, ReportBox, found->n_found);
    if (!box)
        return ERR_MEMORY;
    *out = (ReportBoxes){box, 0};
    for (int64_t k = 0; k < found->n_found && found->found[k].score >= least; k++) {
        const Detection *f = &found->found[k];
        box[out->n++] = (ReportBox){f->x1,
                                    f->y1,
                                    f->x2,
                                    f->y2,
                                    set->class_name[f->class_index],
                                    f->score,
                                    finds_truth(f, im)};
    }
    return OK;
}

static Status read_bytes(Demo *d, const char *path, const uint8_t **bytes, int64_t *n)
{
    char *data = NULL;
    TRY(file_read(&d->arena, &data, n, path, 64 << 20));
    *bytes = (const uint8_t *)data;
    return OK;
}

static Status make_picture(Demo *d, ReportPicture *out, const Judged judged[DEMO_INITS],
                           const DetSet *set, int64_t i)
{
    const DetImage *im = &set->image[i];
    ReportBox      *truth = ARENA_ARRAY(&d->arena, ReportBox, im->n_objects);
    if (!truth)
        return ERR_MEMORY;
    *out = (ReportPicture){.width = im->width,
                           .height = im->height,
                           .name = im->id,
                           .truth = {truth, (int)im->n_objects}};
    for (int64_t k = 0; k < im->n_objects; k++) {
        const DetObject *o = &im->object[k];
        truth[k] =
            (ReportBox){o->x1, o->y1, o->x2, o->y2, set->class_name[o->class_index], 1, true};
    }
    for (int r = 0; r < DEMO_INITS; r++)
        TRY(predicted_boxes(d, &out->predicted[r], &judged[r].evaluation.image[i], im, set));
    return read_bytes(d, im->path, &out->jpeg, &out->n_bytes);
}

/* ---- the two views of MoCo ---- */

static Status view_jpeg(Demo *d, ReportView *out, const float *pixels, const AugmentOptions *o)
{
    Image      im = {0};
    ImageBytes jpeg = {0};
    Status     st = OK;
    TRY_OUT(image_resize_buffer(&im, o->crop, o->crop));
    for (int64_t i = 0; i < o->crop * o->crop * 3; i++) {
        float v = (pixels[i] * o->std[i % 3] + o->mean[i % 3]) * 255.0f + 0.5f;
        im.pixels[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    TRY_OUT(image_encode_jpeg(&jpeg, &im, 90, JPEG_444));
    uint8_t *kept = arena_alloc(&d->arena, jpeg.n_bytes);
    if (!kept) {
        st = ERR_MEMORY;
        goto out;
    }
    memcpy(kept, jpeg.data, (size_t)jpeg.n_bytes);
    *out = (ReportView){kept, jpeg.n_bytes};
out:
    image_bytes_release(&jpeg);
    image_release(&im);
    return st;
}

/* The augmentation of pretrain/recipes/moco_demo.json on freshly drawn object pictures. */
static Status make_pairs(Demo *d, ReportPair *pair)
{
    SceneOptions   scene = scene_defaults(SCENE_OBJECT);
    AugmentOptions o = augment_options(AUGMENT_V2, 48),
                   whole = augment_options(AUGMENT_TEST, scene.size);
    Augmenter   augmenter = {0};
    Image       im = {0};
    SceneTruth  truth;
    Status      st = OK;
    AugmentView view[2] = {{0}}, all = {0};
    o.scale[0] = 0.35f;
    o.hue = 0.5f;
    whole.resize = scene.size;
    scene.seed = (uint64_t)d->seed;
    view[0].pixels = ARENA_ARRAY(&d->arena, float, o.crop *o.crop * 3);
    view[1].pixels = ARENA_ARRAY(&d->arena, float, o.crop *o.crop * 3);
    all.pixels = ARENA_ARRAY(&d->arena, float, scene.size *scene.size * 3);
    if (!view[0].pixels || !view[1].pixels || !all.pixels)
        return ERR_MEMORY;
    TRY_OUT(image_resize_buffer(&im, scene.size, scene.size));
    for (int i = 0; i < PAIRS; i++) {
        TRY_OUT(scene_render(&scene, im.pixels, NULL, &truth, i * 7));
        TRY_OUT(augment_image(&augmenter, view, 2, &o, &im, "demo", (uint64_t)d->seed, 0, i * 7));
        TRY_OUT(view_jpeg(d, &pair[i].query, view[0].pixels, &o));
        TRY_OUT(view_jpeg(d, &pair[i].key, view[1].pixels, &o));
        TRY_OUT(augment_image(&augmenter, &all, 1, &whole, &im, "demo", 0, 0, 0));
        TRY_OUT(view_jpeg(d, &pair[i].source, all.pixels, &whole));
    }
out:
    augmenter_release(&augmenter);
    image_release(&im);
    return st;
}

/* ---- curves ---- */

static Status add_series(Demo *d, Series *s, const char *run, const char *kind, const char *value,
                         const char *name, int colour, double smooth)
{
    Curve c;
    TRY(curve_read(&d->arena, &c, run, kind, value));
    *s = (Series){.name = name, .x = c.x, .y = c.y, .n = c.n, .colour = colour, .smooth = smooth};
    return OK;
}

static Status make_charts(Demo *d, ReportChart chart[4], Series series[8])
{
    TRY(add_series(d, &series[0], d->pretrain[2], "train", "loss", "MoCo", 2, 0.9));
    chart[0] = (ReportChart){{.title = "InfoNCE loss while pretraining",
                              .x_label = "step",
                              .y_label = "loss",
                              .series = series,
                              .n_series = 1,
                              .mark_label = "chance, ln(K+1)",
                              .mark = log(1025)},
                             "The loss rises while the queue fills with keys that differ, then "
                             "falls as the encoder learns to tell "
                             "one picture from 1,024 others."};
    TRY(add_series(d, &series[1], d->pretrain[2], "knn", "top1", "MoCo", 2, 0));
    TRY(add_series(d, &series[2], d->pretrain[1], "knn", "top1", "supervised", 1, 0));
    chart[1] = (ReportChart){{.title = "Nearest-neighbour accuracy of the features",
                              .x_label = "step",
                              .y_label = "share right",
                              .series = series + 1,
                              .n_series = 2,
                              .mark_label = "chance, 1 in 100",
                              .mark = 0.01},
                             "100 classes of object pictures, judged without training anything on "
                             "top: MoCo never sees a label, "
                             "the supervised backbone is trained on them."};
    TRY(add_series(d, &series[3], d->pretrain[2], "train", "top1", "MoCo", 2, 0.9));
    chart[2] =
        (ReportChart){{.title = "Pretext accuracy",
                       .x_label = "step",
                       .y_label = "share of positives ranked first",
                       .series = series + 3,
                       .n_series = 1},
                      "How often the other view of the same picture is the nearest of all keys."};
    for (int i = 0; i < DEMO_INITS; i++)
        TRY(add_series(d, &series[4 + i], d->run[i], "train", "loss",
                       i == 2 ? "MoCo" : DEMO_INIT_NAME[i], i, 0.8));
    chart[3] = (ReportChart){{.title = "Detection loss while fine-tuning",
                              .x_label = "iteration",
                              .y_label = "loss",
                              .series = series + 4,
                              .n_series = 3},
                             "First trial of each row; the same pictures in the same order."};
    return OK;
}

static Status add_fact(Demo *d, ReportFact *fact, int *n, const char *name, const char *value)
{
    fact[*n].name = name;
    fact[*n].value = arena_strdup(&d->arena, value);
    return fact[(*n)++].value ? OK : ERR_MEMORY;
}

static Status make_facts(Demo *d, ReportFact *fact, int *n)
{
    char text[256], took[CLOCK_CHARS];
    system_processor(text, sizeof text);
    TRY(add_fact(d, fact, n, "processor", text));
    snprintf(text, sizeof text, "%d", threads_count());
    TRY(add_fact(d, fact, n, "threads", text));
    snprintf(text, sizeof text, "%lld", (long long)d->seed);
    TRY(add_fact(d, fact, n, "seed", text));
    clock_duration(took, clock_seconds() - d->began);
    TRY(add_fact(d, fact, n, "whole demo", took));
    snprintf(text, sizeof text, "%.2f GB", (double)memory_peak_rss() / 1e9);
    TRY(add_fact(d, fact, n, "peak memory", text));
    return add_fact(d, fact, n, "godwit", GODWIT_VERSION);
}

static void make_rows(const Demo *d, ReportRow row[DEMO_INITS])
{
    for (int i = 0; i < DEMO_INITS; i++)
        row[i] = (ReportRow){.init = i == 2 ? "MoCo" : DEMO_INIT_NAME[i],
                             .colour = i,
                             .ap = d->ap[i],
                             .ap50 = d->ap50[i],
                             .ap75 = d->ap75[i],
                             .n_trials = (int)d->trials,
                             .is_baseline = i == 1};
}

static Status write_report(Demo *d, const Judged judged[DEMO_INITS], const DetSet *set)
{
    ReportFact    fact[8];
    ReportRow     row[DEMO_INITS];
    ReportChart   chart[4];
    Series        series[8];
    ReportPicture picture[PICTURES];
    ReportPair    pair[PAIRS];
    Report        report = {0};
    int           n_pictures = (int)(set->n_images < PICTURES ? set->n_images : PICTURES);
    const char   *command[2];
    make_rows(d, row);
    TRY(make_facts(d, fact, &report.n_facts));
    TRY(make_charts(d, chart, series));
    TRY(make_pairs(d, pair));
    for (int i = 0; i < n_pictures; i++)
        TRY(make_picture(d, &picture[i], judged, set, i));
    ReportClass *classes = NULL;
    TRY(make_classes(d, &classes, &report.n_classes, judged, set));
    const char *scale = d->scale < 1 ? arena_printf(&d->arena, " --scale %g", d->scale) : "";
    command[0] = arena_printf(&d->arena, "godwit demo --out %s --seed %lld --trials %lld%s", d->out,
                              (long long)d->seed, (long long)d->trials, scale ? scale : "");
    command[1] = arena_printf(&d->arena, "godwit compare %s/random-* %s/supervised-* %s/moco-*",
                              d->out, d->out, d->out);
    const char *path = file_join(&d->arena, d->out, "report.html");
    if (!command[0] || !command[1] || !path)
        return ERR_MEMORY;
    report.title = "Momentum Contrast in miniature";
    report.subtitle = "The same detector, fine-tuned from random, supervised and MoCo weights on "
                      "generated photographs.";
    report.fact = fact;
    report.row = row;
    report.n_rows = DEMO_INITS;
    report.remark = "Small networks on generated pictures: what carries over to the paper is the "
                    "comparison, not the "
                    "absolute numbers. The supervised backbone was trained on labels that contain "
                    "the detector's classes.";
    report.published = &REPORT_VOC0712_C4;
    report.n_published = 1;
    report.chart = chart;
    report.n_charts = 4;
    report.class_ = classes;
    report.picture = picture;
    report.n_pictures = n_pictures;
    report.pair = pair;
    report.n_pairs = PAIRS;
    report.phase = d->phase;
    report.n_phases = d->n_phases;
    report.command = command;
    report.n_commands = 2;
    return report_write(&report, path);
}

Status demo_report(Demo *d)
{
    Judged judged[DEMO_INITS] = {0};
    DetSet set = {0};
    Status st = judge_rows(d, judged, &set);
    if (st == OK)
        st = write_report(d, judged, &set);
    for (int i = 0; i < DEMO_INITS; i++)
        detector_close(judged[i].detector);
    detset_release(&set);
    return st;
}
