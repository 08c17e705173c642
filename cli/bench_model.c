/* bench_model.c -- godwit bench model: a whole training step on synthetic pictures
 *
 * supervised: forward, softmax cross entropy over 1000 classes, backward, SGD.  moco: query forward and backward, key
 * forward, InfoNCE against the queue, SGD, moving average (MoCo v2's head).
 */
#include "cli/bench.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/rng.h"
#include "kernels/ops/losses.h"
#include "kernels/optim/sgd.h"
#include "pretrain/moco_graph.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Step {
    const Backend *be;
    DType          dtype;
    Tape           tape;
    Moco           moco;   // moco
    ParamSet       params; // supervised
    ResNet         net;
    float         *pixels; // (batch,size,size,3) host
    int32_t       *labels;
    int64_t        batch, size;
    bool           is_moco;
    int64_t        n_taken;
    MocoGraph      graph;
    Tensor         resident; // the pixels on the device: no transfer is timed
} Step;

static Tensor *pixels(Step *s)
{
    return reshape(&s->tape, &s->resident, 4, s->resident.dim);
}

/* Forward and backward. A graph keeps the pictures of its first steps. */
static Status moco_pass(Step *s)
{
    MocoView none[2] = {{0}}, view[2] = {{.pixels = s->pixels}, {.pixels = s->pixels}};
    return moco_graph_step(&s->graph, &s->tape, &s->moco, s->resident.dim,
                           s->graph.graph ? none : view, s->n_taken);
}

static Status supervised_pass(Step *s)
{
    Tape   *t = &s->tape;
    int64_t dim[1] = {s->batch};
    tape_reset(t, TAPE_RECORD | TAPE_TRAIN);
    params_clear_grads(&s->params);
    Tensor *logits = resnet_head(t, &s->net, resnet_features(t, &s->net, pixels(s)));
    return tape_backward(
        t, softmax_cross_entropy(t, logits, tape_input(t, I32, 1, dim, s->labels), 0));
}

static Status train_step(void *ctx)
{
    Step      *s = ctx;
    ParamSet  *ps = s->is_moco ? &s->moco.params_q : &s->params;
    SgdOptions sgd = {.momentum = 0.9f, .decay = 1e-4f, .decay_norm = 1e-4f};
    TRY(s->is_moco ? moco_pass(s) : supervised_pass(s));
    TRY(params_finish_grads(ps));
    TRY(sgd_step(ps, &sgd, 0.01, s->n_taken == 0));
    if (s->is_moco)
        TRY(moco_enqueue(&s->moco));
    s->n_taken++;
    return s->be->sync();
}

static Status forward_step(void *ctx)
{
    Step *s = ctx;
    tape_reset(&s->tape, TAPE_TRAIN);
    (void)resnet_features(&s->tape, s->is_moco ? &s->moco.q : &s->net, pixels(s));
    TRY(tape_status(&s->tape));
    return s->be->sync();
}

static Status step_init(Step *s, const BenchModel *b)
{
    ResNetConfig config;
    TRY(resnet_config(&config, b->arch));
    config.width *= b->width;
    config.bn_groups = b->bn_groups;
    s->batch = b->batch;
    s->size = b->size;
    s->is_moco = b->is_moco;
    TRY(bench_dtype(&s->dtype, b->dtype));
    TRY(bench_backend(&s->be, b->device, b->dtype));
    TRY(tape_init(&s->tape, s->be, s->dtype));
    if (s->is_moco) {
        MocoConfig mc = {.net = config,
                         .head = HEAD_MLP,
                         .C = 128,
                         .K = 65536 / b->batch * b->batch,
                         .m = 0.999f,
                         .T = 0.2f,
                         .is_shuffled = true};
        TRY(moco_init(&s->moco, s->be, s->dtype, &mc));
    } else {
        params_init(&s->params, s->be, false);
        TRY(resnet_register(&s->net, &s->params, &config, "", HEAD_LINEAR, 1000));
        TRY(params_commit(&s->params, s->dtype, 0));
    }
    int64_t n = b->batch * b->size * b->size * 3;
    s->pixels = malloc(sizeof(float) * (size_t)n);
    s->labels = malloc(sizeof(int32_t) * (size_t)b->batch);
    if (!s->pixels || !s->labels)
        return status_no_memory("godwit bench", n * 4);
    Rng r = rng_at(0, RNG_TEST, 0, 0);
    for (int64_t i = 0; i < n; i++)
        s->pixels[i] = rng_uniform(&r) * 4 - 2;
    for (int64_t i = 0; i < b->batch; i++)
        s->labels[i] = (int32_t)rng_below(&r, 1000);
    s->resident = (Tensor){.dtype = F32, .ndim = 4, .dim = {b->batch, b->size, b->size, 3}};
    TRY(backend_alloc(s->be, &s->resident.data, n * (int64_t)sizeof(float), "the pictures"));
    return s->be->write(s->resident.data, s->pixels, n * (int64_t)sizeof(float));
}

static void step_release(Step *s)
{
    if (s->be) {
        moco_graph_release(&s->graph);
        s->be->free(s->resident.data);
        tape_release(&s->tape);
        if (s->is_moco)
            moco_release(&s->moco);
        else
            params_release(&s->params);
    }
    free(s->pixels);
    free(s->labels);
}

double bench_stage_macs(const ResNet *net, int stage, int64_t *h, int64_t *w)
{
    double macs = 0;
    for (int b = 0; b < net->config.n_blocks[stage - 1]; b++) {
        const ResBlock *block = &net->stage[stage - 1][b];
        int64_t         in_h = *h, in_w = *w;
        for (int i = 0; i < block->n_convs; i++)
            macs += bench_conv_macs(block->conv[i].conv.weight, &block->conv[i].conv.op, h, w);
        if (block->has_proj)
            macs += bench_conv_macs(block->proj.conv.weight, &block->proj.conv.op, &in_h, &in_w);
    }
    return macs;
}

double bench_stem_macs(const ResNet *net, int64_t *h, int64_t *w)
{
    double macs = bench_conv_macs(net->stem.conv.weight, &net->stem.conv.op, h, w);
    if (!net->config.has_small_stem) {
        *h = (*h + 2 - 3) / 2 + 1;
        *w = (*w + 2 - 3) / 2 + 1;
    }
    return macs;
}

double bench_resnet_macs(const ResNet *net, int64_t size)
{
    int64_t h = size, w = size;
    double  macs = bench_stem_macs(net, &h, &w);
    for (int s = 1; s <= RESNET_STAGES; s++)
        macs += bench_stage_macs(net, s, &h, &w);
    return macs;
}

Status bench_model(BenchModelResult *out, const BenchModel *b)
{
    Step   s = {0};
    Status st = OK;
    TRY_OUT(step_init(&s, b));
    TRY_OUT(bench_time(&out->train, s.be, train_step, &s, b->reps));
    TRY_OUT(bench_cost(&out->cost, &s.tape, s.dtype, &out->train));
    moco_graph_release(&s.graph); // what follows resets the tape, and a graph has no ops to look at
    TRY_OUT(bench_time(&out->forward, s.be, forward_step, &s, b->reps));
    /* Backward costs two forwards; the key encoder one more. */
    double macs = bench_resnet_macs(b->is_moco ? &s.moco.q : &s.net, b->size) * (double)b->batch;
    out->cost.flops = 2 * macs * (b->is_moco ? 4 : 3);
    if (b->trace)
        TRY_OUT(bench_trace(&s.tape, train_step, &s, b->trace));
out:
    step_release(&s);
    return st;
}

Status bench_model_save(const BenchModelResult *r, const BenchModel *b, const char *path)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    double     n = (double)b->batch * 1e3;
    json_open_object(&w, NULL);
    json_put_string(&w, "what", b->is_moco ? "moco" : "supervised");
    json_put_string(&w, "arch", b->arch);
    json_put_number(&w, "width", b->width);
    json_put_int(&w, "batch", b->batch);
    json_put_int(&w, "size", b->size);
    json_put_string(&w, "dtype", b->dtype);
    json_put_number(&w, "train_median", n / r->train.median_ms);
    json_put_number(&w, "train_best", n / r->train.best_ms);
    json_put_number(&w, "forward_median", n / r->forward.median_ms);
    json_put_number(&w, "forward_best", n / r->forward.best_ms);
    bench_put_cost(&w, &r->cost, r->train.median_ms);
    json_close_object(&w);
    return bench_save(&text, path);
}

void bench_model_print(const BenchModelResult *r, const BenchModel *b)
{
    double n = (double)b->batch * 1e3;
    printf("%s %s, batch %lld at %lld px, %s: %s a second, median (best)\n", b->arch,
           b->is_moco ? "MoCo v2" : "supervised", (long long)b->batch, (long long)b->size, b->dtype,
           b->is_moco ? "pairs" : "images");
    printf("  training step   %8.2f (%.2f)   %.1f ms\n", n / r->train.median_ms,
           n / r->train.best_ms, r->train.median_ms);
    printf("  forward         %8.2f (%.2f)   %.1f ms\n", n / r->forward.median_ms,
           n / r->forward.best_ms, r->forward.median_ms);
    bench_print_cost(&r->cost, r->train.median_ms);
}
