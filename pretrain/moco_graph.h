/* moco_graph.h -- MoCo's forward and backward pass, op by op or as one graph
 *
 *      step 0, 1, 2     op by op: memory settles, libraries choose their plans
 *      step 3           op by op once more, kept as a graph:  augmentation, average, keys, queries, loss, gradients
 *      step 4 ...       new views and permutations into the same memory, then the graph; the views came while the graph
 *                       of the step before ran (kernels/feed.h)
 *
 * All steps must have one size, so nothing changes but numbers in memory. SGD, whose rate changes, and the queue, whose
 * row does, stay with the caller. The tape is reset by the steps that run op by op, and by nobody while there is a graph.
 * Backends that keep no graphs (Backend.graph_begin NULL) go op by op for ever.
 */
#pragma once
#include "kernels/feed.h"
#include "pretrain/moco.h"

/* One view of a step in host memory: pictures, or crops for the device to finish (kernels/ops/augment.h). */
typedef struct MocoView {
    const void *pixels; // (N,H,W,3) f32, or NULL and ...
    const void *crops;  // (N,3,H,W) u8
    const void *plans;  // (N) PixelPlan
} MocoView;

typedef struct MocoGraph {
    PixelStats     stats; // of crops; the caller's
    const Backend *be;
    Feed           feed;
    void          *graph;   // NULL: steps run op by op
    int64_t        n_plain; // steps that ran op by op
    MocoBatch      batch;
    MocoStep       step;
    Tensor        *keys[2];
    Tensor        *crops[2], *plans[2]; // views to be finished; NULL where they come as pictures
} MocoGraph;

/* g->step of step number `step`, with the gradients of m's parameters; dim is (N,H,W,3). All steps
 * bring the same kind of view. Where there is a graph, an empty view stands for the one of the step before. Before
 * moco_enqueue. ERR_DEVICE, ERR_MEMORY. */
Status moco_graph_step(MocoGraph *g, Tape *t, Moco *m, const int64_t dim[4], const MocoView view[2],
                       int64_t step);

void moco_graph_release(MocoGraph *g); // a zeroed one is fine
