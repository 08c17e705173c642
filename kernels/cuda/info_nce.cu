/* info_nce.cu -- one positive against a queue of negatives; the N K logits become probabilities where they lie
 *
 *      forward   lib_product writes the negatives' logits l = q queue' / T. A block a row then reads its row twice: first
 *                for its maximum, its sum of exponentials and its statistics, then to write p_j = exp(l_j - most) / total
 *                over l_j.
 *      backward  dq = dloss_scale dloss / T * (sum_j p_j queue_j - (sum_j p_j) k)
 *                The first sum is lib_product's too. The positive's p - 1 is minus the sum of the others.
 *
 * prob (N,K+1) keeps the negatives' probabilities (N,K) and behind them their sums (N), so that a row starts at a multiple
 * of 16 bytes where K is one of 4. With N = 256, C = 128, K = 65536 it is 67 MB, written twice and read three times: 20 us
 * each at 3.3 TB/s, less where the second reading finds its row in the cache. Each product is 4.3 GFLOP, 0.1 ms in f32 at
 * 60 % of an H100's 67 TFLOP/s.
 */
#include "kernels/cuda/rows.h"
extern "C" {
#include "kernels/body/softmax.h"
#include "kernels/cuda/lib.h"
}

enum { NCE_TOP = 5, NCE_STATS = 5 };

/* What a block's threads know of a row so far: the maximum, the sum of exp(l - maximum). */
struct NceSoftmax {
    float most, total;
};

template <int V>
__device__ inline NceSoftmax nce_add(NceSoftmax s, const float *logit)
{
    float most = s.most;
    GPU_UNROLL
    for (int j = 0; j < V; j++)
        most = fmaxf(most, logit[j]);
    if (most > s.most)
        s = {most, s.total * softmax_term(s.most, most)};
    GPU_UNROLL
    for (int j = 0; j < V; j++)
        s.total += softmax_term(logit[j], s.most); // NaN passes
    return s;
}

/* Logits (N,K) to probabilities, their sums over each row into prob_sum (N), and what a row adds to each of the statistics
 * (N,5). A thread writes what it alone has read; it goes back the way it came, because what was read last is the likeliest
 * to be in the cache. */
template <int V>
__global__ void info_nce_rows_kernel(float *logit, float *prob_sum, double *row_sums,
                                     const float *q, const float *k, int64_t C, int64_t K,
                                     float temperature)
{
    int64_t n = blockIdx.x, stride = (int64_t)blockDim.x * V, j = (int64_t)threadIdx.x * V;
    float  *row = logit + n * K;
    float   dot = 0, better = 0;
    for (int64_t c = threadIdx.x; c < C; c += blockDim.x)
        dot = fmaf(q[n * C + c], k[n * C + c], dot);
    dot = gpu_block_reduce(dot, 0.0f, GpuSum());
    float      positive = dot / temperature;
    double     cosines = 0;
    NceSoftmax s = {-INFINITY, 0};
    for (; j < K; j += stride) {
        float l[V];
        row_load<V>(l, row + j);
        GPU_UNROLL
        for (int i = 0; i < V; i++) {
            cosines += (double)l[i];
            better += l[i] > positive ? 1.0f : 0.0f;
        }
        s = nce_add<V>(s, l);
    }
    float most = fmaxf(gpu_block_reduce(s.most, -INFINITY, GpuMax()), positive);
    float others = s.total == 0 ? 0.0f : s.total * softmax_term(s.most, most); // NaN passes
    others = gpu_block_reduce(others, 0.0f, GpuSum());
    cosines = gpu_block_reduce(cosines, 0.0, GpuSum());
    better = gpu_block_reduce(better, 0.0f, GpuSum());
    float total = others + softmax_term(positive, most), share = 1.0f / total;
    while ((j -= stride) >= 0) {
        float p[V];
        row_load<V>(p, row + j);
        GPU_UNROLL
        for (int i = 0; i < V; i++)
            p[i] = softmax_term(p[i], most) * share;
        row_store<V>(row + j, p);
    }
    if (threadIdx.x != 0)
        return;
    prob_sum[n] = others * share;
    row_sums[n * NCE_STATS + 0] = softmax_loss((double)total, most, positive);
    row_sums[n * NCE_STATS + 1] = (double)dot;
    row_sums[n * NCE_STATS + 2] = cosines * (double)temperature;
    row_sums[n * NCE_STATS + 3] = better < 1 ? 1.0 : 0.0;
    row_sums[n * NCE_STATS + 4] = better < NCE_TOP ? 1.0 : 0.0;
}

/* stats (5) and the loss: means over the rows. One block. */
__global__ void info_nce_stats_kernel(float *loss, float *stats, const double *row_sums, int64_t N,
                                      int64_t K)
{
    for (int i = 0; i < NCE_STATS; i++) {
        double sum = 0, n = N > 0 ? (double)N : 1.0;
        for (int64_t r = threadIdx.x; r < N; r += blockDim.x)
            sum += row_sums[r * NCE_STATS + i];
        sum = gpu_block_reduce(sum, 0.0, GpuSum());
        if (i == 2 && K > 0)
            n *= (double)K;
        if (threadIdx.x == 0)
            stats[i] = (float)(sum / n);
        if (threadIdx.x == 0 && i == 0)
            *loss = stats[0];
    }
}

Status cuda_info_nce_forward(Tensor *loss, Tensor *stats, Tensor *prob, const Tensor *q,
                             const Tensor *k, const Tensor *queue, float temperature)
{
    int64_t N = q->dim[0], C = q->dim[1], K = queue->dim[0];
    float  *logit = (float *)prob->data;
    Product p = {};
    p.m = N;
    p.n = K;
    p.k = C;
    p.is_b_transposed = true;
    p.in = p.out = F32;
    p.alpha = 1.0f / temperature;
    if (N > 0 && K > 0)
        TRY(C > 0 ? lib_product("info_nce", logit, q->data, queue->data, &p) : cuda_fill(prob, 0));
    void *sums = nullptr;
    TRY(cuda_scratch("info_nce", &sums, N * NCE_STATS * (int64_t)sizeof(double)));
    Status st = OK;
    if (N > 0)
        st = gpu_by_float_width(K, gpu_is_aligned(logit), [&](auto width) {
            return gpu_launch("info_nce", info_nce_rows_kernel<decltype(width)::value>,
                              dim3((unsigned)N), 1024, 0, logit, logit + N * K, (double *)sums,
                              (const float *)q->data, (const float *)k->data, C, K, temperature);
        });
    if (st == OK)
        st = gpu_launch("info_nce", info_nce_stats_kernel, 1, GPU_BLOCK, 0, (float *)loss->data,
                        (float *)stats->data, (const double *)sums, N, K);
    cuda_free(sums);
    return st;
}

/* dq (N,C) from sum_j p_j queue_j (N,C) and sum_j p_j (N). */
__global__ void info_nce_gradient_kernel(float *dq, float beta, float dloss_scale,
                                         const float *dloss, const float *sum,
                                         const float *prob_sum, const float *k, int64_t N,
                                         int64_t C, float temperature)
{
    double scale = (double)dloss_scale * (double)*dloss / (double)temperature;
    for (int64_t i = gpu_index(); i < N * C; i += gpu_stride()) {
        float v = (float)(scale * ((double)sum[i] - (double)prob_sum[i / C] * (double)k[i]));
        dq[i] = beta == 0.0f ? v : dq[i] + v;
    }
}

Status cuda_info_nce_backward(Tensor *dq, float dloss_scale, const Tensor *dloss,
                              const Tensor *prob, const Tensor *k, const Tensor *queue,
                              float temperature)
{
    float        beta = tensor_beta(dq);
    const float *p = (const float *)prob->data;
    Product      own = {};
    own.m = k->dim[0];
    own.n = k->dim[1];
    own.k = queue->dim[0];
    own.in = own.out = F32;
    own.alpha = 1;
    if (own.m == 0 || own.n == 0)
        return OK;
    if (own.k == 0) // the positive alone: p = 1
        return beta == 0 ? cuda_fill(dq, 0) : OK;
    void *sum = nullptr;
    TRY(cuda_scratch("info_nce gradient", &sum, own.m * own.n * (int64_t)sizeof(float)));
    Status st = lib_product("info_nce gradient", sum, p, queue->data, &own);
    if (st == OK)
        st = gpu_launch("info_nce gradient", info_nce_gradient_kernel, gpu_grid(own.m * own.n),
                        GPU_BLOCK, 0, (float *)dq->data, beta, dloss_scale,
                        (const float *)dloss->data, (const float *)sum, p + own.m * own.k,
                        (const float *)k->data, own.m, own.n, temperature);
    cuda_free(sum);
    return st;
}
