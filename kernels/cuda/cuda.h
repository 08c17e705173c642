/* cuda.h -- the entries of the cuda backend, one file per op; shapes and rules in kernels/backend.h
 *
 * An entry queues its work on gpu_stream() and returns; `data` of every tensor is device memory.
 */
#pragma once
#include "kernels/backend.h"

/* memory.c */
Status cuda_alloc(void **memory, int64_t bytes);
Status cuda_scratch(const char *op, void **memory, int64_t bytes); // the sentence names the op
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

/* fold.cu: x, w and a weight gradient of a strided convolution of few channels as those of one without stride (fold.h) */
typedef struct Fold Fold;
Status              cuda_fold_x(Tensor *folded, const Tensor *x, const Fold *f);
Status              cuda_fold_w(Tensor *folded, const Tensor *w, const Fold *f);
Status              cuda_unfold_dw(Tensor *dw, const Tensor *folded, const Fold *f);

/* augment.cu, standardise.cu */
Status cuda_augment(Tensor *y, const Tensor *x, const Tensor *plan, const PixelStats *stats);
Status cuda_standardise(Tensor *y, const Tensor *x, const Tensor *size, const PixelStats *stats);

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

/* max_pool.cu, avg_pool.cu, mean_hw.cu */
Status cuda_max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op);
Status cuda_max_pool_backward(Tensor *dx, const Tensor *dy, const Tensor *where, const Pool2d *op);
Status cuda_avg_pool_forward(Tensor *y, const Tensor *x, const Pool2d *op);
Status cuda_avg_pool_backward(Tensor *dx, const Tensor *dy, const Pool2d *op);
Status cuda_mean_hw_forward(Tensor *y, const Tensor *x);
Status cuda_mean_hw_backward(Tensor *dx, const Tensor *dy);

/* batch_norm.cu, batch_norm_backward.cu */
Status cuda_batch_norm_train_forward(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                                     Tensor *running_var, const Tensor *x, const Tensor *residual,
                                     const Tensor *gamma, const Tensor *beta, const Norm *op);
Status cuda_batch_norm_eval_forward(Tensor *y, const Tensor *x, const Tensor *residual,
                                    const Tensor *gamma, const Tensor *beta,
                                    const Tensor *running_mean, const Tensor *running_var,
                                    const Norm *op);
Status cuda_batch_norm_train_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                      const Tensor *dy, const Tensor *y, const Tensor *x,
                                      const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                      const Norm *op);
Status cuda_batch_norm_eval_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                     const Tensor *dy, const Tensor *y, const Tensor *x,
                                     const Tensor *gamma, const Tensor *running_mean,
                                     const Tensor *running_var, const Norm *op);

/* batch_norm_pair.cu */
Status cuda_norm_pair_train_forward(Tensor *y, const NormTerm *a, const NormTerm *b,
                                    const Norm *op);
Status cuda_norm_pair_train_backward(const Tensor *dy, const NormTerm *a, const NormTerm *b,
                                     const Norm *op);

/* batch_norm_pool.cu */
Status cuda_norm_pool_train_forward(Tensor *y, Tensor *where, Tensor *picked, Tensor *mean,
                                    Tensor *rstd, Tensor *running_mean, Tensor *running_var,
                                    const Tensor *x, const Tensor *gamma, const Tensor *beta,
                                    const Norm *op);
Status cuda_norm_pool_train_backward(Tensor *dx, Tensor *dgamma, Tensor *dbeta, const Tensor *dy,
                                     const Tensor *where, const Tensor *picked, const Tensor *x,
                                     const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                     const Norm *op);

/* l2_normalise.cu, gather.cu, concat.c, softmax.cu */
Status cuda_l2_normalise_forward(Tensor *y, Tensor *norm, const Tensor *x);
Status cuda_l2_normalise_backward(Tensor *dx, const Tensor *dy, const Tensor *y,
                                  const Tensor *norm);
Status cuda_gather_forward(Tensor *y, const Tensor *x, const Tensor *index);
Status cuda_gather_backward(Tensor *dx, const Tensor *dy, const Tensor *index);
Status cuda_concat_forward(Tensor *y, const Tensor *const *x, int n);
Status cuda_softmax_forward(Tensor *y, const Tensor *x);

/* info_nce.cu */
Status cuda_info_nce_forward(Tensor *loss, Tensor *stats, Tensor *prob, const Tensor *q,
                             const Tensor *k, const Tensor *queue, float temperature);
Status cuda_info_nce_backward(Tensor *dq, float dloss_scale, const Tensor *dloss,
                              const Tensor *prob, const Tensor *k, const Tensor *queue,
                              float temperature);

/* cross_entropy.cu, box_regression.cu, weighted_sum.cu, top1.cu */
Status cuda_softmax_cross_entropy_forward(Tensor *loss, Tensor *prob, const Tensor *x,
                                          const Tensor *label, float norm);
Status cuda_softmax_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *prob,
                                           const Tensor *label, float norm);
Status cuda_sigmoid_cross_entropy_forward(Tensor *loss, const Tensor *x, const Tensor *label,
                                          float norm);
Status cuda_sigmoid_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                           const Tensor *label, float norm);
Status cuda_box_regression_forward(Tensor *loss, const Tensor *x, const Tensor *target,
                                   const Tensor *label, float beta, float norm);
Status cuda_box_regression_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                    const Tensor *target, const Tensor *label, float beta,
                                    float norm);
Status cuda_weighted_sum_forward(Tensor *y, const Tensor *const *x, const float *weight, int n);
Status cuda_top1(Tensor *count, const Tensor *x, const Tensor *label);

/* optim.cu */
Status cuda_sgd(float *w, float *v, const float *g, void *low, int64_t n, float lr, float momentum,
                float decay, bool is_first, const double *squares);
Status cuda_ema(float *k, const float *q, void *low, int64_t n, float m);
Status cuda_clip(float *x, int64_t n, const double *squares, float max_norm);
Status cuda_sum_squares(double *squares, const float *x, int64_t n, bool is_first);

/* feed.c */
Status cuda_feed(void *stage, const void *host, int64_t bytes);
Status cuda_feed_use(void *to, const void *stage, int64_t bytes);

/* measure.c */
Status cuda_describe(DeviceFacts *facts);
Status cuda_measure(double *tflops, double *tb_per_s, DType dtype);

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
