/* sort.cuh -- the smallest keys of many segments, in ascending order
 *
 *      keys(segment, i), i < n   --gpu_select-->   the k smallest, in no order   --gpu_sort-->   ascending
 *
 * A key holds what ranks in its upper half and the number of the element in its lower half. No two keys of a segment are
 * equal: the result depends neither on which thread came first nor on a stable sort, and the lower number wins among
 * equals.
 */
#pragma once
#include "kernels/cuda/gpu.h"
extern "C" {
#include "kernels/body/box.h"
}

typedef unsigned long long SortKey;

#define SORT_NONE (~0ull) // an element that takes no part; behind all keys

/* Scores descend, NaN first: box_rank_key upside down. */
__device__ inline SortKey sort_key_of_score(float score, int64_t i)
{
    return (SortKey)~box_rank_key(score) << 32 | (uint32_t)i;
}

__device__ inline int64_t sort_index(SortKey key)
{
    return (int64_t)(uint32_t)key;
}

/* Sorts key (n_segments, room) within each segment: its first count[s] keys, or all of them where count is NULL. */
Status gpu_sort(const char *op, SortKey *key, const int32_t *count, int64_t n_segments,
                int64_t room);

/* ---- selection ---- */

enum { SELECT_BLOCK = 1024, SELECT_DIGIT = 11, SELECT_LANE_BINS = (1 << SELECT_DIGIT) / GPU_WARP };

/* So far all keys below those of `prefix` are chosen, and the `wanted` smallest of the prefix are still looked for. Once
 * `is_done`, all keys below `end` are chosen. */
struct SelectState {
    SortKey prefix, end;
    int64_t wanted;
    bool    is_done;
};

/* Where a digit is counted: the 64 bins of a lane start in banks of their own. */
__device__ inline int select_bin(int digit)
{
    return digit + digit / SELECT_LANE_BINS;
}

/* One warp: from the counts of the digit at `shift`, narrows the prefix by that digit, or ends where a whole bin is
 * wanted. */
__device__ inline void select_narrow(SelectState *state, const unsigned *bin, int shift)
{
    SelectState s = *state;
    int         lane = gpu_lane(), first = lane * SELECT_LANE_BINS;
    int64_t     own = 0;
    for (int b = 0; b < SELECT_LANE_BINS; b++)
        own += bin[select_bin(first + b)];
    int64_t upto = own; // of this lane and those before
    for (int step = 1; step < GPU_WARP; step *= 2) {
        int64_t other = __shfl_up_sync(GPU_ALL_LANES, upto, step);
        upto += lane >= step ? other : 0;
    }
    int64_t before = upto - own, all = __shfl_sync(GPU_ALL_LANES, upto, GPU_WARP - 1);
    __syncwarp();          // all have read the state before one writes it
    if (all <= s.wanted) { // only at the first digit
        if (lane == 0) {
            state->end = SORT_NONE;
            state->is_done = true;
        }
    } else if (before < s.wanted && s.wanted <= upto) { // one lane
        int     b = first;
        int64_t n = bin[select_bin(b)];
        while (before + n < s.wanted) {
            before += n;
            n = bin[select_bin(++b)];
        }
        state->prefix = s.prefix | (SortKey)b << shift;
        state->wanted = s.wanted - before;
        state->end = state->prefix + (1ull << shift); // 0 past the last bin: all of them
        state->is_done = state->wanted == n || shift == 0;
    }
}

/* Block s selects from segment s: chosen (n_segments, room), n_chosen (n_segments). Keys has count(s) elements, wanted(s)
 * <= room of them wanted, and operator()(s, i). One block reads its segment once a digit of 11 bits until the wanted
 * keys are told from the others (3 times where scores differ; ties go on to the numbers), then once more: for 63000
 * anchors about 1 MB out of L2. Segments are images or their levels and share the device. */
template <typename Keys>
__global__ void __launch_bounds__(SELECT_BLOCK)
    select_kernel(SortKey *chosen, int32_t *n_chosen, int64_t room, Keys keys)
{
    GPU_SHARED(unsigned, bin, [GPU_WARP * (SELECT_LANE_BINS + 1)]);
    GPU_SHARED(SelectState, state, [1]);
    GPU_SHARED(unsigned, n, [1]);
    int64_t segment = blockIdx.x, count = keys.count(segment);
    if (threadIdx.x == 0) {
        state[0] = {0, 0, keys.wanted(segment), keys.wanted(segment) < 1};
        n[0] = 0;
    }
    __syncthreads();
    for (int top = 64; top > 0 && !state[0].is_done; top -= SELECT_DIGIT) {
        int     shift = top > SELECT_DIGIT ? top - SELECT_DIGIT : 0;
        SortKey prefix = state[0].prefix;
        for (int b = (int)threadIdx.x; b < GPU_WARP * (SELECT_LANE_BINS + 1); b += (int)blockDim.x)
            bin[b] = 0;
        __syncthreads();
        for (int64_t i = threadIdx.x; i < count; i += blockDim.x) {
            SortKey key = keys(segment, i);
            if (key != SORT_NONE && (top == 64 || (key ^ prefix) >> top == 0))
                atomicAdd(&bin[select_bin((int)(key >> shift & ((1u << (top - shift)) - 1)))], 1u);
        }
        __syncthreads();
        if (threadIdx.x < GPU_WARP)
            select_narrow(state, bin, shift);
        __syncthreads();
    }
    SortKey last = state[0].end - 1;
    bool    is_any = keys.wanted(segment) > 0;
    for (int64_t i = threadIdx.x; is_any && i < count; i += blockDim.x) {
        SortKey key = keys(segment, i);
        if (key <= last && key != SORT_NONE)
            chosen[segment * room + atomicAdd(&n[0], 1u)] = key;
    }
    __syncthreads();
    if (threadIdx.x == 0)
        n_chosen[segment] = (int32_t)n[0];
}

/* Threads for n elements: whole warps, at most `most`. */
inline dim3 sort_block(int64_t n, int64_t most)
{
    int64_t warps = (max(n, (int64_t)1) + GPU_WARP - 1) / GPU_WARP;
    return dim3((unsigned)min(warps * GPU_WARP, most));
}

/* The keys.wanted(s) smallest keys of each segment, sorted: chosen (n_segments, room), n_chosen (n_segments). No segment
 * has more than n elements. */
template <typename Keys>
Status gpu_select(const char *op, SortKey *chosen, int32_t *n_chosen, int64_t n_segments,
                  int64_t room, int64_t n, const Keys &keys)
{
    if (n_segments < 1)
        return OK;
    TRY(gpu_launch(op, select_kernel<Keys>, dim3((unsigned)n_segments), sort_block(n, SELECT_BLOCK),
                   0, chosen, n_chosen, room, keys));
    return gpu_sort(op, chosen, n_chosen, n_segments, room);
}
