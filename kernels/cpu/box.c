/* box.c -- box work of a batch: one image a thread, suppression over vectors of kept boxes
 *
 * The per-image functions and all arithmetic are ref's, so the results are the same bits.
 */
#include "kernels/cpu/clones.h"
#include "kernels/cpu/cpu_regions.h"
#include "kernels/ref/ref_box.h"

#include "base/threads.h"

enum { LANES = 64 }; // kept boxes looked at before asking whether one of them suppresses

/* kept: five arrays of `room`: x1, y1, x2, y2, area. Positions begin .. end-1 of them against one box. */
CPU_CLONES
static bool is_suppressed(const float *kept, int64_t room, const int32_t *kept_class, int64_t begin,
                          int64_t end, const float *box, int32_t box_class, float threshold)
{
    const float *x1 = kept, *y1 = kept + room, *x2 = kept + 2 * room, *y2 = kept + 3 * room,
                *area = kept + 4 * room;
    float own = box_area(box);
    int   n = 0;
    for (int64_t k = begin; k < end; k++) {
        float w = box_max(box_min(x2[k], box[2]) - box_max(x1[k], box[0]), 0.0f);
        float h = box_max(box_min(y2[k], box[3]) - box_max(y1[k], box[1]), 0.0f);
        float inter = w * h;
        n += (inter / (area[k] + own - inter) > threshold) & (kept_class[k] == box_class);
    }
    return n > 0;
}

/* scratch (6 max_keep). */
static int64_t cpu_nms_greedy(int32_t *keep, const float *box, const int32_t *order,
                              const int32_t *class_index, int64_t n, float threshold,
                              int64_t max_keep, float *scratch)
{
    int64_t  n_kept = 0, room = max_keep;
    int32_t *kept_class = (int32_t *)(scratch + 5 * room);
    for (int64_t i = 0; i < n && n_kept < max_keep; i++) {
        const float *b = box + 4 * order[i];
        int32_t      box_class = class_index ? class_index[order[i]] : 0;
        bool         falls = false;
        for (int64_t k = 0; k < n_kept && !falls; k += LANES)
            falls = is_suppressed(scratch, room, kept_class, k,
                                  k + LANES < n_kept ? k + LANES : n_kept, b, box_class, threshold);
        if (falls)
            continue;
        for (int j = 0; j < 4; j++)
            scratch[j * room + n_kept] = b[j];
        scratch[4 * room + n_kept] = box_area(b);
        kept_class[n_kept] = box_class;
        keep[n_kept++] = order[i];
    }
    return n_kept;
}

typedef Status ImageStage(Arena *a, const void *job, int64_t i);

typedef struct Batch {
    ImageStage *stage;
    const void *job;
    Status      status[256]; // of each image of a block
    int64_t     first;
} Batch;

static void images(void *ctx, int64_t begin, int64_t end)
{
    Batch *b = ctx;
    for (int64_t i = begin; i < end; i++) {
        Arena a = {0};
        b->status[i] = b->stage(&a, b->job, b->first + i);
        arena_release(&a);
    }
}

/* A failed image is run again on the caller's thread, where its sentence belongs. */
static Status for_images(ImageStage *stage, const void *job, int64_t N)
{
    for (int64_t first = 0; first < N; first += 256) {
        Batch   b = {.stage = stage, .job = job, .first = first};
        int64_t n = N - first < 256 ? N - first : 256;
        threads_for(n, 1, images, &b);
        for (int64_t i = 0; i < n; i++)
            if (b.status[i] != OK) {
                Arena  a = {0};
                Status st = stage(&a, job, first + i);
                arena_release(&a);
                return st;
            }
    }
    return OK;
}

static Status targets_image(Arena *a, const void *job, int64_t i)
{
    return ref_rpn_targets_image(a, job, i);
}

static Status propose_image(Arena *a, const void *job, int64_t i)
{
    return ref_rpn_propose_image(a, job, i);
}

static Status predict_image(Arena *a, const void *job, int64_t i)
{
    return ref_box_predict_image(a, job, i);
}

static Status rpn_targets(Tensor *const *label, Tensor *const *fg_label, Tensor *const *target,
                          const Tensor *const *anchors, int L, const GroundTruth *gt,
                          const RpnTargets *op)
{
    RpnTargetsJob job = {label, fg_label, target, anchors, L, gt, op};
    return for_images(targets_image, &job, gt->start->dim[0] - 1);
}

static Status rpn_propose(const Proposals *out, const Tensor *const *logit,
                          const Tensor *const *delta, const Tensor *const *anchors, int L,
                          const Tensor *size, const RpnPropose *op)
{
    RpnProposeJob job = {out, logit, delta, anchors, L, size, op, cpu_nms_greedy};
    return for_images(propose_image, &job, size->dim[0]);
}

static Status box_predict(const Detections *out, const Tensor *logit, const Tensor *delta,
                          const Tensor *rois, const Tensor *start, const Tensor *size,
                          const BoxPredict *op)
{
    BoxPredictJob job = {out, logit, delta, rois, start, size, op, cpu_nms_greedy};
    return for_images(predict_image, &job, size->dim[0]);
}

void cpu_regions_fill(Backend *be)
{
    be->box.rpn_targets = rpn_targets;
    be->box.rpn_propose = rpn_propose;
    be->box.box_predict = box_predict;
    be->roi_align_forward = cpu_roi_align_forward;
    be->roi_align_backward = cpu_roi_align_backward;
    be->info_nce_forward = cpu_info_nce_forward;
    be->info_nce_backward = cpu_info_nce_backward;
}
