/* lib_cudnn_choice.c -- the faster of two ways to one result, by shape */
#include "kernels/cuda/device.h"
#include "kernels/cuda/lib.h"
#include "kernels/cuda/lib_cudnn_plan.h"

#include <stdlib.h>
#include <string.h>

enum { TIMED_RUNS = 3, MOST_CHOICES = 4096 };

typedef struct Choice {
    ConvKey key;
    bool    is_together;
} Choice;

static Choice     *choices;
static int         n_choices;
static cudaEvent_t from, to;

static Status time_of(float *ms, const char *op, Status (*way)(void *), void *ctx)
{
    TRY(way(ctx)); // chooses its plans, loads the kernels
    TRY(gpu_check(op, cudaEventRecord(from, gpu_stream())));
    for (int i = 0; i < TIMED_RUNS; i++)
        TRY(way(ctx));
    TRY(gpu_check(op, cudaEventRecord(to, gpu_stream())));
    TRY(gpu_check(op, cudaEventSynchronize(to)));
    return gpu_check(op, cudaEventElapsedTime(ms, from, to));
}

static Status measure(bool *is_together, Status (*apart)(void *), Status (*together)(void *),
                      void *ctx)
{
    const char *op = "conv2d with statistics";
    float       ms[2] = {0, 0};
    TRY(conv_plan_may_measure(op));
    if (!from)
        TRY(gpu_check(op, cudaEventCreateWithFlags(&from, cudaEventDefault)));
    if (!to)
        TRY(gpu_check(op, cudaEventCreateWithFlags(&to, cudaEventDefault)));
    Status st = time_of(&ms[1], op, together, ctx);
    *is_together = false;
    if (st == ERR_UNSUPPORTED)
        return OK;
    TRY(st);
    TRY(time_of(&ms[0], op, apart, ctx));
    *is_together = ms[1] < ms[0];
    return OK;
}

Status lib_conv2d_choose(bool *is_together, const Tensor *y, const Tensor *x, const Tensor *w,
                         const Conv2d *op, int64_t         groups, Status (*apart)(void *),
                         Status (*together)(void *), void *ctx)
{
    ConvKey key = conv_key(CONV_CHOICE, x, w, y, op);
    key.slices = (int32_t)groups;
    for (int i = 0; i < n_choices; i++)
        if (memcmp(&choices[i].key, &key, sizeof key) == 0) {
            *is_together = choices[i].is_together;
            return OK;
        }
    int noted = plan_cache_find(conv_plan_cache(), &key, (int64_t)sizeof key);
    *is_together = noted == 1;
    if (noted < 0) {
        TRY(measure(is_together, apart, together, ctx));
        plan_cache_note(conv_plan_cache(), &key, (int64_t)sizeof key, *is_together);
    }
    if (!choices)
        choices = calloc(MOST_CHOICES, sizeof *choices);
    if (choices && n_choices < MOST_CHOICES)
        choices[n_choices++] = (Choice){key, *is_together};
    return OK;
}
