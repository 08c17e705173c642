/* conv_bn.c -- the fused door: a convolution that also sums its output's channels, then batch norm from the sums
 *
 *      apart      conv | read conv: moments | finish | read conv, write y
 *      together   conv + sums (G slices)    | finish | read conv, write y
 *
 * Together saves one pass over the convolution's output, and loses where the library's fused engine is the slower one or
 * G slices of the batch are too small for it: which way a shape goes is timed once and kept with the plans. bf16 only:
 * sums of squares in f32 lose what a far mean leaves of the variance, which bf16's own rounding covers and f32's does not.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/lib.h"

typedef struct ConvBnCall {
    Tensor       *conv;
    const Tensor *x, *w;
    const Conv2d *op;
    const Norm   *norm;
    float        *sum, *squares; // (G,C)
} ConvBnCall;

enum { APART, TOGETHER, N_WAYS };

static Status conv_and_sums(void *ctx, int way)
{
    const ConvBnCall *c = ctx;
    if (way == TOGETHER)
        return lib_conv2d_statistics(c->conv, c->sum, c->squares, c->x, c->w, c->op,
                                     c->norm->groups);
    TRY(cuda_conv2d_forward(c->conv, c->x, c->w, NULL, c->op));
    return cuda_batch_norm_moments(c->conv, c->norm);
}

Status cuda_conv_bn_train_forward(Tensor *y, Tensor *conv, Tensor *mean, Tensor *rstd,
                                  Tensor *running_mean, Tensor *running_var, const Tensor *x,
                                  const Tensor *w, const Tensor *residual, const Tensor *gamma,
                                  const Tensor *beta, const Conv2d *op, const Norm *norm)
{
    int64_t    sums = norm->groups * conv->dim[3];
    int        way = APART;
    void      *memory = NULL;
    ConvBnCall call = {conv, x, w, op, norm, NULL, NULL};
    Status     st = OK;
    if (x->dtype == BF16 && tensor_count(x) > 0 && tensor_count(conv) > 0) {
        TRY(cuda_alloc(&memory, 2 * sums * (int64_t)sizeof(float)));
        call.sum = memory;
        call.squares = call.sum + sums;
        TRY_OUT(lib_conv2d_choose(&way, CONV_STATS, x, w, conv, op, norm->groups, N_WAYS,
                                  conv_and_sums, &call));
    }
    if (way == TOGETHER) {
        TRY_OUT(conv_and_sums(&call, way));
        TRY_OUT(cuda_batch_norm_of_sums(y, mean, rstd, running_mean, running_var, conv, residual,
                                        gamma, beta, call.sum, call.squares, norm));
    } else {
        TRY_OUT(cuda_conv2d_forward(conv, x, w, NULL, op));
        TRY_OUT(cuda_batch_norm_train_forward(y, mean, rstd, running_mean, running_var, conv,
                                              residual, gamma, beta, norm));
    }
out:
    cuda_free(memory);
    return st;
}
