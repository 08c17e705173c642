#include "pretrain/moco_graph.h"
#include "kernels/ops/augment.h"

enum { PLAIN_STEPS = 3 };

/* Where a view's pictures go. */
static Tensor **pictures(MocoGraph *g, int v)
{
    return v == 0 ? &g->batch.im_q : &g->batch.im_k;
}

static Status forward_backward(MocoGraph *g, Tape *t, Moco *m)
{
    for (int v = 0; v < 2; v++)
        if (g->crops[v])
            *pictures(g, v) = augment(t, g->crops[v], g->plans[v], &g->stats);
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

/* A step's input, in memory that later steps are written to when this one is captured. */
static Tensor *input(Tape *t, DType dtype, int ndim, const int64_t *dim, const void *host,
                     bool captures)
{
    Tensor *x = tape_input(t, dtype, ndim, dim, host);
    return captures ? tape_keep(x) : x;
}

static Status run_plain(MocoGraph *g, Tape *t, Moco *m, const int64_t dim[4],
                        const MocoView view[2], int64_t step)
{
    bool    captures = g->be->graph_begin && g->n_plain >= PLAIN_STEPS;
    int64_t planes[4] = {dim[0], 3, dim[1], dim[2]}, words[2] = {dim[0], PIXEL_PLAN_WORDS};
    tape_reset(t, TAPE_RECORD | TAPE_TRAIN);
    params_clear_grads(&m->params_q);
    Tensor *im[2];
    for (int v = 0; v < 2; v++) {
        g->crops[v] = g->plans[v] = NULL;
        if (view[v].crops) { // stand in for the pictures that are made of them
            im[v] = g->crops[v] = input(t, U8, 4, planes, view[v].crops, captures);
            g->plans[v] = input(t, I32, 2, words, view[v].plans, captures);
        } else {
            im[v] = input(t, F32, 4, dim, view[v].pixels, captures);
        }
    }
    g->batch = moco_batch(t, m, im[0], im[1], step);
    TRY(tape_status(t));
    TRY(captures ? capture(g, t, m) : forward_backward(g, t, m));
    g->n_plain++;
    g->keys[0] = m->keys[0];
    g->keys[1] = m->keys[1];
    return OK;
}

/* Inputs of a later step, on their way while the step before computes. */
static Status write_input(MocoGraph *g, void **stage, Tensor *x, const void *host)
{
    int64_t bytes = tensor_bytes(x);
    if (!g->be->feed)
        return g->be->write(x->data, host, bytes);
    if (!*stage) {
        TRY(backend_alloc(g->be, stage, bytes, "stage of the next pictures"));
        TRY(g->be->sync()); // once: feed does not wait for what was queued before it
    }
    TRY(g->be->feed(*stage, host, bytes));
    return g->be->feed_use(x->data, *stage, bytes);
}

static Status run_graph(MocoGraph *g, Moco *m, const MocoView view[2], int64_t step)
{
    for (int v = 0; v < 2; v++) {
        if (view[v].pixels)
            TRY(write_input(g, &g->stage[v][0], *pictures(g, v), view[v].pixels));
        if (view[v].crops) {
            TRY(write_input(g, &g->stage[v][0], g->crops[v], view[v].crops));
            TRY(write_input(g, &g->stage[v][1], g->plans[v], view[v].plans));
        }
    }
    TRY(moco_batch_rewrite(m, &g->batch, step));
    TRY(g->be->graph_launch(g->graph));
    moco_count(m, g->keys);
    return OK;
}

Status moco_graph_step(MocoGraph *g, Tape *t, Moco *m, const int64_t dim[4], const MocoView view[2],
                       int64_t step)
{
    g->be = t->be;
    return g->graph ? run_graph(g, m, view, step) : run_plain(g, t, m, dim, view, step);
}

void moco_graph_release(MocoGraph *g)
{
    if (g->graph)
        g->be->graph_free(g->graph);
    for (int i = 0; i < 4; i++)
        if (g->stage[i / 2][i % 2])
            g->be->free(g->stage[i / 2][i % 2]);
    *g = (MocoGraph){0};
}
