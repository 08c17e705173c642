/* batch_norm.h -- what the two directions of batch norm share: parts of rows, and the vectors of a channel
 *
 *      group g:  | 0 | 1 | 2 | 0 | 1 | 2 | 0 | rows that do not exist (count) |      stripes of some rows, by part
 *
 * A block sums one part of some channels, a second kernel adds the parts in order. The stripes of a part lie apart, so that
 * all blocks go through memory side by side, and the pass behind them, from the other end, finds what they read last in the
 * cache. Parts are cut by the number of rows alone: sums are the same at every run, and the same whether rows are absent
 * from the tensor or behind its count. At most 512 blocks of 256 threads: four a multiprocessor keep memory busy, and
 * few parts are left to add. Processes that share statistics exchange what their own parts add up to (batch_norm_share.h).
 */
#pragma once
#include "kernels/cuda/rows.h"

enum {
    NORM_BLOCKS = 512,
    NORM_LEAST_ROWS = 128, // of a part
    NORM_AHEAD = 4,        // rows that a thread loads before it uses the first
    NORM_FINISH_X = 8,     // channels and part lanes of a block that adds parts
    NORM_FINISH_Y = 64,    // 8 of the at most 512 parts a lane
    NORM_FINISH_AHEAD = 4, // whose loads overlap
    NORM_BACK_WIDTH = 4,   // channels of a thread on the way back: eight would leave room for two
                           // blocks a multiprocessor; four, for four and three
};

struct NormShape {
    int64_t        C, G, rows; // rows of a group
    int64_t        image;      // rows of an image
    const int32_t *count;      // images that exist, or NULL
    int64_t        stripe;     // rows of a part side by side: `ahead` of each thread
    int64_t        most_parts;
};

inline NormShape norm_shape_of(const Tensor *x, int64_t groups, const Tensor *count, int V,
                               int64_t ahead)
{
    int64_t C = x->dim[x->ndim - 1], n = x->dim[0];
    int64_t rows = C > 0 ? tensor_count(x) / C : 0, wide = gpu_rows_x(C, V) * (int64_t)V;
    int64_t most = C > 0 ? NORM_BLOCKS / ((C + wide - 1) / wide * groups) : 1;
    return {C,
            groups,
            rows / groups,
            n > 0 ? rows / n : 0,
            count ? (const int32_t *)count->data : nullptr,
            ahead * (GPU_BLOCK / gpu_rows_x(C, V)),
            most > 1 ? most : 1};
}

/* Rows of group 0 that exist where there is a count, all of them otherwise. */
__device__ inline int64_t norm_rows(const NormShape &s)
{
    return s.count ? min((int64_t)*s.count * s.image, s.rows) : s.rows;
}

/* The parts of n_rows rows: every n-th stripe is of one part, and none is without rows. */
struct NormParts {
    int64_t             n, stripe, step; // a part's stripes begin at first, first + step, ... last
    __host__ __device__ NormParts(const NormShape &s, int64_t n_rows)
    {
        int64_t least = s.stripe > NORM_LEAST_ROWS ? s.stripe : (int64_t)NORM_LEAST_ROWS;
        int64_t n_stripes = (n_rows + s.stripe - 1) / s.stripe;
        n = (n_rows + least - 1) / least;
        n = n < s.most_parts ? n : s.most_parts;
        stripe = s.stripe;
        step = n * stripe;
        each = n > 0 ? n_stripes / n : 0;
        n_longer = n_stripes - each * n;
        short_one = (n_longer > 0 ? n_longer : n) - 1;
        missing = n_stripes * stripe - n_rows;
    }
    __host__ __device__ int64_t first(int64_t part) const
    {
        return part * stripe;
    }
    __host__ __device__ int64_t last(int64_t part) const
    {
        return first(part) + (stripes(part) - 1) * step;
    }
    __host__ __device__ int64_t rows(int64_t part) const
    {
        return stripes(part) * stripe - (part == short_one ? missing : 0);
    }

  private:
    int64_t each, n_longer;     // stripes of a part; parts that have one more
    int64_t short_one, missing; // the part that has the last stripe, and rows that this one lacks
    __host__ __device__ int64_t stripes(int64_t part) const
    {
        return each + (part < n_longer);
    }
};

/* A grid for what all rows are read and written by: as many blocks as run at once, `resident` a multiprocessor, which go
 * through memory side by side in stripes. */
inline RowLaunch norm_sweep(const NormShape &s, int V, int64_t resident)
{
    int64_t wide = gpu_rows_x(s.C, V) * (int64_t)V, columns = (s.C + wide - 1) / wide;
    int64_t most = resident * gpu_n_processors() / (columns * s.G);
    int64_t n = (s.rows + s.stripe - 1) / s.stripe;
    return gpu_rows_blocks(s.C, V, n < most ? n : most, s.G);
}

/* N numbers summed over the block's part lanes (threadIdx.y), in every thread, in a fixed tree. Every thread must call it. */
template <int N>
__device__ inline void norm_lanes_sum(double *v)
{
    GPU_SHARED(double, lane, [NORM_FINISH_Y][N][NORM_FINISH_X]);
    for (int i = 0; i < N; i++)
        lane[threadIdx.y][i][threadIdx.x] = v[i];
    for (unsigned step = NORM_FINISH_Y / 2; step > 0; step /= 2) {
        __syncthreads();
        for (int i = 0; i < N && threadIdx.y < step; i++)
            lane[threadIdx.y][i][threadIdx.x] += lane[threadIdx.y + step][i][threadIdx.x];
    }
    __syncthreads();
    for (int i = 0; i < N; i++)
        v[i] = lane[0][i][threadIdx.x];
    __syncthreads(); // lane may be written again
}

inline dim3 norm_finish_grid(int64_t C)
{
    return dim3((unsigned)((C + NORM_FINISH_X - 1) / NORM_FINISH_X));
}
#define NORM_FINISH_BLOCK dim3(NORM_FINISH_X, NORM_FINISH_Y)

/* Whether v is above 0 in memory: bfloat16 has nothing between 0 and 2^-133, and ties go to 0. */
template <typename T>
__device__ inline bool norm_is_kept(float v)
{
    return v > (std::is_same_v<T, bf16> ? 0x1p-134f : 0.0f);
}

/* What normalises channels c .. c+V-1 of group g: relu and residual apart, the arithmetic of every batch norm here. */
template <int V>
struct NormValue {
    float mean[V], scale[V], shift[V]; // scale: gamma rstd
    __device__ inline NormValue(const float *gamma, const float *beta, const float *of_mean,
                                const float *rstd, int64_t g, int64_t C, int64_t c)
    {
        float of_rstd[V];
        row_load<V>(mean, of_mean + g * C + c);
        row_load<V>(of_rstd, rstd + g * C + c);
        row_load<V>(scale, gamma + c);
        row_load<V>(shift, beta + c);
        GPU_UNROLL
        for (int j = 0; j < V; j++)
            scale[j] *= of_rstd[j];
    }
    __device__ inline float operator()(float x, int j) const
    {
        return fmaf(x - mean[j], scale[j], shift[j]);
    }
};

/* dx = gamma rstd (d - mean of d - xhat * mean of d xhat) with those means in of_norm (G,2,C). */
template <int V>
struct NormSlope {
    float of_x[V], at_mean[V];
    __device__ inline NormSlope(const NormValue<V> &norm, const float *of_norm, const float *rstd,
                                int64_t g, int64_t C, int64_t c)
    {
        float of_rstd[V];
        row_load<V>(of_rstd, rstd + g * C + c);
        row_load<V>(at_mean, of_norm + g * 2 * C + c);
        row_load<V>(of_x, of_norm + (g * 2 + 1) * C + c);
        GPU_UNROLL
        for (int j = 0; j < V; j++) {
            of_x[j] *= -norm.scale[j] * of_rstd[j];
            at_mean[j] *= -norm.scale[j];
        }
    }
    __device__ inline float operator()(float d, float x, const NormValue<V> &norm, int j) const
    {
        return fmaf(norm.scale[j], d, fmaf(of_x[j], x - norm.mean[j], at_mean[j]));
    }
};

/* rstd of channels c .. c+V-1 from the saved ones, or from running variances when `var` is given. */
template <int V>
__device__ inline void norm_rstd(float *v, const float *rstd, const float *var, float eps,
                                 int64_t c)
{
    row_load<V>(v, (var ? var : rstd) + c);
    GPU_UNROLL
    for (int j = 0; j < V && var; j++)
        v[j] = 1.0f / sqrtf(v[j] + eps);
}

/* ---- passes that other normalisations share (host) ---- */

/* Steps 1 and 2 of batch_norm.cu: mean and rstd (G,C) of x, and running statistics, each of which may be NULL. C > 0. */
Status norm_statistics(Tensor *mean, Tensor *rstd, Tensor *running_mean, Tensor *running_var,
                       const Tensor *x, const Norm *op);

/* Step 2 of batch_norm_backward.cu: parts (G, n_table, 2, C) of sums of d and of d (x - mean), added up into dgamma, dbeta
 * (each may be NULL) and of_norm (G,2,C), sum d / n and sum d xhat / n. */
Status norm_add_sums(Tensor *dgamma, Tensor *dbeta, float *of_norm, const float *parts,
                     int64_t n_table, const Tensor *rstd, const NormShape &s);

/* Steps 1 and 2 of batch_norm_backward.cu: dgamma, dbeta (each may be NULL) and of_norm (G,2,C), sum d / places and
 * sum d xhat / places, over the rows of dy and x with the ReLU's mask from x (op->beta): all those whose d may differ from 0,
 * of `places` in a group. C > 0. */
Status norm_gradient_sums(Tensor *dgamma, Tensor *dbeta, float *of_norm, const Tensor *dy,
                          const Tensor *x, const Tensor *gamma, const Tensor *mean,
                          const Tensor *rstd, const Norm *op, int64_t places);
