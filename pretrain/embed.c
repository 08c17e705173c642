/* embed.c -- a set through a network, in order */
#include "pretrain/embed.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/run.h"
#include "base/safetensors.h"
#include "base/size.h"
#include "base/text.h"
#include "datasets/loader.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t width_of(const ResNet *net, const EmbedOptions *o)
{
    if (o->what == EMBED_PIXELS)
        return o->augment.crop * o->augment.crop * 3;
    if (o->what == EMBED_HEAD)
        return net->n_out;
    return resnet_channels(&net->config, 4);
}

/* One batch -> rows of `out`. */
static Status embed_batch(Tape *t, float *out, const ResNet *net, const EmbedOptions *o,
                          const LoaderBatch *batch)
{
    int64_t side = o->augment.crop;
    if (o->what == EMBED_PIXELS) {
        memcpy(out, batch->view[0], (size_t)(batch->n * side * side * 3) * sizeof(float));
        return OK;
    }
    tape_reset(t, 0);
    Tensor *x = tape_input(t, F32, 4, (int64_t[]){batch->n, side, side, 3}, batch->view[0]);
    Tensor *y = resnet_features(t, net, x);
    if (o->what == EMBED_HEAD)
        y = resnet_head(t, net, y);
    TRY(tape_status(t));
    return tape_read(t, out, y);
}

/* Rows of gray pictures stand for the few that are bad; a set of nothing else would be scored as if it were one. */
static Status judge_bad(int64_t n_bad, int64_t n)
{
    if (n_bad == 0)
        return OK;
    if (n_bad >= n)
        return status_fail(ERR_FORMAT,
                           "embed: none of the %lld pictures can be used; the warnings before this "
                           "line say why",
                           (long long)n);
    log_warn("embed: %lld of %lld pictures cannot be used; their rows are those of a gray picture",
             (long long)n_bad, (long long)n);
    return OK;
}

/* Weights can be finite and their network not: a variance below 0, say. */
static Status want_finite(const float *rows, int64_t width, const LoaderBatch *batch,
                          const Source *source)
{
    for (int64_t i = 0; i < batch->n * width; i++)
        if (!isfinite(rows[i]))
            return status_fail(
                ERR_NONFINITE,
                "%s: the network gives a feature that is not finite; are its weights "
                "whole?",
                source_name(source, batch->index[i / width]));
    return OK;
}

static Status embed_all(Tape *t, float *features, int64_t *labels, const ResNet *net,
                        Loader *loader, const Source *source, const EmbedOptions *o, int64_t n,
                        int64_t width)
{
    Progress progress;
    Status   st = OK;
    progress_begin(&progress, "embed", n, 0);
    for (int64_t done = 0; done < n;) {
        LoaderBatch batch;
        TRY_OUT(run_check_stop());
        TRY_OUT(loader_next(loader, &batch));
        batch.n = size_min(batch.n, n - done);
        TRY_OUT(embed_batch(t, features + done * width, net, o, &batch));
        TRY_OUT(want_finite(features + done * width, width, &batch, source));
        for (int64_t i = 0; labels && i < batch.n; i++)
            labels[done + i] = batch.label[i];
        done += batch.n;
        progress_update(&progress, done, NULL);
    }
out:
    progress_end(&progress, NULL);
    return st;
}

Status embed_source(float **features, int64_t **labels, int64_t *n, int64_t *width,
                    const Backend *be, const ResNet *net, const Source *source,
                    const EmbedOptions *o)
{
    Status  st = OK;
    Loader *loader = NULL;
    Tape    tape = {0};
    bool    opened = false;
    int64_t bytes, count = source_count(source);
    *features = NULL;
    if (labels)
        *labels = NULL;
    if (o->what == EMBED_HEAD && net->head == HEAD_NONE)
        return status_fail(ERR_USAGE, "the weights hold no head: give RUN/encoder.safetensors, or "
                                      "ask for pooled features");
    *n = o->limit > 0 ? size_min(o->limit, count) : count;
    *width = width_of(net, o);

    LoaderOptions options = {.augment = o->augment,
                             .batch = size_min(o->batch > 0 ? o->batch : 128, size_max(count, 1)),
                             .n_views = 1,
                             .bad = BAD_GRAY};
    options.end_step = (*n + options.batch - 1) / options.batch;
    if (!size_product(&bytes, (int64_t[]){*n, *width, 4}, 3))
        return status_fail(ERR_MEMORY, "embed: %lld x %lld features are too many", (long long)*n,
                           (long long)*width);
    *features = malloc((size_t)bytes + 1);
    if (labels)
        *labels = malloc((size_t)*n * sizeof **labels + 1);
    if (!*features || (labels && !*labels))
        TRY_OUT(status_no_memory("embed: features", bytes));
    TRY_OUT(tape_init(&tape, be, o->dtype));
    opened = true;
    TRY_OUT(loader_open(&loader, source, &options));
    TRY_OUT(
        embed_all(&tape, *features, labels ? *labels : NULL, net, loader, source, o, *n, *width));
    TRY_OUT(judge_bad(loader_stats(loader).n_bad, *n));
out:
    loader_close(loader);
    if (opened)
        tape_release(&tape);
    if (st != OK) {
        free(*features);
        *features = NULL;
        if (labels) {
            free(*labels);
            *labels = NULL;
        }
    }
    return st;
}

AugmentOptions embed_augment(const BackboneInfo *info, int64_t crop)
{
    AugmentOptions o = augment_options(AUGMENT_TEST, crop > 0 ? crop : info->crop);
    if (info->has_small_stem)
        o.resize = 0;
    memcpy(o.mean, info->mean, sizeof o.mean);
    memcpy(o.std, info->std, sizeof o.std);
    return o;
}

/* FILE.names.txt has one line a picture: a line feed in a name would move every row behind it. */
static Status check_names(const Source *source)
{
    for (int64_t i = 0; i < source_count(source); i++)
        for (const char *c = source_name(source, i); *c; c++)
            if ((unsigned char)*c < 0x20 || *c == 0x7F)
                return status_fail(ERR_FORMAT,
                                   "embed: the name of picture %lld has a control character (byte "
                                   "%02x) and cannot stand on a line of its own; rename the file",
                                   (long long)i, (unsigned char)*c);
    return OK;
}

static Status write_names(const char *out, const Source *source, int64_t n)
{
    Text   names = {0}, path = {0};
    Status st = OK;
    for (int64_t i = 0; i < n; i++) {
        text_puts(&names, source_name(source, i));
        text_putc(&names, '\n');
    }
    text_printf(&path, "%s.names.txt", out);
    TRY_OUT(text_status(&names));
    TRY_OUT(text_status(&path));
    TRY_OUT(file_write(text_cstr(&path), text_cstr(&names), names.len));
out:
    text_release(&names);
    text_release(&path);
    return st;
}

Status embed_file(int64_t *n, int64_t *width, const Backend *be, const char *weights,
                  const char *data, const char *out, EmbedWhat what, DType dtype, int64_t crop)
{
    Status   st = OK;
    Backbone backbone = {0};
    Source  *source = NULL;
    float   *features = NULL;
    TRY(backbone_open(&backbone, be, dtype, weights));
    TRY_OUT(source_open(&source, data));
    TRY_OUT(check_names(source));

    EmbedOptions o = {.what = what, .augment = embed_augment(&backbone.info, crop), .dtype = dtype};
    TRY_OUT(embed_source(&features, NULL, n, width, be, &backbone.net, source, &o));
    SafeTensor tensor = {
        .name = "features", .type = SAFE_F32, .n_dims = 2, .dim = {*n, *width}, .data = features};
    SafeMeta meta[] = {{"weights", weights}, {"data", data}};
    TRY_OUT(safetensors_write(out, &tensor, 1, meta, 2));
    TRY_OUT(write_names(out, source, *n));
out:
    free(features);
    source_close(source);
    backbone_release(&backbone);
    return st;
}
