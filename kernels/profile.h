/* profile.h -- where the time of a step goes, op by op, and what its backend counted (meter.h)
 *
 *      Profile p = {0};
 *      t.profile = &p;            from now on every recorded op waits for the device and is timed
 *      ... steps ...
 *      profile_sort(&p);          longest first
 *
 * The time of an op's forward is what passed since the op before it ended, so the model's own work counts as the next
 * op's. Profiling a step changes it little on the CPU and serialises it on a device. Bytes are there where the tape's
 * backend is metered, calls of the optimiser where meter_profile names the profile.
 */
#pragma once
#include "kernels/tape.h"
#include <stdio.h>

enum { PROFILE_MAX_ROWS = 256, PROFILE_KEY_CHARS = 96 };

typedef struct ProfileRow {
    char    key[PROFILE_KEY_CHARS]; // "conv2d (16,56,56,64) (64,3,3,64)"
    int64_t calls;                  // forward
    double  forward_ms, backward_ms;
    int64_t bytes; // that both had to move
} ProfileRow;

typedef struct Profile {
    ProfileRow row[PROFILE_MAX_ROWS]; // the last one collects what does not fit
    int        n_rows;
    double     since;       // clock of the last event
    int64_t    bytes_since; // the meter then
    FILE      *trace;       // NULL, or where every op is written as it ends
    double     trace_from;
} Profile;

void profile_sort(Profile *p);

/* From now on every op also goes to `path` as an event of the Chrome trace format (chrome://tracing, Perfetto): forward on
 * row 1, backward on row 2, the optimiser on row 3, the bytes of each as its argument. ERR_CREATE, ERR_IO. */
Status profile_trace_open(Profile *p, const char *path);
Status profile_trace_close(Profile *p); // one that is not open is fine

/* For the tape. */
void profile_start(Tape *t);
void profile_forward(Tape *t, const char *name, const Tensor *in, const Tensor *weight,
                     const Tensor *out);
void profile_backward(Tape *t, const Node *node);

/* For the meter: a call of the optimiser. */
void profile_optimiser(Profile *p, const Backend *be, const char *op);
