/* box_match.cuh -- which ground truth a box stands for, and the label that follows
 *
 *      best:   a box a thread; the ground truths of its image pass by in tiles of shared memory. Keeps the box's best IoU
 *              and its first owner, and the greatest IoU of every ground truth (an atomic maximum: no order matters).
 *      label:  compares with the thresholds; for low-quality matches the ground truths pass by again.
 *
 * Overlaps are computed twice rather than stored: 63000 anchors against 20 ground truths would be 5 MB an image.
 */
#pragma once
#include "kernels/cuda/box.cuh"

enum { MATCH_TILE = GPU_BLOCK };

/* The ground truths of a batch on the device; start NULL: one image that owns all n. */
struct MatchTruth {
    const Box         *box;
    const int32_t     *start;
    int64_t            n;
    __device__ int64_t first(int64_t image) const
    {
        return start ? start[image] : 0;
    }
    __device__ int64_t count(int64_t image) const
    {
        return start ? start[image + 1] - start[image] : n;
    }
};

inline MatchTruth match_truth(const GroundTruth *gt)
{
    return {box_rows(gt->box), tensor_as<int32_t>(gt->start), gt->box->dim[0]};
}

/* best (G): bits of the greatest IoU over all boxes, 0 before; NULL when nobody asks. iou, arg (N,room). */
template <typename Boxes>
__global__ void match_best_kernel(float *iou, int32_t *arg, unsigned *best, Boxes boxes,
                                  int64_t room, MatchTruth gt)
{
    GPU_SHARED(Box, truth, [MATCH_TILE]);
    GPU_SHARED(unsigned, most, [MATCH_TILE]);
    int64_t image = blockIdx.y, n = boxes.count(image), n_gt = gt.count(image);
    for (int64_t first = (int64_t)blockIdx.x * blockDim.x; first < room; first += gpu_stride()) {
        int64_t i = first + threadIdx.x;
        Box     box = {};
        if (i < n)
            box = boxes(image, i);
        float   own_iou = 0;
        int32_t own_arg = 0;
        for (int64_t g0 = 0; g0 < n_gt; g0 += MATCH_TILE) {
            int n_tile = (int)min(n_gt - g0, (int64_t)MATCH_TILE);
            if ((int)threadIdx.x < n_tile)
                truth[threadIdx.x] = gt.box[gt.first(image) + g0 + threadIdx.x];
            most[threadIdx.x] = 0;
            __syncthreads();
            for (int g = 0; g < n_tile && i < n; g++) {
                float v = box_iou(truth[g].at, box.at);
                if (v > own_iou) {
                    own_iou = v;
                    own_arg = (int32_t)(g0 + g);
                }
                if (best && v > 0)
                    atomicMax(&most[g], __float_as_uint(v)); // positive floats rank as their bits
            }
            __syncthreads();
            if ((int)threadIdx.x < n_tile && most[threadIdx.x] > 0)
                atomicMax(&best[gt.first(image) + g0 + threadIdx.x], most[threadIdx.x]);
            __syncthreads();
        }
        if (i < n) {
            iou[image * room + i] = own_iou;
            arg[image * room + i] = own_arg;
        }
    }
}

/* label (N,room): 1, 0 or -1; -1 also behind the image's last box. */
template <typename Boxes>
__global__ void match_label_kernel(int32_t *label, const float *iou, const unsigned *best,
                                   Boxes boxes, int64_t room, MatchTruth gt, BoxMatch op)
{
    GPU_SHARED(Box, truth, [MATCH_TILE]);
    GPU_SHARED(float, most, [MATCH_TILE]);
    int64_t image = blockIdx.y, n = boxes.count(image), n_gt = gt.count(image);
    for (int64_t first = (int64_t)blockIdx.x * blockDim.x; first < room; first += gpu_stride()) {
        int64_t i = first + threadIdx.x;
        int32_t own = -1;
        Box     box = {};
        if (i < n) {
            float v = iou[image * room + i];
            own = n_gt == 0 || v < op.bg_below ? 0 : v >= op.fg_from ? 1 : -1;
            box = boxes(image, i);
        }
        for (int64_t g0 = 0; op.keeps_low_quality && g0 < n_gt; g0 += MATCH_TILE) {
            int n_tile = (int)min(n_gt - g0, (int64_t)MATCH_TILE);
            if ((int)threadIdx.x < n_tile) {
                int64_t g = gt.first(image) + g0 + threadIdx.x;
                truth[threadIdx.x] = gt.box[g];
                most[threadIdx.x] = __uint_as_float(best[g]);
            }
            __syncthreads();
            for (int g = 0; g < n_tile && i < n && own != 1; g++)
                if (box_iou(truth[g].at, box.at) == most[g])
                    own = 1;
            __syncthreads();
        }
        if (i < room)
            label[image * room + i] = own;
    }
}

/* label, iou, arg (N,room) of the boxes of N images; best (G) scratch, NULL without low-quality matches. */
template <typename Boxes>
Status box_match(const char *op_name, int32_t *label, int32_t *arg, float *iou, unsigned *best,
                 const Boxes &boxes, int64_t N, int64_t room, const MatchTruth &gt,
                 const BoxMatch &op)
{
    if (N < 1 || room < 1)
        return OK;
    dim3 grid = box_grid(room, N);
    if (best)
        TRY(box_zero(best, gt.n * (int64_t)sizeof *best));
    TRY(gpu_launch(op_name, match_best_kernel<Boxes>, grid, GPU_BLOCK, 0, iou, arg, best, boxes,
                   room, gt));
    return gpu_launch(op_name, match_label_kernel<Boxes>, grid, GPU_BLOCK, 0, label,
                      (const float *)iou, (const unsigned *)best, boxes, room, gt, op);
}
