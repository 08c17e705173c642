/* conv2d.h -- what conv2d and conv_bn_act share */
#pragma once
#include "kernels/ops/nn.h"

/* dim[4] = the output's dims; false with the tape failed when x and the layer do not fit together. */
bool conv2d_shape(Tape *t, int64_t dim[4], const ConvLayer *layer, const Tensor *x);

/* Gradients of x, w and bias (NULL or wanting none: skipped) from dy. */
Status conv2d_gradients(Tape *t, Tensor *x, Tensor *w, Tensor *bias, const Tensor *dy,
                        const Conv2d *op);
