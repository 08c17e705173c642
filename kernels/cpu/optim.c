#include "base/threads.h"
#include "kernels/body/optim.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref.h"

#include <math.h>

enum { SPAN = 1 << 15 };

typedef struct Work {
    float       *w, *v;
    const float *g;
    uint16_t    *low;
    double      *sums;
    float        lr, momentum, decay;
    bool         is_first;
} Work;

static void sgd_span(void *ctx, int64_t i, int64_t end)
{
    const Work *k = ctx;
    cpu_loops()->sgd(k->w + i, k->v + i, k->g + i, k->low ? k->low + i : NULL, end - i, k->lr,
                     k->momentum, k->decay, k->is_first);
}

Status cpu_sgd(float *w, float *v, const float *g, void *low, int64_t n, float lr, float momentum,
               float decay, bool is_first, const double *squares)
{
    if (!isfinite(*squares))
        return OK;
    Work k = {.w = w,
              .v = v,
              .g = g,
              .low = low,
              .lr = lr,
              .momentum = momentum,
              .decay = decay,
              .is_first = is_first};
    threads_for(n, SPAN, sgd_span, &k);
    return OK;
}

static void ema_span(void *ctx, int64_t i, int64_t end)
{
    const Work *k = ctx;
    cpu_loops()->ema(k->w + i, k->g + i, k->low ? k->low + i : NULL, end - i, k->momentum);
}

Status cpu_ema(float *to, const float *q, void *low, int64_t n, float m)
{
    Work k = {.w = to, .g = q, .low = low, .momentum = m};
    threads_for(n, SPAN, ema_span, &k);
    return OK;
}

static void scale_span(void *ctx, int64_t i, int64_t end)
{
    const Work *k = ctx;
    cpu_loops()->scale(k->w + i, end - i, k->lr);
}

Status cpu_clip(float *x, int64_t n, const double *squares, float max_norm)
{
    Work k = {.w = x, .lr = clip_factor(*squares, max_norm)};
    if (k.lr != 1.0f)
        threads_for(n, SPAN, scale_span, &k);
    return OK;
}

static void squares_span(void *ctx, int64_t i, int64_t end)
{
    const Work *k = ctx;
    k->sums[i / SPAN] = cpu_loops()->sum_squares(k->g + i, end - i);
}

Status cpu_sum_squares(double *squares, const float *x, int64_t n, bool is_first)
{
    int64_t spans = (n + SPAN - 1) / SPAN;
    double *sums = scratch_take(spans * (int64_t)sizeof *sums);
    if (!sums)
        return ERR_MEMORY;
    Work k = {.g = x, .sums = sums};
    threads_for(n, SPAN, squares_span, &k);
    double sum = 0.0;
    for (int64_t i = 0; i < spans; i++)
        sum += sums[i];
    *squares = is_first ? sum : *squares + sum;
    scratch_give(sums);
    return OK;
}
