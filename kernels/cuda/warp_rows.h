/* warp_rows.h -- a warp a row, for matrices of short rows: losses, normalised features */
#pragma once
#include "kernels/cuda/gpu.h"

/* The same in all lanes of a warp, so that a loop over rows keeps the warp together. */
__device__ inline int64_t warp_row()
{
    return gpu_index() / GPU_WARP;
}
__device__ inline int64_t warp_row_stride()
{
    return gpu_stride() / GPU_WARP;
}

/* Blocks of GPU_BLOCK threads, eight rows at a time each. */
inline dim3 warp_row_grid(int64_t n_rows)
{
    return gpu_grid(n_rows * GPU_WARP);
}
