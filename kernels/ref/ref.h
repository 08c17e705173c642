/* ref.h -- the plain loops behind backend_ref, one file per op; shapes and rules in kernels/backend.h */
#pragma once
#include "kernels/backend.h"
#include "kernels/body/bf16.h"

/* Element i of a float tensor, and writing it. */
static inline float ref_load(const Tensor *x, int64_t i)
{
    return x->dtype == F32 ? ((const float *)x->data)[i]
                           : bf16_to_f32(((const uint16_t *)x->data)[i]);
}

static inline void ref_store(Tensor *x, int64_t i, float value)
{
    if (x->dtype == F32)
        ((float *)x->data)[i] = value;
    else
        ((uint16_t *)x->data)[i] = bf16_from_f32(value);
}

/* dx[i] = beta * dx[i] + value; beta 0 never reads. */
static inline void ref_add(Tensor *dx, int64_t i, float beta, double value)
{
    ref_store(dx, i,
              beta == 0.0f ? (float)value
                           : (float)((double)beta * (double)ref_load(dx, i) + value));
}

/* memory.c */
Status ref_alloc(void **memory, int64_t bytes);
void   ref_free(void *memory);
Status ref_copy(void *to, const void *from, int64_t bytes);
Status ref_fill(Tensor *x, float value);
Status ref_cast(Tensor *y, const Tensor *x);
Status ref_sync(void);

/* augment.c, standardise.c */
Status ref_augment(Tensor *y, const Tensor *x, const Tensor *plan, const PixelStats *stats);
Status ref_standardise(Tensor *y, const Tensor *x, const Tensor *size, const PixelStats *stats);

/* conv2d.c */
Status ref_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                          const Conv2d *op);
Status ref_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op);
Status ref_conv2d_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                   const Conv2d *op);

/* batch_norm.c */
Status ref_batch_norm_train_forward(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                                    Tensor *running_var, const Tensor *x, const Tensor *residual,
                                    const Tensor *gamma, const Tensor *beta, const Norm *op);
Status ref_batch_norm_eval_forward(Tensor *y, const Tensor *x, const Tensor *residual,
                                   const Tensor *gamma, const Tensor *beta,
                                   const Tensor *running_mean, const Tensor *running_var,
                                   const Norm *op);
Status ref_batch_norm_train_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                     const Tensor *dy, const Tensor *y, const Tensor *x,
                                     const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                     const Norm *op);
Status ref_batch_norm_eval_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                    const Tensor *dy, const Tensor *y, const Tensor *x,
                                    const Tensor *gamma, const Tensor *running_mean,
                                    const Tensor *running_var, const Norm *op);

/* relu.c, add.c */
Status ref_relu_forward(Tensor *y, const Tensor *x);
Status ref_relu_backward(Tensor *dx, const Tensor *dy, const Tensor *y);
Status ref_add_forward(Tensor *y, const Tensor *a, const Tensor *b);
Status ref_add_backward(Tensor *dx, const Tensor *dy);

/* max_pool.c, avg_pool.c, mean_hw.c */
Status ref_max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op);
Status ref_max_pool_backward(Tensor *dx, const Tensor *dy, const Tensor *where, const Pool2d *op);
Status ref_avg_pool_forward(Tensor *y, const Tensor *x, const Pool2d *op);
Status ref_avg_pool_backward(Tensor *dx, const Tensor *dy, const Pool2d *op);
Status ref_mean_hw_forward(Tensor *y, const Tensor *x);
Status ref_mean_hw_backward(Tensor *dx, const Tensor *dy);

/* linear.c */
Status ref_linear_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias);
Status ref_linear_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w);
Status ref_linear_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy);

/* l2_normalise.c, gather.c, concat.c, softmax.c */
Status ref_l2_normalise_forward(Tensor *y, Tensor *norm, const Tensor *x);
Status ref_l2_normalise_backward(Tensor *dx, const Tensor *dy, const Tensor *y, const Tensor *norm);
Status ref_gather_forward(Tensor *y, const Tensor *x, const Tensor *index);
Status ref_gather_backward(Tensor *dx, const Tensor *dy, const Tensor *index);
Status ref_concat_forward(Tensor *y, const Tensor *const *x, int n);
Status ref_softmax_forward(Tensor *y, const Tensor *x);

/* optim.c */
Status ref_sum_squares(double *squares, const float *x, int64_t n, bool is_first);
Status ref_clip(float *x, int64_t n, const double *squares, float max_norm);
Status ref_sgd(float *w, float *v, const float *g, void *low, int64_t n, float lr, float momentum,
               float decay, bool is_first, const double *squares);
Status ref_ema(float *k, const float *q, void *low, int64_t n, float m);
