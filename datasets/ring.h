/* ring.h -- steps made of items, worked off by threads, handed out in order (internal)
 *
 *      plan(step 0) plan(step 1) ...        in order, one at a time: what does the step consist of?
 *         |  items 0 1 2 ..                 any worker, any order
 *      finish(step)                         by whoever did the last item
 *         v
 *      slot 0 | slot 1 | slot 2   ---> ring_next, in step order; the slot is refilled after the following ring_next
 *
 * A failed item fails its step (the lowest item wins, whatever the timing), and ring_next then fails for good.
 */
#pragma once
#include "base/status.h"
#include <stdint.h>

typedef struct RingTask {
    void *ctx;
    /* Fills slot's inputs and *n_items >= 0. */
    Status (*plan)(void *ctx, int64_t slot, int64_t step, int64_t *n_items);
    Status (*work)(void *ctx, int64_t slot, int64_t item, int64_t worker);
    Status (*finish)(void *ctx, int64_t slot); // may be NULL
    /* What an item is busy with, for the stall warning. Called without the ring's lock. */
    const char *(*describe)(void *ctx, int64_t slot, int64_t item);
} RingTask;

typedef struct RingOptions {
    int64_t n_workers, n_slots;   // >= 1
    int64_t start_step, end_step; // end_step 0: endless
    double  stall_s;
} RingOptions;

typedef struct RingStats {
    double  wait_s, last_wait_s;
    int64_t n_stalls;
} RingStats;

typedef struct Ring Ring;

Status ring_open(Ring **out, const RingTask *task, const RingOptions *o);

/* ERR_INTERRUPTED: the run is to stop, and the batch is not there yet. */
Status    ring_next(Ring *r, int64_t *slot, int64_t *step);
RingStats ring_stats(const Ring *r);
void      ring_close(Ring *r);

/* The cores that this process may run on. */
int64_t ring_cores(void);
