/* cpu_regions.h -- box work, RoIAlign and InfoNCE on threads and vectors */
#pragma once
#include "kernels/backend.h"

/* Puts this file's entries into a table that holds ref's. */
void cpu_regions_fill(Backend *be);

Status cpu_roi_align_forward(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op);
Status cpu_roi_align_backward(Tensor *dx, const Tensor *dy, const Tensor *rois, const RoiAlign *op);
Status cpu_info_nce_forward(Tensor *loss, Tensor *stats, Tensor *prob, const Tensor *q,
                            const Tensor *k, const Tensor *queue, float temperature);
Status cpu_info_nce_backward(Tensor *dq, float dloss_scale, const Tensor *dloss, const Tensor *prob,
                             const Tensor *k, const Tensor *queue, float temperature);
