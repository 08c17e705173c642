/* ref_box.h -- the box entries of the host, one image at a time: ref loops over images, cpu runs them on threads
 *
 * All memory is host memory; scratch comes from the arena given and is the caller's to rewind. */
#pragma once
#include "base/arena.h"
#include "kernels/backend.h"
#include "kernels/body/box.h"

/* order (n) = rows from the greatest score to the least, lower row first among equals, NaN before all. */
Status box_order(Arena *a, int32_t *order, const float *score, int64_t n);

/* rows of one image: best IoU and its first ground truth; best[g] of each ground truth over all boxes. */
typedef struct BoxMatcher {
    int64_t      n_gt;
    const float *gt;   // (n_gt,4)
    float       *best; // (n_gt), caller's, starts at 0
} BoxMatcher;
void box_match_best(const BoxMatcher *m, float *iou, int32_t *arg, const float *box, int64_t n);
void box_match_label(const BoxMatcher *m, int32_t *label, const float *iou, const float *box,
                     int64_t n, const BoxMatch *op);

/* Greedy suppression of n boxes in the order given: keep[0..] = positions in `order` that survive, at most max_keep.
 * class_index may be NULL. Entries of a backend choose the loop. */
typedef int64_t BoxNms(int32_t *keep, const float *box, const int32_t *order,
                       const int32_t *class_index, int64_t n, float threshold, int64_t max_keep,
                       float *scratch);
BoxNms          ref_nms_greedy; // scratch unused

/* The pieces. */
Status ref_anchors(Tensor *box, const AnchorGrid *grid);
Status ref_encode(Tensor *delta, const Tensor *from, const Tensor *to, const float weight[4]);
Status ref_decode(Tensor *box, const Tensor *delta, const Tensor *from, const float weight[4]);
Status ref_match(Tensor *label, Tensor *gt_index, const Tensor *box, const Tensor *gt,
                 const BoxMatch *op);
Status ref_top_k(Tensor *index, const Tensor *score);
Status ref_nms(Tensor *index, Tensor *count, const Tensor *box, const Tensor *score,
               const Tensor *class_index, float threshold);
Status ref_sample(Tensor *index, Tensor *count, const Tensor *label, double fg_fraction,
                  const BoxRandom *random);
Status ref_roi_targets(const RoiSet *out, const Proposals *proposals, const GroundTruth *gt,
                       const RoiTargets *op);
Status ref_labels_of_images(Tensor *kept, const Tensor *label, const Tensor *start, int64_t first,
                            int64_t end);
Status ref_rois_pack(Tensor *rois, Tensor *start, const Proposals *proposals);

/* The stages over a batch. */
Status ref_rpn_targets(Tensor *const *label, Tensor *const *fg_label, Tensor *const *target,
                       const Tensor *const *anchors, int L, const GroundTruth *gt,
                       const RpnTargets *op);
Status ref_rpn_propose(const Proposals *out, const Tensor *const *logit, const Tensor *const *delta,
                       const Tensor *const *anchors, int L, const Tensor *size,
                       const RpnPropose *op);
Status ref_box_predict(const Detections *out, const Tensor *logit, const Tensor *delta,
                       const Tensor *rois, const Tensor *start, const Tensor *size,
                       const BoxPredict *op);

/* Rows of label (n) for one image: `chosen` gets up to int(per_image fg_fraction) of label > 0, then up to
 * per_image - *n_fg of label 0. */
Status box_sample_image(Arena *a, int32_t *chosen, int64_t *n_fg, int64_t *n_bg,
                        const int32_t *label, int64_t n, int64_t per_image, double fg_fraction,
                        const BoxRandom *random, int64_t image, BoxStage stage);

/* Stages for image i of the batch. */
typedef struct RpnTargetsJob {
    Tensor *const *label, *const *fg_label, *const *target;
    const Tensor *const *anchors;
    int                  L;
    const GroundTruth   *gt;
    const RpnTargets    *op;
} RpnTargetsJob;
Status ref_rpn_targets_image(Arena *a, const RpnTargetsJob *job, int64_t i);

typedef struct RpnProposeJob {
    const Proposals     *out;
    const Tensor *const *logit, *const *delta, *const *anchors;
    int               L;
    const Tensor     *size;
    const RpnPropose *op;
    BoxNms           *nms;
} RpnProposeJob;
Status ref_rpn_propose_image(Arena *a, const RpnProposeJob *job, int64_t i);

typedef struct BoxPredictJob {
    const Detections *out;
    const Tensor     *logit, *delta, *rois, *start, *size;
    const BoxPredict *op;
    BoxNms           *nms;
} BoxPredictJob;
Status ref_box_predict_image(Arena *a, const BoxPredictJob *job, int64_t i);
