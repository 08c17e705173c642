/* box_head.h -- what a region holds, and where exactly
 *
 *      features (R,F) --+-- linear --> logits (R,K+1)    softmax; K is background
 *                       +-- linear --> deltas (R,4K)     one box for each class, weights 10 10 5 5
 *
 * Girshick 2015, sec. 2. cls_score N(0,0.01), bbox_pred N(0,0.001), biases 0.
 */
#pragma once
#include "detect/config.h"
#include "detect/input.h"
#include "kernels/ops/nn.h"
#include "kernels/params.h"

typedef struct BoxHead {
    int64_t     K; // classes
    LinearLayer score, delta;
    RoiTargets  targets;
    BoxPredict  predict;
    float       smooth_l1;
} BoxHead;

/* Registers roi_heads.box_predictor.* on F features. */
Status box_head_register(BoxHead *head, ParamSet *ps, const DetectConfig *c, int64_t F,
                         int64_t n_classes);

/* Proposals and ground truths, matched and sampled: nothing is recorded. R = N S rows (S regions an image), of which only
 * the device knows how many are used: start[N]. */
RoiSet box_head_sample(Tape *t, const BoxHead *head, const Proposals *proposals,
                       const DetectInput *in);

typedef struct BoxOut {
    Tensor *logit, *delta; // (R,K+1), (R,4K) f32
} BoxOut;
BoxOut box_head(Tape *t, const BoxHead *head, Tensor *features);

/* For each group of images: both terms over the group's regions, divided by their number; then the mean over the groups.
 * Rows that are not used count nowhere. */
void box_head_loss(Tape *t, const BoxHead *head, const BoxOut *out, const RoiSet *rois, int64_t N,
                   int64_t images_per_group, Tensor **class_loss, Tensor **box_loss);
