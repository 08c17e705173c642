/* ref_losses.h -- losses and RoIAlign as plain loops: entries of backend_ref (kernels/backend.h says what each does) */
#pragma once
#include "kernels/backend.h"

Status ref_info_nce_forward(Tensor *loss, Tensor *stats, Tensor *prob, const Tensor *q,
                            const Tensor *k, const Tensor *queue, float temperature);
Status ref_info_nce_backward(Tensor *dq, float dloss_scale, const Tensor *dloss, const Tensor *prob,
                             const Tensor *k, const Tensor *queue, float temperature);
Status ref_softmax_cross_entropy_forward(Tensor *loss, Tensor *prob, const Tensor *x,
                                         const Tensor *label, float norm);
Status ref_softmax_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *prob,
                                          const Tensor *label, float norm);
Status ref_sigmoid_cross_entropy_forward(Tensor *loss, const Tensor *x, const Tensor *label,
                                         float norm);
Status ref_sigmoid_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                          const Tensor *label, float norm);
Status ref_box_regression_forward(Tensor *loss, const Tensor *x, const Tensor *target,
                                  const Tensor *label, float beta, float norm);
Status ref_box_regression_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                   const Tensor *target, const Tensor *label, float beta,
                                   float norm);
Status ref_weighted_sum_forward(Tensor *y, const Tensor *const *x, const float *weight, int n);
Status ref_top1(Tensor *count, const Tensor *x, const Tensor *label);
Status ref_roi_align_forward(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op);
Status ref_roi_align_backward(Tensor *dx, const Tensor *dy, const Tensor *rois, const RoiAlign *op);
