#include "base/threads.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/scratch.h"

typedef struct Work {
    Tensor       *out;
    const Tensor *in;
    int64_t       places, C;
    float         beta;
    Outcome       outcome;
} Work;

static void forward_images(void *ctx, int64_t begin, int64_t end)
{
    Work  *k = ctx;
    float *sum = scratch_take(k->C * (int64_t)sizeof *sum);
    outcome_note(&k->outcome, sum ? OK : ERR_MEMORY);
    for (int64_t n = begin; sum && n < end; n++) {
        loops_of(k->in)->sum_rows(sum, at(k->in, n * k->places * k->C), k->places, k->C);
        cpu_loops()->scale(sum, k->C, 1.0f / (float)k->places);
        if (k->out->dtype == F32)
            cpu_loops()->f32.accumulate(at(k->out, n * k->C), sum, 0.0f, k->C);
        else
            cpu_loops()->narrow(at(k->out, n * k->C), sum, k->C);
    }
    scratch_give(sum);
}

Status cpu_mean_hw_forward(Tensor *y, const Tensor *x)
{
    Work k = {.out = y, .in = x, .places = x->dim[1] * x->dim[2], .C = x->dim[3]};
    if (tensor_count(y) > 0)
        threads_for(x->dim[0], threads_grain(x->dim[0], 1), forward_images, &k);
    return outcome_status(&k.outcome);
}

static void backward_images(void *ctx, int64_t begin, int64_t end)
{
    Work  *k = ctx;
    float *row = scratch_take(k->C * (int64_t)sizeof *row);
    outcome_note(&k->outcome, row ? OK : ERR_MEMORY);
    for (int64_t n = begin; row && n < end; n++) {
        if (k->in->dtype == F32)
            cpu_loops()->f32.accumulate(row, at(k->in, n * k->C), 0.0f, k->C);
        else
            cpu_loops()->widen(row, at(k->in, n * k->C), k->C);
        cpu_loops()->scale(row, k->C, 1.0f / (float)k->places);
        loops_of(k->out)->spread(at(k->out, n * k->places * k->C), row, k->beta, k->places, k->C);
    }
    scratch_give(row);
}

Status cpu_mean_hw_backward(Tensor *dx, const Tensor *dy)
{
    Work k = {.out = dx,
              .in = dy,
              .places = dx->dim[1] * dx->dim[2],
              .C = dx->dim[3],
              .beta = tensor_beta(dx)};
    if (tensor_count(dx) > 0)
        threads_for(dx->dim[0], threads_grain(dx->dim[0], 1), backward_images, &k);
    return outcome_status(&k.outcome);
}
