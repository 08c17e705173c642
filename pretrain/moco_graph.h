/* moco_graph.h -- MoCo's forward and backward pass, op by op or as one graph
 *
 *      step 0, 1, 2     op by op: memory settles, libraries choose their plans
 *      step 3           op by op once more, kept as a graph:  average, keys, queries, loss, gradients
 *      step 4 ...       new views and permutations into the same memory, then the graph
 *
 * All steps must have one size, so nothing changes but numbers in memory. SGD, whose rate changes, and the queue, whose
 * row does, stay with the caller. The tape is reset by the steps that run op by op, and by nobody while there is a graph.
 * Backends that keep no graphs (Backend.graph_begin NULL) go op by op for ever.
 */
#pragma once
#include "pretrain/moco.h"

typedef struct MocoGraph {
    const Backend *be;
    void          *graph;   // NULL: steps run op by op
    int64_t        n_plain; // steps that ran op by op
    MocoBatch      batch;
    MocoStep       step;
    Tensor        *keys[2];
    void          *stage[2]; // where the next views wait (Backend.feed)
} MocoGraph;

/* g->step of step number `step`, with the gradients of m's parameters; view[2] are pictures dim (N,H,W,3) f32 of the host.
 * Where there is a graph, a NULL view stands for the pictures of the step before. Before moco_enqueue. ERR_DEVICE,
 * ERR_MEMORY. */
Status moco_graph_step(MocoGraph *g, Tape *t, Moco *m, const int64_t dim[4],
                       const void *const view[2], int64_t step);

void moco_graph_release(MocoGraph *g); // a zeroed one is fine
