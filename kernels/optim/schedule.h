/* schedule.h -- learning rates over time (MoCo's code adjusts per epoch, detectron2 per iteration) */
#pragma once
#include <stdint.h>

typedef enum ScheduleKind { SCHEDULE_STEP, SCHEDULE_COSINE, SCHEDULE_EXPONENTIAL } ScheduleKind;

typedef struct Schedule {
    ScheduleKind   kind;
    double         base_lr;
    int64_t        total;      // COSINE: where it ends, in the unit of `at`
    const int64_t *milestones; // STEP: lr *= factor at each milestone <= at
    int            n_milestones;
    double         factor; // STEP 0.1; EXPONENTIAL: lr = base * factor^floor(at / every)
    int64_t        every;
    int64_t
        warmup_iters; // linear: lr * (f (1 - a) + a), a = iter / warmup_iters, while iter < warmup_iters
    double warmup_factor;
} Schedule;

/* The rate at 0-based `at` (the epoch when the schedule counts epochs, else the iteration) and 0-based `iter`.
 * COSINE: 0.5 base (1 + cos(pi at / total)). */
double schedule_lr(const Schedule *s, int64_t at, int64_t iter);

/* How a rate that is meant for lr_batch images a step follows a step of another size. */
typedef enum RateScale {
    RATE_AS_IT_IS,
    RATE_LINEAR,
    RATE_SQRT
} RateScale; // recipes: none|linear|sqrt

/* The rate for `batch` images a step. Goyal et al. 2017, sec. 2.1 (linear); Krizhevsky 2014 (square root). */
double schedule_scale(double lr, RateScale scale, int64_t batch, int64_t lr_batch);

/* Warns when the sizes differ and the rate stays as it is: what linear scaling would give, and the key for it. */
void schedule_warn_of_batch(double lr, RateScale scale, int64_t batch, int64_t lr_batch);
