/* batch_norm.cu -- batch norm with residual and ReLU behind it, forward: x is read twice, y written once
 *
 * 1. moments: a block sums x - origin and its square over one part; the origin is the part's first row, so numbers far
 *    from zero lose nothing. Each part leaves its mean and its squared deviations.
 * 2. finish: the parts are merged in double (Chan et al. 1979), and with those of other processes where there are some;
 *    running statistics move.
 * 3. apply: y = relu((x - mean) k + beta + residual), k = gamma rstd, from the last rows to the first: what step 1 read
 *    last may still lie in the cache of 50 MB.
 */
#include "kernels/cuda/batch_norm.h"
#include "kernels/cuda/batch_norm_share.h"
extern "C" {
#include "kernels/body/relu.h"
}

/* parts (G, n_parts, 2, C): mean and squared deviations; grid (channels, parts, G). */
template <int V, typename T>
__global__ void batch_norm_moments_kernel(float *parts, const T *x, NormShape s)
{
    int64_t n_rows = norm_rows(s), per_part = norm_rows_of_part(s, n_rows);
    int64_t c = gpu_channel<V>(), first = blockIdx.y * per_part;
    int64_t end = min(first + per_part, n_rows), g = blockIdx.z;
    if (first >= end)
        return; // the whole block
    const T *group = x + g * s.rows * s.C;
    float    origin[V] = {}, sum[V] = {}, squares[V] = {};
    if (c < s.C)
        row_load<V>(origin, group + first * s.C + c);
    for (int64_t r = first + threadIdx.y; c < s.C && r < end; r += NORM_AHEAD * blockDim.y) {
        RowVector<V, T> px[NORM_AHEAD];
        GPU_UNROLL
        for (int a = 0; a < NORM_AHEAD; a++)
            if (r + a * blockDim.y < end)
                px[a] = row_fetch<V>(group + (r + a * blockDim.y) * s.C + c);
        GPU_UNROLL
        for (int a = 0; a < NORM_AHEAD; a++) {
            if (r + a * blockDim.y >= end)
                break;
            float v[V];
            row_unpack<V>(v, px[a]);
            GPU_UNROLL
            for (int j = 0; j < V; j++) {
                float d = v[j] - origin[j];
                sum[j] += d;
                squares[j] = fmaf(d, d, squares[j]);
            }
        }
    }
    rows_sum<V>(sum);
    rows_sum<V>(squares);
    if (threadIdx.y != 0 || c >= s.C)
        return;
    float *part = parts + (g * gridDim.y + blockIdx.y) * 2 * s.C + c, n = (float)(end - first);
    for (int j = 0; j < V; j++) {
        float d = sum[j] / n;
        part[j] = origin[j] + d;
        part[s.C + j] = fmaxf(squares[j] - sum[j] * d, 0.0f);
    }
}

/* mean and rstd (G,C), and running statistics (C) or NULL. */
struct NormOutputs {
    float *mean, *rstd, *running_mean, *running_var;
    float  eps, momentum;
};

/* What a thread saw of its channel, summed over the groups. */
struct NormSeen {
    double rows = 0, mean = 0, unbiased = 0;
};

__device__ inline void norm_leave(const NormOutputs &out, NormSeen *seen, NormMoments m, int64_t at)
{
    out.mean[at] = (float)m.mean;
    out.rstd[at] = (float)(1.0 / sqrt(norm_variance(m) + (double)out.eps));
    seen->rows += m.rows;
    seen->mean += m.mean;
    seen->unbiased += norm_unbiased_variance(m);
}

__device__ inline void norm_move(const NormOutputs &out, const NormSeen &seen, int64_t G, int64_t c)
{
    if (seen.rows == 0)
        return; // nothing seen, nothing moves
    float *mean = out.running_mean, *var = out.running_var;
    if (mean)
        mean[c] = norm_running(mean[c], seen.mean / (double)G, out.momentum);
    if (var)
        var[c] = norm_running(var[c], seen.unbiased / (double)G, out.momentum);
}

/* The parts of a group, merged: into own, a table to exchange, where it is given. A block merges 8 channels. */
__global__ void batch_norm_finish_kernel(NormOutputs out, double *own, const float *parts,
                                         int64_t n_table, NormShape s)
{
    int64_t  n_rows = norm_rows(s), per_part = norm_rows_of_part(s, n_rows);
    int64_t  c = (int64_t)blockIdx.x * NORM_FINISH_X + threadIdx.x;
    int64_t  n_parts = c < s.C ? (n_rows + per_part - 1) / per_part : 0;
    double   n = (double)n_rows;
    NormSeen seen;
    for (int64_t g = 0; g < s.G; g++) {
        const float *part = parts + g * n_table * 2 * s.C + c;
        double       sum = 0, m2 = 0;
        for (int64_t p = threadIdx.y; p < n_parts; p += NORM_FINISH_Y)
            sum += (double)part[p * 2 * s.C] * (double)min(per_part, n_rows - p * per_part);
        double mean = n_rows > 0 ? norm_lanes_sum(sum) / n : 0.0;
        for (int64_t p = threadIdx.y; p < n_parts; p += NORM_FINISH_Y) {
            double d = (double)part[p * 2 * s.C] - mean;
            m2 += (double)part[p * 2 * s.C + s.C] +
                  d * d * (double)min(per_part, n_rows - p * per_part);
        }
        m2 = norm_lanes_sum(m2);
        if (threadIdx.y != 0 || c >= s.C)
            continue;
        if (own)
            norm_put(own, g, s.C, c, n, mean, m2);
        else
            norm_leave(out, &seen, {n, mean, m2}, g * s.C + c);
    }
    if (threadIdx.y == 0 && c < s.C)
        norm_move(out, seen, s.G, c);
}

/* The tables of n processes, merged. A thread merges a channel. */
__global__ void batch_norm_share_kernel(NormOutputs out, const double *all, int64_t n, int64_t G,
                                        int64_t C)
{
    for (int64_t c = gpu_index(); c < C; c += gpu_stride()) {
        NormSeen seen;
        for (int64_t g = 0; g < G; g++)
            norm_leave(out, &seen, norm_moments_of_all(all, n, G, g, C, c), g * C + c);
        norm_move(out, seen, G, c);
    }
}

/* Bit j of a byte of Norm.mask. */
template <typename T>
__device__ static uint8_t norm_bits(const float *v)
{
    unsigned bits = 0;
    GPU_UNROLL
    for (int j = 0; j < 8; j++)
        bits |= (unsigned)norm_is_kept<T>(v[j]) << j;
    return (uint8_t)bits;
}

/* The same from y, where a thread has not all channels of a byte. */
template <typename T>
__global__ void batch_norm_mask_kernel(uint8_t *mask, const T *y, int64_t n)
{
    for (int64_t i = gpu_index(); i < n; i += gpu_stride()) {
        float v[8];
        for (int j = 0; j < 8; j++)
            v[j] = gpu_get(&y[8 * i + j]);
        mask[i] = norm_bits<T>(v);
    }
}

/* rstd (G,C), or var (C) in eval mode. Rows that do not exist become 0. mask may be NULL; V = 8 fills it. */
template <int V, typename T>
__global__ void __launch_bounds__(GPU_BLOCK, 2)
    batch_norm_apply_kernel(T *y, uint8_t *mask, const T *x, const T *residual, const float *gamma,
                            const float *beta, const float *mean, const float *rstd,
                            const float *var, float eps, NormShape s, bool relu)
{
    int64_t c = gpu_channel<V>(), g = blockIdx.z, n_rows = norm_rows(s);
    if (c >= s.C)
        return;
    float m[V], k[V], b[V], scale[V];
    row_load<V>(m, mean + g * s.C + c);
    norm_rstd<V>(scale, rstd, var, eps, g * s.C + c);
    row_load<V>(k, gamma + c);
    row_load<V>(b, beta + c);
    for (int j = 0; j < V; j++)
        k[j] *= scale[j];
    int64_t step = gpu_row_stride();
    for (int64_t first = gpu_row(); first < s.rows; first += NORM_AHEAD * step) {
        RowVector<V, T> px[NORM_AHEAD], padd[NORM_AHEAD];
        GPU_UNROLL
        for (int a = 0; a < NORM_AHEAD; a++) {
            int64_t r = s.rows - 1 - first - a * step, at = (g * s.rows + r) * s.C + c;
            bool    is_there = r >= 0 && r < n_rows;
            if (is_there)
                px[a] = row_fetch<V>(x + at);
            if (is_there && residual)
                padd[a] = row_fetch<V>(residual + at);
        }
        GPU_UNROLL
        for (int a = 0; a < NORM_AHEAD; a++) {
            int64_t r = s.rows - 1 - first - a * step, at = (g * s.rows + r) * s.C + c;
            float   v[V] = {}, add[V] = {};
            if (r < 0)
                break;
            if (r < n_rows) {
                row_unpack<V>(v, px[a]);
                if (residual)
                    row_unpack<V>(add, padd[a]);
                GPU_UNROLL
                for (int j = 0; j < V; j++) {
                    float norm = fmaf(v[j] - m[j], k[j], b[j]) + add[j];
                    v[j] = relu ? relu_value(norm) : norm;
                }
            }
            row_store<V>(y + at, v);
            if (V == 8 && mask)
                mask[at / 8] = norm_bits<T>(v);
        }
    }
}

static const float *floats(const Tensor *x)
{
    return (const float *)x->data;
}

/* Step 3 for either mode: rstd, or the running variance. */
template <int V, typename T>
static Status apply(Tensor *y, const Tensor *x, const Tensor *residual, const Tensor *gamma,
                    const Tensor *beta, const Tensor *mean, const Tensor *rstd, const Tensor *var,
                    const Norm *op, NormShape s)
{
    RowLaunch at = gpu_rows(s.rows, s.C, V, s.G, 8);
    uint8_t  *mask = op->mask ? (uint8_t *)op->mask->data : nullptr;
    TRY(gpu_launch("batch_norm", batch_norm_apply_kernel<V, T>, at.grid, at.block, 0, (T *)y->data,
                   mask, (const T *)x->data, (const T *)(residual ? residual->data : nullptr),
                   floats(gamma), floats(beta), floats(mean), rstd ? floats(rstd) : nullptr,
                   var ? floats(var) : nullptr, op->eps, s, op->relu));
    if (V == 8 || !mask)
        return OK;
    int64_t n = tensor_count(op->mask);
    return gpu_launch("batch_norm", batch_norm_mask_kernel<T>, gpu_grid(n), GPU_BLOCK, 0, mask,
                      (const T *)y->data, n);
}

Status norm_statistics(Tensor *mean, Tensor *rstd, Tensor *running_mean, Tensor *running_var,
                       const Tensor *x, const Norm *op)
{
    int64_t C = x->dim[x->ndim - 1];
    return gpu_by_width(x, C, gpu_all_aligned(x), [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value;
        NormShape     s = norm_shape_of(x, op->groups, op->count, V);
        int64_t       n_parts = norm_table_parts(&s);
        Scratch       scratch("batch_norm");
        NormTables    tables("batch_norm");
        float        *parts;
        TRY(scratch.take(&parts, s.G * n_parts * 2 * C));
        TRY(tables.take(op->share, s.G, C));
        if (n_parts > 0) {
            RowLaunch at = gpu_rows_blocks(C, V, n_parts, s.G);
            TRY(gpu_launch("batch_norm", batch_norm_moments_kernel<V, T>, at.grid, at.block, 0,
                           parts, (const T *)x->data, s));
        }
        NormOutputs out = {(float *)mean->data,
                           (float *)rstd->data,
                           (float *)(running_mean ? running_mean->data : nullptr),
                           (float *)(running_var ? running_var->data : nullptr),
                           op->eps,
                           op->momentum};
        TRY(gpu_launch("batch_norm", batch_norm_finish_kernel, norm_finish_grid(C),
                       NORM_FINISH_BLOCK, 0, out, tables.own, parts, n_parts, s));
        if (!op->share)
            return OK;
        TRY(tables.gather());
        return gpu_launch("batch_norm", batch_norm_share_kernel, gpu_grid(C), GPU_BLOCK, 0, out,
                          tables.all, op->share->n, s.G, C);
    });
}

Status cuda_batch_norm_train_forward(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                                     Tensor *running_var, const Tensor *x, const Tensor *residual,
                                     const Tensor *gamma, const Tensor *beta, const Norm *op)
{
    int64_t C = x->dim[x->ndim - 1];
    if (C == 0)
        return OK;
    TRY(norm_statistics(mean, rstd, running_mean, running_var, x, op));
    if (tensor_count(x) == 0)
        return OK;
    bool is_aligned = gpu_all_aligned(y, x, residual, gamma, beta, mean, rstd);
    return gpu_by_width(x, C, is_aligned, [&](auto type, auto width) {
        constexpr int V = decltype(width)::value;
        return apply<V, decltype(type)>(y, x, residual, gamma, beta, mean, rstd, nullptr, op,
                                        norm_shape_of(x, op->groups, op->count, V));
    });
}

Status cuda_batch_norm_eval_forward(Tensor *y, const Tensor *x, const Tensor *residual,
                                    const Tensor *gamma, const Tensor *beta,
                                    const Tensor *running_mean, const Tensor *running_var,
                                    const Norm *op)
{
    if (tensor_count(x) == 0)
        return OK;
    int64_t C = x->dim[x->ndim - 1];
    bool    is_aligned = gpu_all_aligned(y, x, residual, gamma, beta, running_mean, running_var);
    return gpu_by_width(x, C, is_aligned, [&](auto type, auto width) {
        constexpr int V = decltype(width)::value;
        return apply<V, decltype(type)>(y, x, residual, gamma, beta, running_mean, nullptr,
                                        running_var, op, norm_shape_of(x, 1, nullptr, V));
    });
}
