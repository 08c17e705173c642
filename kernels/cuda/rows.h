/* rows.h -- threads laid over a matrix of R rows and C channels (all places of all images, NHWC)
 *
 *      thread x: 16 bytes of channels, V = 8 (bf16) or 4 (f32); V = 1 where C or an address forbids it
 *      thread y: rows y, y + gpu_row_stride(), ...
 *
 * A block has 256 threads, x at most 32: a warp reads 512 bytes of one row, or whole rows where they are shorter. What
 * belongs to a channel stays in registers while a thread goes down its rows.
 */
#pragma once
#include "kernels/cuda/gpu.h"

#include <type_traits>

/* f(float{} or bf16{}, the constant V), as the tensor's type is and 16-byte accesses are possible or not. */
template <typename F>
Status gpu_by_width(const Tensor *x, int64_t C, bool is_aligned, F f)
{
    return gpu_by_dtype(x, [&](auto type) {
        constexpr int V = GpuWide<decltype(type)>::N;
        return is_aligned && C % V == 0 ? f(type, std::integral_constant<int, V>{})
                                        : f(type, std::integral_constant<int, 1>{});
    });
}

/* f(the constant V) for rows of C floats. */
template <typename F>
Status gpu_by_float_width(int64_t C, bool is_aligned, F f)
{
    constexpr int V = GpuWide<float>::N;
    return is_aligned && C % V == 0 ? f(std::integral_constant<int, V>{})
                                    : f(std::integral_constant<int, 1>{});
}

/* Whether the data of every tensor is aligned to 16 bytes; absent ones are. */
template <typename... X>
bool gpu_all_aligned(const X *...x)
{
    return (gpu_is_aligned(x ? (const char *)x->data : nullptr) && ...);
}

/* Blocks of rows that fill the device four times over, for kernels that go on in strides. */
inline int64_t gpu_rows_enough(int64_t n_row_blocks)
{
    int64_t most = 32 * (int64_t)gpu_n_processors();
    return n_row_blocks < most ? n_row_blocks : most;
}

/* Blocks and grid over C channels in vectors of V and n_row_blocks blocks of rows (at least 1, at most 65535). */
struct RowLaunch {
    dim3 block, grid;
};

inline unsigned gpu_rows_x(int64_t C, int V)
{
    unsigned x = 1;
    while (x < GPU_WARP && (int64_t)x * V < C)
        x *= 2;
    return x;
}

inline RowLaunch gpu_rows_blocks(int64_t C, int V, int64_t n_row_blocks, int64_t n_groups)
{
    unsigned x = gpu_rows_x(C, V);
    int64_t  columns = (C + (int64_t)x * V - 1) / ((int64_t)x * V);
    int64_t  rows = n_row_blocks < 1 ? 1 : n_row_blocks < 65535 ? n_row_blocks : 65535;
    return {dim3(x, GPU_BLOCK / x), dim3((unsigned)columns, (unsigned)rows, (unsigned)n_groups)};
}

/* For elementwise work: `depth` rows a thread. */
inline RowLaunch gpu_rows(int64_t R, int64_t C, int V, int64_t n_groups = 1, int64_t depth = 4)
{
    int64_t per_block = GPU_BLOCK / gpu_rows_x(C, V) * depth;
    return gpu_rows_blocks(C, V, gpu_rows_enough((R + per_block - 1) / per_block), n_groups);
}

template <int V>
__device__ inline int64_t gpu_channel()
{
    return ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) * V;
}
__device__ inline int64_t gpu_row()
{
    return (int64_t)blockIdx.y * blockDim.y + threadIdx.y;
}
__device__ inline int64_t gpu_row_stride()
{
    return (int64_t)gridDim.y * blockDim.y;
}

/* V elements as they lie in memory: what is loaded ahead of its use takes half the registers that way. */
template <int V, typename T>
struct alignas(V * sizeof(T)) RowVector {
    T element[V];
};

template <int V, typename T>
__device__ inline RowVector<V, T> row_fetch(const T *p)
{
    return *reinterpret_cast<const RowVector<V, T> *>(p);
}

template <int V, typename T>
__device__ inline void row_unpack(float *v, const RowVector<V, T> &packed)
{
    GPU_UNROLL
    for (int j = 0; j < V; j++)
        v[j] = gpu_get(&packed.element[j]);
}

/* V elements at p. */
template <int V, typename T>
__device__ inline void row_load(float *v, const T *p)
{
    if constexpr (V * sizeof(T) <= 16)
        row_unpack<V>(v, row_fetch<V>(p));
    else
        gpu_load<V>(v, p);
}

template <int V, typename T>
__device__ inline void row_store(T *p, const float *v)
{
    if constexpr (V * sizeof(T) <= 16) {
        RowVector<V, T> packed;
        GPU_UNROLL
        for (int j = 0; j < V; j++)
            gpu_put(&packed.element[j], v[j]);
        *reinterpret_cast<RowVector<V, T> *>(p) = packed;
    } else
        gpu_store<V>(p, v);
}

/* dx = beta dx + v with beta 0 or 1; 0 does not read. */
template <int V, typename T>
__device__ inline void row_add(T *dx, float beta, const float *v)
{
    float sum[V];
    if (beta != 0.0f)
        row_load<V>(sum, dx);
    GPU_UNROLL
    for (int j = 0; j < V; j++)
        sum[j] = beta != 0.0f ? sum[j] + v[j] : v[j];
    row_store<V>(dx, sum);
}

/* v summed over the block's thread rows, valid where threadIdx.y is 0: a tree that the block's shape fixes. Every
 * thread must call it. */
template <int V, typename T>
__device__ inline void rows_sum(T *v)
{
    GPU_SHARED(T, tile, [V][GPU_BLOCK]);
    unsigned at = threadIdx.y * blockDim.x + threadIdx.x;
    for (int j = 0; j < V; j++)
        tile[j][at] = v[j];
    for (unsigned step = blockDim.y / 2; step > 0; step /= 2) {
        __syncthreads();
        for (int j = 0; j < V && threadIdx.y < step; j++)
            tile[j][at] += tile[j][at + step * blockDim.x];
    }
    if (threadIdx.y == 0)
        for (int j = 0; j < V; j++)
            v[j] = tile[j][at];
    __syncthreads(); // tile may be written again
}
