#include "cli/bench_step.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "cli/device.h"
#include "kernels/bench.h"
#include "kernels/meter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_STEPS = 1, WARM_STEPS_WITH_GRAPH = 5 }; // pretrain/moco_graph.h keeps the fourth

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

Status bench_dtype(DType *dtype, const char *word)
{
    *dtype = F32;
    if (strcmp(word, "tf32") == 0 || device_dtype(dtype, word) == OK)
        return OK;
    return status_fail(ERR_USAGE, "--dtype expects f32, bf16 or tf32, found \"%s\"", word);
}

Status bench_backend(const Backend **be, const char *device, const char *dtype)
{
    bool  is_tf32 = strcmp(dtype, "tf32") == 0;
    DType type = F32;
    TRY(bench_dtype(&type, dtype));
    if (type == F32)
        setenv("GODWIT_TF32", is_tf32 ? "1" : "0", 1); // read where the device opens
    TRY(backend_open(be, device, type));
    if (is_tf32 && (*be)->is_host)
        return status_fail(ERR_USAGE,
                           "godwit bench: --dtype tf32 is a GPU's; device %s has f32 and bf16",
                           (*be)->name);
    backend_log_device(*be);
    *be = meter(*be);
    return OK;
}

Status bench_time(BenchTimes *out, const Backend *be, BenchStep *step, void *ctx, int64_t reps)
{
    double *ms = malloc(sizeof *ms * (size_t)reps);
    Status  st = ms ? OK : status_no_memory("godwit bench", reps * 8);
    int     warm = be->graph_begin ? WARM_STEPS_WITH_GRAPH : WARM_STEPS;
    out->bytes = 0;
    for (int64_t i = -warm; st == OK && i < reps; i++) {
        int64_t bytes = meter_bytes();
        double  begin = clock_seconds();
        st = step(ctx);
        if (i >= 0)
            ms[i] = (clock_seconds() - begin) * 1e3;
        out->bytes = size_max(out->bytes, meter_bytes() - bytes); // less is counted of a graph
    }
    if (st == OK) {
        qsort(ms, (size_t)reps, sizeof *ms, by_value);
        out->median_ms = reps % 2 ? ms[reps / 2] : (ms[reps / 2 - 1] + ms[reps / 2]) / 2;
        out->best_ms = ms[0];
    }
    free(ms);
    return st;
}

Status bench_ceilings(BenchCeilings *out, const Backend *be, DType dtype)
{
    *out = (BenchCeilings){.device = ""};
    if (!be->measure) {
        TRY(bench_peak_flops(&out->peak_gflops));
        return bench_triad(&out->triad_gb_per_s);
    }
    double      tflops = 0, tb_per_s = 0;
    DeviceFacts facts;
    TRY(be->describe(&facts));
    snprintf(out->device, sizeof out->device, "%s", facts.name);
    Status st = be->measure(&tflops, &tb_per_s, dtype);
    out->peak_gflops = 1e3 * tflops;
    out->triad_gb_per_s = 1e3 * tb_per_s;
    return st == ERR_MEMORY ? OK : st; // the step's own figures stand without them
}

Status bench_trace(Tape *t, BenchStep *step, void *ctx, const char *path)
{
    enum { SHOWN = 12 };
    Profile *p = calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("godwit bench", (long long)sizeof *p);
    Status st = profile_trace_open(p, path);
    t->profile = p;
    meter_profile(p);
    profile_start(t);
    if (st == OK)
        st = step(ctx);
    t->profile = NULL;
    meter_profile(NULL);
    Status close = profile_trace_close(p);
    profile_sort(p);
    printf("  longest ops: ms forward, ms backward, GB/s\n");
    for (int i = 0; st == OK && i < p->n_rows && i < SHOWN; i++) {
        const ProfileRow *r = &p->row[i];
        printf("  %9.3f %9.3f %9.1f  %3lld x %s\n", r->forward_ms, r->backward_ms,
               1e-6 * (double)r->bytes / (r->forward_ms + r->backward_ms), (long long)r->calls,
               r->key);
    }
    free(p);
    return st == OK ? close : st;
}

Status bench_cost(BenchCost *out, const Tape *t, DType dtype, const BenchTimes *step)
{
    out->bytes = step->bytes;
    out->pool_peak_bytes = tape_peak_bytes(t);
    out->rss_peak_bytes = memory_peak_rss(); // before the ceilings are measured
    out->device_peak_bytes = backend_peak_bytes(t->be);
    return bench_ceilings(&out->ceilings, t->be, dtype);
}

static void print_shares_of_device(const BenchCost *cost, double ms)
{
    const BenchCeilings *c = &cost->ceilings;
    double               gflops = cost->flops / ms / 1e6, gb_per_s = (double)cost->bytes / ms / 1e6;
    printf("  arithmetic      %.1f TFLOP/s on %s, ", gflops / 1e3, c->device);
    if (c->peak_gflops > 0)
        printf("%.0f %% of its measured product's %.1f\n", 100 * gflops / c->peak_gflops,
               c->peak_gflops / 1e3);
    else
        printf("its product not measured: no room\n");
    printf("  memory traffic  %.2f TB/s, %.2f GB a step at least, ", gb_per_s / 1e3,
           (double)cost->bytes / 1e9);
    if (c->triad_gb_per_s > 0)
        printf("%.0f %% of its measured copy's %.2f\n", 100 * gb_per_s / c->triad_gb_per_s,
               c->triad_gb_per_s / 1e3);
    else
        printf("its copy not measured: no room\n");
}

static void print_shares_of_host(const BenchCost *cost, double ms)
{
    const BenchCeilings *c = &cost->ceilings;
    double               gflops = cost->flops / ms / 1e6, gb_per_s = (double)cost->bytes / ms / 1e6;
    printf("  arithmetic      %.0f GFLOP/s, %.0f %% of this machine's measured f32 peak of %.0f "
           "GFLOP/s\n",
           gflops, 100 * gflops / c->peak_gflops, c->peak_gflops);
    printf("  memory traffic  %.1f GB/s, %.2f GB a step at least, %.0f %% of its measured triad's "
           "%.1f\n",
           gb_per_s, (double)cost->bytes / 1e9, 100 * gb_per_s / c->triad_gb_per_s,
           c->triad_gb_per_s);
}

void bench_print_cost(const BenchCost *cost, double ms)
{
    (cost->ceilings.device[0] ? print_shares_of_device : print_shares_of_host)(cost, ms);
    printf("  peak memory     %.2f GB activations and gradients, %.2f GB resident\n",
           (double)cost->pool_peak_bytes / 1e9, (double)cost->rss_peak_bytes / 1e9);
    if (cost->device_peak_bytes > 0)
        printf("  on the device   %.2f GB at most\n", (double)cost->device_peak_bytes / 1e9);
}

/* A ceiling that was not measured is null, and so is the share. */
static void put_share(JsonWriter *w, const char *share, const char *ceiling, double rate,
                      double most)
{
    json_put_number(w, share, most > 0 ? rate / most : NAN);
    json_put_number(w, ceiling, most > 0 ? most : NAN);
}

void bench_put_cost(JsonWriter *w, const BenchCost *cost, double ms)
{
    const BenchCeilings *c = &cost->ceilings;
    double               gflops = cost->flops / ms / 1e6, gb_per_s = (double)cost->bytes / ms / 1e6;
    json_put_number(w, "gflops", gflops);
    put_share(w, "share_of_peak", "peak_gflops", gflops, c->peak_gflops);
    json_put_int(w, "traffic_bytes", cost->bytes);
    json_put_number(w, "traffic_gb_s", gb_per_s);
    put_share(w, "share_of_triad", "triad_gb_s", gb_per_s, c->triad_gb_per_s);
    json_put_string(w, "device", c->device);
    json_put_int(w, "device_peak_bytes", cost->device_peak_bytes);
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
