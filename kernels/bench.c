#include "kernels/bench.h"
#include "base/clock.h"
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/onednn.h"
#include "kernels/ops/nn.h"
#include "kernels/params.h"

#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 7, ROUNDS = 2000000, CHAINS = 10, TRIAD = 1 << 25 };

const char *bench_cpu_level(void)
{
    return cpu_loops()->level;
}

const char *bench_onednn_version(void)
{
    return onednn_version();
}

static void peak_part(void *ctx, int64_t begin, int64_t end)
{
    float *sink = ctx;
    for (int64_t i = begin; i < end; i++) {
        float local[2] = {0.999f, 1e-3f};
        cpu_loops()->peak(local, ROUNDS);
        sink[i] = local[0];
    }
}

Status bench_peak_flops(double *gflops)
{
    enum { MOST = 1024 };
    float  sink[MOST];
    int    n = (int)size_min(threads_count(), MOST);
    double best = 1e30;
    for (int run = 0; run < RUNS; run++) {
        double start = clock_seconds();
        threads_for(n, 1, peak_part, sink);
        double took = clock_seconds() - start;
        best = took < best ? took : best;
    }
    *gflops = 2.0 * CHAINS * cpu_loops()->lanes * (double)ROUNDS * n / best * 1e-9;
    return OK;
}

typedef struct Triad {
    float       *a;
    const float *b, *c;
} Triad;

static void triad_part(void *ctx, int64_t begin, int64_t end)
{
    const Triad *t = ctx;
    for (int64_t i = begin; i < end; i++)
        t->a[i] = t->b[i] + 3.0f * t->c[i];
}

static void touch_part(void *ctx, int64_t begin, int64_t end)
{
    float *m = ctx;
    for (int64_t i = begin; i < end; i++)
        m[i] = (float)i;
}

Status bench_triad(double *gb_per_s)
{
    float *m = malloc(3 * (size_t)TRIAD * sizeof *m);
    if (!m)
        return status_no_memory("triad", 3LL * TRIAD * 4);
    threads_for(3LL * TRIAD, 1 << 16, touch_part, m);
    Triad  t = {m, m + TRIAD, m + 2 * (int64_t)TRIAD};
    double best = 1e30;
    for (int run = 0; run < RUNS; run++) {
        double start = clock_seconds();
        threads_for(TRIAD, 1 << 16, triad_part, &t);
        double took = clock_seconds() - start;
        best = took < best ? took : best;
    }
    free(m);
    *gb_per_s = 3.0 * 4.0 * TRIAD / best * 1e-9;
    return OK;
}

/* One row of the list: a convolution (kernel > 0) or a batch norm with ReLU. */
typedef struct Case {
    int64_t H, ci, co, kernel, stride;
} Case;

static const Case CASES[] = {
    {224, 3, 64, 7, 2},   {56, 64, 64, 1, 1},   {56, 64, 64, 3, 1},     {56, 64, 256, 1, 1},
    {56, 256, 64, 1, 1},  {56, 128, 128, 3, 2}, {28, 128, 128, 3, 1},   {28, 128, 512, 1, 1},
    {28, 512, 128, 1, 1}, {14, 256, 256, 3, 1}, {14, 256, 1024, 1, 1},  {14, 1024, 256, 1, 1},
    {7, 512, 512, 3, 1},  {7, 512, 2048, 1, 1}, {7, 2048, 512, 1, 1},   {112, 64, 64, 0, 1},
    {56, 256, 256, 0, 1}, {28, 512, 512, 0, 1}, {14, 1024, 1024, 0, 1}, {7, 2048, 2048, 0, 1},
};

static Tensor *forward(Tape *t, const Case *c, const ConvLayer *conv, const NormLayer *norm,
                       Tensor *x)
{
    return c->kernel ? conv2d(t, conv, x) : batch_norm(t, norm, x, NULL, true);
}

/* One forward and one backward pass from a gradient of ones; the better times are kept in `row`. */
static Status once(OpBench *row, Tape *t, const Case *c, int64_t batch, const ConvLayer *conv,
                   const NormLayer *norm)
{
    tape_reset(t, TAPE_RECORD | TAPE_TRAIN);
    Tensor *x = TAPE_TENSOR(t, t->dtype, batch, c->H, c->H, c->ci);
    TRY(tape_status(t));
    TRY(t->be->fill(x, 0.5f));
    x->wants_grad = c->ci != 3; // nobody asks for the gradient of the image
    TRY(t->be->sync());
    double  start = clock_seconds();
    Tensor *y = forward(t, c, conv, norm, x);
    TRY(tape_status(t));
    TRY(t->be->sync());
    double  middle = clock_seconds();
    Tensor *dy = tape_grad(t, y);
    TRY(tape_status(t));
    (void)tensor_beta(dy);
    TRY(t->be->fill(dy, 1.0f));
    TRY(t->be->sync());
    double again = clock_seconds();
    TRY(t->last->backward(t, t->last));
    TRY(t->be->sync());
    double end = clock_seconds();
    double f = 1e3 * (middle - start), b = 1e3 * (end - again);
    row->forward_ms = row->forward_ms == 0 || f < row->forward_ms ? f : row->forward_ms;
    row->backward_ms = row->backward_ms == 0 || b < row->backward_ms ? b : row->backward_ms;
    row->mbytes = 1e-6 * (double)(tensor_bytes(x) + tensor_bytes(y));
    row->gflop = c->kernel ? 2e-9 * (double)(tensor_count(y) * c->ci * c->kernel * c->kernel) : 0.0;
    return OK;
}

static Status time_case(OpBench *row, const Backend *be, DType dtype, const Case *c, int64_t batch,
                        int runs)
{
    Status   st = OK;
    Tape     t = {0};
    ParamSet ps;
    params_init(&ps, be, false);
    Tensor *w =
        params_add(&ps, (ParamSpec){.name = "w", .kind = PARAM_CONV, .init = {INIT_NORMAL, 0.1f}},
                   4, (int64_t[]){c->co, c->kernel, c->kernel, c->ci});
    ParamSpec spec = {.kind = PARAM_WEIGHT, .init = {INIT_ONE, 0}};
    Tensor   *v[4];
    for (int i = 0; i < 4; i++) {
        spec.name = (const char *const[]){"gamma", "beta", "mean", "var"}[i];
        spec.kind = i < 2 ? PARAM_WEIGHT : PARAM_BUFFER;
        v[i] = params_add(&ps, spec, 1, &c->co);
    }
    ConvLayer conv = {{c->stride, c->kernel / 2, 1, 1}, w, NULL};
    NormLayer norm = {{.eps = 1e-5f, .momentum = 0.1f, .groups = 1}, v[0], v[1], v[2], v[3], false};
    if (c->kernel)
        snprintf(row->name, sizeof row->name, "conv2d %lldx%lld/%lld %lld -> %lld, %lld x %lld",
                 (long long)c->kernel, (long long)c->kernel, (long long)c->stride, (long long)c->ci,
                 (long long)c->co, (long long)c->H, (long long)c->H);
    else
        snprintf(row->name, sizeof row->name, "batch_norm + relu %lld, %lld x %lld",
                 (long long)c->co, (long long)c->H, (long long)c->H);
    TRY_OUT(params_commit(&ps, dtype, 1));
    TRY_OUT(tape_init(&t, be, dtype));
    OpBench first = {0}; // takes memory and, on a GPU, chooses among the library's algorithms
    TRY_OUT(once(&first, &t, c, batch, &conv, &norm));
    for (int run = 0; run < runs; run++)
        TRY_OUT(once(row, &t, c, batch, &conv, &norm));
out:
    if (t.pool)
        tape_release(&t);
    params_release(&ps);
    return st;
}

Status bench_ops(OpBench *rows, int *n, int most, const Backend *be, DType dtype, int64_t batch,
                 int runs)
{
    *n = 0;
    for (int i = 0; i < (int)(sizeof CASES / sizeof *CASES) && *n < most; i++) {
        rows[*n] = (OpBench){0};
        TRY(time_case(&rows[*n], be, dtype, &CASES[i], batch, runs));
        (*n)++;
    }
    return OK;
}
