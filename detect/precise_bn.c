/* precise_bn.c -- the running statistics that testing uses, measured instead of averaged on the way
 *
 * n batches of a loader of its own run in training mode with momentum 1, weights fixed; each statistic becomes the plain
 * mean over them of the batch's mean and of the batch's (unbiased) variance. (Wu and Johnson 2021, sec. 3; the plain
 * average is what was in force for the published MoCo numbers.)
 */
#include "base/log.h"
#include "detect/trainer.h"

static Status add_batch(DetectTrainer *r, const DetBatch *batch, double *sum, float *host,
                        int64_t *n_passes)
{
    ParamSet *ps = &r->params;
    for (int64_t first = 0; first < batch->n; first += detect_config_pass(&r->config)) {
        LossTerms terms;
        tape_reset(&r->tape, TAPE_TRAIN);
        DetectInput in = detect_input(&r->tape, &r->feed, batch, first,
                                      detect_config_pass(&r->config), (uint64_t)r->config.run.seed);
        faster_rcnn_c4_loss(&r->tape, &r->model, &in, &terms);
        TRY(tape_status(&r->tape));
        TRY(r->be->read(host, ps->buffers, ps->n_buffers * (int64_t)sizeof *host));
        for (int64_t i = 0; i < ps->n_buffers; i++)
            sum[i] += (double)host[i];
        ++*n_passes;
    }
    return OK;
}

static Status measure(DetectTrainer *r, int64_t n, Arena *a)
{
    ParamSet        *ps = &r->params;
    DetLoader       *loader = NULL;
    DetLoaderOptions o = detect_input_loader(&r->config, true, r->be);
    int64_t          n_passes = 0, tracked = ps->n_batches_tracked;
    double          *sum = ARENA_ARRAY(a, double, ps->n_buffers);
    float           *host = ARENA_ARRAY(a, float, ps->n_buffers);
    if (!sum || !host)
        return ERR_MEMORY;
    o.seed += 0x9E3779B97F4A7C15u; // an order of its own
    o.end_step = n;
    TRY(det_loader_open(&loader, &r->train, &o));
    Status st = OK;
    for (int64_t i = 0; i < n && st == OK; i++) {
        DetBatch batch;
        st = run_check_stop();
        if (st == OK)
            st = det_loader_next(loader, &batch);
        if (st == OK)
            st = add_batch(r, &batch, sum, host, &n_passes);
    }
    det_loader_close(loader);
    TRY(st);
    for (int64_t i = 0; i < ps->n_buffers; i++)
        host[i] = (float)(sum[i] / (double)n_passes);
    ps->n_batches_tracked = tracked;
    return r->be->write(ps->buffers, host, ps->n_buffers * (int64_t)sizeof *host);
}

Status detect_precise_bn(DetectTrainer *r, int64_t n)
{
    Arena a = {0};
    if (n == 0 || r->config.model.norm == 1)
        return OK;
    log_info("precise batch norm over %lld training batches", (long long)n);
    faster_rcnn_c4_set_momentum(&r->model, 1.0f);
    Status st = measure(r, n, &a);
    faster_rcnn_c4_set_momentum(&r->model, 0.1f);
    arena_release(&a);
    return st;
}
