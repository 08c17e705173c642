/* sort.cu -- a bitonic sort of segments of 64-bit keys
 *
 *      size 2    size 4          merging two sorted halves of `size`: the first step pairs i with its mirror image,
 *      a-b       a---d  a-b      later steps pair i with i + size/4, .. i + 1
 *      c-d       b---c  c-d
 *
 * Every pair puts its smaller key first, so keys behind the end, were they there, would never move: a segment needs no
 * padding to a power of two, and its length may be known to the device alone. Steps within TILE keys run in shared memory;
 * for 12000 keys that leaves six launches.
 */
#include "kernels/cuda/sort.cuh"

enum { TILE = 4096, BLOCK = 1024 };

__device__ static void order(SortKey *a, SortKey *b)
{
    SortKey low = *a, high = *b;
    if (high < low) {
        *a = high;
        *b = low;
    }
}

/* Pair number `pair` of a step. */
__device__ static int64_t mirrored_first(int64_t pair, int64_t half)
{
    return pair / half * 2 * half + pair % half;
}
__device__ static int64_t mirror_of(int64_t first, int64_t half)
{
    return first / (2 * half) * 2 * half + 2 * half - 1 - first % half;
}

__device__ static int64_t keys_of(const int32_t *count, int64_t room)
{
    return count ? count[blockIdx.y] : room;
}

/* Block (x, s) sorts keys [x TILE, ..) of segment s, or merges what is sorted but for strides below TILE; 32 kB of shared
 * memory, two pairs a thread and step. */
__global__ void __launch_bounds__(BLOCK)
    sort_tile_kernel(SortKey *key, const int32_t *count, int64_t room, bool is_sorting)
{
    GPU_SHARED(SortKey, tile, [TILE]);
    int64_t first = (int64_t)blockIdx.x * TILE, n = keys_of(count, room) - first;
    if (n < 1) // the whole block
        return;
    key += (int64_t)blockIdx.y * room + first;
    for (int i = (int)threadIdx.x; i < TILE; i += (int)blockDim.x)
        tile[i] = i < n ? key[i] : SORT_NONE;
    __syncthreads();
    for (int half = is_sorting ? 1 : TILE / 2; half < TILE && (half < n || !is_sorting);
         half *= 2) {
        if (is_sorting) {
            for (int p = (int)threadIdx.x; p < TILE / 2; p += (int)blockDim.x) {
                int64_t i = mirrored_first(p, half);
                order(&tile[i], &tile[mirror_of(i, half)]);
            }
            __syncthreads();
        }
        for (int stride = is_sorting ? half / 2 : half; stride > 0; stride /= 2) {
            for (int p = (int)threadIdx.x; p < TILE / 2; p += (int)blockDim.x) {
                int i = p / stride * 2 * stride + p % stride;
                order(&tile[i], &tile[i + stride]);
            }
            __syncthreads();
        }
    }
    for (int i = (int)threadIdx.x; i < TILE && i < n; i += (int)blockDim.x)
        key[i] = tile[i];
}

/* One pair a thread, of a step wider than a tile: grid (pairs, segments). */
__global__ void sort_step_kernel(SortKey *key, const int32_t *count, int64_t room, int64_t n_pairs,
                                 int64_t half, bool is_mirrored)
{
    int64_t n = keys_of(count, room);
    key += (int64_t)blockIdx.y * room;
    for (int64_t p = gpu_index(); p < n_pairs; p += gpu_stride()) {
        int64_t i = mirrored_first(p, half);
        int64_t j = is_mirrored ? mirror_of(i, half) : i + half;
        if (j < n)
            order(key + i, key + j);
    }
}

Status gpu_sort(const char *op, SortKey *key, const int32_t *count, int64_t n_segments,
                int64_t room)
{
    if (n_segments < 1 || room < 1)
        return OK;
    int64_t n_tiles = (room + TILE - 1) / TILE, padded = TILE;
    while (padded < room)
        padded *= 2;
    dim3 tiles((unsigned)n_tiles, (unsigned)n_segments);
    dim3 pairs(gpu_grid(padded / 2).x, (unsigned)n_segments);
    TRY(gpu_launch(op, sort_tile_kernel, tiles, sort_block(room, BLOCK), 0, key, count, room,
                   true));
    for (int64_t half = TILE; half < padded; half *= 2) {
        for (int64_t stride = half; stride >= TILE; stride /= 2)
            TRY(gpu_launch(op, sort_step_kernel, pairs, GPU_BLOCK, 0, key, count, room, padded / 2,
                           stride, stride == half));
        TRY(gpu_launch(op, sort_tile_kernel, tiles, BLOCK, 0, key, count, room, false));
    }
    return OK;
}
