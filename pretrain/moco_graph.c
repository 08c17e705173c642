#include "pretrain/moco_graph.h"

enum { PLAIN_STEPS = 3 };

static Status forward_backward(MocoGraph *g, Tape *t, Moco *m)
{
    g->step = moco_forward(t, m, &g->batch);
    return tape_backward(t, g->step.loss);
}

/* The calls are kept, then run for the first time. */
static Status capture(MocoGraph *g, Tape *t, Moco *m)
{
    TRY(g->be->graph_begin());
    Status st = forward_backward(g, t, m);
    Status end = g->be->graph_end(&g->graph); // also after a failure
    TRY(st);
    TRY(end);
    return g->be->graph_launch(g->graph);
}

static Status run_plain(MocoGraph *g, Tape *t, Moco *m, const int64_t dim[4],
                        const void *const view[2], int64_t step)
{
    bool captures = g->be->graph_begin && g->n_plain >= PLAIN_STEPS;
    tape_reset(t, TAPE_RECORD | TAPE_TRAIN);
    params_clear_grads(&m->params_q);
    Tensor *im[2];
    for (int v = 0; v < 2; v++) {
        im[v] = tape_input(t, F32, 4, dim, view[v]);
        if (captures)
            tape_keep(im[v]); // later steps are written there
    }
    g->batch = moco_batch(t, m, im[0], im[1], step);
    TRY(tape_status(t));
    TRY(captures ? capture(g, t, m) : forward_backward(g, t, m));
    g->n_plain++;
    g->keys[0] = m->keys[0];
    g->keys[1] = m->keys[1];
    return OK;
}

/* The pictures of a later step, on their way while the step before computes. */
static Status write_view(MocoGraph *g, int v, Tensor *im, const void *host)
{
    int64_t bytes = tensor_bytes(im);
    if (!g->be->feed)
        return g->be->write(im->data, host, bytes);
    if (!g->stage[v]) {
        TRY(g->be->alloc(&g->stage[v], bytes));
        TRY(g->be->sync()); // once: feed does not wait for what was queued before it
    }
    TRY(g->be->feed(g->stage[v], host, bytes));
    return g->be->feed_use(im->data, g->stage[v], bytes);
}

static Status run_graph(MocoGraph *g, Moco *m, const void *const view[2], int64_t step)
{
    Tensor *im[2] = {g->batch.im_q, g->batch.im_k};
    for (int v = 0; v < 2; v++)
        if (view[v])
            TRY(write_view(g, v, im[v], view[v]));
    TRY(moco_batch_rewrite(m, &g->batch, step));
    TRY(g->be->graph_launch(g->graph));
    moco_count(m, g->keys);
    return OK;
}

Status moco_graph_step(MocoGraph *g, Tape *t, Moco *m, const int64_t dim[4],
                       const void *const view[2], int64_t step)
{
    g->be = t->be;
    return g->graph ? run_graph(g, m, view, step) : run_plain(g, t, m, dim, view, step);
}

void moco_graph_release(MocoGraph *g)
{
    if (g->graph)
        g->be->graph_free(g->graph);
    for (int v = 0; v < 2; v++)
        if (g->stage[v])
            g->be->free(g->stage[v]);
    *g = (MocoGraph){0};
}
