/* Parameters on disk: safetensors, torchvision's names and layout. The only place that transposes. */
#include "base/safetensors.h"
#include "base/size.h"
#include "kernels/params.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char MEAN[] = ".running_mean";
static const char TRACKED[] = ".num_batches_tracked";

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* to (a,d,b,c) = from (a,b,c,d): (Co,kh,kw,Ci) to the disk's (Co,Ci,kh,kw) with b*c = kh*kw. */
static void channels_first(float *to, const float *from, int64_t co, int64_t taps, int64_t ci)
{
    for (int64_t o = 0; o < co; o++)
        for (int64_t k = 0; k < taps; k++)
            for (int64_t c = 0; c < ci; c++)
                to[(o * ci + c) * taps + k] = from[(o * taps + k) * ci + c];
}

static void channels_last(float *to, const float *from, int64_t co, int64_t taps, int64_t ci)
{
    for (int64_t o = 0; o < co; o++)
        for (int64_t c = 0; c < ci; c++)
            for (int64_t k = 0; k < taps; k++)
                to[(o * taps + k) * ci + c] = from[(o * ci + c) * taps + k];
}

/* The disk's dims of a parameter. */
static int disk_dims(int64_t dim[SAFE_DIMS], const Param *p)
{
    const Tensor *v = &p->value;
    for (int i = 0; i < v->ndim; i++)
        dim[i] = v->dim[i];
    if (p->spec.kind == PARAM_CONV) {
        dim[1] = v->dim[3];
        dim[2] = v->dim[1];
        dim[3] = v->dim[2];
    }
    return v->ndim;
}

/* The values of p on the host in the disk's order. */
static float *disk_values(Arena *a, const ParamSet *ps, const Param *p)
{
    const Tensor *v = &p->value;
    int64_t       n = tensor_count(v);
    float        *host = ARENA_ARRAY(a, float, n);
    if (!host || ps->be->read(host, v->data, n * (int64_t)sizeof *host) != OK)
        return NULL;
    if (p->spec.kind != PARAM_CONV || v->dim[1] * v->dim[2] == 1)
        return host;
    float *turned = ARENA_ARRAY(a, float, n);
    if (turned)
        channels_first(turned, host, v->dim[0], v->dim[1] * v->dim[2], v->dim[3]);
    return turned;
}

static Status save(Arena *a, const ParamSet *ps, const char *path, const char *prefix,
                   const char *const *metadata)
{
    SafeTensor *tensor = ARENA_ARRAY(a, SafeTensor, 2 * (int64_t)ps->n_params);
    int64_t     n = 0;
    if (!tensor)
        return ERR_MEMORY;
    for (int i = 0; i < ps->n_params; i++) {
        const Param *p = ps->param[i];
        SafeTensor  *s = &tensor[n++];
        s->type = SAFE_F32;
        s->n_dims = disk_dims(s->dim, p);
        if (!(s->name = arena_printf(a, "%s%s", prefix, p->spec.name)) ||
            !(s->data = disk_values(a, ps, p)))
            return ERR_MEMORY;
        if (!ends_with(p->spec.name, MEAN))
            continue;
        SafeTensor *count = &tensor[n++];
        int         stem = (int)(strlen(p->spec.name) - strlen(MEAN));
        count->type = SAFE_I64;
        count->data = &ps->n_batches_tracked;
        if (!(count->name = arena_printf(a, "%s%.*s%s", prefix, stem, p->spec.name, TRACKED)))
            return ERR_MEMORY;
    }
    int64_t pairs = 0;
    while (metadata && metadata[2 * pairs])
        pairs++;
    SafeMeta *meta = ARENA_ARRAY(a, SafeMeta, pairs);
    if (!meta)
        return ERR_MEMORY;
    for (int64_t i = 0; i < pairs; i++)
        meta[i] = (SafeMeta){metadata[2 * i], metadata[2 * i + 1]};
    return safetensors_write(path, tensor, n, meta, pairs);
}

Status params_save(const ParamSet *ps, const char *path, const char *prefix,
                   const char *const *metadata)
{
    Arena  scratch = {0};
    Status st = save(&scratch, ps, path, prefix ? prefix : "", metadata);
    arena_release(&scratch);
    return st;
}

static bool matches_any(const char *const *pattern, const char *name)
{
    for (; pattern && *pattern; pattern++)
        if (fnmatch(*pattern, name, 0) == 0)
            return true;
    return false;
}

static const char *shape_text(Arena *a, const int64_t *dim, int n)
{
    const char *text = "(";
    for (int i = 0; text && i < n; i++)
        text = arena_printf(a, i ? "%s,%lld" : "%s%lld", text, (long long)dim[i]);
    text = text ? arena_printf(a, "%s)", text) : NULL;
    return text ? text : "?";
}

/* host = the values of p as read from s, in memory's order, checked. */
static Status values_from_disk(Arena *a, float **host, const Param *p, const SafeTensor *s,
                               const char *path)
{
    int64_t want[SAFE_DIMS];
    int     n_dims = disk_dims(want, p);
    if (s->n_dims != n_dims || memcmp(s->dim, want, (size_t)n_dims * sizeof *want) != 0)
        return status_fail(ERR_FORMAT, "%s: %s has shape %s, the model's has %s", path, s->name,
                           shape_text(a, s->dim, s->n_dims), shape_text(a, want, n_dims));
    int64_t n = tensor_count(&p->value);
    float  *v = ARENA_ARRAY(a, float, n);
    if (!v)
        return ERR_MEMORY;
    TRY(safetensors_to_f32(s, v, n));
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return status_fail(ERR_FORMAT,
                               "%s: %s holds a value that is not finite, at element %lld", path,
                               s->name, (long long)i);
    *host = v;
    if (p->spec.kind != PARAM_CONV || want[2] * want[3] == 1)
        return OK;
    if (!(*host = ARENA_ARRAY(a, float, n)))
        return ERR_MEMORY;
    channels_last(*host, v, want[0], want[2] * want[3], want[1]);
    return OK;
}

static Status load_one(ParamSet *ps, Param *p, const SafeTensor *s, const char *path)
{
    Arena  scratch = {0};
    float *host = NULL;
    Status st = values_from_disk(&scratch, &host, p, s, path);
    if (st == OK)
        st = ps->be->write(p->value.data, host, tensor_bytes(&p->value));
    arena_release(&scratch);
    return st;
}

static Status note(LoadReport *r, char **list, int *n, const char *name)
{
    list[*n] = arena_strdup(&r->arena, name);
    return list[(*n)++] ? OK : ERR_MEMORY;
}

/* The file's name of a parameter: with the prefix. */
static const SafeTensor *find(Arena *a, const SafeFile *f, const char *prefix, const char *name)
{
    char *full = arena_printf(a, "%s%s", prefix, name);
    return full ? safetensors_find(f, full) : NULL;
}

static Status load_known(ParamSet *ps, const SafeFile *f, const char *path, const LoadOptions *o,
                         LoadReport *r)
{
    const char *prefix = o->prefix ? o->prefix : "";
    for (int i = 0; i < ps->n_params; i++) {
        Param            *p = ps->param[i];
        const SafeTensor *s = find(&r->arena, f, prefix, p->spec.name);
        if (s) {
            TRY(load_one(ps, p, s, path));
            r->n_loaded++;
        } else if (matches_any(o->allow_missing, p->spec.name)) {
            TRY(note(r, r->missing, &r->n_missing, p->spec.name));
        } else {
            return status_fail(ERR_FORMAT, "%s: %s%s is missing; the model needs it", path, prefix,
                               p->spec.name);
        }
    }
    return OK;
}

/* Names of the file that no parameter took. */
static Status check_unused(ParamSet *ps, const SafeFile *f, const char *path, const LoadOptions *o,
                           LoadReport *r)
{
    const char *prefix = o->prefix ? o->prefix : "";
    size_t      skip = strlen(prefix);
    for (int64_t i = 0; i < f->n; i++) {
        const SafeTensor *s = &f->tensor[i];
        bool              inside = strncmp(s->name, prefix, skip) == 0;
        if (inside && params_find(ps, s->name + skip))
            continue;
        if (inside && ends_with(s->name, TRACKED)) {
            if (s->type == SAFE_I64 && s->n_dims == 0)
                memcpy(&ps->n_batches_tracked, s->data, sizeof ps->n_batches_tracked);
            continue;
        }
        if (inside && !matches_any(o->allow_unused, s->name))
            return status_fail(ERR_FORMAT, "%s: the model has no place for %s", path, s->name);
        TRY(note(r, r->unused, &r->n_unused, s->name));
    }
    return OK;
}

Status params_load(ParamSet *ps, const char *path, const LoadOptions *options, LoadReport *report)
{
    Status      st = OK;
    LoadOptions o = options ? *options : (LoadOptions){0};
    LoadReport  local = {0}, *r = report ? report : &local;
    SafeFile    f = {0};
    *r = (LoadReport){0};
    TRY_OUT(safetensors_open(&f, path));
    r->missing = ARENA_ARRAY(&r->arena, char *, ps->n_params);
    r->unused = ARENA_ARRAY(&r->arena, char *, f.n);
    if (!r->missing || !r->unused) {
        st = ERR_MEMORY;
        goto out;
    }
    TRY_OUT(load_known(ps, &f, path, &o, r));
    TRY_OUT(check_unused(ps, &f, path, &o, r));
    TRY_OUT(params_refresh_low(ps));
out:
    safetensors_close(&f);
    if (!report)
        arena_release(&local.arena);
    return st;
}
