/* nn.h -- the differentiable ops of the networks. Shapes: N images, H W rows and columns, C channels, R rows.
 * Each runs at once on the tape's backend; results live until tape_reset. Failures go to the tape (see tape.h). */
#pragma once
#include "kernels/backend.h"

/* A convolution's weights: weight (Co,kh,kw,Ci/groups), bias (Co) or NULL. */
typedef struct ConvLayer {
    Conv2d  op;
    Tensor *weight;
    Tensor *bias;
} ConvLayer;

/* Batch norm: all tensors (C) f32. is_frozen: always the running statistics (affine still learns if it wants gradients). */
typedef struct NormLayer {
    Norm    op; // op.relu is ignored: the call says it
    Tensor *gamma, *beta, *running_mean, *running_var;
    bool    is_frozen;
} NormLayer;

typedef struct ConvBn {
    ConvLayer conv; // bias NULL
    NormLayer norm;
} ConvBn;

/* weight (O,I), bias (O) or NULL. */
typedef struct LinearLayer {
    Tensor *weight, *bias;
} LinearLayer;

/* (N,H,W,Ci) -> (N,H',W',Co), H' = (H + 2 pad - dilation (kh-1) - 1) / stride + 1, W' alike. */
Tensor *conv2d(Tape *t, const ConvLayer *layer, Tensor *x);

/* (N,H,W,C) or (N,C), same shape out; residual same shape or NULL is added before the ReLU. */
Tensor *batch_norm(Tape *t, const NormLayer *layer, Tensor *x, Tensor *residual, bool relu);

/* conv2d, batch_norm, optional residual, optional ReLU: the one door for fusion. Models call this. */
Tensor *conv_bn_act(Tape *t, const ConvBn *layer, Tensor *x, Tensor *residual, bool relu);

/* conv_bn_act(a, x) with conv_bn_act(b, shortcut), which has no ReLU of its own, as its residual: the end of a residual block
 * whose shortcut is projected, and the second door for fusion. */
Tensor *conv_bn_pair(Tape *t, const ConvBn *a, Tensor *x, const ConvBn *b, Tensor *shortcut,
                     bool relu);

/* conv2d, batch_norm, ReLU, max_pool: the stem's door. */
Tensor *conv_bn_relu_pool(Tape *t, const ConvBn *layer, const Pool2d *pool, Tensor *x);

Tensor *relu(Tape *t, Tensor *x);
Tensor *add(Tape *t, Tensor *a, Tensor *b);

/* (N,H,W,C) -> (N,H',W',C), H' = (H + 2 pad - size) / stride + 1; max pads with -infinity, the mean with zeros that count. */
Tensor *max_pool(Tape *t, const Pool2d *op, Tensor *x);
Tensor *avg_pool(Tape *t, const Pool2d *op, Tensor *x);

/* (N,H,W,C) -> (N,C): global average pool. */
Tensor *mean_hw(Tape *t, Tensor *x);

/* (N,I) -> (N,O). */
Tensor *linear(Tape *t, const LinearLayer *layer, Tensor *x);

/* rows of (N,C) to unit length: x / max(|x|, 1e-12). */
Tensor *l2_normalise(Tape *t, Tensor *x);

/* y[r] = x[index[r]]; index (R) i32 in [0, dim 0 of x). */
Tensor *gather(Tape *t, Tensor *x, const Tensor *index);

/* Along dim 0; no gradient flows back (box work and inference). */
Tensor *concat(Tape *t, Tensor *const *x, int n);

/* (R,K) -> (R,K) f32, rows sum to 1; no gradient flows back (inference). */
Tensor *softmax(Tape *t, Tensor *x);

/* To the other float type; the gradient is cast back. Returns x itself if it already has the dtype. */
Tensor *cast(Tape *t, DType dtype, Tensor *x);
