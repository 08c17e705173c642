/* plan.h -- a backend that computes nothing and counts memory: what a run will need, known before it starts
 *
 *      const Backend *be = plan_backend(NULL);
 *      model, tape, a few steps ...           every op succeeds at once; its tensors lie where no memory is
 *      plan_peak()                            what a device would have held at most
 *
 * Counted is what is asked of Backend.alloc: parameters, optimiser state, the pool of a tape. What entries take for themselves
 * while they run (workspaces of libraries, scratch) is not. Numbers that are read come out as 0. One plan at a time, on one
 * thread.
 */
#pragma once
#include "kernels/backend.h"

typedef struct MemoryPlan {
    char    what[160];   // "MoCo, resnet50, bf16, batch 256 at 224 px"
    int64_t state_bytes; // for the whole run: weights, gradients, momentum, MoCo's key encoder and queue
    int64_t step_bytes;  // beside them, at most: pictures, activations, their gradients
} MemoryPlan;

/* Forgets what was counted. Optional entries are there where `like` has them, since they decide what is kept for backward;
 * NULL: as a GPU's, with graphs and feeds. */
const Backend *plan_backend(const Backend *like);

int64_t plan_bytes(void); // held now
int64_t plan_peak(void);  // most at once since plan_backend
