#include "kernels/params.h"
#include "base/rng.h"
#include "base/size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPAN = 16 }; // elements: spans start at multiples of it

Init init_kaiming_fan_out(int64_t cout, int64_t kh, int64_t kw)
{
    return (Init){INIT_NORMAL, (float)sqrt(2.0 / (double)(cout * kh * kw))};
}

Init init_default(int64_t fan_in)
{
    return (Init){INIT_UNIFORM, (float)(1.0 / sqrt((double)fan_in))};
}

Init init_xavier_fan_in(int64_t fan_in)
{
    return (Init){INIT_UNIFORM, (float)sqrt(3.0 / (double)fan_in)};
}

void params_init(ParamSet *ps, const Backend *be, bool is_frozen)
{
    *ps = (ParamSet){.be = be, .is_frozen = is_frozen};
}

void params_release(ParamSet *ps)
{
    if (ps->be) {
        ps->be->free(ps->values);
        ps->be->free(ps->grads);
        ps->be->free(ps->momentum);
        ps->be->free(ps->squares);
        ps->be->free(ps->low);
        ps->be->free(ps->buffers);
    }
    arena_release(&ps->arena);
    *ps = (ParamSet){0};
}

Param *params_find(const ParamSet *ps, const char *name)
{
    for (int i = 0; i < ps->n_params; i++)
        if (strcmp(ps->param[i]->spec.name, name) == 0)
            return ps->param[i];
    return NULL;
}

/* What callers get when an addition failed: never read, because params_commit reports first. */
static Tensor *failed(ParamSet *ps, Status st)
{
    static Tensor nothing;
    if (ps->status == OK)
        ps->status = st;
    return &nothing;
}

static bool grow(ParamSet *ps)
{
    if (ps->n_params < ps->capacity)
        return true;
    int     capacity = ps->capacity ? ps->capacity * 2 : 256;
    Param **param = ARENA_ARRAY(&ps->arena, Param *, capacity);
    if (!param)
        return false;
    if (ps->n_params > 0)
        memcpy(param, ps->param, (size_t)ps->n_params * sizeof *param);
    ps->param = param;
    ps->capacity = capacity;
    return true;
}

Tensor *params_add(ParamSet *ps, ParamSpec spec, int ndim, const int64_t *dim)
{
    int64_t  count, end;
    int64_t *total = spec.kind == PARAM_BUFFER ? &ps->n_buffers : &ps->n_values;
    if (ps->status != OK)
        return failed(ps, ps->status);
    if (ps->values || ps->buffers)
        return failed(
            ps, status_fail(ERR_USAGE, "params_add: %s comes after params_commit", spec.name));
    if (params_find(ps, spec.name))
        return failed(
            ps, status_fail(ERR_USAGE, "params_add: there are two parameters named %s", spec.name));
    if (ndim < 0 || ndim > TENSOR_MAX_DIMS || !size_product(&count, dim, ndim) ||
        !size_add(&end, *total, count) || end > INT64_MAX / 16 ||
        (spec.kind == PARAM_CONV && ndim != 4))
        return failed(ps, status_fail(ERR_SHAPE, "params_add: %s has impossible dims", spec.name));
    Param *p = ARENA_NEW(&ps->arena, Param);
    if (!p || !grow(ps) || !(p->spec.name = arena_strdup(&ps->arena, spec.name)))
        return failed(ps, ERR_MEMORY);
    const char *name = p->spec.name;
    p->spec = spec;
    p->spec.name = name;
    p->offset = *total;
    *total = size_round_up(end, SPAN);
    p->value = (Tensor){.dtype = F32, .ndim = ndim};
    for (int i = 0; i < ndim; i++)
        p->value.dim[i] = dim[i];
    p->value.wants_grad = spec.kind != PARAM_BUFFER && !ps->is_frozen;
    ps->param[ps->n_params++] = p;
    return &p->value;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_name(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001b3u;
    return h;
}

static void draw(float *out, int64_t n, const ParamSpec *spec, uint64_t seed)
{
    Rng rng = rng_at(seed, RNG_INIT, hash_name(spec->name), 0);
    for (int64_t i = 0; i < n; i++)
        switch (spec->init.kind) {
        case INIT_ZERO:
            out[i] = 0.0f;
            break;
        case INIT_ONE:
            out[i] = 1.0f;
            break;
        case INIT_NORMAL:
            out[i] = spec->init.a * rng_normal(&rng);
            break;
        case INIT_UNIFORM:
            out[i] = spec->init.a * (2.0f * rng_uniform(&rng) - 1.0f);
            break;
        }
}

/* A flat device buffer of n elements, all zero. */
static Status zeros(const Backend *be, void **memory, DType dtype, int64_t n, const char *what)
{
    Tensor all = {.dtype = dtype, .ndim = 1, .dim = {n}};
    TRY(backend_alloc(be, memory, tensor_bytes(&all), what));
    all.data = *memory;
    return be->fill(&all, 0.0f);
}

static Status allocate(ParamSet *ps, DType dtype)
{
    void *m = NULL;
    TRY(zeros(ps->be, &m, F32, ps->n_values, "weights"));
    ps->values = m;
    TRY(zeros(ps->be, &m, F32, ps->n_buffers, "running statistics"));
    ps->buffers = m;
    if (!ps->is_frozen) {
        TRY(zeros(ps->be, &m, F32, ps->n_values, "gradients of the weights"));
        ps->grads = m;
        TRY(zeros(ps->be, &m, F32, ps->n_values, "momentum of the weights"));
        ps->momentum = m;
        TRY(backend_alloc(ps->be, &m, (int64_t)sizeof *ps->squares, "squares of the gradients"));
        ps->squares = m;
    }
    if (dtype == BF16) {
        TRY(zeros(ps->be, &m, BF16, ps->n_values, "bf16 copy of the weights"));
        ps->low = m;
    }
    return OK;
}

static void connect(ParamSet *ps, Param *p)
{
    bool is_buffer = p->spec.kind == PARAM_BUFFER;
    p->value.data = (is_buffer ? ps->buffers : ps->values) + p->offset;
    if (is_buffer)
        return;
    if (!ps->is_frozen) {
        p->grad = p->value;
        p->grad.data = ps->grads + p->offset;
        p->grad.grad = NULL;
        p->grad.wants_grad = false;
        p->grad.is_blank = true;
        p->value.grad = &p->grad;
    }
    if (ps->low) {
        p->low = p->value;
        p->low.dtype = BF16;
        p->low.data = (uint16_t *)ps->low + p->offset;
        p->low.grad = NULL;
        p->low.wants_grad = false;
        p->value.low = &p->low;
    }
}

Status params_commit(ParamSet *ps, DType dtype, uint64_t seed)
{
    TRY(ps->status);
    TRY(allocate(ps, dtype));
    int64_t most = 0;
    for (int i = 0; i < ps->n_params; i++)
        most = size_max(most, tensor_count(&ps->param[i]->value));
    float *host = malloc((size_t)size_max(most, 1) * sizeof *host);
    if (!host)
        return status_no_memory("initial values", (long long)most * 4);
    Status st = OK;
    for (int i = 0; st == OK && i < ps->n_params; i++) {
        Param  *p = ps->param[i];
        int64_t n = tensor_count(&p->value);
        connect(ps, p);
        draw(host, n, &p->spec, seed);
        st = ps->be->write(p->value.data, host, n * (int64_t)sizeof *host);
    }
    free(host);
    TRY(st);
    return params_refresh_low(ps);
}

int64_t params_learned_count(const ParamSet *ps)
{
    int64_t n = 0;
    for (int i = 0; i < ps->n_params; i++)
        if (ps->param[i]->spec.kind != PARAM_BUFFER)
            n += tensor_count(&ps->param[i]->value);
    return n;
}

void params_clear_grads(ParamSet *ps)
{
    for (int i = 0; i < ps->n_params; i++)
        ps->param[i]->grad.is_blank = true;
}

Status params_finish_grads(ParamSet *ps)
{
    for (int i = 0; i < ps->n_params; i++) {
        Param *p = ps->param[i];
        if (p->value.grad && p->grad.is_blank) {
            TRY(ps->be->fill(&p->grad, 0.0f));
            p->grad.is_blank = false;
        }
    }
    return OK;
}

static Status check_layout(const ParamSet *a, const ParamSet *b)
{
    bool agree =
        a->n_params == b->n_params && a->n_values == b->n_values && a->n_buffers == b->n_buffers;
    for (int i = 0; agree && i < a->n_params; i++)
        agree = strcmp(a->param[i]->spec.name, b->param[i]->spec.name) == 0 &&
                tensor_same_shape(&a->param[i]->value, &b->param[i]->value);
    return agree ? OK
                 : status_fail(ERR_SHAPE,
                               "params: two sets of %d and %d parameters have different layouts",
                               a->n_params, b->n_params);
}

Status params_copy(ParamSet *to, const ParamSet *from)
{
    TRY(check_layout(to, from));
    TRY(to->be->copy(to->values, from->values, to->n_values * (int64_t)sizeof(float)));
    TRY(to->be->copy(to->buffers, from->buffers, to->n_buffers * (int64_t)sizeof(float)));
    to->n_batches_tracked = from->n_batches_tracked;
    return params_refresh_low(to);
}

Status params_average(ParamSet *k, const ParamSet *q, float m)
{
    if (k->n_values != q->n_values)
        return check_layout(k, q);
    return k->be->ema(k->values, q->values, k->low, k->n_values, m);
}

Status params_refresh_low(ParamSet *ps)
{
    if (!ps->low)
        return OK;
    Tensor values = {.dtype = F32, .ndim = 1, .dim = {ps->n_values}, .data = ps->values};
    Tensor low = {.dtype = BF16, .ndim = 1, .dim = {ps->n_values}, .data = ps->low};
    return ps->be->cast(&low, &values);
}
