/* lib_cudnn.c -- convolutions of lib.h by cuDNN's backend interface
 *
 * A weight gradient of bf16 activations comes out in bf16 and goes through scratch memory to its f32 tensor. cuDNN can
 * store it in f32 too, by engines that are compiled for the purpose: up to 1.5 times slower on an H200 for ResNet-50's
 * shapes, never faster by more than 2 %, seconds each to compile, and wrong for channels that are no multiple of 8
 * (cuDNN 9.14).
 */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/lib.h"
#include "kernels/cuda/lib_cublas.h"
#include "kernels/cuda/lib_cudnn_plan.h"
#include "kernels/cuda/lib_workspace.h"

#include <string.h>

static bool uses_tf32;

Status lib_open(void)
{
    TRY(lib_workspace_open());
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

/* Into out, of the plan's type. A plan that adds is found by runs into scratch memory. */
static Status run_into(const Job *j, const Tensor *out, bool adds)
{
    const ConvPlan *plan = NULL;
    ConvKey         key = j->key;
    ConvAddresses   on = addresses(j, out->data);
    void           *scratch = NULL;
    key.adds = adds;
    if (adds && !conv_plan_is_known(&key)) {
        TRY(cuda_scratch(j->op, &scratch, tensor_bytes(out)));
        on = addresses(j, scratch);
    }
    Status st = conv_plan_find(j->op, &plan, &key, &on);
    cuda_free(scratch);
    on = addresses(j, out->data);
    return st == OK ? conv_plan_run(j->op, plan, &on) : st;
}

/* In the plan's type first. */
static Status run_through(const Job *j, float beta)
{
    Tensor scratch = *j->out;
    scratch.dtype = (DType)j->key.type;
    TRY(cuda_scratch(j->op, &scratch.data, tensor_bytes(&scratch)));
    Status st = run_into(j, &scratch, false);
    if (st == OK)
        st = cuda_accumulate(j->out, beta, &scratch);
    cuda_free(scratch.data);
    return st;
}

static Status run(const Job *j, float beta)
{
    if ((DType)j->key.type != j->out->dtype)
        return run_through(j, beta);
    Status st = run_into(j, j->out, beta != 0);
    return st == ERR_UNSUPPORTED && beta != 0 ? run_through(j, beta) : st;
}

Status lib_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Conv2d *op)
{
    Job j = {"conv2d", conv_key(CONV_FORWARD, x, w, y, op), x, w, y, y};
    return run(&j, 0);
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
