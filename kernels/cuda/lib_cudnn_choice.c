/* lib_cudnn_choice.c -- which of several ways to one result is the fastest, by shape */
#include "kernels/cuda/device.h"
#include "kernels/cuda/key_table.h"
#include "kernels/cuda/lib_cudnn_plan.h"

#include "base/clock.h"

enum { TIMED_RUNS = 3 };
static const float BY_FAR = 0.97f;

static KeyTable    choices = {.key_bytes = sizeof(ConvKey)};
static cudaEvent_t from, to;

static Status time_of(float *ms, const char *op, int way, Status (*run)(void *, int), void *ctx)
{
    TRY(run(ctx, way)); // chooses its plans, loads the kernels
    TRY(gpu_check(op, cudaEventRecord(from, gpu_stream())));
    for (int i = 0; i < TIMED_RUNS; i++)
        TRY(run(ctx, way));
    TRY(gpu_check(op, cudaEventRecord(to, gpu_stream())));
    TRY(gpu_check(op, cudaEventSynchronize(to)));
    TRY(gpu_check(op, cudaEventElapsedTime(ms, from, to)));
    *ms /= TIMED_RUNS;
    return OK;
}

static Status measure(int *fastest, const ConvKey *key, int n, Status (*run)(void *, int),
                      void *ctx)
{
    const char *op = "choosing a convolution";
    double      began = clock_seconds();
    float       best = 0;
    Status      none = OK;
    *fastest = -1;
    TRY(conv_plan_may_measure(op));
    if (!from)
        TRY(gpu_check(op, cudaEventCreateWithFlags(&from, cudaEventDefault)));
    if (!to)
        TRY(gpu_check(op, cudaEventCreateWithFlags(&to, cudaEventDefault)));
    for (int way = 0; way < n; way++) {
        float  ms = 0;
        Status st = time_of(&ms, op, way, run, ctx);
        if (st == ERR_UNSUPPORTED) {
            none = st;
            continue;
        }
        TRY(st);
        conv_tell(key, "way", way, ms, began);
        if (*fastest < 0 || ms < BY_FAR * best) {
            *fastest = way;
            best = ms;
        }
    }
    return *fastest < 0 ? none : OK;
}

Status lib_conv2d_choose(int *way, ConvKind kind, const Tensor *x, const Tensor *w, const Tensor *y,
                         const Conv2d *op, int n, Status (*run)(void *, int), void *ctx)
{
    ConvKey key = conv_key(kind, x, w, y, op);
    key.is_choice = 1;
    *way = key_table_find(&choices, &key);
    if (*way >= 0)
        return OK;
    bool is_timed = conv_is_worth_timing(&key);
    *way = plan_cache_find(conv_plan_cache(), &key, (int64_t)sizeof key);
    if (*way < 0 || *way >= n) {
        *way = 0;
        if (is_timed) {
            TRY(measure(way, &key, n, run, ctx));
            plan_cache_note(conv_plan_cache(), &key, (int64_t)sizeof key, *way);
        }
    }
    (void)key_table_put(&choices, &key, *way); // without memory it is looked up again
    return OK;
}
