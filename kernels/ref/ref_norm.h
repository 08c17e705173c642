/* ref_norm.h -- for host backends: train-mode batch norm when only the first *op->count images exist, and over the rows of
 * several processes (backend.h) */
#pragma once
#include "kernels/body/norm.h"
#include "kernels/ref/ref.h"

typedef Status NormForward(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                           Tensor *running_var, const Tensor *x, const Tensor *residual,
                           const Tensor *gamma, const Tensor *beta, const Norm *op);
typedef Status NormBackward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                            const Tensor *dy, const Tensor *y, const Tensor *x, const Tensor *gamma,
                            const Tensor *mean, const Tensor *rstd, const Norm *op);

/* `run`, a backend's own entry, over the images that exist. */
Status ref_counted_norm_forward(NormForward *run, Tensor *y, Tensor *mean, Tensor *rstd,
                                Tensor *running_mean, Tensor *running_var, const Tensor *x,
                                const Tensor *residual, const Tensor *gamma, const Tensor *beta,
                                const Norm *op);
Status ref_counted_norm_backward(NormBackward *run, Tensor *dx, Tensor *dresidual, Tensor *dgamma,
                                 Tensor *dbeta, const Tensor *dy, const Tensor *y, const Tensor *x,
                                 const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                 const Norm *op);

/* Where op->share is given, a table of this process (body/norm.h) becomes that of all. */
Status ref_norm_share_moments(double *table, int64_t C, const Norm *op);
Status ref_norm_share_sums(double *table, int64_t C, const Norm *op);
