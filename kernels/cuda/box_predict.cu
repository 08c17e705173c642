/* box_predict.cu -- detections of a batch
 *
 *      logits --softmax--> scores above the threshold --sort by (image, score, row K + class)--> ranked --nms--> kept
 *
 * Scores of a row add up to 1, so at most 1/threshold classes of a row pass: room for so many keys, not for R K. Their
 * true number is known to the device alone, and sorting costs what they cost.
 */
#include "kernels/cuda/nms.cuh"
#include "kernels/cuda/sort.cuh"

struct PredictIn {
    const float   *logit, *delta, *roi, *size;
    const int32_t *start;
    int64_t        N, R, K, room; // room keys
    int            n_low;         // bits of a key that hold row K + class
    BoxPredict     op;
};

__device__ static SortKey predict_key(const PredictIn &in, int64_t image, float score, int64_t at)
{
    return ((SortKey)image << 32 | (uint32_t)~box_rank_key(score)) << in.n_low | (SortKey)at;
}
__device__ static int64_t key_image(const PredictIn &in, SortKey key)
{
    return (int64_t)(key >> in.n_low >> 32);
}
__device__ static int64_t key_at(const PredictIn &in, SortKey key)
{
    return (int64_t)(key & ((1ull << in.n_low) - 1));
}
__device__ static float key_score(const PredictIn &in, SortKey key)
{
    return box_rank_score(~(uint32_t)(key >> in.n_low));
}

__device__ static Box predict_box(const PredictIn &in, int64_t at)
{
    Box b, delta;
    for (int j = 0; j < 4; j++)
        delta.at[j] = in.delta[4 * at + j];
    box_decode(b.at, delta.at, in.roi + 5 * (at / in.K) + 1, in.op.weight);
    return b;
}

/* The sum of e^(x - most) in the order of the classes, in double: 32 terms at once, then one after another. */
__device__ static double sum_exp(const float *x, int64_t n, float most)
{
    double sum = 0;
    for (int64_t k0 = 0; k0 < n; k0 += GPU_WARP) {
        int64_t k = k0 + gpu_lane();
        float   own = k < n ? box_exp(x[k] - most) : 0.0f;
        for (int j = 0; j < GPU_WARP; j++)
            sum += (double)__shfl_sync(GPU_ALL_LANES, own, j);
    }
    return sum;
}

/* One row a warp: keys of the classes above the threshold, unless a score or a box of the row is not finite. key (room)
 * in no order, n_keys (1) from 0. */
__global__ void predict_rows_kernel(SortKey *key, int32_t *n_keys, PredictIn in)
{
    int64_t n_rows = in.start[in.N], n_warps = gpu_stride() / GPU_WARP;
    for (int64_t r = gpu_index() / GPU_WARP; r < n_rows; r += n_warps) {
        const float *x = in.logit + r * (in.K + 1);
        float        most = -INFINITY;
        for (int64_t k = gpu_lane(); k <= in.K; k += GPU_WARP)
            most = x[k] > most ? x[k] : most;
        most = gpu_warp_reduce(most, GpuMax());
        double sum = sum_exp(x, in.K + 1, most);
        bool   is_finite = true;
        for (int64_t k = gpu_lane(); k <= in.K; k += GPU_WARP) {
            is_finite = is_finite && isfinite((float)((double)box_exp(x[k] - most) / sum));
            if (k < in.K)
                is_finite = is_finite && box_is_finite(predict_box(in, r * in.K + k).at);
        }
        if (!__all_sync(GPU_ALL_LANES, is_finite))
            continue;
        int64_t image = box_owner(in.start, in.N, r);
        for (int64_t k = gpu_lane(); k < in.K; k += GPU_WARP) {
            float score = (float)((double)box_exp(x[k] - most) / sum);
            if (score > in.op.score_threshold)
                key[atomicAdd(n_keys, 1)] = predict_key(in, image, score, r * in.K + k);
        }
    }
}

/* start (N+1): image i owns keys start[i] .. start[i+1] - 1 of the sorted n. */
__global__ void predict_start_kernel(int32_t *start, const SortKey *key, const int32_t *n_keys,
                                     PredictIn in)
{
    for (int64_t i = gpu_index(); i <= in.N; i += gpu_stride()) {
        int32_t low = 0, high = n_keys[0];
        while (low < high) {
            int32_t middle = (low + high) / 2;
            if (key_image(in, key[middle]) < i)
                low = middle + 1;
            else
                high = middle;
        }
        start[i] = low;
    }
}

__global__ void predict_boxes_kernel(Box *box, int32_t *label, const SortKey *key,
                                     const int32_t *n_keys, PredictIn in)
{
    for (int64_t i = gpu_index(); i < n_keys[0]; i += gpu_stride()) {
        int64_t      at = key_at(in, key[i]);
        Box          b = predict_box(in, at);
        const float *size = in.size + 2 * key_image(in, key[i]);
        box_clip(b.at, size[0], size[1]);
        box[i] = b;
        label[i] = (int32_t)(at % in.K);
    }
}

/* One detection a thread: grid (D, N). */
__global__ void predict_write_kernel(Box *box, float *score, int32_t *label, int32_t *count,
                                     NmsKept kept, NmsBoxes ranked, const SortKey *key,
                                     PredictIn in)
{
    int64_t image = blockIdx.y, D = kept.most;
    for (int64_t d = gpu_index(); d < D; d += gpu_stride()) {
        bool    is_kept = d < kept.n[image];
        int64_t row = is_kept ? ranked.start[image] + kept.row[image * D + d] : 0;
        box[image * D + d] = is_kept ? ranked.box[row] : Box();
        score[image * D + d] = is_kept ? key_score(in, key[row]) : 0;
        label[image * D + d] = is_kept ? ranked.class_index[row] : -1;
    }
    if (gpu_index() == 0)
        count[image] = kept.n[image];
}

/* Bits that hold 0 .. n. */
static int bits_for(int64_t n)
{
    int bits = 0;
    while (n >> bits)
        bits++;
    return bits;
}

static Status predict_room(PredictIn *in)
{
    int64_t per_row = in->K;
    if (in->op.score_threshold > 0)
        per_row = min(per_row, (int64_t)(1 / (double)in->op.score_threshold) + 1);
    in->room = in->R * per_row;
    in->n_low = bits_for(in->R * in->K);
    if (in->n_low + bits_for(in->N) > 32)
        return status_fail(ERR_UNSUPPORTED,
                           "box_predict: %lld images with %lld rows of %lld classes are too many "
                           "for one batch; predict fewer images at once",
                           (long long)in->N, (long long)in->R, (long long)in->K);
    return OK;
}

Status cuda_box_predict(const Detections *out, const Tensor *logit, const Tensor *delta,
                        const Tensor *rois, const Tensor *start, const Tensor *size,
                        const BoxPredict *op)
{
    static const char name[] = "box_predict";
    Scratch           scratch(name);
    SortKey          *key;
    int32_t          *n_keys, *image_start, *label;
    Box              *box;
    NmsKept           kept;
    int64_t           D = out->box->dim[1];
    PredictIn         in = {tensor_as<float>(logit),
                            tensor_as<float>(delta),
                            tensor_as<float>(rois),
                            tensor_as<float>(size),
                            tensor_as<int32_t>(start),
                            size->dim[0],
                            rois->dim[0],
                            logit->dim[1] - 1,
                            0,
                            0,
                            *op};
    if (in.N < 1)
        return OK;
    TRY(predict_room(&in));
    TRY(scratch.take(&key, in.room));
    TRY(scratch.take(&n_keys, 1));
    TRY(scratch.take(&image_start, in.N + 1));
    TRY(scratch.take(&box, in.room));
    TRY(scratch.take(&label, in.room));

    TRY(box_zero(n_keys, sizeof *n_keys));
    TRY(gpu_launch(name, predict_rows_kernel, gpu_grid(in.R * GPU_WARP), GPU_BLOCK, 0, key, n_keys,
                   in));
    TRY(gpu_sort(name, key, n_keys, 1, in.room));
    TRY(gpu_launch(name, predict_start_kernel, gpu_grid(in.N + 1), GPU_BLOCK, 0, image_start, key,
                   n_keys, in));
    TRY(gpu_launch(name, predict_boxes_kernel, gpu_grid(in.room), GPU_BLOCK, 0, box, label, key,
                   n_keys, in));
    NmsBoxes ranked = {box, label, image_start, 0};
    TRY(box_nms(name, &kept, &scratch, ranked, in.N, D, op->nms));
    return gpu_launch(name, predict_write_kernel, box_grid(D, in.N), GPU_BLOCK, 0,
                      box_rows(out->box), tensor_as<float>(out->score),
                      tensor_as<int32_t>(out->label), tensor_as<int32_t>(out->count), kept, ranked,
                      key, in);
}
