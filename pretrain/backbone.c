/* backbone.c -- weights out, and a network from what a file's shapes say */
#include "pretrain/backbone.h"
#include "base/number.h"
#include "base/size.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

/* ---- writing ---- */

enum { MAX_META = 16 };

typedef struct Meta {
    Text        text[MAX_META];
    const char *pair[2 * MAX_META + 1];
    int         n;
} Meta;

static Text *meta_add(Meta *m, const char *key)
{
    m->pair[2 * m->n] = key;
    return &m->text[m->n++];
}

static void put_triple(Text *t, const float v[3])
{
    for (int i = 0; i < 3; i++) {
        text_puts(t, i ? "," : "");
        text_printf(t, "%.7g", (double)v[i]); // "0.485", not the double next to it
    }
}

static void meta_fill(Meta *m, const ResNetConfig *c, const BackboneInfo *info)
{
    text_puts(meta_add(m, "arch"), c->arch);
    text_number(meta_add(m, "width"), c->width);
    text_puts(meta_add(m, "stem"), c->has_small_stem ? "small" : "imagenet");
    text_puts(meta_add(m, "dilated"), c->is_dilated ? "true" : "false");
    text_puts(meta_add(m, "stride_in_1x1"), c->has_stride_in_1x1 ? "true" : "false");
    put_triple(meta_add(m, "mean"), info->mean);
    put_triple(meta_add(m, "std"), info->std);
    text_puts(meta_add(m, "channel_order"), "RGB");
    text_int(meta_add(m, "crop"), info->crop);
    text_puts(meta_add(m, "method"), info->method ? info->method : "");
    text_int(meta_add(m, "step"), info->step);
    for (int i = 0; i < m->n; i++)
        m->pair[2 * i + 1] = text_cstr(&m->text[i]);
    m->pair[2 * m->n] = NULL;
}

static Status meta_status(const Meta *m)
{
    for (int i = 0; i < m->n; i++)
        TRY(text_status(&m->text[i]));
    return OK;
}

static void meta_release(Meta *m)
{
    for (int i = 0; i < m->n; i++)
        text_release(&m->text[i]);
}

/* to's values and buffers = those of the same names in from. */
static Status copy_by_name(ParamSet *to, const ParamSet *from)
{
    for (int i = 0; i < to->n_params; i++) {
        Param *dst = to->param[i], *src = params_find(from, dst->spec.name);
        if (!src || !tensor_same_shape(&src->value, &dst->value))
            return status_fail(ERR_SHAPE, "backbone: %s does not fit the trained network",
                               dst->spec.name);
        TRY(to->be->copy(dst->value.data, src->value.data, tensor_bytes(&dst->value)));
    }
    to->n_batches_tracked = from->n_batches_tracked;
    return OK;
}

Status backbone_save(const char *path, const ParamSet *ps, const ResNet *net,
                     const BackboneInfo *info, bool with_head)
{
    Status   st = OK;
    Meta     meta = {0};
    ParamSet body;
    ResNet   body_net;
    params_init(&body, ps->be, true);
    meta_fill(&meta, &net->config, info);
    TRY_OUT(meta_status(&meta));
    if (with_head) {
        TRY_OUT(params_save(ps, path, "", meta.pair));
        goto out;
    }
    TRY_OUT(resnet_register(&body_net, &body, &net->config, "", HEAD_NONE, 0));
    TRY_OUT(params_commit(&body, F32, 0));
    TRY_OUT(copy_by_name(&body, ps));
    TRY_OUT(params_save(&body, path, "", meta.pair));
out:
    params_release(&body);
    meta_release(&meta);
    return st;
}

/* ---- reading ---- */

static const SafeTensor *find(const SafeFile *f, const char *prefix, const char *name)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return safetensors_find(f, full);
}

static int count_blocks(const SafeFile *f, const char *prefix, int stage)
{
    for (int b = 0; b <= RESNET_MAX_BLOCKS; b++) {
        char name[64];
        snprintf(name, sizeof name, "layer%d.%d.conv1.weight", stage, b);
        if (!find(f, prefix, name))
            return b;
    }
    return RESNET_MAX_BLOCKS + 1;
}

static void name_arch(ResNetConfig *c)
{
    static const char *const names[] = {"resnet18", "resnet34", "resnet50", "resnet101",
                                        "resnext50_32x8d"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ResNetConfig known;
        if (resnet_config(&known, names[i]) == OK && known.is_bottleneck == c->is_bottleneck &&
            known.groups == c->groups && known.width_per_group == c->width_per_group &&
            memcmp(known.n_blocks, c->n_blocks, sizeof known.n_blocks) == 0) {
            memcpy(c->arch, known.arch, sizeof c->arch);
            return;
        }
    }
    memcpy(c->arch, "resnet", 7);
}

/* torchvision's statistics of ImageNet, unless the file says otherwise. */
static Status read_triple(float out[3], const SafeFile *f, const char *key, const float fallback[3])
{
    memcpy(out, fallback, 3 * sizeof *out);
    const char *text = safetensors_meta(f, key);
    if (!text)
        return OK;
    for (int i = 0; i < 3; i++) {
        size_t n = strcspn(text, ",");
        double v;
        if (!number_parse_double(&v, text, (int64_t)n) || (text[n] == ',') != (i < 2))
            return status_fail(ERR_FORMAT, "%s: metadata %s: want three numbers 'r,g,b'", f->path,
                               key);
        out[i] = (float)v;
        text += n + 1;
    }
    return OK;
}

static bool is_true(const SafeFile *f, const char *key)
{
    const char *text = safetensors_meta(f, key);
    return text && strcmp(text, "true") == 0;
}

static Status read_info(BackboneInfo *info, const SafeFile *f)
{
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
    TRY(read_triple(info->mean, f, "mean", mean));
    TRY(read_triple(info->std, f, "std", std));
    for (int i = 0; i < 3; i++)
        if (!(info->std[i] > 0))
            return status_fail(ERR_FORMAT, "%s: metadata std: want positive numbers", f->path);
    const char *crop = safetensors_meta(f, "crop");
    int64_t     side = 0;
    if (crop && number_parse_int(&side, crop, (int64_t)strlen(crop)) && side >= 0 && side <= 4096)
        info->crop = side;
    return OK;
}

static Status missing(const SafeFile *f, const char *prefix, const char *name)
{
    return status_fail(ERR_FORMAT,
                       "%s: no tensor %s%s of the expected shape; want a residual network under "
                       "torchvision's names "
                       "(torchvision's own, or MoCo's module.encoder_q.)",
                       f->path, prefix, name);
}

static Status read_blocks(ResNetConfig *c, const SafeFile *f, const char *prefix)
{
    const SafeTensor *conv2 = find(f, prefix, "layer1.0.conv2.weight");
    c->is_bottleneck = find(f, prefix, "layer1.0.conv3.weight") != NULL;
    for (int s = 1; s <= RESNET_STAGES; s++) {
        c->n_blocks[s - 1] = count_blocks(f, prefix, s);
        if (c->n_blocks[s - 1] < 1 || c->n_blocks[s - 1] > RESNET_MAX_BLOCKS) {
            char name[64];
            snprintf(name, sizeof name, "layer%d.0.conv1.weight", s);
            return missing(f, prefix, name);
        }
    }
    if (!conv2 || conv2->n_dims != 4 || conv2->dim[0] < 1 || conv2->dim[1] < 1 ||
        conv2->dim[0] % conv2->dim[1] != 0)
        return missing(f, prefix, "layer1.0.conv2.weight");
    c->groups = c->is_bottleneck ? conv2->dim[0] / conv2->dim[1] : 1;
    c->width_per_group = 64;
    if (c->groups > 1) /* inner = planes * width_per_group / 64 * groups */
        c->width_per_group = conv2->dim[1] * 64 / resnet_channels(c, 0);
    return OK;
}

static void read_head(HeadKind *head, int64_t *n_out, const SafeFile *f, const char *prefix)
{
    const SafeTensor *linear = find(f, prefix, "fc.weight"), *mlp = find(f, prefix, "fc.2.weight");
    const SafeTensor *last = linear ? linear : mlp;
    bool              ok = last && last->n_dims == 2 && last->dim[0] > 0;
    *head = !ok ? HEAD_NONE : linear ? HEAD_LINEAR : HEAD_MLP;
    *n_out = ok ? last->dim[0] : 0;
}

Status backbone_config(ResNetConfig *out, HeadKind *head, int64_t *n_out, BackboneInfo *info,
                       const SafeFile *f, const char *prefix)
{
    *info = (BackboneInfo){0};
    const SafeTensor *stem = find(f, prefix, "conv1.weight");
    if (!stem || stem->n_dims != 4 || stem->dim[0] < 1 || stem->dim[0] > 65536 ||
        stem->dim[1] != 3 || (stem->dim[2] != 7 && stem->dim[2] != 3))
        return missing(f, prefix, "conv1.weight");
    *out = (ResNetConfig){.width = (double)stem->dim[0] / 64,
                          .has_small_stem = stem->dim[2] == 3,
                          .is_dilated = is_true(f, "dilated"),
                          .has_stride_in_1x1 = is_true(f, "stride_in_1x1"),
                          .bn_groups = 1};
    TRY(read_blocks(out, f, prefix));
    name_arch(out);
    read_head(head, n_out, f, prefix);
    info->has_small_stem = out->has_small_stem;
    return read_info(info, f);
}

static const char *find_prefix(const SafeFile *f)
{
    static const char *const known[] = {"", "module.encoder_q.", "backbone."};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (find(f, known[i], "conv1.weight"))
            return known[i];
    return "";
}

/* Refuses shapes that promise more numbers than the file holds, before anything is allocated for them. */
static Status check_size(const ParamSet *ps, const SafeFile *f)
{
    int64_t total = 0;
    for (int i = 0; i < ps->n_params; i++) {
        const Tensor *x = &ps->param[i]->value;
        int64_t       n;
        if (!size_product(&n, x->dim, x->ndim) || !size_add(&total, total, n) || total > f->map.n)
            return status_fail(ERR_FORMAT, "%s: its shapes imply a network larger than the file",
                               f->path);
    }
    return ps->status;
}

Status backbone_open(Backbone *b, const Backend *be, DType dtype, const char *path)
{
    Status     st = OK;
    SafeFile   f = {0};
    LoadReport report = {0};
    *b = (Backbone){0};
    params_init(&b->params, be, true);

    TRY_OUT(safetensors_open(&f, path));
    const char  *prefix = find_prefix(&f);
    ResNetConfig config;
    HeadKind     head;
    int64_t      n_out;
    TRY_OUT(backbone_config(&config, &head, &n_out, &b->info, &f, prefix));
    TRY_OUT(resnet_register(&b->net, &b->params, &config, "", head, n_out));
    TRY_OUT(check_size(&b->params, &f));
    TRY_OUT(params_commit(&b->params, dtype, 0));

    /* MoCo's files hold a key encoder and a queue beside the query encoder. */
    static const char *const other[] = {"module.encoder_k.*", "module.queue*", NULL};
    LoadOptions              options = {.prefix = prefix, .allow_unused = other};
    TRY_OUT(params_load(&b->params, path, &options, &report));
    TRY_OUT(params_refresh_low(&b->params));
out:
    arena_release(&report.arena);
    safetensors_close(&f);
    if (st != OK)
        backbone_release(b);
    return st;
}

void backbone_release(Backbone *b)
{
    params_release(&b->params);
    *b = (Backbone){0};
}
