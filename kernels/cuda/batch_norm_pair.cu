/* batch_norm_pair.cu -- two batch norms and their sum in one piece: the end of a residual block whose shortcut is projected
 *
 *      y = relu(norm(a) + norm(b))                    norm(a) = (a - mean_a) k_a + beta_a, k = gamma rstd, b alike
 *      d = dy where y > 0                             both have the same d; then each is as in batch_norm_backward.cu
 *
 * Alone, the shortcut's norm would be written, read by the other one, and so would be its gradient: five passes over a map
 * of the block's output that these kernels do without. Statistics are batch_norm.cu's. The ReLU's mask is computed from a
 * and b again, to the forward pass's last bit. The passes go through memory as batch norm's do.
 */
#include "kernels/cuda/batch_norm.h"
#include "kernels/cuda/scratch.h"
extern "C" {
#include "kernels/body/relu.h"
}

enum { PAIR_WIDTH = 4, PAIR_AHEAD = 3, PAIR_RESIDENT = 3 };

/* One of the two, as kernels read it. */
template <typename T>
struct PairTerm {
    const T     *x;
    const float *gamma, *beta, *mean, *rstd;
    const float *of_norm; // (G,2,C): sum d / n and sum d xhat / n
    T           *dx;      // NULL: not wanted
    float        dx_beta;
};

template <int V, typename T>
__device__ inline NormValue<V> pair_value(const PairTerm<T> &k, int64_t g, int64_t C, int64_t c)
{
    return {k.gamma, k.beta, k.mean, k.rstd, g, C, c};
}

/* Row a of a thread in its stripe. */
#define PAIR_ROWS(first, a) ((first) + threadIdx.y + (a)*blockDim.y)

template <int V, typename T>
__global__ void __launch_bounds__(GPU_BLOCK, PAIR_RESIDENT)
    norm_pair_kernel(T *y, PairTerm<T> a, PairTerm<T> b, NormShape s, bool relu)
{
    int64_t c = gpu_channel<V>(), g = blockIdx.z;
    if (c >= s.C)
        return;
    NormValue<V> na = pair_value<V>(a, g, s.C, c), nb = pair_value<V>(b, g, s.C, c);
    for (int64_t first = blockIdx.y * s.stripe; first < s.rows; first += gridDim.y * s.stripe) {
        RowVector<V, T> pa[PAIR_AHEAD], pb[PAIR_AHEAD];
        GPU_UNROLL
        for (int l = 0; l < PAIR_AHEAD; l++) {
            int64_t r = PAIR_ROWS(first, l), at = (g * s.rows + r) * s.C + c;
            if (r >= s.rows)
                break;
            pa[l] = row_fetch<V>(a.x + at);
            pb[l] = row_fetch<V>(b.x + at);
        }
        GPU_UNROLL
        for (int l = 0; l < PAIR_AHEAD; l++) {
            int64_t r = PAIR_ROWS(first, l), at = (g * s.rows + r) * s.C + c;
            float   va[V], vb[V];
            if (r >= s.rows)
                break;
            row_unpack<V>(va, pa[l]);
            row_unpack<V>(vb, pb[l]);
            GPU_UNROLL
            for (int j = 0; j < V; j++) {
                float sum = na(va[j], j) + nb(vb[j], j);
                va[j] = relu ? relu_value(sum) : sum;
            }
            row_store<V>(y + at, va);
        }
    }
}

/* What the way back reads of V channels of a row. */
template <int V, typename T>
struct PairRow {
    RowVector<V, T> dy, a, b;

    __device__ inline void fetch(const T *of_dy, const T *of_a, const T *of_b, int64_t at)
    {
        dy = row_fetch<V>(of_dy + at);
        a = row_fetch<V>(of_a + at);
        b = row_fetch<V>(of_b + at);
    }
    /* d, dy behind the ReLU, and either x. */
    __device__ inline void unpack(float *d, float *va, float *vb, const NormValue<V> &norm_a,
                                  const NormValue<V> &norm_b, bool relu) const
    {
        row_unpack<V>(d, dy);
        row_unpack<V>(va, a);
        row_unpack<V>(vb, b);
        GPU_UNROLL
        for (int j = 0; j < V; j++)
            if (relu && !norm_is_kept<T>(norm_a(va[j], j) + norm_b(vb[j], j)))
                d[j] = 0.0f;
    }
};

/* The rows of a thread in the stripe that begins at `first`, of those that exist. */
template <int V, typename T>
__device__ inline void pair_fetch(PairRow<V, T> *row, const T *dy, const T *a, const T *b,
                                  const NormShape &s, int64_t first, int64_t c)
{
    GPU_UNROLL
    for (int l = 0; l < PAIR_AHEAD; l++) {
        int64_t r = PAIR_ROWS(first, l);
        if (r >= s.rows)
            break;
        row[l].fetch(dy, a, b, (blockIdx.z * s.rows + r) * s.C + c);
    }
}

/* parts (2, G, n_parts, 2, C): for either term the sums of d and of d (x - mean); grid (channels, parts, G). */
template <int V, typename T>
__global__ void __launch_bounds__(GPU_BLOCK, 3)
    norm_pair_sums_kernel(float *parts, const T *dy, PairTerm<T> a, PairTerm<T> b, NormShape s,
                          bool relu)
{
    int64_t      c = gpu_channel<V>(), g = blockIdx.z;
    NormParts    of_all(s, s.rows);
    float        sum[V] = {}, dot_a[V] = {}, dot_b[V] = {};
    int64_t      here = min(c, s.C - V); // some channels, for threads beyond the last
    NormValue<V> na = pair_value<V>(a, g, s.C, here), nb = pair_value<V>(b, g, s.C, here);
    for (int64_t first = of_all.last(blockIdx.y); c < s.C && first >= 0; first -= of_all.step) {
        PairRow<V, T> row[PAIR_AHEAD];
        pair_fetch(row, dy, a.x, b.x, s, first, c);
        GPU_UNROLL
        for (int l = 0; l < PAIR_AHEAD; l++) {
            float d[V], va[V], vb[V];
            if (PAIR_ROWS(first, l) >= s.rows)
                break;
            row[l].unpack(d, va, vb, na, nb, relu);
            GPU_UNROLL
            for (int j = 0; j < V; j++) {
                sum[j] += d[j];
                dot_a[j] = fmaf(d[j], va[j] - na.mean[j], dot_a[j]);
                dot_b[j] = fmaf(d[j], vb[j] - nb.mean[j], dot_b[j]);
            }
        }
    }
    rows_sum<V>(sum);
    rows_sum<V>(dot_a);
    rows_sum<V>(dot_b);
    if (threadIdx.y != 0 || c >= s.C)
        return;
    float  *part = parts + (g * gridDim.y + blockIdx.y) * 2 * s.C + c;
    int64_t other = s.G * gridDim.y * 2 * s.C;
    for (int j = 0; j < V; j++) {
        part[j] = part[other + j] = sum[j];
        part[s.C + j] = dot_a[j];
        part[other + s.C + j] = dot_b[j];
    }
}

template <int V, typename T>
__device__ inline void pair_pull_back(const PairTerm<T> &k, int64_t at, const NormValue<V> &norm,
                                      const NormSlope<V> &slope, const float *d, const float *x)
{
    float v[V];
    if (!k.dx)
        return;
    GPU_UNROLL
    for (int j = 0; j < V; j++)
        v[j] = slope(d[j], x[j], norm, j);
    row_add<V>(k.dx + at, k.dx_beta, v);
}

/* dx of either term may be the memory of dy or of its own x. */
template <int V, typename T>
__global__ void __launch_bounds__(GPU_BLOCK, PAIR_RESIDENT)
    norm_pair_backward_kernel(const T *dy, PairTerm<T> a, PairTerm<T> b, NormShape s, bool relu)
{
    int64_t c = gpu_channel<V>(), g = blockIdx.z;
    if (c >= s.C)
        return;
    NormValue<V> na = pair_value<V>(a, g, s.C, c), nb = pair_value<V>(b, g, s.C, c);
    NormSlope<V> sa(na, a.of_norm, a.rstd, g, s.C, c), sb(nb, b.of_norm, b.rstd, g, s.C, c);
    for (int64_t first = blockIdx.y * s.stripe; first < s.rows; first += gridDim.y * s.stripe) {
        PairRow<V, T> row[PAIR_AHEAD];
        pair_fetch(row, dy, a.x, b.x, s, first, c);
        GPU_UNROLL
        for (int l = 0; l < PAIR_AHEAD; l++) {
            int64_t r = PAIR_ROWS(first, l), at = (g * s.rows + r) * s.C + c;
            float   d[V], va[V], vb[V];
            if (r >= s.rows)
                break;
            row[l].unpack(d, va, vb, na, nb, relu);
            pair_pull_back(a, at, na, sa, d, va);
            pair_pull_back(b, at, nb, sb, d, vb);
        }
    }
}

template <typename T>
static PairTerm<T> term_of(const NormTerm *t, const float *of_norm)
{
    PairTerm<T> k = {};
    k.x = (const T *)t->x->data;
    k.gamma = (const float *)t->gamma->data;
    k.beta = (const float *)t->beta->data;
    k.mean = (const float *)t->mean->data;
    k.rstd = (const float *)t->rstd->data;
    k.of_norm = of_norm;
    k.dx = t->dx ? (T *)t->dx->data : nullptr;
    k.dx_beta = t->dx ? tensor_beta(t->dx) : 0.0f;
    return k;
}

static bool is_aligned(const NormTerm *t)
{
    return gpu_all_aligned(t->x, t->gamma, t->beta, t->mean, t->rstd, t->dx);
}

static NormShape shape_of(const Tensor *x, const Norm *op, int V)
{
    return norm_shape_of(x, op->groups, nullptr, V, PAIR_AHEAD);
}

Status cuda_norm_pair_train_forward(Tensor *y, const NormTerm *a, const NormTerm *b, const Norm *op)
{
    int64_t C = y->dim[y->ndim - 1];
    if (C == 0)
        return OK;
    TRY(norm_statistics(a->mean, a->rstd, a->running_mean, a->running_var, a->x, op));
    TRY(norm_statistics(b->mean, b->rstd, b->running_mean, b->running_var, b->x, op));
    if (tensor_count(y) == 0)
        return OK;
    bool aligned = is_aligned(a) && is_aligned(b) && gpu_all_aligned(y);
    return gpu_by_width(y, C, aligned, [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value == 1 ? 1 : PAIR_WIDTH;
        NormShape     s = shape_of(y, op, V);
        RowLaunch     at = norm_sweep(s, V, PAIR_RESIDENT);
        return gpu_launch("norm_pair", norm_pair_kernel<V, T>, at.grid, at.block, 0, (T *)y->data,
                          term_of<T>(a, nullptr), term_of<T>(b, nullptr), s, op->relu);
    });
}

Status cuda_norm_pair_train_backward(const Tensor *dy, const NormTerm *a, const NormTerm *b,
                                     const Norm *op)
{
    int64_t C = dy->dim[dy->ndim - 1];
    if (C == 0)
        return OK;
    bool aligned = is_aligned(a) && is_aligned(b) && gpu_all_aligned(dy);
    return gpu_by_width(dy, C, aligned, [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value == 1 ? 1 : PAIR_WIDTH;
        NormShape     s = shape_of(dy, op, V);
        int64_t       n_parts = NormParts(s, s.rows).n, of_term = s.G * n_parts * 2 * C;
        Scratch       scratch("norm_pair gradient");
        float        *of_norm, *parts;
        TRY(scratch.take(&of_norm, 2 * s.G * 2 * C));
        TRY(scratch.take(&parts, 2 * of_term));
        PairTerm<T> ka = term_of<T>(a, of_norm), kb = term_of<T>(b, of_norm + s.G * 2 * C);
        if (n_parts > 0) {
            RowLaunch at = gpu_rows_blocks(C, V, n_parts, s.G);
            TRY(gpu_launch("norm_pair gradient", norm_pair_sums_kernel<V, T>, at.grid, at.block, 0,
                           parts, (const T *)dy->data, ka, kb, s, op->relu));
        }
        TRY(norm_add_sums(a->dgamma, a->dbeta, (float *)ka.of_norm, parts, n_parts, a->rstd, s));
        TRY(norm_add_sums(b->dgamma, b->dbeta, (float *)kb.of_norm, parts + of_term, n_parts,
                          b->rstd, s));
        if (s.rows == 0 || (!ka.dx && !kb.dx))
            return OK;
        RowLaunch at = norm_sweep(s, V, PAIR_RESIDENT);
        return gpu_launch("norm_pair gradient", norm_pair_backward_kernel<V, T>, at.grid, at.block,
                          0, (const T *)dy->data, ka, kb, s, op->relu);
    });
}
