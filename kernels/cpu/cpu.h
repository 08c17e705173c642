/* cpu.h -- the entries of the cpu backend, one file per op; shapes and rules in kernels/backend.h */
#pragma once
#include "kernels/backend.h"
#include "kernels/cpu/loops.h"

/* The loops of a tensor's type. */
static inline const TypedLoops *loops_of(const Tensor *x)
{
    return x->dtype == BF16 ? &cpu_loops()->bf16 : &cpu_loops()->f32;
}

/* Address of element i. */
static inline void *at(const Tensor *x, int64_t i)
{
    return (char *)x->data + i * dtype_bytes(x->dtype);
}

/* The first failure among the ranges of a parallel loop. */
typedef struct Outcome {
    Status status;
    char   text[256];
} Outcome;
void   outcome_note(Outcome *o, Status st); // from any thread, with that thread's sentence
Status outcome_status(const Outcome *o);    // repeats the sentence on this thread

/* memory.c */
Status cpu_alloc(void **memory, int64_t bytes);
Status cpu_copy(void *to, const void *from, int64_t bytes);
Status cpu_fill(Tensor *x, float value);
Status cpu_cast(Tensor *y, const Tensor *x);

/* conv2d.c */
Status cpu_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                          const Conv2d *op);
Status cpu_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op);
Status cpu_conv2d_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                   const Conv2d *op);

/* column_sums.c: sum (C) = beta * sum + the sum over the rows of x (..., C) */
Status cpu_column_sums(Tensor *sum, const Tensor *x);

/* batch_norm.c */
Status cpu_batch_norm_train_forward(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                                    Tensor *running_var, const Tensor *x, const Tensor *residual,
                                    const Tensor *gamma, const Tensor *beta, const Norm *op);
Status cpu_batch_norm_eval_forward(Tensor *y, const Tensor *x, const Tensor *residual,
                                   const Tensor *gamma, const Tensor *beta,
                                   const Tensor *running_mean, const Tensor *running_var,
                                   const Norm *op);
Status cpu_batch_norm_train_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                     const Tensor *dy, const Tensor *y, const Tensor *x,
                                     const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                     const Norm *op);
Status cpu_batch_norm_eval_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                    const Tensor *dy, const Tensor *y, const Tensor *x,
                                    const Tensor *gamma, const Tensor *running_mean,
                                    const Tensor *running_var, const Norm *op);

/* conv_bn.c */
Status cpu_conv_bn_train_forward(Tensor *y, Tensor *conv, Tensor *mean, Tensor *rstd,
                                 Tensor *running_mean, Tensor *running_var, const Tensor *x,
                                 const Tensor *w, const Tensor *residual, const Tensor *gamma,
                                 const Tensor *beta, const Conv2d *op, const Norm *norm);

/* elementwise.c, max_pool.c, mean_hw.c, linear.c, optim.c */
Status cpu_relu_forward(Tensor *y, const Tensor *x);
Status cpu_relu_backward(Tensor *dx, const Tensor *dy, const Tensor *y);
Status cpu_add_forward(Tensor *y, const Tensor *a, const Tensor *b);
Status cpu_add_backward(Tensor *dx, const Tensor *dy);
Status cpu_max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op);
Status cpu_max_pool_backward(Tensor *dx, const Tensor *dy, const Tensor *where, const Pool2d *op);
Status cpu_mean_hw_forward(Tensor *y, const Tensor *x);
Status cpu_mean_hw_backward(Tensor *dx, const Tensor *dy);
Status cpu_linear_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias);
Status cpu_linear_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w);
Status cpu_linear_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy);
Status cpu_sgd(float *w, float *v, const float *g, void *low, int64_t n, float lr, float momentum,
               float decay, bool is_first, const double *squares);
Status cpu_ema(float *k, const float *q, void *low, int64_t n, float m);
Status cpu_clip(float *x, int64_t n, const double *squares, float max_norm);
Status cpu_sum_squares(double *squares, const float *x, int64_t n, bool is_first);
