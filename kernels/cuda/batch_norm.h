/* batch_norm.h -- what the two directions of batch norm share: parts of rows, and the vectors of a channel
 *
 *      group g:  | part 0 | part 1 | ... | rows that do not exist (count) |      a block sums one part of some channels,
 *                  sums     sums                                                a second kernel adds the parts in order
 *
 * Parts are cut by the number of rows alone, so sums are the same at every run, and the same whether rows are absent
 * from the tensor or behind its count. At most 512 blocks of 256 threads: four a multiprocessor keep memory busy, and
 * few parts are left to add. Processes that share statistics exchange what their own parts add up to (batch_norm_share.h).
 */
#pragma once
#include "kernels/cuda/rows.h"

enum {
    NORM_BLOCKS = 512,
    NORM_LEAST_ROWS = 128, // of a part, whose first row serves as its origin (batch_norm.cu)
    NORM_AHEAD = 4,        // rows that a thread loads before it uses the first
    NORM_FINISH_X = 8,     // channels and part lanes of a block that adds parts
    NORM_FINISH_Y = 64,    // 8 of the at most 512 parts a lane, whose loads overlap
    NORM_BACK_WIDTH = 4,   // channels of a thread on the way back: eight would leave room for two
                           // blocks a multiprocessor; four, for four and three
};

struct NormShape {
    int64_t        C, G, rows; // rows of a group
    int64_t        image;      // rows of an image
    const int32_t *count;      // images that exist, or NULL
    int64_t        most_parts;
};

inline NormShape norm_shape_of(const Tensor *x, int64_t groups, const Tensor *count, int V)
{
    int64_t C = x->dim[x->ndim - 1], n = x->dim[0];
    int64_t rows = C > 0 ? tensor_count(x) / C : 0, wide = gpu_rows_x(C, V) * (int64_t)V;
    int64_t most = C > 0 ? NORM_BLOCKS / ((C + wide - 1) / wide * groups) : 1;
    return {C,
            groups,
            rows / groups,
            n > 0 ? rows / n : 0,
            count ? (const int32_t *)count->data : nullptr,
            most > 1 ? most : 1};
}

/* Parts that a group can have, whatever its count. */
inline int64_t norm_table_parts(const NormShape *s)
{
    int64_t n = (s->rows + NORM_LEAST_ROWS - 1) / NORM_LEAST_ROWS;
    return n < s->most_parts ? n : s->most_parts;
}

/* Rows of group 0 that exist where there is a count, all of them otherwise. */
__device__ inline int64_t norm_rows(const NormShape &s)
{
    return s.count ? min((int64_t)*s.count * s.image, s.rows) : s.rows;
}

__device__ inline int64_t norm_rows_of_part(const NormShape &s, int64_t n_rows)
{
    return max((n_rows + s.most_parts - 1) / s.most_parts, (int64_t)NORM_LEAST_ROWS);
}

/* v summed over the block's part lanes (threadIdx.y), in every thread, in a fixed tree. Every thread must call it. */
__device__ inline double norm_lanes_sum(double v)
{
    GPU_SHARED(double, lane, [NORM_FINISH_Y][NORM_FINISH_X]);
    lane[threadIdx.y][threadIdx.x] = v;
    for (unsigned step = NORM_FINISH_Y / 2; step > 0; step /= 2) {
        __syncthreads();
        if (threadIdx.y < step)
            lane[threadIdx.y][threadIdx.x] += lane[threadIdx.y + step][threadIdx.x];
    }
    __syncthreads();
    v = lane[0][threadIdx.x];
    __syncthreads(); // lane may be written again
    return v;
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

/* What batch_norm_pool.cu has of the two, each in stream order, C > 0. batch_norm.cu: mean and rstd (G,C) of x; running
 * statistics, where not NULL, move. */
Status norm_statistics(Tensor *mean, Tensor *rstd, Tensor *running_mean, Tensor *running_var,
                       const Tensor *x, const Norm *op);

/* batch_norm_backward.cu: dgamma, dbeta (each may be NULL) and of_norm (G,2,C), sum d / places and sum d xhat / places, over
 * the rows of dy and x with the ReLU's mask from x (op->beta): all those whose d may differ from 0, of `places` in a group. */
Status norm_gradient_sums(Tensor *dgamma, Tensor *dbeta, float *of_norm, const Tensor *dy,
                          const Tensor *x, const Tensor *gamma, const Tensor *mean,
                          const Tensor *rstd, const Norm *op, int64_t places);
