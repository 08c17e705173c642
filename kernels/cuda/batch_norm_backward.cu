/* batch_norm_backward.cu -- gradients of batch norm with residual and ReLU: two passes over dy, x and the ReLU's mask
 *
 *      d = dy where y > 0 (everywhere without ReLU)          xhat = (x - mean) rstd
 *      dgamma = sum d xhat    dbeta = sum d    dresidual = d
 *      dx = gamma rstd (d - dbeta / n - xhat dgamma / n)     over the n rows of a group; the last two are 0 in eval mode
 *
 * 1. sums: a block sums d and d (x - mean) over one part, and writes dresidual on the way, from the last rows to the first.
 * 2. finish: adds the parts, for dx also those of other processes where there are some.
 * 3. apply: dx, from the first rows to the last (batch_norm.cu says why). Where step 1 wrote a blank dresidual, it is
 *    read in the place of dy and y: one tensor less. In eval mode step 3 needs no sums and writes dresidual itself.
 *
 * y is not read where it can be helped: where nothing was added it is computed from x again, to the forward pass's last
 * bit, and otherwise the forward pass may have left the mask in bits.
 */
#include "kernels/cuda/batch_norm.h"
#include "kernels/cuda/batch_norm_share.h"

/* Where the ReLU's mask comes from. */
enum NormMask { MASK_NONE, MASK_BY_Y, MASK_BY_X, MASK_BY_BITS };

/* Rows that a thread loads before it uses the first, of two or three tensors. A thread has six rows of a stripe either way,
 * so that the mask's origin changes no sum. */
enum { NORM_BACK_STRIPE = 6 };
__host__ __device__ constexpr int norm_ahead_back(NormMask mask)
{
    return mask == MASK_BY_Y ? 2 : 3;
}
enum { NORM_RESIDENT = 3 }; // blocks of step 3 a multiprocessor

/* What both passes read and write; NULL marks what is absent. */
template <typename T>
struct NormGradient {
    NormMask       mask;
    const T       *dy, *y, *x; // y by MASK_BY_Y
    const uint8_t *bits;
    const float   *gamma, *beta, *mean, *rstd, *var;
    float          eps;
    const float   *of_norm; // (G,2,C): sum d / n and sum d xhat / n
    T             *dx, *dresidual;
    float          dx_beta, dresidual_beta;
    T             *behind; // a dresidual that is done, except for zeros in rows that do not exist
};

/* The normalised value that the forward pass rounded to y, by MASK_BY_X, of channels c .. c+V-1 of group g. */
template <int V, NormMask MASK>
struct NormAgain {
    float scale[MASK == MASK_BY_X ? V : 1], shift[MASK == MASK_BY_X ? V : 1];
    template <typename T>
    __device__ inline NormAgain(const NormGradient<T> &k, int64_t g, int64_t C, int64_t c)
    {
        if constexpr (MASK == MASK_BY_X) {
            float rstd[V];
            row_load<V>(scale, k.gamma + c);
            row_load<V>(rstd, k.rstd + g * C + c);
            row_load<V>(shift, k.beta + c);
            GPU_UNROLL
            for (int j = 0; j < V; j++)
                scale[j] *= rstd[j];
        }
    }
};

/* V elements of dy, y and x, loaded ahead. */
template <int V, typename T, NormMask MASK>
struct NormLoaded {
    RowVector<V, T> dy, y, x;
    unsigned        bits;
    __device__ inline NormLoaded(const NormGradient<T> &k, int64_t at, bool is_there, bool wants_x)
    {
        if (!is_there)
            return;
        dy = row_fetch<V>(k.dy + at);
        if (MASK == MASK_BY_Y)
            y = row_fetch<V>(k.y + at);
        if (MASK == MASK_BY_BITS)
            bits = k.bits[at / 8] >> at % 8;
        if (wants_x)
            x = row_fetch<V>(k.x + at);
    }
    __device__ NormLoaded()
    {
    }
    /* dy behind the mask; v holds x, m the means. */
    __device__ inline void arrived(float *d, const NormAgain<V, MASK> &again, const float *v,
                                   const float *m) const
    {
        row_unpack<V>(d, dy);
        if constexpr (MASK == MASK_BY_Y) {
            float kept[V];
            row_unpack<V>(kept, y);
            GPU_UNROLL
            for (int j = 0; j < V; j++)
                d[j] = kept[j] > 0.0f ? d[j] : 0.0f;
        }
        if constexpr (MASK == MASK_BY_X) {
            GPU_UNROLL
            for (int j = 0; j < V; j++)
                d[j] = norm_is_kept<T>(fmaf(v[j] - m[j], again.scale[j], again.shift[j])) ? d[j]
                                                                                          : 0.0f;
        }
        if constexpr (MASK == MASK_BY_BITS) {
            GPU_UNROLL
            for (int j = 0; j < V; j++)
                d[j] = bits >> j & 1 ? d[j] : 0.0f;
        }
    }
};

/* parts (G, n_parts, 2, C): the sums of d and of d (x - mean), the second 0 without x; grid (channels, parts, G). */
template <int V, typename T, NormMask MASK>
__global__ void __launch_bounds__(GPU_BLOCK, 4)
    batch_norm_sums_kernel(float *parts, NormGradient<T> k, NormShape s)
{
    int64_t   n_rows = norm_rows(s), c = gpu_channel<V>(), g = blockIdx.z, mine = blockIdx.y;
    NormParts of_all(s, n_rows);
    if (mine >= of_all.n)
        return; // the whole block
    constexpr int      AHEAD = norm_ahead_back(MASK);
    float              m[V] = {}, sum[V] = {}, dot[V] = {};
    int64_t            here = min(c, s.C - V); // some channels, for threads beyond the last
    NormAgain<V, MASK> again(k, g, s.C, here);
    row_load<V>(m, k.mean + g * s.C + here);
    for (int64_t at = of_all.last(mine); c < s.C && at >= 0; at -= of_all.step)
        for (int64_t first = at; first < at + s.stripe; first += AHEAD * blockDim.y) {
            NormLoaded<V, T, MASK> loaded[AHEAD];
            GPU_UNROLL
            for (int a = 0; a < AHEAD; a++) {
                int64_t r = first + threadIdx.y + a * blockDim.y;
                loaded[a] = NormLoaded<V, T, MASK>(k, (g * s.rows + r) * s.C + c, r < n_rows, k.x);
            }
            GPU_UNROLL
            for (int a = 0; a < AHEAD; a++) {
                int64_t r = first + threadIdx.y + a * blockDim.y, i = (g * s.rows + r) * s.C + c;
                float   d[V], v[V] = {};
                if (r >= n_rows)
                    break;
                if (k.x)
                    row_unpack<V>(v, loaded[a].x);
                loaded[a].arrived(d, again, v, m);
                if (k.dresidual)
                    row_add<V>(k.dresidual + i, k.dresidual_beta, d);
                GPU_UNROLL
                for (int j = 0; j < V; j++) {
                    sum[j] += d[j];
                    dot[j] = k.x ? fmaf(d[j], v[j] - m[j], dot[j]) : 0.0f;
                }
            }
        }
    rows_sum<V>(sum);
    rows_sum<V>(dot);
    if (threadIdx.y != 0 || c >= s.C)
        return;
    float *part = parts + (g * gridDim.y + blockIdx.y) * 2 * s.C + c;
    for (int j = 0; j < V; j++) {
        part[j] = sum[j];
        part[s.C + j] = dot[j];
    }
}

/* dgamma and dbeta (C), of_norm (G,2,C), and own, a table to exchange: each may be NULL. of_norm are means over `places`, 0:
 * over the rows that were summed. A block adds 8 channels' parts. */
__global__ void batch_norm_sums_finish_kernel(float *dgamma, float gamma_beta, float *dbeta,
                                              float beta_beta, float *of_norm, double *own,
                                              const float *parts, int64_t n_table,
                                              const float *rstd, const float *var, float eps,
                                              int64_t places, NormShape s)
{
    int64_t n_rows = norm_rows(s), c = (int64_t)blockIdx.x * NORM_FINISH_X + threadIdx.x;
    int64_t n_parts = c < s.C ? NormParts(s, n_rows).n : 0;
    int64_t most = places > 0 ? places : n_rows;
    double  n = most > 0 ? (double)most : 1.0, gamma_sum = 0, beta_sum = 0;
    for (int64_t g = 0; g < s.G; g++) {
        const float *part = parts + g * n_table * 2 * s.C + c;
        double       both[2] = {0, 0};
        GPU_UNROLL_BY(NORM_FINISH_AHEAD)
        for (int64_t p = threadIdx.y; p < n_parts; p += NORM_FINISH_Y) {
            both[0] += (double)part[p * 2 * s.C];
            both[1] += (double)part[p * 2 * s.C + s.C];
        }
        norm_lanes_sum<2>(both);
        double sum = both[0], dot = both[1];
        if (threadIdx.y != 0 || c >= s.C)
            continue;
        if (own)
            norm_put(own, g, s.C, c, (double)n_rows, sum, dot);
        dot *= var ? 1.0 / sqrt((double)var[c] + (double)eps) : (double)rstd[g * s.C + c];
        gamma_sum += dot;
        beta_sum += sum;
        if (of_norm) {
            of_norm[g * 2 * s.C + c] = (float)(sum / n);
            of_norm[g * 2 * s.C + s.C + c] = (float)(dot / n);
        }
    }
    if (threadIdx.y != 0 || c >= s.C)
        return;
    if (dgamma)
        dgamma[c] = gamma_beta == 0.0f ? (float)gamma_sum : (float)(dgamma[c] + gamma_sum);
    if (dbeta)
        dbeta[c] = beta_beta == 0.0f ? (float)beta_sum : (float)(dbeta[c] + beta_sum);
}

/* of_norm from the tables of n processes. */
__global__ void batch_norm_share_sums_kernel(float *of_norm, const double *all, int64_t n,
                                             const float *rstd, int64_t G, int64_t C)
{
    for (int64_t i = gpu_index(); i < G * C; i += gpu_stride()) {
        int64_t  g = i / C, c = i % C;
        NormSums s = norm_sums_of_all(all, n, G, g, C, c);
        double   rows = s.rows > 0 ? s.rows : 1.0;
        of_norm[g * 2 * C + c] = (float)(s.sum / rows);
        of_norm[g * 2 * C + C + c] = (float)(s.dot * (double)rstd[i] / rows);
    }
}

/* dx = dx_beta dx + (a d + p (x - mean) + q), of rows that exist. */
template <int V, typename T, NormMask MASK>
__global__ void __launch_bounds__(GPU_BLOCK, NORM_RESIDENT)
    batch_norm_backward_kernel(NormGradient<T> k, NormShape s)
{
    int64_t c = gpu_channel<V>(), g = blockIdx.z, n_rows = norm_rows(s);
    if (c >= s.C)
        return;
    constexpr int      AHEAD = norm_ahead_back(MASK);
    float              a[V], m[V] = {}, p[V] = {}, q[V] = {}, scale[V];
    NormAgain<V, MASK> again(k, g, s.C, c);
    row_load<V>(a, k.gamma + c);
    norm_rstd<V>(scale, k.rstd, k.var, k.eps, g * s.C + c);
    if (k.of_norm) {
        row_load<V>(m, k.mean + g * s.C + c);
        row_load<V>(q, k.of_norm + g * 2 * s.C + c);
        row_load<V>(p, k.of_norm + g * 2 * s.C + s.C + c);
    }
    GPU_UNROLL
    for (int j = 0; j < V; j++) {
        a[j] *= scale[j];
        p[j] *= -a[j] * scale[j];
        q[j] *= -a[j];
    }
    bool wants_x = k.dx && k.of_norm;
    for (int64_t at = blockIdx.y * s.stripe; at < s.rows; at += gridDim.y * s.stripe)
        for (int64_t first = at; first < at + s.stripe; first += AHEAD * blockDim.y) {
            NormLoaded<V, T, MASK> loaded[AHEAD];
            GPU_UNROLL
            for (int l = 0; l < AHEAD; l++) {
                int64_t r = first + threadIdx.y + l * blockDim.y;
                loaded[l] =
                    NormLoaded<V, T, MASK>(k, (g * s.rows + r) * s.C + c, r < n_rows, wants_x);
            }
            GPU_UNROLL
            for (int l = 0; l < AHEAD; l++) {
                int64_t r = first + threadIdx.y + l * blockDim.y, i = (g * s.rows + r) * s.C + c;
                float   d[V] = {}, v[V] = {};
                if (r >= s.rows)
                    break;
                if (wants_x && r < n_rows)
                    row_unpack<V>(v, loaded[l].x);
                if (r < n_rows)
                    loaded[l].arrived(d, again, v, m);
                if (k.dresidual)
                    row_add<V>(k.dresidual + i, k.dresidual_beta, d);
                if (k.behind && r >= n_rows)
                    row_store<V>(k.behind + i, d);
                if (!k.dx)
                    continue;
                GPU_UNROLL
                for (int j = 0; j < V; j++)
                    v[j] = r < n_rows ? fmaf(a[j], d[j], fmaf(p[j], v[j] - m[j], q[j])) : 0.0f;
                row_add<V>(k.dx + i, k.dx_beta, v);
            }
        }
}

/* f(the constant mask). */
template <typename F>
static Status by_mask(NormMask mask, F f)
{
    using std::integral_constant;
    switch (mask) {
    case MASK_BY_Y:
        return f(integral_constant<NormMask, MASK_BY_Y>{});
    case MASK_BY_X:
        return f(integral_constant<NormMask, MASK_BY_X>{});
    case MASK_BY_BITS:
        return f(integral_constant<NormMask, MASK_BY_BITS>{});
    default:
        return f(integral_constant<NormMask, MASK_NONE>{});
    }
}

static const float *floats(const Tensor *x)
{
    return x ? (const float *)x->data : nullptr;
}

static float beta_of(Tensor *x)
{
    return x ? tensor_beta(x) : 0.0f;
}

Status norm_add_sums(Tensor *dgamma, Tensor *dbeta, float *of_norm, const float *parts,
                     int64_t n_table, const Tensor *rstd, const NormShape &s)
{
    float gamma_beta = beta_of(dgamma), beta_beta = beta_of(dbeta);
    return gpu_launch("batch_norm gradient", batch_norm_sums_finish_kernel, norm_finish_grid(s.C),
                      NORM_FINISH_BLOCK, 0, (float *)(dgamma ? dgamma->data : nullptr), gamma_beta,
                      (float *)(dbeta ? dbeta->data : nullptr), beta_beta, of_norm, nullptr, parts,
                      n_table, floats(rstd), nullptr, 0.0f, 0, s);
}

/* Steps 1 and 2; places as in the kernel of step 2. */
template <int V, typename T>
static Status sums(Tensor *dgamma, Tensor *dbeta, float *of_norm, NormGradient<T> k, NormShape s,
                   const NormShare *share, int64_t places = 0)
{
    int64_t    n_parts = NormParts(s, s.rows).n;
    float      gamma_beta = beta_of(dgamma), beta_beta = beta_of(dbeta);
    Scratch    scratch("batch_norm gradient");
    NormTables tables("batch_norm gradient");
    float     *parts;
    TRY(scratch.take(&parts, s.G * n_parts * 2 * s.C));
    TRY(tables.take(share, s.G, s.C));
    if (n_parts > 0) {
        RowLaunch at = gpu_rows_blocks(s.C, V, n_parts, s.G);
        TRY(by_mask(k.mask, [&](auto mask) {
            return gpu_launch("batch_norm gradient", batch_norm_sums_kernel<V, T, mask>, at.grid,
                              at.block, 0, parts, k, s);
        }));
    }
    TRY(gpu_launch("batch_norm gradient", batch_norm_sums_finish_kernel, norm_finish_grid(s.C),
                   NORM_FINISH_BLOCK, 0, (float *)(dgamma ? dgamma->data : nullptr), gamma_beta,
                   (float *)(dbeta ? dbeta->data : nullptr), beta_beta, share ? nullptr : of_norm,
                   tables.own, parts, n_parts, k.rstd, k.var, k.eps, places, s));
    if (!share)
        return OK;
    TRY(tables.gather());
    return gpu_launch("batch_norm gradient", batch_norm_share_sums_kernel, gpu_grid(s.G * s.C),
                      GPU_BLOCK, 0, of_norm, tables.all, share->n, k.rstd, s.G, s.C);
}

/* Step 3. */
template <int V, typename T>
static Status apply(NormGradient<T> k, const Tensor *like, int64_t groups, const Tensor *count)
{
    NormShape s = norm_shape_of(like, groups, count, V, NORM_BACK_STRIPE);
    if (s.rows == 0 || (!k.dx && !k.dresidual && !k.behind))
        return OK;
    RowLaunch at = norm_sweep(s, V, NORM_RESIDENT);
    return by_mask(k.mask, [&](auto mask) {
        return gpu_launch("batch_norm gradient", batch_norm_backward_kernel<V, T, mask>, at.grid,
                          at.block, 0, k, s);
    });
}

template <typename T>
static NormGradient<T> gradient_of(Tensor *dx, Tensor *dresidual, const Tensor *dy, const Tensor *y,
                                   const Tensor *x, const Tensor *gamma, const Tensor *mean,
                                   const Norm *op)
{
    NormGradient<T> k = {};
    k.dy = (const T *)dy->data;
    k.mask = op->relu ? MASK_BY_Y : MASK_NONE;
    k.y = op->relu && y ? (const T *)y->data : nullptr;
    k.x = x ? (const T *)x->data : nullptr;
    k.gamma = floats(gamma);
    k.mean = floats(mean);
    k.eps = op->eps;
    k.dx = dx ? (T *)dx->data : nullptr;
    k.dresidual = dresidual ? (T *)dresidual->data : nullptr;
    k.dx_beta = beta_of(dx);
    k.dresidual_beta = beta_of(dresidual);
    return k;
}

Status norm_gradient_sums(Tensor *dgamma, Tensor *dbeta, float *of_norm, const Tensor *dy,
                          const Tensor *x, const Tensor *gamma, const Tensor *mean,
                          const Tensor *rstd, const Norm *op, int64_t places)
{
    int64_t C = x->dim[x->ndim - 1];
    bool    is_aligned = gpu_all_aligned(dy, x, gamma, op->beta, mean, rstd);
    return gpu_by_width(x, C, is_aligned, [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int   V = decltype(width)::value == 1 ? 1 : NORM_BACK_WIDTH;
        NormGradient<T> k = gradient_of<T>(nullptr, nullptr, dy, nullptr, x, gamma, mean, op);
        k.mask = MASK_BY_X;
        k.beta = floats(op->beta);
        k.rstd = floats(rstd);
        return sums<V, T>(dgamma, dbeta, of_norm, k,
                          norm_shape_of(x, op->groups, nullptr, V, NORM_BACK_STRIPE), nullptr,
                          places);
    });
}

Status cuda_batch_norm_train_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                      const Tensor *dy, const Tensor *y, const Tensor *x,
                                      const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                      const Norm *op)
{
    int64_t C = x->dim[x->ndim - 1];
    if (C == 0)
        return OK;
    bool is_aligned =
        gpu_all_aligned(dx, dresidual, dy, op->relu ? y : nullptr, x, gamma, op->beta, mean, rstd);
    return gpu_by_width(x, C, is_aligned, [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int   V = decltype(width)::value == 1 ? 1 : NORM_BACK_WIDTH;
        NormGradient<T> k = gradient_of<T>(dx, dresidual, dy, y, x, gamma, mean, op);
        Scratch         scratch("batch_norm gradient");
        float          *of_norm;
        TRY(scratch.take(&of_norm, op->groups * 2 * C));
        k.rstd = floats(rstd);
        k.of_norm = of_norm;
        k.beta = floats(op->beta);
        k.bits = op->mask ? (const uint8_t *)op->mask->data : nullptr;
        if (op->relu && (op->mask || op->beta))
            k.mask = op->mask ? MASK_BY_BITS : MASK_BY_X;
        NormShape s = norm_shape_of(x, op->groups, op->count, V, NORM_BACK_STRIPE);
        TRY((sums<V, T>(dgamma, dbeta, of_norm, k, s, op->share)));
        if (k.dresidual && k.dresidual_beta == 0.0f) { // it holds d
            k.dy = k.dresidual;
            k.mask = MASK_NONE;
            k.behind = s.count ? k.dresidual : nullptr;
        }
        k.dresidual = nullptr;
        return apply<V, T>(k, x, op->groups, op->count);
    });
}

Status cuda_batch_norm_eval_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                     const Tensor *dy, const Tensor *y, const Tensor *x,
                                     const Tensor *gamma, const Tensor *running_mean,
                                     const Tensor *running_var, const Norm *op)
{
    int64_t C = dy->dim[dy->ndim - 1];
    if (C == 0)
        return OK;
    if (!dgamma)
        x = nullptr; // not needed, and perhaps no longer there
    bool is_aligned = gpu_all_aligned(dx, dresidual, dy, op->relu ? y : nullptr, x, gamma,
                                      running_mean, running_var);
    return gpu_by_width(dy, C, is_aligned, [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int   V = decltype(width)::value == 1 ? 1 : NORM_BACK_WIDTH;
        NormGradient<T> k = gradient_of<T>(dx, dresidual, dy, y, x, gamma, running_mean, op);
        k.var = floats(running_var);
        NormShape s = norm_shape_of(dy, 1, nullptr, V, NORM_BACK_STRIPE);
        if (dgamma || dbeta) {
            NormGradient<T> without = k;
            without.dresidual = nullptr;
            TRY((sums<V, T>(dgamma, dbeta, nullptr, without, s, nullptr)));
        }
        return apply<V, T>(k, dy, 1, nullptr);
    });
}
