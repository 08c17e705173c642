/* checkpoint.h -- a training run as named arrays, and back
 *
 *      device memory --checkpoint_save--> host copies --> RUN/checkpoints/step_N.safetensors
 *      device memory <--checkpoint_put_back-- host copies <--checkpoint_load--
 *
 *      Checkpoint c = {.be = be};
 *      checkpoint_params(&c, "encoder_q", &params);                     // what there is
 *      checkpoint_host(&c, "counters", SAFE_I64, 5, counters);
 *      checkpoint_note(&c, "init", "moco");
 *      st = checkpoint_save(&c, run, step);                             // or load, look at the counters, put back
 *      checkpoint_release(&c);
 *
 * The sampler's place and every random draw follow from the step (decision 10), so parameters, counters and the sums
 * behind the next line of metrics are enough to go on bit for bit.
 */
#pragma once
#include "base/run.h"
#include "kernels/params.h"

enum { CHECKPOINT_MAX_ARRAYS = 16, CHECKPOINT_MAX_NOTES = 4 };

typedef struct Checkpoint {
    const Backend *be;
    SafeTensor     array[CHECKPOINT_MAX_ARRAYS];  // data: host memory
    void          *device[CHECKPOINT_MAX_ARRAYS]; // NULL: host alone
    int            n;
    SafeMeta       note[CHECKPOINT_MAX_NOTES];
    int            n_notes;
    Status         status; // of the first addition that failed
    Arena          arena;
} Checkpoint;

/* PREFIX.values, .momentum (unless the set is frozen) and .buffers: flat, padding included. */
void checkpoint_params(Checkpoint *c, const char *prefix, const ParamSet *ps);

/* n values of `type` in host memory that outlives the checkpoint. */
void checkpoint_host(Checkpoint *c, const char *name, SafeType type, int64_t n, void *host);
void checkpoint_host_2d(Checkpoint *c, const char *name, SafeType type, int64_t rows,
                        int64_t columns, void *host);

/* A word beside the arrays; `value` outlives the checkpoint. After a load checkpoint_noted is what the file says, NULL when it says
 * nothing. */
void        checkpoint_note(Checkpoint *c, const char *key, const char *value);
const char *checkpoint_noted(const Checkpoint *c, const char *key);

/* The note "data": what the run was started on. ERR_RECIPE when a loaded checkpoint's is another. */
void   checkpoint_note_data(Checkpoint *c, const char *digest);
Status checkpoint_want_data(const Checkpoint *c, const char *digest) STATUS_MUST_USE;

/* Fetches the device's arrays and writes the run's checkpoint of `step` (base/run.h says what failures mean). */
Status checkpoint_save(Checkpoint *c, Run *run, int64_t step) STATUS_MUST_USE;

/* Reads the newest whole checkpoint into host memory, the device's arrays stay: *step, or -1 when there is none. */
Status checkpoint_load(Checkpoint *c, Run *run, int64_t *step) STATUS_MUST_USE;

/* Copies what was loaded to the device. */
Status checkpoint_put_back(Checkpoint *c) STATUS_MUST_USE;

void checkpoint_release(Checkpoint *c);
