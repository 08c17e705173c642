#include "kernels/cpu/cpu.h"
#include "kernels/cpu/cpu_regions.h"

#include <pthread.h>
#include <stdio.h>

static Backend        CPU;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What is not named here is ref's: tests/kernels/test_backends.cc prints and pins that list. */
static void fill_table(void)
{
    CPU = *backend_ref();
    CPU.name = "cpu";
    CPU.has_norm_masks = false;
    CPU.alloc = cpu_alloc;
    CPU.write = cpu_copy;
    CPU.read = cpu_copy;
    CPU.copy = cpu_copy;
    CPU.fill = cpu_fill;
    CPU.cast = cpu_cast;

    CPU.conv2d_forward = cpu_conv2d_forward;
    CPU.conv2d_backward_data = cpu_conv2d_backward_data;
    CPU.conv2d_backward_weights = cpu_conv2d_backward_weights;
    CPU.batch_norm_train_forward = cpu_batch_norm_train_forward;
    CPU.batch_norm_eval_forward = cpu_batch_norm_eval_forward;
    CPU.batch_norm_train_backward = cpu_batch_norm_train_backward;
    CPU.batch_norm_eval_backward = cpu_batch_norm_eval_backward;
    CPU.conv_bn_train_forward = cpu_conv_bn_train_forward;

    CPU.relu_forward = cpu_relu_forward;
    CPU.relu_backward = cpu_relu_backward;
    CPU.add_forward = cpu_add_forward;
    CPU.add_backward = cpu_add_backward;
    CPU.max_pool_forward = cpu_max_pool_forward;
    CPU.max_pool_backward = cpu_max_pool_backward;
    CPU.mean_hw_forward = cpu_mean_hw_forward;
    CPU.mean_hw_backward = cpu_mean_hw_backward;
    CPU.linear_forward = cpu_linear_forward;
    CPU.linear_backward_data = cpu_linear_backward_data;
    CPU.linear_backward_weights = cpu_linear_backward_weights;

    CPU.sgd = cpu_sgd;
    CPU.ema = cpu_ema;
    CPU.clip = cpu_clip;
    CPU.sum_squares = cpu_sum_squares;
    cpu_regions_fill(&CPU);
}

const Backend *backend_cpu(void)
{
    pthread_once(&once, fill_table);
    return &CPU;
}

const CpuLoops *cpu_loops(void)
{
#if defined(__x86_64__)
    /* clang 14 cannot ask for x86-64-v3 and -v4 by name: these are the parts of them that processors differ in. */
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl");
    if (v4)
        return __builtin_cpu_supports("avx512bf16") ? cpu_loops_v4bf16() : cpu_loops_v4();
    if (v3)
        return cpu_loops_v3();
#endif
    return cpu_loops_v2();
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void outcome_note(Outcome *o, Status st)
{
    if (st == OK)
        return;
    pthread_mutex_lock(&lock);
    if (o->status == OK) {
        o->status = st;
        snprintf(o->text, sizeof o->text, "%s", status_text());
    }
    pthread_mutex_unlock(&lock);
}

Status outcome_status(const Outcome *o)
{
    return o->status == OK ? OK : status_fail(o->status, "%s", o->text);
}
