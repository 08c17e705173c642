/* trainer_moco.c -- one step of MoCo, op by op or as one graph
 *
 *      step 0, 1, 2     op by op: memory settles, libraries choose their plans
 *      step 3           op by op once more, kept as a graph:  average, keys, queries, loss, gradients
 *      step 4 ...       new views and permutations into the same memory, then the graph
 *
 * Batches of a run have one size, so nothing in a step changes but numbers in memory. SGD, whose rate changes, and the
 * queue, whose row does, stay outside. The tape is not reset while there is a graph.
 */
#include "pretrain/trainer.h"

enum { PLAIN_STEPS = 3 };

static Status forward_backward(Trainer *r)
{
    MocoGraph *g = &r->moco_graph;
    g->step = moco_forward(&r->tape, &r->moco, &g->batch);
    return tape_backward(&r->tape, g->step.loss);
}

/* The calls are kept, then run for the first time. */
static Status capture(Trainer *r)
{
    MocoGraph *g = &r->moco_graph;
    TRY(r->be->graph_begin());
    Status st = forward_backward(r);
    Status end =
        r->be->graph_end(&g->graph); // also after a failure: the device must not stay in capture
    TRY(st);
    TRY(end);
    return r->be->graph_launch(g->graph);
}

static Status run_plain(Trainer *r, const LoaderBatch *batch)
{
    MocoGraph *g = &r->moco_graph;
    tape_reset(&r->tape, TAPE_RECORD | TAPE_TRAIN);
    params_clear_grads(&r->moco.params_q);
    Tensor *view[2] = {trainer_images(r, batch, 0), trainer_images(r, batch, 1)};
    bool    captures = r->be->graph_begin && g->n_plain >= PLAIN_STEPS;
    for (int v = 0; captures && v < 2; v++)
        tape_keep(view[v]); // later steps are written there
    g->batch = moco_batch(&r->tape, &r->moco, view[0], view[1], batch->step);
    TRY(tape_status(&r->tape));
    TRY(captures ? capture(r) : forward_backward(r));
    g->n_plain++;
    g->keys[0] = r->moco.keys[0];
    g->keys[1] = r->moco.keys[1];
    return OK;
}

static Status run_graph(Trainer *r, const LoaderBatch *batch)
{
    MocoGraph *g = &r->moco_graph;
    Tensor    *view[2] = {g->batch.im_q, g->batch.im_k};
    for (int v = 0; v < 2; v++)
        TRY(r->be->write(view[v]->data, batch->view[v], tensor_bytes(view[v])));
    TRY(moco_batch_rewrite(&r->moco, &g->batch, batch->step));
    TRY(r->be->graph_launch(g->graph));
    moco_count(&r->moco, g->keys);
    return OK;
}

Status trainer_moco_step(Trainer *r, const LoaderBatch *batch)
{
    MocoGraph *g = &r->moco_graph;
    TRY(g->graph ? run_graph(r, batch) : run_plain(r, batch));
    r->features = g->step.q;
    TRY(ledger_put(&r->ledger, WORD_LOSS, g->step.loss->data, 1));
    /* The terms of the first loss; a symmetric second one has the same meaning and is left out. */
    TRY(ledger_put(&r->ledger, WORD_STATS, g->step.stats[0]->data, 5));
    return moco_enqueue(&r->moco);
}
