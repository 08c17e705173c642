#include "detect/predict.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/run.h"
#include "detect/data.h"
#include "detect/weights.h"
#include "kernels/body/box.h"
#include "kernels/ledger.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct Detector {
    DetectConfig   config;
    const Backend *be;
    ParamSet       params;
    FasterRcnnC4   model;
    Tape           tape;
    Feed           feed;
    Ledger
        found; // a row is a picture's D slots: boxes (D,4), scores (D), labels (D), and how many are used
    bool   has_params, has_tape;
    DetSet classes; // no pictures
};

static Status open_model(Detector *d, const char *path, DType dtype)
{
    LoadReport  report = {0};
    LoadOptions options = {.prefix = ""};
    TRY(detect_read_classes(&d->classes, path));
    params_init(&d->params, d->be, true);
    d->has_params = true;
    TRY(faster_rcnn_c4_register(&d->model, &d->params, &d->config, d->classes.n_classes));
    TRY(params_commit(&d->params, dtype, 0));
    Status st = params_load(&d->params, path, &options, &report);
    arena_release(&report.arena);
    TRY(st);
    TRY(params_refresh_low(&d->params));
    TRY(tape_init(&d->tape, d->be, dtype));
    d->has_tape = true;
    return ledger_open(&d->found, d->be, 6 * d->config.test.per_image + 1, 1);
}

static Status open_all(Detector *d, const char *run_dir, const DetectorOptions *o)
{
    Arena        a = {0};
    Status       st = OK;
    const char  *recipe = file_join(&a, run_dir, "recipe.json");
    bool         is_best = o && o->is_best;
    const char  *model = file_join(&a, run_dir, is_best ? "best.safetensors" : "model.safetensors");
    RecipeSource source = {.name = recipe};
    if (!recipe || !model) {
        st = ERR_MEMORY;
        goto out;
    }
    const char *trial = file_join(&a, run_dir, "trial-0");
    if (!file_exists(model) && trial && file_is_dir(trial)) {
        st = status_fail(ERR_MISSING, "%s holds trials; name one of them: %s", run_dir, trial);
        goto out;
    }
    if (!file_exists(model)) {
        st = is_best ? status_fail(ERR_MISSING, "%s: no best model; runs with test.every keep one",
                                   model)
                     : status_fail(ERR_MISSING,
                                   "%s: no trained model; `godwit train ... --out %s --resume "
                                   "auto` finishes the run",
                                   model, run_dir);
        goto out;
    }
    if (o) {
        source.overrides = o->overrides;
        source.n_overrides = o->n_overrides;
    }
    TRY_OUT(detect_config_load(&d->config, &source));
    DType dtype = d->config.run.dtype == 1 ? BF16 : F32;
    TRY_OUT(backend_open(&d->be, o && o->device ? o->device : "auto", dtype));
    d->feed.be = d->be;
    backend_log_device(d->be);
    TRY_OUT(open_model(d, model, dtype));
out:
    arena_release(&a);
    return st;
}

Status detector_open(Detector **out, const char *run_dir, const DetectorOptions *options)
{
    Detector *d = calloc(1, sizeof *d);
    *out = NULL;
    if (d == NULL)
        return status_no_memory("detector", (long long)sizeof *d);
    Status st = open_all(d, run_dir, options);
    if (st != OK)
        detector_close(d);
    else
        *out = d;
    return st;
}

void detector_close(Detector *d)
{
    if (d == NULL)
        return;
    ledger_close(&d->found);
    feed_release(&d->feed);
    if (d->has_tape)
        tape_release(&d->tape);
    if (d->has_params)
        params_release(&d->params);
    detset_release(&d->classes);
    detect_config_release(&d->config);
    free(d);
}

const DetectConfig *detector_config(const Detector *d)
{
    return &d->config;
}

int64_t detector_n_classes(const Detector *d)
{
    return d->classes.n_classes;
}

const char *detector_class_name(const Detector *d, int64_t class_index)
{
    return d->classes.class_name[class_index];
}

int64_t detector_class_id(const Detector *d, int64_t class_index)
{
    return d->classes.class_id[class_index];
}

/* From resized pixels to the picture's own: a ratio for each axis, then clipped; boxes without extent go. */
static Status to_original(Arena *a, DetectedImage *out, const Ledger *found, int64_t D,
                          int64_t resized_width, int64_t resized_height)
{
    int64_t n = ledger_i32(found, 0, 6 * D);
    float   scale[2] = {(float)((double)out->width / (double)resized_width),
                        (float)((double)out->height / (double)resized_height)};
    out->n_found = 0;
    out->found = ARENA_ARRAY(a, Detection, n);
    if (out->found == NULL)
        return ERR_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        float b[4];
        for (int j = 0; j < 4; j++)
            b[j] = ledger_f32(found, 0, 4 * i + j) * scale[j % 2];
        box_clip(b, (float)out->width, (float)out->height);
        if (b[2] > b[0] && b[3] > b[1])
            out->found[out->n_found++] = (Detection){b[0],
                                                     b[1],
                                                     b[2],
                                                     b[3],
                                                     ledger_f32(found, 0, 4 * D + i),
                                                     ledger_i32(found, 0, 5 * D + i)};
    }
    return OK;
}

/* All at once: a read waits for the device. */
static Status read_found(Ledger *l, const Detections *found, int64_t D)
{
    int64_t n;
    TRY(ledger_put(l, 0, found->box->data, 4 * D));
    TRY(ledger_put(l, 4 * D, found->score->data, D));
    TRY(ledger_put(l, 5 * D, found->label->data, D));
    TRY(ledger_put(l, 6 * D, found->count->data, 1));
    ledger_end_step(l);
    return ledger_read(l, &n);
}

static Status want_finite(Tape *t, const Tensor *x, const char *name)
{
    Arena   scratch = {0};
    int64_t n = tensor_count(x);
    float  *v = ARENA_ARRAY(&scratch, float, n);
    Status  st = OK;
    TRY_OUT(v ? tape_read(t, v, x) : ERR_MEMORY);
    for (int64_t i = 0; i < n && st == OK; i++)
        if (!isfinite(v[i]))
            st = status_fail(ERR_NONFINITE,
                             "%s: the detector gives a score or a box that is not finite; are its "
                             "weights whole?",
                             name);
out:
    arena_release(&scratch);
    return st;
}

/* Numbers that are not finite were left out: nothing found may mean a broken network. */
static Status doubt_nothing(Tape *t, const DetectHeads *heads, const char *name)
{
    const Tensor *all[] = {heads->rpn.logit, heads->rpn.delta, heads->box.logit, heads->box.delta};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (tensor_count(all[i]) > 0)
            TRY(want_finite(t, all[i], name));
    return OK;
}

/* The first picture of a batch; out->width and height are those of the picture. */
static Status detect(Detector *d, Arena *a, DetectedImage *out, const DetBatch *batch,
                     const char *name)
{
    Tape                *t = &d->tape;
    int64_t              D = d->config.test.per_image;
    const DetBatchImage *im = batch->image;
    tape_reset(t, 0);
    DetectInput in = detect_input_picture(t, &d->feed, batch);
    DetectHeads heads;
    Detections  found = faster_rcnn_c4_detect(t, &d->model, &in, &heads);
    TRY(tape_status(t));
    TRY(read_found(&d->found, &found, D));
    if (ledger_i32(&d->found, 0, 6 * D) == 0)
        TRY(doubt_nothing(t, &heads, name));
    return to_original(a, out, &d->found, D, im->width, im->height);
}

Status detector_image(Detector *d, Arena *a, DetectedImage *out, const Image *im, const char *name)
{
    Arena            scratch = {0};
    DetLoaderOptions o = detect_config_loader(&d->config, false);
    DetBatchImage    facts = {0};
    DetBatch         one = {.n = 1, .image = &facts};
    float           *pixels = NULL;
    *out = (DetectedImage){.width = im->width, .height = im->height};
    Status st = det_prepare(&scratch, &pixels, &facts.width, &facts.height, &o, im);
    one.pixels = pixels;
    one.width = facts.width;
    one.height = facts.height;
    if (st == OK)
        st = detect(d, a, out, &one, name);
    arena_release(&scratch);
    return st;
}

static Status each_picture(Detector *d, Arena *a, DetectedImage *out, DetLoader *loader,
                           Progress *p, const DetSet *set)
{
    int64_t n = set->n_images;
    for (int64_t i = 0; i < n; i++) {
        DetBatch batch;
        TRY(run_check_stop());
        TRY(det_loader_next(loader, &batch));
        if (batch.n != 1)
            return status_fail(ERR_SHAPE, "detector_set: the loader ended at picture %lld of %lld",
                               (long long)i, (long long)n);
        const DetBatchImage *im = batch.image;
        out[im->index] =
            (DetectedImage){.width = im->original_width, .height = im->original_height};
        TRY(detect(d, a, &out[im->index], &batch, set->image[im->index].path));
        progress_update(p, i + 1, NULL);
    }
    return OK;
}

Status detector_set(Detector *d, Arena *a, DetectedImage **out, const DetSet *set)
{
    DetLoaderOptions o = detect_input_loader(&d->config, false, d->be);
    DetLoader       *loader = NULL;
    Progress         progress;
    *out = ARENA_ARRAY(a, DetectedImage, set->n_images);
    if (*out == NULL)
        return ERR_MEMORY;
    TRY(det_loader_open(&loader, set, &o));
    progress_begin(&progress, "detect", set->n_images, 0);
    Status st = each_picture(d, a, *out, loader, &progress, set);
    progress_end(&progress, NULL);
    det_loader_close(loader);
    return st;
}

Status detector_open_part(const Detector *d, DetSet *set, const char *data, const char *part)
{
    TRY(detect_set_classes(set, d->classes.class_name, d->classes.class_id, d->classes.n_classes));
    return detect_open_part(set, data, part, d->config.data.format == 1, false);
}

static bool is_number(const char *id)
{
    size_t n = strspn(id, "0123456789");
    return n > 0 && n <= 18 && id[n] == 0;
}

void detections_json(Text *out, bool *is_first, const Detector *d, const char *image_id,
                     const DetectedImage *im)
{
    for (int64_t i = 0; i < im->n_found; i++) {
        const Detection *f = &im->found[i];
        double           v[] = {(double)f->x1, (double)f->y1, (double)f->x2 - (double)f->x1,
                                (double)f->y2 - (double)f->y1};
        text_puts(out, *is_first ? "\n{\"image_id\":" : ",\n{\"image_id\":");
        *is_first = false;
        if (is_number(image_id))
            text_int(out, strtoll(image_id, NULL, 10));
        else
            text_json(out, image_id);
        text_puts(out, ",\"category_id\":");
        text_int(out, detector_class_id(d, f->class_index));
        text_puts(out, ",\"category_name\":");
        text_json(out, detector_class_name(d, f->class_index));
        text_puts(out, ",\"bbox\":[");
        for (int j = 0; j < 4; j++) {
            text_puts(out, j ? "," : "");
            text_number(out, v[j]);
        }
        text_puts(out, "],\"score\":");
        text_number(out, (double)f->score);
        text_putc(out, '}');
    }
}
