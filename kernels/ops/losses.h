/* losses.h -- scalar losses in f32 (bf16 inputs are cast by the op), each a kept scalar; and how often a classifier is right */
#pragma once
#include "kernels/backend.h"

/* InfoNCE of MoCo (He et al. 2020, eq. 1): mean over N of  -log( exp(q.k/T) / (exp(q.k/T) + sum_i exp(q.queue_i/T)) ).
 * q (N,C) wants the gradient; k (N,C) and queue (K,C) are constants. *stats (may be NULL) becomes a kept f32 tensor (5):
 * loss, mean q.k, mean q.queue, share of rows whose positive is first, and among the first five, of the K+1 logits. */
Tensor *info_nce(Tape *t, Tensor **stats, Tensor *q, const Tensor *k, const Tensor *queue,
                 float temperature);

/* sum over rows r with label[r] >= 0 of -log softmax(x[r])[label[r]], divided by norm (> 0); norm 0 means the number of
 * such rows (an empty sum is then 0). x (R,K), label (R) i32 in [-1, K). */
Tensor *softmax_cross_entropy(Tape *t, Tensor *x, const Tensor *label, float norm);

/* sum over i with label[i] >= 0 of BCE-with-logits(x[i], label[i]) / norm; label i32 in {-1,0,1}, same count as x. */
Tensor *sigmoid_cross_entropy(Tape *t, Tensor *x, const Tensor *label, float norm);

/* sum over rows r with label[r] >= 0 and the four columns 4*label[r].. of smooth_l1(x - target; beta), divided by norm.
 * x (R,4K) class-specific (K = 1 for the RPN, with label 0 = foreground), target (R,4), label (R) i32 in [-1,K]: a row
 * of label K (background) has no box, but counts when norm is 0, which divides by the rows with label[r] >= 0.
 * smooth_l1(d) = d^2 / (2 beta) if |d| < beta else |d| - beta / 2; beta 0 is plain L1. */
Tensor *box_regression(Tape *t, Tensor *x, const Tensor *target, const Tensor *label, float beta,
                       float norm);

/* sum of weight[i] * x[i] over scalars; gradients flow to each. */
Tensor *weighted_sum(Tape *t, Tensor *const *x, const float *weight, int n);

/* A kept i32 tensor (2), without a gradient: rows of x (R,K) whose label's number is the greatest, the first among equals and
 * with no NaN beside it, and rows with a label >= 0. label (R) i32 in [-1, K). */
Tensor *top1(Tape *t, const Tensor *x, const Tensor *label);
