/* rpn_targets.cu -- what the RPN should say: match, draw, write; the anchors of all levels are one list */
#include "kernels/cuda/box_match.cuh"
#include "kernels/cuda/box_sample.cuh"

/* Outputs of each level: (N,M_l), (N,M_l), (N,M_l,4). */
struct TargetRows {
    int32_t *label[BOX_MAX_LEVELS], *fg_label[BOX_MAX_LEVELS];
    Box     *target[BOX_MAX_LEVELS];
};

__device__ static void write_row(const TargetRows &out, const LevelBoxes &anchors, int64_t image,
                                 int64_t i, int32_t label, const Box &target)
{
    int     l = anchors.level(i);
    int64_t M = anchors.offset[l + 1] - anchors.offset[l], at = image * M + i - anchors.offset[l];
    out.label[l][at] = label;
    out.fg_label[l][at] = label == 1 ? 0 : -1;
    out.target[l][at] = target;
}

/* Every anchor is ignored until it is drawn: grid (anchors, images). */
__global__ void rpn_ignore_kernel(TargetRows out, LevelBoxes anchors)
{
    int64_t n = anchors.count(0);
    for (int64_t i = gpu_index(); i < n; i += gpu_stride())
        write_row(out, anchors, blockIdx.y, i, -1, Box());
}

/* One drawn anchor a thread: grid (slots, images). */
__global__ void rpn_drawn_kernel(TargetRows out, LevelBoxes anchors, BoxSample sample,
                                 const int32_t *arg, MatchTruth gt)
{
    int64_t image = blockIdx.y, n_fg = sample.n_fg(image), n = n_fg + sample.n_bg(image);
    float   unit[4] = {1, 1, 1, 1};
    for (int64_t s = gpu_index(); s < n; s += gpu_stride()) {
        int64_t i = sample.row(image, s);
        Box     target = {};
        if (s < n_fg)
            box_encode(target.at, anchors(image, i).at,
                       gt.box[gt.first(image) + arg[image * anchors.count(image) + i]].at, unit);
        write_row(out, anchors, image, i, s < n_fg, target);
    }
}

Status cuda_rpn_targets(Tensor *const *label, Tensor *const *fg_label, Tensor *const *target,
                        const Tensor *const *anchors, int L, const GroundTruth *gt,
                        const RpnTargets *op)
{
    Scratch    scratch("rpn_targets");
    LevelBoxes boxes = box_levels(anchors, L);
    int64_t    N = gt->start->dim[0] - 1, n = boxes.offset[L], G = gt->box->dim[0];
    MatchTruth truth = match_truth(gt);
    TargetRows out = {};
    BoxSample  sample;
    float     *iou;
    int32_t   *own_label, *arg;
    unsigned  *best;
    if (N < 1)
        return OK;
    for (int l = 0; l < L; l++) {
        out.label[l] = tensor_as<int32_t>(label[l]);
        out.fg_label[l] = tensor_as<int32_t>(fg_label[l]);
        out.target[l] = box_rows(target[l]);
    }
    TRY(scratch.take(&iou, N * n));
    TRY(scratch.take(&own_label, N * n));
    TRY(scratch.take(&arg, N * n));
    TRY(scratch.take(&best, G));
    TRY(box_match("rpn_targets", own_label, arg, iou, op->match.keeps_low_quality ? best : nullptr,
                  boxes, N, n, truth, op->match));
    TRY(box_sample("rpn_targets", &sample, &scratch, own_label, N, n, op->per_image,
                   op->fg_fraction, op->random, BOX_STAGE_RPN));
    TRY(gpu_launch("rpn_targets", rpn_ignore_kernel, box_grid(n, N), GPU_BLOCK, 0, out, boxes));
    return gpu_launch("rpn_targets", rpn_drawn_kernel, box_grid(op->per_image, N), GPU_BLOCK, 0,
                      out, boxes, sample, arg, truth);
}
