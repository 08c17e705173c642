/* box.cuh -- what the box kernels share: boxes in registers, whose boxes they are, and failures that kernels find */
#pragma once
#include "kernels/cuda/gpu.h"
extern "C" {
#include "kernels/body/box.h"
#include "kernels/cuda/box_note.h"
}

/* A row of a (R,4) tensor: one 16-byte load. */
struct alignas(16) Box {
    float at[4];
};

static inline Box *box_rows(const Tensor *x)
{
    return static_cast<Box *>(x->data);
}

template <typename T>
T *tensor_as(const Tensor *x)
{
    return static_cast<T *>(x->data);
}

inline Status box_zero(void *p, int64_t bytes)
{
    return bytes < 1 ? OK
                     : gpu_check("box work", cudaMemsetAsync(p, 0, (size_t)bytes, gpu_stream()));
}

/* Blocks for n elements of each of n_rows rows: blockIdx.y is the row. */
inline dim3 box_grid(int64_t n, int64_t n_rows)
{
    return dim3(gpu_grid(n).x, (unsigned)n_rows);
}

/* The last of 0 .. n-1 whose rows start at or before `row`: start (n+1) ascending, start[0] <= row < start[n]. */
__device__ inline int64_t box_owner(const int32_t *start, int64_t n, int64_t row)
{
    int64_t low = 0, high = n;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (start[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The boxes of R rows, of one image. */
struct RowBoxes {
    const Box         *row;
    int64_t            n;
    __device__ int64_t count(int64_t) const
    {
        return n;
    }
    __device__ Box operator()(int64_t, int64_t i) const
    {
        return row[i];
    }
};

/* The anchors of all levels one after another; the same of every image. */
struct LevelBoxes {
    int        L;
    int64_t    offset[BOX_MAX_LEVELS + 1]; // of a level's first anchor; the last is their number
    const Box *anchor[BOX_MAX_LEVELS];
    __device__ int64_t count(int64_t) const
    {
        return offset[L];
    }
    __device__ int level(int64_t i) const
    {
        int l = 0;
        while (i >= offset[l + 1])
            l++;
        return l;
    }
    __device__ Box operator()(int64_t, int64_t i) const
    {
        int l = level(i);
        return anchor[l][i - offset[l]];
    }
};

inline LevelBoxes box_levels(const Tensor *const *anchors, int L)
{
    LevelBoxes b = {};
    b.L = L;
    for (int l = 0; l < L; l++) {
        b.offset[l + 1] = b.offset[l] + anchors[l]->dim[0];
        b.anchor[l] = box_rows(anchors[l]);
    }
    return b;
}

/* Of image i: its proposals (N,P), then its ground truths. */
struct CandidateBoxes {
    const Box         *proposal, *gt;
    const int32_t     *n_proposals, *start;
    int64_t            P;
    __device__ int64_t count(int64_t i) const
    {
        return n_proposals[i] + start[i + 1] - start[i];
    }
    __device__ Box operator()(int64_t i, int64_t j) const
    {
        int64_t n = n_proposals[i];
        return j < n ? proposal[i * P + j] : gt[start[i] + j - n];
    }
};
