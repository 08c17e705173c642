#include "kernels/optim/schedule.h"
#include "base/log.h"

#include <math.h>

double schedule_lr(const Schedule *s, int64_t at, int64_t iter)
{
    double lr = s->base_lr;
    switch (s->kind) {
    case SCHEDULE_STEP:
        for (int i = 0; i < s->n_milestones; i++)
            if (s->milestones[i] <= at)
                lr *= s->factor;
        break;
    case SCHEDULE_COSINE:
        lr *= s->total > 0 ? 0.5 * (1.0 + cos(M_PI * (double)at / (double)s->total)) : 1.0;
        break;
    case SCHEDULE_EXPONENTIAL:
        lr *= s->every > 0 ? pow(s->factor, floor((double)at / (double)s->every)) : 1.0;
        break;
    }
    if (iter < s->warmup_iters) {
        double share = (double)iter / (double)s->warmup_iters;
        lr *= s->warmup_factor * (1.0 - share) + share;
    }
    return lr;
}

double schedule_scale(double lr, RateScale scale, int64_t batch, int64_t lr_batch)
{
    double share = (double)batch / (double)lr_batch;
    return scale == RATE_LINEAR ? lr * share : scale == RATE_SQRT ? lr * sqrt(share) : lr;
}

void schedule_warn_of_batch(double lr, RateScale scale, int64_t batch, int64_t lr_batch)
{
    if (scale == RATE_AS_IT_IS && batch != lr_batch)
        log_warn("solver.lr %g is meant for %lld images a step, this run has %lld; linear scaling "
                 "would give %g (solver.lr_scale=linear)",
                 lr, (long long)lr_batch, (long long)batch,
                 schedule_scale(lr, RATE_LINEAR, batch, lr_batch));
}
