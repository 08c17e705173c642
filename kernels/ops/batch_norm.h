/* batch_norm.h -- what batch_norm and conv_bn_act share */
#pragma once
#include "kernels/ops/nn.h"

/* False with the tape failed when x, residual and the layer do not fit together. */
bool batch_norm_fits(Tape *t, const NormLayer *layer, const Tensor *x, const Tensor *residual);

/* Whether this call normalises by the batch's own statistics. */
bool batch_norm_uses_batch(const Tape *t, const NormLayer *layer);

/* The operands of one batch norm on its way back. mean, rstd: of the batch, or NULL where running ones were used. */
typedef struct NormSaved {
    Tensor *x, *gamma, *beta, *residual, *y;
    Tensor *mean, *rstd, *running_mean, *running_var;
} NormSaved;

/* Gradients of residual, gamma, beta, and of x into dx (NULL: not wanted). dx may be the memory of dy. */
Status batch_norm_gradients(Tape *t, Tensor *dx, const NormSaved *s, const Tensor *dy,
                            const Norm *op);
