#include "detect/weights.h"
#include "base/json.h"
#include "base/log.h"
#include "base/safetensors.h"
#include "detect/data.h"
#include "pretrain/backbone.h"
#include <math.h>
#include <string.h>

static const char MOCO_PREFIX[] = "module.encoder_q.";

static Status prefix_of(const char **prefix, const char *path)
{
    SafeFile f = {0};
    Status   st = safetensors_open(&f, path);
    *prefix = "";
    for (int64_t i = 0; st == OK && i < f.n; i++)
        if (strncmp(f.tensor[i].name, MOCO_PREFIX, sizeof MOCO_PREFIX - 1) == 0)
            *prefix = MOCO_PREFIX;
    safetensors_close(&f);
    return st;
}

/* Metadata against the recipe; a file without it leaves the choice to the user. */
static Status check_input(const DetectConfig *c, const SafeFile *f, const BackboneInfo *info)
{
    const char *order = safetensors_meta(f, "channel_order");
    const char *ours = c->data.bgr ? "BGR" : "RGB";
    if (order && strcmp(order, ours) != 0)
        return status_fail(
            ERR_FORMAT,
            "%s: was trained on %s pictures, the recipe feeds %s; set data.bgr=%s with "
            "data.mean and data.std in that order",
            f->path, order, ours, c->data.bgr ? "false" : "true");
    bool other = false;
    for (int i = 0; i < 3; i++) {
        int from = c->data.bgr ? 2 - i : i;
        other |= fabs(255.0 * (double)info->mean[from] - c->data.mean.v[i]) > 0.5;
        other |= fabs(255.0 * (double)info->std[from] - c->data.std.v[i]) > 0.5;
    }
    if (other && safetensors_meta(f, "mean"))
        log_warn(
            "%s: was trained with mean %s and std %s of pixels in 0..1, the recipe's data.mean "
            "and data.std (in 0..255) are others",
            f->path, safetensors_meta(f, "mean"), safetensors_meta(f, "std"));
    return OK;
}

static Status check_net(const DetectConfig *c, const SafeFile *f, const ResNetConfig *have)
{
    ResNetConfig want;
    TRY(detect_config_net(&want, c));
    if (strcmp(have->arch, want.arch) != 0 || have->width != want.width || have->has_small_stem)
        return status_fail(
            ERR_FORMAT,
            "%s: holds %s of width %g with the %s stem, the recipe wants %s of width "
            "%g with the 7x7 stem; set model.arch and model.width, or take other "
            "weights",
            f->path, have->arch, have->width, have->has_small_stem ? "3x3" : "7x7", want.arch,
            want.width);
    if (safetensors_meta(f, "stride_in_1x1") && have->has_stride_in_1x1 != want.has_stride_in_1x1)
        return status_fail(
            ERR_FORMAT,
            "%s: its blocks stride in the %s convolution; take a recipe for such networks (those "
            "named _moco are for godwit's and torchvision's), or set model.stride_in_1x1=%s",
            f->path, have->has_stride_in_1x1 ? "1x1" : "3x3",
            have->has_stride_in_1x1 ? "true" : "false");
    return OK;
}

Status detect_check_backbone(const DetectConfig *c, const char *path)
{
    Status       st = OK;
    SafeFile     f = {0};
    const char  *prefix;
    ResNetConfig have;
    HeadKind     head;
    int64_t      n_out;
    BackboneInfo info;
    TRY(prefix_of(&prefix, path));
    TRY(safetensors_open(&f, path));
    TRY_OUT(backbone_config(&have, &head, &n_out, &info, &f, prefix));
    TRY_OUT(check_net(c, &f, &have));
    TRY_OUT(check_input(c, &f, &info));
out:
    safetensors_close(&f);
    return st;
}

Status detect_load_backbone(ParamSet *ps, const char *path)
{
    static const char *const new_layers[] = {"proposal_generator.*", "roi_heads.*", NULL};
    static const char *const heads[] = {"fc.*", NULL};
    static const char *const moco[] = {"fc.*", "module.encoder_k.*", "module.queue*", NULL};
    LoadOptions              options = {.allow_missing = new_layers};
    LoadReport               report = {0};
    TRY(prefix_of(&options.prefix, path));
    options.allow_unused = options.prefix[0] ? moco : heads;
    Status st = params_load(ps, path, &options, &report);
    if (st == OK)
        log_info(
            "%s: %d tensors loaded into the body, %d new (RPN, box head, extra norm), %d unused "
            "(classifier)",
            path, report.n_loaded, report.n_missing, report.n_unused);
    arena_release(&report.arena);
    return st == OK ? params_refresh_low(ps) : st;
}

Status detect_save_model(const ParamSet *ps, const char *path, const DetSet *classes,
                         const char *arch)
{
    Text       names = {0}, ids = {0};
    JsonWriter wn = json_writer(&names, 0), wi = json_writer(&ids, 0);
    json_open_array(&wn, NULL);
    json_open_array(&wi, NULL);
    for (int64_t k = 0; k < classes->n_classes; k++) {
        json_put_string(&wn, NULL, classes->class_name[k]);
        json_put_int(&wi, NULL, classes->class_id[k]);
    }
    json_close_array(&wn);
    json_close_array(&wi);
    const char *meta[] = {"classes", text_cstr(&names), "class_ids", text_cstr(&ids),
                          "model",   "faster_rcnn_c4",  "arch",      arch,
                          NULL};
    Status      st = text_status(&names) == OK ? text_status(&ids) : ERR_MEMORY;
    if (st == OK)
        st = params_save(ps, path, "", meta);
    text_release(&names);
    text_release(&ids);
    return st;
}

static Status read_lists(DetSet *classes, Arena *a, const SafeFile *f)
{
    const char *names = safetensors_meta(f, "classes"), *ids = safetensors_meta(f, "class_ids");
    JsonValue  *name_list, *id_list;
    if (!names || !ids)
        return status_fail(
            ERR_FORMAT, "%s: its metadata names no classes; it is not a detector's model", f->path);
    TRY(json_parse(a, &name_list, names, (int64_t)strlen(names), f->path, NULL));
    TRY(json_parse(a, &id_list, ids, (int64_t)strlen(ids), f->path, NULL));
    if (name_list->kind != JSON_ARRAY || id_list->kind != JSON_ARRAY || name_list->n < 1 ||
        name_list->n != id_list->n)
        return status_fail(
            ERR_FORMAT, "%s: metadata classes and class_ids must be lists of one length", f->path);
    const char **name = ARENA_ARRAY(a, const char *, name_list->n);
    int64_t     *id = ARENA_ARRAY(a, int64_t, name_list->n), n = 0;
    if (!name || !id)
        return ERR_MEMORY;
    const JsonValue *i = id_list->child;
    for
        JSON_EACH(v, name_list)
        {
            if (v->kind != JSON_STRING || i->kind != JSON_INT)
                return json_fail(v, "wanted a name and a whole number for class %lld",
                                 (long long)n);
            name[n] = v->text;
            id[n++] = i->integer;
            i = i->next;
        }
    return detect_set_classes(classes, name, id, n);
}

Status detect_read_classes(DetSet *classes, const char *path)
{
    SafeFile f = {0};
    Arena    a = {0};
    Status   st = safetensors_open(&f, path);
    if (st == OK)
        st = read_lists(classes, &a, &f);
    safetensors_close(&f);
    arena_release(&a);
    return st;
}
