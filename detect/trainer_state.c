/* trainer_state.c -- a run as named arrays: flat buffers of the parameters (kernels/params.h), counters, means
 *
 * The loader's place and every random draw follow from the step, so nothing else is needed to go on bit for bit.
 */
#include "base/log.h"
#include "detect/trainer.h"

enum { N_ARRAYS = 5, N_DEVICE = 3, N_COUNTERS = 4, N_MEANS = 8 };

typedef struct State {
    SafeTensor array[N_ARRAYS]; // data: host memory
    float     *device[N_DEVICE];
    int64_t    counters[N_COUNTERS];
    double     means[N_MEANS];
    Arena      arena;
} State;

static Status state_init(State *s, DetectTrainer *r)
{
    ParamSet   *ps = &r->params;
    const char *name[] = {"model.values", "model.momentum", "model.buffers"};
    int64_t     n[] = {ps->n_values, ps->n_values, ps->n_buffers};
    float      *device[] = {ps->values, ps->momentum, ps->buffers};
    for (int i = 0; i < N_DEVICE; i++) {
        float *host = ARENA_ARRAY(&s->arena, float, n[i]);
        if (!host)
            return ERR_MEMORY;
        s->device[i] = device[i];
        s->array[i] = (SafeTensor){
            .name = name[i], .type = SAFE_F32, .n_dims = 1, .dim = {n[i]}, .data = host};
    }
    s->array[3] = (SafeTensor){.name = "counters",
                               .type = SAFE_I64,
                               .n_dims = 1,
                               .dim = {N_COUNTERS},
                               .data = s->counters};
    s->array[4] = (SafeTensor){
        .name = "means", .type = SAFE_F64, .n_dims = 1, .dim = {N_MEANS}, .data = s->means};
    return OK;
}

static Status capture(State *s, DetectTrainer *r)
{
    const DetectTerms *w = &r->window;
    for (int i = 0; i < N_DEVICE; i++)
        TRY(r->be->read((void *)s->array[i].data, s->device[i], s->array[i].dim[0] * 4));
    int64_t counters[] = {r->step, r->train.n_images, r->params.n_batches_tracked,
                          r->train.n_classes};
    double  means[] = {w->n,         w->loss,    w->rpn_class, w->rpn_box,
                       w->roi_class, w->roi_box, w->regions,   w->grad_norm};
    for (int i = 0; i < N_COUNTERS; i++)
        s->counters[i] = counters[i];
    for (int i = 0; i < N_MEANS; i++)
        s->means[i] = means[i];
    return OK;
}

Status detect_trainer_save(DetectTrainer *r)
{
    State  s = {0};
    Status st = state_init(&s, r);
    if (st == OK)
        st = capture(&s, r);
    if (st == OK)
        st = run_save(r->run, r->step, s.array, N_ARRAYS, NULL, 0);
    arena_release(&s.arena);
    return st;
}

static Status restore(State *s, DetectTrainer *r, int64_t step)
{
    if (s->counters[1] != r->train.n_images || s->counters[3] != r->train.n_classes)
        return status_fail(ERR_USAGE,
                           "resume: the run was started on %lld images of %lld classes, --data has "
                           "%lld of %lld; the "
                           "order of an epoch would not be the same",
                           (long long)s->counters[1], (long long)s->counters[3],
                           (long long)r->train.n_images, (long long)r->train.n_classes);
    if (s->counters[0] != step || s->counters[2] < 0)
        return status_fail(ERR_FORMAT,
                           "checkpoint of step %lld: its counters contradict each other",
                           (long long)step);
    for (int i = 0; i < N_DEVICE; i++)
        TRY(r->be->write(s->device[i], s->array[i].data, s->array[i].dim[0] * 4));
    const double *m = s->means;
    r->window = (DetectTerms){m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7]};
    r->params.n_batches_tracked = s->counters[2];
    r->step = step;
    return params_refresh_low(&r->params);
}

Status detect_trainer_resume(DetectTrainer *r)
{
    State    s = {0};
    SafeFile file = {0};
    int64_t  step = -1;
    Status   st = OK;
    TRY_OUT(run_resume(r->run, &file, &step));
    if (step < 0)
        goto out;
    TRY_OUT(state_init(&s, r));
    TRY_OUT(run_restore(&file, s.array, N_ARRAYS));
    TRY_OUT(restore(&s, r, step));
    log_info("resumed at step %lld of %lld", (long long)step, (long long)r->n_steps);
out:
    safetensors_close(&file);
    arena_release(&s.arena);
    return st;
}
