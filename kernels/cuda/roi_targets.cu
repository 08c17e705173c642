/* roi_targets.cu -- regions of the second stage: matched and drawn in training, packed in inference
 *
 * How many regions an image has is known to the device alone: one thread adds up the counts of the images (tens), then
 * a thread of each output row finds the image that owns it.
 */
#include "kernels/cuda/box_match.cuh"
#include "kernels/cuda/box_sample.cuh"

struct Rois {
    float          *row; // (R,5)
    int32_t        *start;
    int64_t         N, R;
    __device__ void write(int64_t r, int64_t image, const Box &box) const
    {
        row[5 * r] = (float)image;
        for (int j = 0; j < 4; j++)
            row[5 * r + 1 + j] = box.at[j];
    }
};

/* ---- packing ---- */

__global__ void rois_start_kernel(Rois out, const int32_t *count)
{
    int32_t n = 0;
    for (int64_t i = 0; i < out.N; i++) {
        out.start[i] = n;
        n += count[i];
    }
    out.start[out.N] = n;
}

__global__ void rois_pack_kernel(Rois out, const Box *proposal, int64_t P)
{
    for (int64_t r = gpu_index(); r < out.R; r += gpu_stride()) {
        bool    is_used = r < out.start[out.N];
        int64_t image = is_used ? box_owner(out.start, out.N, r) : 0;
        out.write(r, image, is_used ? proposal[image * P + r - out.start[image]] : Box());
    }
}

Status cuda_rois_pack(Tensor *rois, Tensor *start, const Proposals *proposals)
{
    int64_t N = proposals->box->dim[0], P = proposals->box->dim[1];
    Rois    out = {tensor_as<float>(rois), tensor_as<int32_t>(start), N, rois->dim[0]};
    TRY(gpu_launch("rois_pack", rois_start_kernel, 1, 1, 0, out,
                   tensor_as<int32_t>(proposals->count)));
    return gpu_launch("rois_pack", rois_pack_kernel, gpu_grid(out.R), GPU_BLOCK, 0, out,
                      box_rows(proposals->box), P);
}

__global__ void labels_of_images_kernel(int32_t *kept, const int32_t *label, const int32_t *start,
                                        int64_t first, int64_t end, int64_t R)
{
    for (int64_t r = gpu_index(); r < R; r += gpu_stride())
        kept[r] = r >= start[first] && r < start[end] ? label[r] : -1;
}

Status cuda_labels_of_images(Tensor *kept, const Tensor *label, const Tensor *start, int64_t first,
                             int64_t end)
{
    int64_t R = label->dim[0];
    return gpu_launch("labels_of_images", labels_of_images_kernel, gpu_grid(R), GPU_BLOCK, 0,
                      tensor_as<int32_t>(kept), tensor_as<int32_t>(label),
                      tensor_as<int32_t>(start), first, end, R);
}

/* ---- training ---- */

/* The matched candidates of a batch, and which of them are taken: those drawn, or all in order. */
struct Matched {
    CandidateBoxes     boxes;
    const int32_t     *label, *arg; // (N,room)
    int64_t            room;
    BoxSample          sample;
    bool               keeps_all;
    __device__ int64_t taken(int64_t image) const
    {
        return keeps_all ? min(boxes.count(image), sample.S)
                         : sample.n_fg(image) + sample.n_bg(image);
    }
    __device__ int64_t candidate(int64_t image, int64_t s) const
    {
        return keeps_all ? s : sample.row(image, s);
    }
};

__global__ void roi_start_kernel(Rois out, BoxNote *note, Matched m)
{
    int64_t n = 0;
    for (int64_t i = 0; i < out.N; i++) {
        out.start[i] = (int32_t)n;
        n += m.taken(i);
        if (m.keeps_all && m.boxes.count(i) > m.sample.S && note->complaint == BOX_FINE) {
            note->image = i;
            note->n_regions = m.boxes.count(i);
            note->n_slots = m.sample.S;
            note->complaint = BOX_NO_SLOT;
        }
    }
    out.start[out.N] = (int32_t)n;
}

/* One region a thread. */
__global__ void roi_write_kernel(Rois out, int32_t *label, Box *target, int32_t *gt_row, Matched m,
                                 MatchTruth gt, const int32_t *gt_class, RoiTargets op)
{
    for (int64_t r = gpu_index(); r < out.R; r += gpu_stride()) {
        Box     box = {}, delta = {};
        int64_t image = 0;
        int32_t own_label = -1, own_gt = -1;
        if (r < out.start[out.N]) {
            image = box_owner(out.start, out.N, r);
            int64_t c = m.candidate(image, r - out.start[image]), at = image * m.room + c;
            bool    is_fg = m.label[at] == 1;
            box = m.boxes(image, c);
            own_label = (int32_t)op.n_classes;
            if (is_fg) {
                own_gt = (int32_t)gt.first(image) + m.arg[at];
                own_label = gt_class[own_gt];
                Box truth = gt.box[own_gt];
                box_encode(delta.at, box.at, truth.at, op.weight);
            }
        }
        out.write(r, image, box);
        label[r] = own_label;
        gt_row[r] = own_gt;
        target[r] = delta;
    }
}

Status cuda_roi_targets(const RoiSet *out, const Proposals *proposals, const GroundTruth *gt,
                        const RoiTargets *op)
{
    static const char name[] = "roi_targets";
    Scratch           scratch(name);
    int64_t           N = proposals->box->dim[0], P = proposals->box->dim[1];
    MatchTruth        truth = match_truth(gt);
    Rois rois = {tensor_as<float>(out->rois), tensor_as<int32_t>(out->start), N, out->rois->dim[0]};
    Matched  m = {};
    BoxMatch match = {op->fg_from, op->fg_from, false};
    float   *iou;
    int32_t *label, *arg;
    m.boxes = {box_rows(proposals->box), truth.box, tensor_as<int32_t>(proposals->count),
               truth.start, P};
    m.room = P + truth.n;
    m.keeps_all = op->keeps_all;
    m.sample.S = op->per_image;
    TRY(scratch.take(&iou, N * m.room));
    TRY(scratch.take(&label, N * m.room));
    TRY(scratch.take(&arg, N * m.room));
    m.label = label;
    m.arg = arg;
    TRY(box_match(name, label, arg, iou, nullptr, m.boxes, N, m.room, truth, match));
    if (!op->keeps_all)
        TRY(box_sample(name, &m.sample, &scratch, label, N, m.room, op->per_image, op->fg_fraction,
                       op->random, BOX_STAGE_ROI));
    TRY(gpu_launch(name, roi_start_kernel, 1, 1, 0, rois, box_note(), m));
    return gpu_launch(name, roi_write_kernel, gpu_grid(rois.R), GPU_BLOCK, 0, rois,
                      tensor_as<int32_t>(out->label), box_rows(out->target),
                      tensor_as<int32_t>(out->gt), m, truth, tensor_as<int32_t>(gt->label), *op);
}
