/* bench_model.c -- godwit bench model: a whole training step on synthetic pictures
 *
 * supervised: forward, softmax cross entropy over 1000 classes, backward, SGD.  moco: query forward and backward, key
 * forward, InfoNCE against the queue, SGD, moving average (MoCo v2's head).
 */
#include "cli/bench.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/rng.h"
#include "kernels/bench.h"
#include "kernels/ops/losses.h"
#include "kernels/optim/sgd.h"
#include "kernels/profile.h"
#include "pretrain/moco_graph.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Step {
    const Backend *be;
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

static Status train_step(Step *s)
{
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

static Status forward_step(Step *s)
{
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
    TRY(backend_open(&s->be, b->device));
    TRY(tape_init(&s->tape, s->be, b->dtype));
    if (s->is_moco) {
        MocoConfig mc = {.net = config,
                         .head = HEAD_MLP,
                         .C = 128,
                         .K = 65536 / b->batch * b->batch,
                         .m = 0.999f,
                         .T = 0.2f,
                         .is_shuffled = true};
        TRY(moco_init(&s->moco, s->be, b->dtype, &mc));
    } else {
        params_init(&s->params, s->be, false);
        TRY(resnet_register(&s->net, &s->params, &config, "", HEAD_LINEAR, 1000));
        TRY(params_commit(&s->params, b->dtype, 0));
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
    TRY(s->be->alloc(&s->resident.data, n * (int64_t)sizeof(float)));
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

/* Multiply-adds of the convolutions of one picture's forward pass, counted from the weights. */
static double conv_macs(const ConvBn *layer, int64_t *side)
{
    const Tensor *w = layer->conv.weight;
    const Conv2d *c = &layer->conv.op;
    *side = (*side + 2 * c->pad - c->dilation * (w->dim[1] - 1) - 1) / c->stride + 1;
    return (double)tensor_count(w) * (double)(*side * *side);
}

double bench_resnet_macs(const ResNet *net, int64_t size)
{
    int64_t side = size;
    double  macs = conv_macs(&net->stem, &side);
    if (!net->config.has_small_stem)
        side = (side + 2 - 3) / 2 + 1;
    for (int s = 0; s < RESNET_STAGES; s++)
        for (int b = 0; b < net->config.n_blocks[s]; b++) {
            const ResBlock *block = &net->stage[s][b];
            int64_t         in = side;
            for (int i = 0; i < block->n_convs; i++)
                macs += conv_macs(&block->conv[i], &side);
            if (block->has_proj)
                macs += conv_macs(&block->proj, &in);
        }
    return macs;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static Status time_steps(double *median, double *best, Step *s, Status (*step)(Step *),
                         int64_t reps)
{
    double *ms = malloc(sizeof *ms * (size_t)reps);
    Status  st = ms ? OK : status_no_memory("godwit bench", reps * 8);
    if (st == OK)
        st = step(s); // warms caches, pools and plans
    for (int64_t i = 0; st == OK && i < reps; i++) {
        double begin = clock_seconds();
        st = step(s);
        ms[i] = (clock_seconds() - begin) * 1e3;
    }
    if (st == OK) {
        qsort(ms, (size_t)reps, sizeof *ms, by_value);
        *median = reps % 2 ? ms[reps / 2] : (ms[reps / 2 - 1] + ms[reps / 2]) / 2;
        *best = ms[0];
    }
    free(ms);
    return st;
}

/* What the machine under the backend can do. */
static Status ceilings(BenchModelResult *out, const Backend *be, DType dtype)
{
    if (!be->measure) {
        TRY(bench_peak_flops(&out->peak_gflops));
        return bench_triad(&out->triad_gb_per_s);
    }
    double      tflops = 0, tb_per_s = 0;
    DeviceFacts facts;
    TRY(be->describe(&facts));
    snprintf(out->device, sizeof out->device, "%s", facts.name);
    out->device_peak_bytes = facts.peak_bytes;
    TRY(be->measure(&tflops, &tb_per_s, dtype));
    out->peak_gflops = 1e3 * tflops;
    out->triad_gb_per_s = 1e3 * tb_per_s;
    return OK;
}

/* One step op by op into a file, and its longest ops on paper. */
static Status trace_step(Step *s, const char *path)
{
    enum { SHOWN = 12 };
    Profile *p = calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("godwit bench", (long long)sizeof *p);
    moco_graph_release(&s->graph); // a graph has no ops to look at
    Status st = profile_trace_open(p, path);
    s->tape.profile = p;
    if (st == OK)
        st = train_step(s);
    s->tape.profile = NULL;
    Status close = profile_trace_close(p);
    profile_sort(p);
    printf("  longest ops, ms      forward  backward\n");
    for (int i = 0; st == OK && i < p->n_rows && i < SHOWN; i++)
        printf("  %9.3f %9.3f  %3lld x %s\n", p->row[i].forward_ms, p->row[i].backward_ms,
               (long long)p->row[i].calls, p->row[i].key);
    free(p);
    return st == OK ? close : st;
}

Status bench_model(BenchModelResult *out, const BenchModel *b)
{
    Step   s = {0};
    Status st = OK;
    TRY_OUT(step_init(&s, b));
    TRY_OUT(time_steps(&out->train_ms_median, &out->train_ms_best, &s, train_step, b->reps));
    out->pool_peak_bytes = tape_peak_bytes(&s.tape);
    out->rss_peak_bytes = memory_peak_rss();
    TRY_OUT(time_steps(&out->forward_ms_median, &out->forward_ms_best, &s, forward_step, b->reps));
    /* Backward costs two forwards; the key encoder one more. */
    double macs = bench_resnet_macs(b->is_moco ? &s.moco.q : &s.net, b->size) * (double)b->batch;
    out->step_flops = 2 * macs * (b->is_moco ? 4 : 3);
    TRY_OUT(ceilings(out, s.be, b->dtype));
    if (b->trace)
        TRY_OUT(trace_step(&s, b->trace));
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
    json_put_string(&w, "dtype", dtype_name(b->dtype));
    json_put_number(&w, "train_median", n / r->train_ms_median);
    json_put_number(&w, "train_best", n / r->train_ms_best);
    json_put_number(&w, "forward_median", n / r->forward_ms_median);
    json_put_number(&w, "forward_best", n / r->forward_ms_best);
    json_put_number(&w, "gflops", r->step_flops / r->train_ms_median / 1e6);
    json_put_number(&w, "share_of_peak", r->step_flops / r->train_ms_median / 1e6 / r->peak_gflops);
    json_put_number(&w, "peak_gflops", r->peak_gflops);
    json_put_number(&w, "triad_gb_s", r->triad_gb_per_s);
    json_put_int(&w, "tape_peak_bytes", r->pool_peak_bytes);
    json_put_int(&w, "rss_peak_bytes", r->rss_peak_bytes);
    json_put_string(&w, "device", r->device);
    json_put_int(&w, "device_peak_bytes", r->device_peak_bytes);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

void bench_model_print(const BenchModelResult *r, const BenchModel *b)
{
    double n = (double)b->batch * 1e3;
    printf("%s %s, batch %lld at %lld px, %s: %s a second, median (best)\n", b->arch,
           b->is_moco ? "MoCo v2" : "supervised", (long long)b->batch, (long long)b->size,
           dtype_name(b->dtype), b->is_moco ? "pairs" : "images");
    printf("  training step   %8.2f (%.2f)   %.1f ms\n", n / r->train_ms_median,
           n / r->train_ms_best, r->train_ms_median);
    printf("  forward         %8.2f (%.2f)   %.1f ms\n", n / r->forward_ms_median,
           n / r->forward_ms_best, r->forward_ms_median);
    double gflops = r->step_flops / r->train_ms_median / 1e6;
    if (r->device[0])
        printf("  arithmetic      %.1f TFLOP/s on %s, %.0f %% of its measured product's %.1f; its "
               "copy: %.2f TB/s\n",
               gflops / 1e3, r->device, 100 * gflops / r->peak_gflops, r->peak_gflops / 1e3,
               r->triad_gb_per_s / 1e3);
    else
        printf(
            "  arithmetic      %.0f GFLOP/s, %.0f %% of this machine's measured f32 peak of %.0f "
            "GFLOP/s; triad %.1f GB/s\n",
            gflops, 100 * gflops / r->peak_gflops, r->peak_gflops, r->triad_gb_per_s);
    printf("  peak memory     %.2f GB activations and gradients, %.2f GB resident\n",
           (double)r->pool_peak_bytes / 1e9, (double)r->rss_peak_bytes / 1e9);
    if (r->device_peak_bytes > 0)
        printf("  on the device   %.2f GB at most\n", (double)r->device_peak_bytes / 1e9);
}
