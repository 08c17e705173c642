/* trainer_state.c -- a pretraining run as named arrays
 *
 *      encoder_q.values, .momentum, .buffers      flat buffers (kernels/params.h), padding included
 *      encoder_k.values, .buffers                 MoCo
 *      queue (C,K), queue_ptr                     MoCo's own layout
 *      counters                                   steps, images, keys enqueued, batches tracked, step of the latest nearest neighbours
 *      means                                      the sums behind the next line of metrics
 */
#include "base/log.h"
#include "pretrain/checkpoint.h"
#include "pretrain/trainer.h"
#include <string.h>

enum { N_COUNTERS = 6, N_MEANS = 12 };

typedef struct State {
    Checkpoint arrays;
    int64_t    counters[N_COUNTERS], queue_ptr;
    double     means[N_MEANS];
    float     *queue, *transposed; // (K,C) and (C,K); NULL: no queue
} State;

static Status state_init(State *s, Trainer *r)
{
    Checkpoint *c = &s->arrays;
    *s = (State){.arrays = {.be = r->be}};
    checkpoint_params(c, "encoder_q", trainer_params(r));
    if (r->config.run.method == METHOD_MOCO) {
        int64_t C = r->moco.config.C, K = r->moco.config.K;
        checkpoint_params(c, "encoder_k", &r->moco.params_k);
        s->queue = ARENA_ARRAY(&c->arena, float, C *K);
        s->transposed = ARENA_ARRAY(&c->arena, float, C *K);
        if (!s->queue || !s->transposed)
            return ERR_MEMORY;
        checkpoint_host_2d(c, "queue", SAFE_F32, C, K, s->transposed);
        checkpoint_host(c, "queue_ptr", SAFE_I64, 1, &s->queue_ptr);
    }
    checkpoint_host(c, "counters", SAFE_I64, N_COUNTERS, s->counters);
    checkpoint_host(c, "means", SAFE_F64, N_MEANS, s->means);
    checkpoint_note_data(c, r->data_digest);
    return OK;
}

static void transpose(float *to, const float *from, int64_t rows,
                      int64_t columns) // (rows,columns) -> (columns,rows)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
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
    const Moco *m = &r->moco;
    if (s->queue) {
        TRY(r->be->read(s->queue, m->queue.data, tensor_bytes(&m->queue)));
        transpose(s->transposed, s->queue, m->config.K, m->config.C);
    }
    s->queue_ptr = m->ptr;
    s->counters[0] = r->job.step;
    s->counters[1] = r->n_images;
    s->counters[2] = m->n_enqueued;
    s->counters[3] = trainer_params(r)->n_batches_tracked;
    s->counters[4] = m->params_k.n_batches_tracked;
    s->counters[5] = r->knn_step;
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
    TRY_OUT(checkpoint_save(&s.arrays, r->job.run, r->job.step));
out:
    checkpoint_release(&s.arrays);
    return st;
}

static Status check_counters(const State *s, const Trainer *r, int64_t step)
{
    int64_t keys = r->config.run.method == METHOD_MOCO ? r->moco.config.K : 1;
    if (s->counters[1] != r->n_images)
        return status_fail(ERR_RECIPE,
                           "resume: the run was started on %lld images, --data has %lld; the order "
                           "of an epoch would not be the same: give the data it was started on, or "
                           "another --out",
                           (long long)s->counters[1], (long long)r->n_images);
    TRY(checkpoint_want_data(&s->arrays, r->data_digest));
    if (s->counters[0] != step || s->queue_ptr < 0 || s->queue_ptr >= keys || s->counters[2] < 0 ||
        s->counters[5] < 0 || s->counters[5] > step)
        return status_fail(ERR_FORMAT,
                           "checkpoint of step %lld: its counters contradict each other",
                           (long long)step);
    return OK;
}

static Status restore(State *s, Trainer *r)
{
    Moco *m = &r->moco;
    TRY(checkpoint_put_back(&s->arrays));
    if (s->queue) {
        transpose(s->queue, s->transposed, m->config.C, m->config.K);
        TRY(r->be->write(m->queue.data, s->queue, tensor_bytes(&m->queue)));
        m->ptr = s->queue_ptr;
        m->n_enqueued = s->counters[2];
        m->params_k.n_batches_tracked = s->counters[4];
        TRY(params_refresh_low(&m->params_k));
    }
    trainer_params(r)->n_batches_tracked = s->counters[3];
    r->knn_step = s->counters[5];
    means_in(&r->window, s->means);
    means_in(&r->epoch, s->means + 6);
    return params_refresh_low(trainer_params(r));
}

Status trainer_resume(Trainer *r)
{
    State   s;
    Status  st = OK;
    int64_t step = -1;
    TRY_OUT(state_init(&s, r));
    TRY_OUT(checkpoint_load(&s.arrays, r->job.run, &step));
    if (step < 0)
        goto out;
    TRY_OUT(check_counters(&s, r, step));
    TRY_OUT(restore(&s, r));
    r->job.step = step;
    log_info("resumed at step %lld of %lld", (long long)step, (long long)r->job.n_steps);
out:
    checkpoint_release(&s.arrays);
    return st;
}
