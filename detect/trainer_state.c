/* trainer_state.c -- a detection run as named arrays: parameters, counters, means, the best evaluation */
#include "base/log.h"
#include "detect/trainer.h"
#include "pretrain/checkpoint.h"

#include <string.h>

enum { N_COUNTERS = 6, N_MEANS = 9 };

typedef struct State {
    Checkpoint arrays;
    int64_t    counters[N_COUNTERS];
    double     means[N_MEANS];
} State;

static void state_init(State *s, DetectTrainer *r)
{
    *s = (State){.arrays = {.be = r->be}};
    checkpoint_params(&s->arrays, "model", &r->params);
    checkpoint_host(&s->arrays, "counters", SAFE_I64, N_COUNTERS, s->counters);
    checkpoint_host(&s->arrays, "means", SAFE_F64, N_MEANS, s->means);
    checkpoint_note(&s->arrays, "init", r->init_name);
    checkpoint_note_data(&s->arrays, r->data_digest);
}

Status detect_trainer_save(DetectTrainer *r)
{
    State              s;
    const DetectTerms *w = &r->window;
    const int64_t counters[] = {r->job.step,        r->train.n_images, r->params.n_batches_tracked,
                                r->train.n_classes, r->best_step,      r->tested_step};
    const double  means[] = {w->n,       w->loss,    w->rpn_class, w->rpn_box, w->roi_class,
                             w->roi_box, w->regions, w->grad_norm, r->best};
    state_init(&s, r);
    for (int i = 0; i < N_COUNTERS; i++)
        s.counters[i] = counters[i];
    for (int i = 0; i < N_MEANS; i++)
        s.means[i] = means[i];
    Status st = checkpoint_save(&s.arrays, r->job.run, r->job.step);
    checkpoint_release(&s.arrays);
    return st;
}

/* The weights that a run began from name its row in `godwit compare`, whoever resumes it. */
static Status restore_init(DetectTrainer *r, const char *init)
{
    if (!init || strcmp(init, r->init_name) == 0)
        return OK;
    if (r->is_init_named)
        return status_fail(ERR_RECIPE,
                           "resume: the run began from \"%s\", --init or --init-name now says "
                           "\"%s\"; leave them away, or start in another --out",
                           init, r->init_name);
    r->init_name = arena_strdup(&r->config.arena, init);
    return r->init_name ? OK : ERR_MEMORY;
}

static Status restore(State *s, DetectTrainer *r, int64_t step)
{
    const int64_t *c = s->counters;
    const double  *m = s->means;
    if (c[1] != r->train.n_images || c[3] != r->train.n_classes)
        return status_fail(
            ERR_RECIPE,
            "resume: the run was started on %lld images of %lld classes, --data has "
            "%lld of %lld; the order of an epoch would not be the same: give the data it "
            "was started on, or another --out",
            (long long)c[1], (long long)c[3], (long long)r->train.n_images,
            (long long)r->train.n_classes);
    TRY(checkpoint_want_data(&s->arrays, r->data_digest));
    if (c[0] != step || c[2] < 0 || c[4] < -1 || c[4] > step || c[5] < 0 || c[5] > step)
        return status_fail(ERR_FORMAT,
                           "checkpoint of step %lld: its counters contradict each other",
                           (long long)step);
    TRY(restore_init(r, checkpoint_noted(&s->arrays, "init")));
    TRY(checkpoint_put_back(&s->arrays));
    r->window = (DetectTerms){m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7]};
    r->best = m[8];
    r->best_step = c[4];
    r->tested_step = c[5];
    r->params.n_batches_tracked = c[2];
    r->job.step = step;
    return params_refresh_low(&r->params);
}

Status detect_trainer_resume(DetectTrainer *r)
{
    State   s;
    int64_t step = -1;
    Status  st = OK;
    state_init(&s, r);
    TRY_OUT(checkpoint_load(&s.arrays, r->job.run, &step));
    if (step < 0)
        goto out;
    TRY_OUT(restore(&s, r, step));
    log_info("resumed at step %lld of %lld", (long long)step, (long long)r->job.n_steps);
out:
    checkpoint_release(&s.arrays);
    return st;
}
