/* trainer_state.c -- a run as named arrays, for checkpoints
 *
 *      encoder_q.values, .momentum, .buffers      flat buffers (kernels/params.h), padding included
 *      encoder_k.values, .buffers                 MoCo
 *      queue (C,K), queue_ptr                     MoCo's own layout
 *      counters                                   steps, images, keys enqueued, batches tracked
 *      means                                      the sums behind the next line of metrics
 *
 * The sampler's place and every random draw follow from the step (decision 10), so nothing else is needed to go on bit
 * for bit.
 */
#include "base/log.h"
#include "base/size.h"
#include "pretrain/trainer.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_ARRAYS = 12, N_COUNTERS = 5, N_MEANS = 12 };

typedef struct State {
    const Backend *be;
    SafeTensor     array[MAX_ARRAYS];  // data: host memory
    void          *device[MAX_ARRAYS]; // NULL: host only
    int            n;
    int64_t        counters[N_COUNTERS], queue_ptr;
    double         means[N_MEANS];
    float         *queue; // (K,C) on the host, before or after transposing
    Arena          arena;
} State;

static Status add_flat(State *s, const char *name, float *device, int64_t n)
{
    void *host = ARENA_ARRAY(&s->arena, float, n);
    if (!host)
        return ERR_MEMORY;
    s->array[s->n] =
        (SafeTensor){.name = name, .type = SAFE_F32, .n_dims = 1, .dim = {n}, .data = host};
    s->device[s->n] = device;
    s->n++;
    return OK;
}

static void add_host(State *s, const char *name, SafeType type, int64_t n, void *host)
{
    s->array[s->n++] =
        (SafeTensor){.name = name, .type = type, .n_dims = 1, .dim = {n}, .data = host};
}

static Status add_moco(State *s, Moco *m)
{
    TRY(add_flat(s, "encoder_k.values", m->params_k.values, m->params_k.n_values));
    TRY(add_flat(s, "encoder_k.buffers", m->params_k.buffers, m->params_k.n_buffers));
    int64_t C = m->config.C, K = m->config.K;
    float  *transposed = ARENA_ARRAY(&s->arena, float, C *K);
    s->queue = ARENA_ARRAY(&s->arena, float, C *K);
    if (!transposed || !s->queue)
        return ERR_MEMORY;
    s->array[s->n++] = (SafeTensor){
        .name = "queue", .type = SAFE_F32, .n_dims = 2, .dim = {C, K}, .data = transposed};
    add_host(s, "queue_ptr", SAFE_I64, 1, &s->queue_ptr);
    return OK;
}

static Status state_init(State *s, Trainer *r)
{
    ParamSet *ps = trainer_params(r);
    *s = (State){.be = r->be};
    TRY(add_flat(s, "encoder_q.values", ps->values, ps->n_values));
    TRY(add_flat(s, "encoder_q.momentum", ps->momentum, ps->n_values));
    TRY(add_flat(s, "encoder_q.buffers", ps->buffers, ps->n_buffers));
    if (r->config.run.method == METHOD_MOCO)
        TRY(add_moco(s, &r->moco));
    add_host(s, "counters", SAFE_I64, N_COUNTERS, s->counters);
    add_host(s, "means", SAFE_F64, N_MEANS, s->means);
    return OK;
}

static void transpose(float *to, const float *from, int64_t rows,
                      int64_t columns) // (rows,columns) -> (columns,rows)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
}

static float *queue_array(State *s)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->array[i].name, "queue") == 0)
            return (float *)s->array[i].data;
    return NULL;
}

static void means_out(double v[6], const Means *m)
{
    memcpy(v, (double[]){m->n, m->loss, m->top1, m->top5, m->positive, m->negative}, 6 * sizeof *v);
}

static void means_in(Means *m, const double v[6])
{
    *m = (Means){v[0], v[1], v[2], v[3], v[4], v[5]};
}

static Status capture(State *s, Trainer *r)
{
    for (int i = 0; i < s->n; i++)
        if (s->device[i])
            TRY(s->be->read((void *)s->array[i].data, s->device[i], s->array[i].dim[0] * 4));
    if (s->queue) {
        TRY(s->be->read(s->queue, r->moco.queue.data, tensor_bytes(&r->moco.queue)));
        transpose(queue_array(s), s->queue, r->moco.config.K, r->moco.config.C);
    }
    s->queue_ptr = r->moco.ptr;
    s->counters[0] = r->step;
    s->counters[1] = r->n_images;
    s->counters[2] = r->moco.n_enqueued;
    s->counters[3] = trainer_params(r)->n_batches_tracked;
    s->counters[4] = r->moco.params_k.n_batches_tracked;
    means_out(s->means, &r->window);
    means_out(s->means + 6, &r->epoch);
    return OK;
}

Status trainer_save(Trainer *r)
{
    State  s;
    Status st = OK;
    TRY_OUT(state_init(&s, r));
    TRY_OUT(capture(&s, r));
    TRY_OUT(run_save(r->run, r->step, s.array, s.n, NULL, 0));
out:
    arena_release(&s.arena);
    return st;
}

static Status check_counters(const State *s, const Trainer *r, int64_t step)
{
    int64_t keys = r->config.run.method == METHOD_MOCO ? r->moco.config.K : 1;
    if (s->counters[1] != r->n_images)
        return status_fail(ERR_USAGE,
                           "resume: the run was started on %lld images, --data has %lld; the order "
                           "of an epoch would "
                           "not be the same",
                           (long long)s->counters[1], (long long)r->n_images);
    if (s->counters[0] != step || s->queue_ptr < 0 || s->queue_ptr >= keys || s->counters[2] < 0)
        return status_fail(ERR_FORMAT,
                           "checkpoint of step %lld: its counters contradict each other",
                           (long long)step);
    return OK;
}

static Status restore(State *s, Trainer *r)
{
    for (int i = 0; i < s->n; i++)
        if (s->device[i])
            TRY(s->be->write(s->device[i], s->array[i].data, s->array[i].dim[0] * 4));
    if (s->queue) {
        transpose(s->queue, queue_array(s), r->moco.config.C, r->moco.config.K);
        TRY(s->be->write(r->moco.queue.data, s->queue, tensor_bytes(&r->moco.queue)));
        r->moco.ptr = s->queue_ptr;
        r->moco.n_enqueued = s->counters[2];
        r->moco.params_k.n_batches_tracked = s->counters[4];
        TRY(params_refresh_low(&r->moco.params_k));
    }
    trainer_params(r)->n_batches_tracked = s->counters[3];
    means_in(&r->window, s->means);
    means_in(&r->epoch, s->means + 6);
    return params_refresh_low(trainer_params(r));
}

Status trainer_resume(Trainer *r)
{
    State    s = {0};
    Status   st = OK;
    SafeFile file = {0};
    int64_t  step = -1;
    TRY_OUT(run_resume(r->run, &file, &step));
    if (step < 0)
        goto out;
    TRY_OUT(state_init(&s, r));
    TRY_OUT(run_restore(&file, s.array, s.n));
    TRY_OUT(check_counters(&s, r, step));
    TRY_OUT(restore(&s, r));
    r->step = step;
    log_info("resumed at step %lld of %lld", (long long)step, (long long)r->n_steps);
out:
    safetensors_close(&file);
    arena_release(&s.arena);
    return st;
}
