/* lib_cudnn.c -- convolutions of lib.h by cuDNN's backend interface
 *
 * Plans overwrite. A gradient that adds to one that is there goes through scratch memory, as does an f32 weight gradient of
 * bf16 activations where no engine writes f32.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/lib.h"
#include "kernels/cuda/lib_cublas.h"
#include "kernels/cuda/lib_cudnn_plan.h"

#include <string.h>

static bool uses_tf32;

Status lib_open(void)
{
    TRY(lib_cublas_open());
    return conv_plan_open();
}

void lib_use_tf32(bool yes)
{
    uses_tf32 = yes;
    lib_cublas_use_tf32(yes);
}

ConvKey conv_key(ConvKind kind, const Tensor *x, const Tensor *w, const Tensor *y, const Conv2d *op)
{
    ConvKey k;
    memset(&k, 0, sizeof k);
    k.kind = (int32_t)kind;
    k.type = (int32_t)(kind == CONV_DATA ? y->dtype : x->dtype);
    k.tf32 = k.type == F32 && uses_tf32;
    k.N = (int32_t)x->dim[0];
    k.H = (int32_t)x->dim[1];
    k.W = (int32_t)x->dim[2];
    k.Ci = (int32_t)x->dim[3];
    k.P = (int32_t)y->dim[1];
    k.Q = (int32_t)y->dim[2];
    k.Co = (int32_t)y->dim[3];
    k.kh = (int32_t)w->dim[1];
    k.kw = (int32_t)w->dim[2];
    k.ci = (int32_t)w->dim[3];
    k.stride = (int32_t)op->stride;
    k.pad = (int32_t)op->pad;
    k.dilation = (int32_t)op->dilation;
    return k;
}

/* One call: the tensors, and which of them is written. */
typedef struct Job {
    const char   *op;
    ConvKey       key;
    const Tensor *x, *w, *y;
    Tensor       *out; // one of the three
} Job;

static ConvAddresses addresses(const Job *j, const void *out)
{
    return (ConvAddresses){.x = j->x == j->out ? out : j->x->data,
                           .w = j->w == j->out ? out : j->w->data,
                           .y = j->y == j->out ? out : j->y->data};
}

/* Writes the result straight to where it belongs; ERR_UNSUPPORTED when no plan can. */
static Status run_direct(const Job *j)
{
    const ConvPlan *plan = NULL;
    ConvKey         key = j->key;
    ConvAddresses   on = addresses(j, j->out->data);
    key.out = (int32_t)j->out->dtype;
    TRY(conv_plan_find(j->op, &plan, &key, &on));
    return conv_plan_run(j->op, plan, &on);
}

/* In another type first. */
static Status run_through(const Job *j, DType type)
{
    const ConvPlan *plan = NULL;
    ConvKey         key = j->key;
    Tensor          scratch = *j->out;
    scratch.dtype = type;
    key.out = (int32_t)type;
    TRY(cuda_alloc(&scratch.data, tensor_bytes(&scratch)));
    ConvAddresses on = addresses(j, scratch.data);
    Status        st = conv_plan_find(j->op, &plan, &key, &on);
    if (st == OK)
        st = conv_plan_run(j->op, plan, &on);
    if (st == OK)
        st = cuda_accumulate(j->out, 0, &scratch);
    cuda_free(scratch.data);
    return st;
}

/* Overwrites. */
static Status run_over(const Job *j)
{
    Status st = run_direct(j);
    if (st == ERR_UNSUPPORTED && (DType)j->key.type != j->out->dtype)
        st = run_through(j, (DType)j->key.type);
    return st;
}

static Status run(Job *j, float beta)
{
    Tensor *sum = j->out, scratch = *sum;
    if (beta == 0)
        return run_over(j);
    TRY(cuda_alloc(&scratch.data, tensor_bytes(&scratch)));
    *(sum == j->x ? &j->x : &j->w) = j->out = &scratch;
    Status st = run_over(j);
    if (st == OK)
        st = cuda_accumulate(sum, beta, &scratch);
    cuda_free(scratch.data);
    return st;
}

Status lib_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Conv2d *op)
{
    Job j = {"conv2d", conv_key(CONV_FORWARD, x, w, y, op), x, w, y, y};
    return run(&j, 0);
}

/* Plans take addresses of a multiple of 16 bytes (lib_cudnn_graph.c). */
static bool are_slices_aligned(const Tensor *x, int64_t groups)
{
    return groups == 1 || tensor_bytes(x) / groups % 16 == 0;
}

/* Images first .. first+n-1 of a tensor. */
static const void *images_of(const Tensor *x, int64_t first)
{
    return (const char *)x->data + first * (tensor_bytes(x) / x->dim[0]);
}

Status lib_conv2d_statistics(Tensor *y, float *sum, float *squares, const Tensor *x,
                             const Tensor *w, const Conv2d *op, int64_t groups)
{
    const char     *name = "conv2d with statistics";
    const ConvPlan *plan = NULL;
    ConvKey         key = conv_key(CONV_STATS, x, w, y, op);
    int64_t         n = x->dim[0] / groups, C = y->dim[3];
    key.N = (int32_t)n;
    key.out = (int32_t)y->dtype;
    if (!are_slices_aligned(x, groups) || !are_slices_aligned(y, groups) || C % 4 != 0)
        return status_fail(ERR_UNSUPPORTED, "%s: slices that do not begin at 16 bytes", name);
    for (int64_t g = 0; g < groups; g++) {
        ConvAddresses on = {.x = images_of(x, g * n),
                            .w = w->data,
                            .y = images_of(y, g * n),
                            .sum = sum + g * C,
                            .squares = squares + g * C};
        if (g == 0)
            TRY(conv_plan_find(name, &plan, &key, &on));
        TRY(conv_plan_run(name, plan, &on));
    }
    return OK;
}

Status lib_conv2d_backward_data(Tensor *dx, float beta, const Tensor *dy, const Tensor *w,
                                const Conv2d *op)
{
    Job j = {"conv2d data gradient", conv_key(CONV_DATA, dx, w, dy, op), dx, w, dy, dx};
    return run(&j, beta);
}

Status lib_conv2d_backward_weights(Tensor *dw, float beta, const Tensor *x, const Tensor *dy,
                                   const Conv2d *op)
{
    Job j = {"conv2d weight gradient", conv_key(CONV_WEIGHTS, x, dw, dy, op), x, dw, dy, dw};
    return run(&j, beta);
}
