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
