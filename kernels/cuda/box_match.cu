#include "kernels/cuda/box_match.cuh"
#include "kernels/cuda/scratch.h"

Status cuda_match(Tensor *label, Tensor *gt_index, const Tensor *box, const Tensor *gt,
                  const BoxMatch *op)
{
    Scratch    scratch("match");
    int64_t    R = box->dim[0], G = gt->dim[0];
    float     *iou;
    unsigned  *best;
    RowBoxes   boxes = {box_rows(box), R};
    MatchTruth truth = {box_rows(gt), nullptr, G};
    TRY(scratch.take(&iou, R));
    TRY(scratch.take(&best, G));
    return box_match("match", tensor_as<int32_t>(label), tensor_as<int32_t>(gt_index), iou,
                     op->keeps_low_quality ? best : nullptr, boxes, 1, R, truth, *op);
}
