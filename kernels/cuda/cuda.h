/* cuda.h -- the entries of the cuda backend, one file per op; shapes and rules in kernels/backend.h
 *
 * An entry queues its work on gpu_stream() and returns; `data` of every tensor is device memory.
 */
#pragma once
#include "kernels/backend.h"

/* memory.c */
Status cuda_alloc(void **memory, int64_t bytes);
void   cuda_free(void *memory);
Status cuda_write(void *device, const void *host, int64_t bytes);
Status cuda_read(void *host, const void *device, int64_t bytes);
Status cuda_copy(void *to, const void *from, int64_t bytes);
Status cuda_sync(void);

/* elementwise.cu */
Status cuda_fill(Tensor *x, float value);
Status cuda_cast(Tensor *y, const Tensor *x);
Status cuda_relu_forward(Tensor *y, const Tensor *x);
Status cuda_relu_backward(Tensor *dx, const Tensor *dy, const Tensor *y);
Status cuda_add_forward(Tensor *y, const Tensor *a, const Tensor *b);
Status cuda_add_backward(Tensor *dx, const Tensor *dy);
Status cuda_accumulate(Tensor *y, float beta, const Tensor *x); // y = beta y + x, beta 0 or 1

/* conv2d.c, linear.c */
Status cuda_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                           const Conv2d *op);
Status cuda_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op);
Status cuda_conv2d_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                    const Conv2d *op);
Status cuda_linear_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias);
Status cuda_linear_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w);
Status cuda_linear_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy);

/* bias.cu: y (..., C) += bias (C), f32; sum (C) = beta sum + the sum over the rows of x (..., C) */
Status cuda_add_bias(Tensor *y, const Tensor *bias);
Status cuda_column_sums(Tensor *sum, const Tensor *x);

/* graph.c */
Status cuda_graph_begin(void);
Status cuda_graph_end(void **graph);
Status cuda_graph_launch(void *graph);
void   cuda_graph_free(void *graph);
bool   cuda_is_capturing(void);

/* box_shape.cu, box_match.cu, box_rank.cu, box_sample.cu; shapes and rules in kernels/box.h */
Status cuda_anchors(Tensor *box, const AnchorGrid *grid);
Status cuda_encode(Tensor *delta, const Tensor *from, const Tensor *to, const float weight[4]);
Status cuda_decode(Tensor *box, const Tensor *delta, const Tensor *from, const float weight[4]);
Status cuda_match(Tensor *label, Tensor *gt_index, const Tensor *box, const Tensor *gt,
                  const BoxMatch *op);
Status cuda_top_k(Tensor *index, const Tensor *score);
Status cuda_nms(Tensor *index, Tensor *count, const Tensor *box, const Tensor *score,
                const Tensor *class_index, float threshold);
Status cuda_sample(Tensor *index, Tensor *count, const Tensor *label, double fg_fraction,
                   const BoxRandom *random);

/* rpn_targets.cu, rpn_propose.cu, roi_targets.cu, box_predict.cu. What a kernel finds wrong (values that are not finite,
 * too few slots) is told by the next wait: cuda_read, cuda_sync. */
Status cuda_rpn_targets(Tensor *const *label, Tensor *const *fg_label, Tensor *const *target,
                        const Tensor *const *anchors, int L, const GroundTruth *gt,
                        const RpnTargets *op);
Status cuda_rpn_propose(const Proposals *out, const Tensor *const *logit,
                        const Tensor *const *delta, const Tensor *const *anchors, int L,
                        const Tensor *size, const RpnPropose *op);
Status cuda_roi_targets(const RoiSet *out, const Proposals *proposals, const GroundTruth *gt,
                        const RoiTargets *op);
Status cuda_labels_of_images(Tensor *kept, const Tensor *label, const Tensor *start, int64_t first,
                             int64_t end);
Status cuda_rois_pack(Tensor *rois, Tensor *start, const Proposals *proposals);
Status cuda_box_predict(const Detections *out, const Tensor *logit, const Tensor *delta,
                        const Tensor *rois, const Tensor *start, const Tensor *size,
                        const BoxPredict *op);

/* roi_align.cu */
Status cuda_roi_align_forward(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op);
Status cuda_roi_align_backward(Tensor *dx, const Tensor *dy, const Tensor *rois,
                               const RoiAlign *op);
