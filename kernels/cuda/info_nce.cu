/* info_nce.cu -- one positive against a queue of negatives; the N K logits are written once and read twice
 *
 *      forward   lib_product writes the negatives' logits l = q queue' / T. A block a row then finds the row's maximum
 *                and sum of exponentials in one reading, and its statistics.
 *      backward  dq = dloss_scale dloss / T * (sum_j p_j queue_j - (sum_j p_j) k),   p_j = exp(l_j - log_sum)
 *                The positive's p - 1 is minus the sum of the others. Probabilities are made while a tile of logits is
 *                loaded, and never stored: a block multiplies 64 rows by one part of the queue, the parts are added in
 *                order.
 *
 * prob (N,K+1) keeps the logits (N,K) and behind them log_sum (N), so that a row of logits starts at a multiple of 16 bytes
 * where K is one of 4. With N = 256, C = 128, K = 65536 it is 67 MB: 20 us
 * a reading at 3.3 TB/s; the backward product is 4.3 GFLOP in f32, 0.1 ms at 60 % of an H100's 67 TFLOP/s.
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

/* log_sum (N), and what a row adds to each of the statistics (N,5). */
template <int V>
__global__ void info_nce_rows_kernel(float *log_sum, double *row_sums, const float *logit,
                                     const float *q, const float *k, int64_t C, int64_t K,
                                     float temperature)
{
    int64_t      n = blockIdx.x;
    const float *row = logit + n * K;
    float        dot = 0, better = 0;
    for (int64_t c = threadIdx.x; c < C; c += blockDim.x)
        dot = fmaf(q[n * C + c], k[n * C + c], dot);
    dot = gpu_block_reduce(dot, 0.0f, GpuSum());
    float      positive = dot / temperature;
    double     negatives = 0;
    NceSoftmax s = {-INFINITY, 0};
    for (int64_t j = (int64_t)threadIdx.x * V; j < K; j += (int64_t)blockDim.x * V) {
        float l[V];
        row_load<V>(l, row + j);
        GPU_UNROLL
        for (int i = 0; i < V; i++) {
            negatives += (double)l[i];
            better += l[i] > positive ? 1.0f : 0.0f;
        }
        s = nce_add<V>(s, l);
    }
    if (threadIdx.x == 0)
        s = nce_add<1>(s, &positive);
    float most = gpu_block_reduce(s.most, -INFINITY, GpuMax());
    float total = s.total == 0 ? 0.0f : s.total * softmax_term(s.most, most); // NaN passes
    total = gpu_block_reduce(total, 0.0f, GpuSum());
    negatives = gpu_block_reduce(negatives, 0.0, GpuSum());
    better = gpu_block_reduce(better, 0.0f, GpuSum());
    if (threadIdx.x != 0)
        return;
    log_sum[n] = softmax_log_sum((double)total, most);
    row_sums[n * NCE_STATS + 0] = softmax_loss((double)total, most, positive);
    row_sums[n * NCE_STATS + 1] = (double)dot;
    row_sums[n * NCE_STATS + 2] = negatives * (double)temperature;
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
                              dim3((unsigned)N), 1024, 0, logit + N * K, (double *)sums,
                              (const float *)logit, (const float *)q->data, (const float *)k->data,
                              C, K, temperature);
        });
    if (st == OK)
        st = gpu_launch("info_nce", info_nce_stats_kernel, 1, GPU_BLOCK, 0, (float *)loss->data,
                        (float *)stats->data, (const double *)sums, N, K);
    cuda_free(sums);
    return st;
}

/* ---- backward: a tile of 64 rows and 128 channels a block, 16 negatives at a time ---- */

enum {
    NCE_ROWS = 64,
    NCE_COLUMNS = 128,
    NCE_DEPTH = 16,
    NCE_R = 8, // rows and channels of a thread: rows y 8 .. + 7, channels x + 32 i
    NCE_C = 4,
    NCE_PART = 1024, // negatives of a part, more where there would be more than NCE_MOST_PARTS
    NCE_MOST_PARTS = 64,
};

/* parts (n_parts,N,C+1): sum_j p_j queue_j over the part, and sum_j p_j; grid (channels, rows, parts), block (32,8).
 * V = 4: K, C and the first negative of a part are multiples of 4. */
template <int V>
__global__ void info_nce_part_kernel(float *parts, const float *logit, const float *log_sum,
                                     const float *queue, int64_t N, int64_t C, int64_t K,
                                     int64_t per_part)
{
    GPU_SHARED(float, prob, [NCE_DEPTH][NCE_ROWS + 1]);
    GPU_SHARED(float, key, [NCE_DEPTH][NCE_COLUMNS]);
    int64_t n0 = (int64_t)blockIdx.y * NCE_ROWS, c0 = (int64_t)blockIdx.x * NCE_COLUMNS;
    int64_t first = blockIdx.z * per_part, end = min(first + per_part, K);
    int     tid = (int)(threadIdx.y * blockDim.x + threadIdx.x);
    float   sum[NCE_R][NCE_C] = {}, total[NCE_R] = {};
    for (int64_t j0 = first; j0 < end; j0 += NCE_DEPTH) {
        for (int i = tid * V; i < NCE_DEPTH * NCE_ROWS; i += GPU_BLOCK * V) {
            int   d = i % NCE_DEPTH, r = i / NCE_DEPTH;
            bool  is_there = j0 + d < end && n0 + r < N;
            float l[V] = {}, shift = is_there ? log_sum[n0 + r] : 0.0f;
            if (is_there)
                row_load<V>(l, logit + (n0 + r) * K + j0 + d);
            GPU_UNROLL
            for (int v = 0; v < V; v++)
                prob[d + v][r] = is_there ? softmax_term(l[v], shift) : 0.0f;
        }
        for (int i = tid * V; i < NCE_DEPTH * NCE_COLUMNS; i += GPU_BLOCK * V) {
            int   d = i / NCE_COLUMNS, x = i % NCE_COLUMNS;
            float own[V] = {};
            if (j0 + d < end && c0 + x < C)
                row_load<V>(own, queue + (j0 + d) * C + c0 + x);
            row_store<V>(&key[d][x], own);
        }
        __syncthreads();
        GPU_UNROLL
        for (int d = 0; d < NCE_DEPTH; d++) {
            float p[NCE_R], v[NCE_C];
            GPU_UNROLL
            for (int i = 0; i < NCE_C; i++)
                v[i] = key[d][threadIdx.x + GPU_WARP * i];
            GPU_UNROLL
            for (int r = 0; r < NCE_R; r++) {
                p[r] = prob[d][threadIdx.y * NCE_R + r];
                total[r] += p[r];
                GPU_UNROLL
                for (int i = 0; i < NCE_C; i++)
                    sum[r][i] = fmaf(p[r], v[i], sum[r][i]);
            }
        }
        __syncthreads();
    }
    for (int r = 0; r < NCE_R; r++) {
        int64_t n = n0 + threadIdx.y * NCE_R + r;
        float  *part = parts + (blockIdx.z * N + n) * (C + 1);
        for (int i = 0; n < N && i < NCE_C; i++) {
            int64_t c = c0 + threadIdx.x + GPU_WARP * i;
            if (c < C)
                part[c] = sum[r][i];
        }
        if (n < N && blockIdx.x == 0 && threadIdx.x == 0)
            part[C] = total[r];
    }
}

/* dq (N,C) from the parts. */
__global__ void info_nce_gradient_kernel(float *dq, float beta, float dloss_scale,
                                         const float *dloss, const float *parts, int64_t n_parts,
                                         const float *k, int64_t N, int64_t C, float temperature)
{
    double scale = (double)dloss_scale * (double)*dloss / (double)temperature;
    for (int64_t i = gpu_index(); i < N * C; i += gpu_stride()) {
        int64_t n = i / C, c = i % C;
        double  sum = 0, total = 0;
        for (int64_t p = 0; p < n_parts; p++) {
            const float *part = parts + (p * N + n) * (C + 1);
            sum += (double)part[c];
            total += (double)part[C];
        }
        float v = (float)(scale * (sum - total * (double)k[i]));
        dq[i] = beta == 0.0f ? v : dq[i] + v;
    }
}

Status cuda_info_nce_backward(Tensor *dq, float dloss_scale, const Tensor *dloss,
                              const Tensor *prob, const Tensor *k, const Tensor *queue,
                              float temperature)
{
    int64_t      N = k->dim[0], C = k->dim[1], K = queue->dim[0];
    float        beta = tensor_beta(dq);
    const float *logit = (const float *)prob->data;
    if (N == 0 || C == 0)
        return OK;
    int64_t per_part = (K + NCE_MOST_PARTS - 1) / NCE_MOST_PARTS;
    per_part = max((per_part + NCE_DEPTH - 1) / NCE_DEPTH * NCE_DEPTH, (int64_t)NCE_PART);
    int64_t n_parts = (K + per_part - 1) / per_part;
    void   *parts = nullptr;
    TRY(cuda_scratch("info_nce gradient", &parts, n_parts * N * (C + 1) * (int64_t)sizeof(float)));
    Status st = OK;
    bool   is_aligned = K % 4 == 0 && gpu_all_aligned(prob, queue);
    if (n_parts > 0)
        st = gpu_by_float_width(C, is_aligned, [&](auto width) {
            return gpu_launch("info_nce gradient", info_nce_part_kernel<decltype(width)::value>,
                              dim3((unsigned)((C + NCE_COLUMNS - 1) / NCE_COLUMNS),
                                   (unsigned)((N + NCE_ROWS - 1) / NCE_ROWS), (unsigned)n_parts),
                              dim3(GPU_WARP, GPU_BLOCK / GPU_WARP), 0, (float *)parts, logit,
                              logit + N * K, (const float *)queue->data, N, C, K, per_part);
        });
    if (st == OK)
        st = gpu_launch("info_nce gradient", info_nce_gradient_kernel, gpu_grid(N * C), GPU_BLOCK,
                        0, (float *)dq->data, beta, dloss_scale, (const float *)dloss->data,
                        (const float *)parts, n_parts, (const float *)k->data, N, C, temperature);
    cuda_free(parts);
    return st;
}
