/* self_kernels.cu -- kernels with one fault each, and one without: what the emulator must see */
#include "kernels/cuda/gpu.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

__global__ void reverse_in_block(int *y, const int *x)
{
    GPU_SHARED_DYNAMIC(int, tile);
    tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

__global__ void miss_a_barrier(int *y)
{
    if (threadIdx.x == 3)
        return;
    __syncthreads();
    y[threadIdx.x] = 1;
}

__global__ void part_at_barriers(int *y)
{
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
    y[threadIdx.x] = 1;
}

__global__ void forget_the_barrier(int *y, const int *x)
{
    GPU_SHARED(int, tile, [64]);
    tile[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = tile[63 - threadIdx.x];
}

__global__ void shuffle_for_a_barrier(int *y, const int *x)
{
    GPU_SHARED(int, tile, [32]);
    tile[threadIdx.x] = x[threadIdx.x];
    int step = __shfl_sync(~0u, 1, 0);
    y[threadIdx.x] = tile[(threadIdx.x + step) % 32];
}

__global__ void store_past_the_end(int *y, int n)
{
    y[n] = 1;
}

__global__ void leave_lane_out(int *y)
{
    if (threadIdx.x != 7)
        y[threadIdx.x] = __shfl_xor_sync(GPU_ALL_LANES, (int)threadIdx.x, 1);
}

/* y (6,32): what each lane gets. */
__global__ void shuffle_all(int *y)
{
    int l = (int)threadIdx.x;
    y[l] = __shfl_sync(GPU_ALL_LANES, l, 5);
    y[32 + l] = __shfl_up_sync(GPU_ALL_LANES, l, 2, 8);
    y[64 + l] = __shfl_down_sync(GPU_ALL_LANES, l, 3, 16);
    y[96 + l] = __shfl_xor_sync(GPU_ALL_LANES, l, 16);
    y[128 + l] = (int)__ballot_sync(GPU_ALL_LANES, l % 3 == 0);
    y[160 + l] = gpu_warp_reduce(l, GpuSum());
}

__global__ void count_all(unsigned long long *count, float *sum, int *most)
{
    int mine = (int)gpu_index();
    atomicAdd(count, 1ull);
    atomicAdd(sum, 0.5f);
    atomicMax(most, mine);
    float total = gpu_block_reduce(1.0f, 0.0f, GpuSum());
    if (threadIdx.x == 0)
        atomicAdd(sum, total);
}

/* y[b] = the sum of x over block b's threads. */
__global__ void sum_blocks(int *y, const int *x)
{
    int total = gpu_block_reduce(x[gpu_index()], 0, GpuSum());
    if (threadIdx.x == 0)
        y[blockIdx.x] = total;
}

EXPORT Status self_sum_blocks(void *y, const void *x, int blocks, int threads)
{
    return gpu_launch("sum_blocks", sum_blocks, (unsigned)blocks, (unsigned)threads, 0, (int *)y,
                      (const int *)x);
}
EXPORT Status self_reverse(void *y, const void *x, int n)
{
    return gpu_launch("reverse_in_block", reverse_in_block, 1, (unsigned)n, (size_t)n * 4, (int *)y,
                      (const int *)x);
}
EXPORT Status self_miss_a_barrier(void *y)
{
    return gpu_launch("miss_a_barrier", miss_a_barrier, 1, 64, 0, (int *)y);
}
EXPORT Status self_part_at_barriers(void *y)
{
    return gpu_launch("part_at_barriers", part_at_barriers, 1, 64, 0, (int *)y);
}
EXPORT Status self_forget_the_barrier(void *y, const void *x)
{
    return gpu_launch("forget_the_barrier", forget_the_barrier, 1, 64, 0, (int *)y, (const int *)x);
}
EXPORT Status self_shuffle_for_a_barrier(void *y, const void *x)
{
    return gpu_launch("shuffle_for_a_barrier", shuffle_for_a_barrier, 1, 32, 0, (int *)y,
                      (const int *)x);
}
EXPORT Status self_store_past_the_end(void *y, int n)
{
    return gpu_launch("store_past_the_end", store_past_the_end, 1, 1, 0, (int *)y, n);
}
EXPORT Status self_leave_lane_out(void *y)
{
    return gpu_launch("leave_lane_out", leave_lane_out, 1, 32, 0, (int *)y);
}
EXPORT Status self_shuffle(void *y)
{
    return gpu_launch("shuffle_all", shuffle_all, 1, 32, 0, (int *)y);
}
EXPORT Status self_count(void *count, void *sum, void *most)
{
    return gpu_launch("count_all", count_all, 5, 96, 0, (unsigned long long *)count, (float *)sum,
                      (int *)most);
}
/* As an op does whose first call loads its kernels: it ends a capture. */
EXPORT Status self_wait(void)
{
    return gpu_check("self_wait", cudaStreamSynchronize(gpu_stream()));
}
