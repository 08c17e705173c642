/* box_rank.cu -- top-k and suppression of one list of boxes */
#include "kernels/cuda/nms.cuh"
#include "kernels/cuda/sort.cuh"

struct ScoreKeys {
    const float       *score;
    int64_t            n, k;
    __device__ int64_t count(int64_t) const
    {
        return n;
    }
    __device__ int64_t wanted(int64_t) const
    {
        return k;
    }
    __device__ SortKey operator()(int64_t, int64_t i) const
    {
        return sort_key_of_score(score[i], i);
    }
};

/* The k <= n best of score (n), best first. */
static Status rank(const char *op_name, SortKey **key, Scratch *scratch, const Tensor *score,
                   int64_t k)
{
    int32_t  *n_ranked;
    ScoreKeys keys = {tensor_as<float>(score), tensor_count(score), k};
    TRY(scratch->take(key, k));
    TRY(scratch->take(&n_ranked, 1));
    return gpu_select(op_name, *key, n_ranked, 1, k, keys.n, keys);
}

__global__ void top_k_kernel(int32_t *index, const SortKey *key, int64_t n_ranked, int64_t k)
{
    for (int64_t i = gpu_index(); i < k; i += gpu_stride())
        index[i] = i < n_ranked ? (int32_t)sort_index(key[i]) : -1;
}

Status cuda_top_k(Tensor *index, const Tensor *score)
{
    Scratch  scratch("top_k");
    SortKey *key;
    int64_t  k = index->dim[0], n_ranked = min(k, tensor_count(score));
    TRY(rank("top_k", &key, &scratch, score, n_ranked));
    return gpu_launch("top_k", top_k_kernel, gpu_grid(k), GPU_BLOCK, 0, tensor_as<int32_t>(index),
                      key, n_ranked, k);
}

__global__ void order_boxes_kernel(Box *ranked, int32_t *ranked_class, const SortKey *key,
                                   const Box *box, const int32_t *class_index, int64_t n)
{
    for (int64_t i = gpu_index(); i < n; i += gpu_stride()) {
        int64_t row = sort_index(key[i]);
        ranked[i] = box[row];
        ranked_class[i] = class_index ? class_index[row] : 0;
    }
}

__global__ void nms_rows_kernel(int32_t *index, int32_t *count, NmsKept kept, const SortKey *key)
{
    for (int64_t p = gpu_index(); p < kept.most; p += gpu_stride())
        index[p] = p < kept.n[0] ? (int32_t)sort_index(key[kept.row[p]]) : -1;
    if (gpu_index() == 0)
        count[0] = kept.n[0];
}

Status cuda_nms(Tensor *index, Tensor *count, const Tensor *box, const Tensor *score,
                const Tensor *class_index, float threshold)
{
    Scratch  scratch("nms");
    SortKey *key;
    Box     *ranked;
    int32_t *ranked_class;
    NmsKept  kept;
    int64_t  R = box->dim[0], P = index->dim[0];
    TRY(scratch.take(&ranked, R));
    TRY(scratch.take(&ranked_class, R));
    TRY(rank("nms", &key, &scratch, score, R));
    TRY(gpu_launch("nms", order_boxes_kernel, gpu_grid(R), GPU_BLOCK, 0, ranked, ranked_class, key,
                   box_rows(box), class_index ? tensor_as<int32_t>(class_index) : nullptr, R));
    NmsBoxes boxes = {ranked, ranked_class, nullptr, R};
    TRY(box_nms("nms", &kept, &scratch, boxes, 1, P, threshold));
    return gpu_launch("nms", nms_rows_kernel, gpu_grid(P), GPU_BLOCK, 0, tensor_as<int32_t>(index),
                      tensor_as<int32_t>(count), kept, key);
}
