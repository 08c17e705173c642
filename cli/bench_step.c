#include "cli/bench_step.h"

#include "base/clock.h"
#include "base/memory.h"
#include "kernels/bench.h"

#include <stdio.h>
#include <stdlib.h>

enum { WARM_STEPS = 1, WARM_STEPS_WITH_GRAPH = 5 }; // pretrain/moco_graph.h keeps the fourth

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

Status bench_time(BenchTimes *out, const Backend *be, BenchStep *step, void *ctx, int64_t reps)
{
    double *ms = malloc(sizeof *ms * (size_t)reps);
    Status  st = ms ? OK : status_no_memory("godwit bench", reps * 8);
    int     warm = be->graph_begin ? WARM_STEPS_WITH_GRAPH : WARM_STEPS;
    for (int i = 0; st == OK && i < warm; i++)
        st = step(ctx);
    for (int64_t i = 0; st == OK && i < reps; i++) {
        double begin = clock_seconds();
        st = step(ctx);
        ms[i] = (clock_seconds() - begin) * 1e3;
    }
    if (st == OK) {
        qsort(ms, (size_t)reps, sizeof *ms, by_value);
        out->median_ms = reps % 2 ? ms[reps / 2] : (ms[reps / 2 - 1] + ms[reps / 2]) / 2;
        out->best_ms = ms[0];
    }
    free(ms);
    return st;
}

static Status ceilings_of(BenchCeilings *out, const Backend *be, DType dtype)
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

Status bench_trace(Tape *t, BenchStep *step, void *ctx, const char *path)
{
    enum { SHOWN = 12 };
    Profile *p = calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("godwit bench", (long long)sizeof *p);
    Status st = profile_trace_open(p, path);
    t->profile = p;
    if (st == OK)
        st = step(ctx);
    t->profile = NULL;
    Status close = profile_trace_close(p);
    profile_sort(p);
    printf("  longest ops, ms      forward  backward\n");
    for (int i = 0; st == OK && i < p->n_rows && i < SHOWN; i++)
        printf("  %9.3f %9.3f  %3lld x %s\n", p->row[i].forward_ms, p->row[i].backward_ms,
               (long long)p->row[i].calls, p->row[i].key);
    free(p);
    return st == OK ? close : st;
}

Status bench_cost(BenchCost *out, const Tape *t, DType dtype)
{
    out->pool_peak_bytes = tape_peak_bytes(t);
    out->rss_peak_bytes = memory_peak_rss(); // before the ceilings are measured
    return ceilings_of(&out->ceilings, t->be, dtype);
}

void bench_print_cost(const BenchCost *cost, double ms)
{
    const BenchCeilings *c = &cost->ceilings;
    double               gflops = cost->flops / ms / 1e6;
    if (c->device[0])
        printf("  arithmetic      %.1f TFLOP/s on %s, %.0f %% of its measured product's %.1f; its "
               "copy: %.2f TB/s\n",
               gflops / 1e3, c->device, 100 * gflops / c->peak_gflops, c->peak_gflops / 1e3,
               c->triad_gb_per_s / 1e3);
    else
        printf(
            "  arithmetic      %.0f GFLOP/s, %.0f %% of this machine's measured f32 peak of %.0f "
            "GFLOP/s; triad %.1f GB/s\n",
            gflops, 100 * gflops / c->peak_gflops, c->peak_gflops, c->triad_gb_per_s);
    printf("  peak memory     %.2f GB activations and gradients, %.2f GB resident\n",
           (double)cost->pool_peak_bytes / 1e9, (double)cost->rss_peak_bytes / 1e9);
    if (c->device_peak_bytes > 0)
        printf("  on the device   %.2f GB at most\n", (double)c->device_peak_bytes / 1e9);
}

void bench_put_cost(JsonWriter *w, const BenchCost *cost, double ms)
{
    const BenchCeilings *c = &cost->ceilings;
    double               gflops = cost->flops / ms / 1e6;
    json_put_number(w, "gflops", gflops);
    json_put_number(w, "share_of_peak", gflops / c->peak_gflops);
    json_put_number(w, "peak_gflops", c->peak_gflops);
    json_put_number(w, "triad_gb_s", c->triad_gb_per_s);
    json_put_string(w, "device", c->device);
    json_put_int(w, "device_peak_bytes", c->device_peak_bytes);
    json_put_int(w, "tape_peak_bytes", cost->pool_peak_bytes);
    json_put_int(w, "rss_peak_bytes", cost->rss_peak_bytes);
}

Status bench_save(Text *text, const char *path)
{
    Status st = json_save(text, path);
    text_release(text);
    return st;
}

double bench_conv_macs(const Tensor *weight, const Conv2d *op, int64_t *h, int64_t *w)
{
    *h = (*h + 2 * op->pad - op->dilation * (weight->dim[1] - 1) - 1) / op->stride + 1;
    *w = (*w + 2 * op->pad - op->dilation * (weight->dim[2] - 1) - 1) / op->stride + 1;
    return (double)tensor_count(weight) * (double)(*h * *w);
}
