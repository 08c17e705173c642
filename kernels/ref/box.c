/* box.c -- the host's box entries as plain loops */
#include "kernels/ref/ref_box.h"

Status ref_rpn_targets(Tensor *const *label, Tensor *const *fg_label, Tensor *const *target,
                       const Tensor *const *anchors, int L, const GroundTruth *gt,
                       const RpnTargets *op)
{
    Arena         a = {0};
    Status        st = OK;
    RpnTargetsJob job = {label, fg_label, target, anchors, L, gt, op};
    for (int64_t i = 0; i < gt->start->dim[0] - 1 && st == OK; i++)
        st = ref_rpn_targets_image(&a, &job, i);
    arena_release(&a);
    return st;
}

Status ref_rpn_propose(const Proposals *out, const Tensor *const *logit, const Tensor *const *delta,
                       const Tensor *const *anchors, int L, const Tensor *size,
                       const RpnPropose *op)
{
    Arena         a = {0};
    Status        st = OK;
    RpnProposeJob job = {out, logit, delta, anchors, L, size, op, ref_nms_greedy};
    for (int64_t i = 0; i < size->dim[0] && st == OK; i++)
        st = ref_rpn_propose_image(&a, &job, i);
    arena_release(&a);
    return st;
}

Status ref_box_predict(const Detections *out, const Tensor *logit, const Tensor *delta,
                       const Tensor *rois, const Tensor *start, const Tensor *size,
                       const BoxPredict *op)
{
    Arena         a = {0};
    Status        st = OK;
    BoxPredictJob job = {out, logit, delta, rois, start, size, op, ref_nms_greedy};
    for (int64_t i = 0; i < size->dim[0] && st == OK; i++)
        st = ref_box_predict_image(&a, &job, i);
    arena_release(&a);
    return st;
}
