#include "pretrain/moco_graph.h"
#include "kernels/ops/augment.h"
#include "kernels/profile.h"

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
    Status end = g->be->graph_end(st == OK ? &g->graph : NULL);
    TRY(st);
    TRY(end);
    return g->be->graph_launch(g->graph);
}

/* Room for an input, which later steps feed when this one is captured. */
static Tensor *input(Tape *t, DType dtype, int ndim, const int64_t *dim, bool captures)
{
    Tensor *x = tape_tensor(t, dtype, ndim, dim);
    return captures ? tape_keep(x) : x;
}

static void make_views(MocoGraph *g, Tape *t, const int64_t dim[4], const MocoView view[2],
                       bool captures)
{
    int64_t planes[4] = {dim[0], 3, dim[1], dim[2]}, words[2] = {dim[0], PIXEL_PLAN_WORDS};
    for (int v = 0; v < 2; v++) {
        g->crops[v] = g->plans[v] = NULL;
        if (view[v].crops) { // stand in for the pictures that are made of them
            *pictures(g, v) = g->crops[v] = input(t, U8, 4, planes, captures);
            g->plans[v] = input(t, I32, 2, words, captures);
        } else {
            *pictures(g, v) = input(t, F32, 4, dim, captures);
        }
    }
}

static Status put(MocoGraph *g, const Tensor *x, const void *host)
{
    return feed_put(&g->feed, x->data, host, tensor_bytes(x));
}

static Status feed_views(MocoGraph *g, const MocoView view[2])
{
    for (int v = 0; v < 2; v++) {
        if (view[v].pixels)
            TRY(put(g, *pictures(g, v), view[v].pixels));
        if (view[v].crops) {
            TRY(put(g, g->crops[v], view[v].crops));
            TRY(put(g, g->plans[v], view[v].plans));
        }
    }
    return feed_end(&g->feed);
}

static Status run_plain(MocoGraph *g, Tape *t, Moco *m, const int64_t dim[4],
                        const MocoView view[2], int64_t step)
{
    bool captures = g->be->graph_begin && g->n_plain >= PLAIN_STEPS;
    tape_reset(t, TAPE_RECORD | TAPE_TRAIN);
    params_clear_grads(&m->params_q);
    make_views(g, t, dim, view, captures);
    TRY(tape_status(t));
    TRY(feed_views(g, view));
    g->batch = moco_batch(t, m, g->batch.im_q, g->batch.im_k, step);
    TRY(tape_status(t));
    profile_start(t); // the pictures' way to the device is no op's
    TRY(captures ? capture(g, t, m) : forward_backward(g, t, m));
    g->n_plain++;
    g->keys[0] = m->keys[0];
    g->keys[1] = m->keys[1];
    return OK;
}

static Status run_graph(MocoGraph *g, Moco *m, const MocoView view[2], int64_t step)
{
    TRY(feed_views(g, view));
    TRY(moco_batch_rewrite(m, &g->batch, step));
    TRY(g->be->graph_launch(g->graph));
    moco_count(m, g->keys);
    return OK;
}

Status moco_graph_step(MocoGraph *g, Tape *t, Moco *m, const int64_t dim[4], const MocoView view[2],
                       int64_t step)
{
    g->be = g->feed.be = t->be;
    return g->graph ? run_graph(g, m, view, step) : run_plain(g, t, m, dim, view, step);
}

void moco_graph_release(MocoGraph *g)
{
    if (g->graph)
        g->be->graph_free(g->graph);
    feed_release(&g->feed);
    *g = (MocoGraph){0};
}
