/* optim.cu -- one pass over flat parameters: 16 bytes a thread of every buffer, each byte read and written once
 *
 * SGD moves 20 bytes a parameter (and 2 for the bf16 copy), the moving average 12 (and 2): ResNet-50 and its key encoder
 * are 25.6 M parameters each, 0.3 ms a step at 3 TB/s.
 */
#include "kernels/cuda/rows.h"
extern "C" {
#include "kernels/body/optim.h"
}

enum { OPTIM_V = 8, OPTIM_PARTS = 528, OPTIM_PER_PART = 2048 };

/* Parameters begin .. n-1 in vectors of V; begin and n - begin are multiples of V. */
template <int V>
__global__ void sgd_kernel(float *w, float *v, const float *g, bf16 *low, int64_t begin, int64_t n,
                           float lr, float momentum, float decay, bool is_first,
                           const double *squares)
{
    if (!isfinite(*squares))
        return;
    for (int64_t i = begin + gpu_index() * V; i < n; i += gpu_stride() * V) {
        float ws[V], vs[V] = {}, gs[V];
        row_load<V>(ws, w + i);
        row_load<V>(gs, g + i);
        if (!is_first)
            row_load<V>(vs, v + i);
        for (int j = 0; j < V; j++)
            sgd_value(ws + j, vs + j, gs[j], lr, momentum, decay, is_first);
        row_store<V>(w + i, ws);
        row_store<V>(v + i, vs);
        if (low)
            row_store<V>(low + i, ws);
    }
}

template <int V>
__global__ void ema_kernel(float *k, const float *q, bf16 *low, int64_t begin, int64_t n, float m)
{
    for (int64_t i = begin + gpu_index() * V; i < n; i += gpu_stride() * V) {
        float ks[V], qs[V];
        row_load<V>(ks, k + i);
        row_load<V>(qs, q + i);
        for (int j = 0; j < V; j++)
            ks[j] = ema_value(ks[j], qs[j], m);
        row_store<V>(k + i, ks);
        if (low)
            row_store<V>(low + i, ks);
    }
}

template <int V>
__global__ void clip_kernel(float *x, int64_t begin, int64_t n, const double *squares,
                            float max_norm)
{
    float factor = clip_factor(*squares, max_norm);
    if (factor == 1.0f)
        return;
    for (int64_t i = begin + gpu_index() * V; i < n; i += gpu_stride() * V) {
        float v[V];
        row_load<V>(v, x + i);
        for (int j = 0; j < V; j++)
            v[j] *= factor;
        row_store<V>(x + i, v);
    }
}

/* part[block]: the sum of squares of the block's stride through x. A thread takes OPTIM_V neighbours at a time, loaded one
 * by one where x is not aligned: the order does not depend on addresses. */
template <int V>
__global__ void sum_squares_kernel(double *part, const float *x, int64_t n)
{
    double  sum = 0;
    int64_t i = gpu_index() * OPTIM_V;
    for (; i + OPTIM_V <= n; i += gpu_stride() * OPTIM_V) {
        float v[OPTIM_V];
        GPU_UNROLL
        for (int j = 0; j < OPTIM_V; j += V)
            row_load<V>(v + j, x + i + j);
        GPU_UNROLL
        for (int j = 0; j < OPTIM_V; j++)
            sum += (double)v[j] * (double)v[j];
    }
    for (; i < n; i++) // one thread's
        sum += (double)x[i] * (double)x[i];
    sum = gpu_block_reduce(sum, 0.0, GpuSum());
    if (threadIdx.x == 0)
        part[blockIdx.x] = sum;
}

__global__ void sum_squares_finish_kernel(double *squares, const double *part, int n_parts,
                                          bool is_first)
{
    double s = 0;
    for (int i = (int)threadIdx.x; i < n_parts; i += (int)blockDim.x)
        s += part[i];
    s = gpu_block_reduce(s, 0.0, GpuSum());
    if (threadIdx.x == 0)
        *squares = is_first ? s : *squares + s;
}

/* Runs launch(V, begin, end) on the part of n elements that goes in vectors, and on the rest. */
template <typename F>
static Status in_vectors(int64_t n, bool is_aligned, F launch)
{
    int64_t wide = is_aligned ? n / OPTIM_V * OPTIM_V : 0;
    if (wide > 0)
        TRY(launch(std::integral_constant<int, OPTIM_V>{}, (int64_t)0, wide));
    return wide < n ? launch(std::integral_constant<int, 1>{}, wide, n) : OK;
}

Status cuda_sgd(float *w, float *v, const float *g, void *low, int64_t n, float lr, float momentum,
                float decay, bool is_first, const double *squares)
{
    return in_vectors(
        n, gpu_is_aligned(w, v, g, (float *)low), [&](auto width, int64_t begin, int64_t end) {
            constexpr int V = decltype(width)::value;
            return gpu_launch("sgd", sgd_kernel<V>, gpu_grid((end - begin) / V), GPU_BLOCK, 0, w, v,
                              g, (bf16 *)low, begin, end, lr, momentum, decay, is_first, squares);
        });
}

Status cuda_ema(float *k, const float *q, void *low, int64_t n, float m)
{
    return in_vectors(n, gpu_is_aligned(k, q, (float *)low),
                      [&](auto width, int64_t begin, int64_t end) {
                          constexpr int V = decltype(width)::value;
                          return gpu_launch("ema", ema_kernel<V>, gpu_grid((end - begin) / V),
                                            GPU_BLOCK, 0, k, q, (bf16 *)low, begin, end, m);
                      });
}

Status cuda_clip(float *x, int64_t n, const double *squares, float max_norm)
{
    return in_vectors(n, gpu_is_aligned(x), [&](auto width, int64_t begin, int64_t end) {
        constexpr int V = decltype(width)::value;
        return gpu_launch("clip", clip_kernel<V>, gpu_grid((end - begin) / V), GPU_BLOCK, 0, x,
                          begin, end, squares, max_norm);
    });
}

Status cuda_sum_squares(double *squares, const float *x, int64_t n, bool is_first)
{
    int64_t blocks = (n + OPTIM_PER_PART - 1) / OPTIM_PER_PART;
    int     n_parts = (int)(blocks < 1 ? 1 : blocks < OPTIM_PARTS ? blocks : (int64_t)OPTIM_PARTS);
    void   *part = nullptr;
    TRY(cuda_scratch("sum_squares", &part, n_parts * (int64_t)sizeof(double)));
    Status st = gpu_launch("sum_squares",
                           gpu_is_aligned(x) ? sum_squares_kernel<OPTIM_V> : sum_squares_kernel<1>,
                           dim3((unsigned)n_parts), GPU_BLOCK, 0, (double *)part, x, n);
    if (st == OK)
        st = gpu_launch("sum_squares", sum_squares_finish_kernel, 1, GPU_BLOCK, 0, squares,
                        (const double *)part, n_parts, is_first);
    cuda_free(part);
    return st;
}
