/* gpu.h -- what every .cu file is written with
 *
 *      template <typename T> __global__ void double_kernel(T *y, const T *x, int64_t n)
 *      {
 *          for (int64_t i = gpu_index(); i < n; i += gpu_stride())
 *              gpu_put(y + i, 2 * gpu_get(x + i));
 *      }
 *      Status cuda_double(Tensor *y, const Tensor *x)
 *      {
 *          return gpu_by_dtype(y, [&](auto type) {
 *              using T = decltype(type);
 *              int64_t n = tensor_count(y);
 *              return gpu_launch("double", double_kernel<T>, gpu_grid(n), GPU_BLOCK, 0, (T *)y->data,
 *                                (const T *)x->data, n);
 *          });
 *      }
 *
 * nvcc compiles these files for the device; a C++ compiler compiles the same text for the emulator (tests/fake_gpu),
 * whose cuda_runtime.h stands first in the include path. So only what that header serves may be used. Arithmetic is not
 * contracted (-fmad=false): kernels/body/ decides every threshold as ref does; write fmaf where it pays.
 */
#pragma once
#include <cuda_runtime.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

extern "C" {
#include "kernels/body/bf16.h"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"
}

#ifdef __CUDACC__
#define GPU_UNROLL _Pragma("unroll")
#define GPU_PRAGMA(text) _Pragma(#text)
#define GPU_UNROLL_BY(n) GPU_PRAGMA(unroll n)
#define GPU_SHARED(type, name, dims) __shared__ __align__(16) type name dims
#define GPU_SHARED_DYNAMIC(type, name)                                                             \
    extern __shared__ __align__(16) unsigned char gpu_dynamic_shared[];                            \
    type *name = reinterpret_cast<type *>(gpu_dynamic_shared)
#else
#define GPU_UNROLL
#define GPU_UNROLL_BY(n)
/* GPU_SHARED(float, tile, [32][33]);  an array of the block, garbage at its start, aligned to 16 bytes. */
#define GPU_SHARED(type, name, dims)                                                               \
    static const char name##_site = 0;                                                             \
    typedef type name##_type dims;                                                                 \
    name##_type             &name = *(name##_type *)fake_shared(&name##_site, sizeof(name##_type))
/* GPU_SHARED_DYNAMIC(float, row);  the bytes that the launch asked for, as a pointer. */
#define GPU_SHARED_DYNAMIC(type, name) type *name = (type *)fake_shared_dynamic()
#endif

enum { GPU_BLOCK = 256, GPU_WARP = 32 };
#define GPU_ALL_LANES 0xffffffffu

/* ---- launches (host) ---- */

/* Queues a kernel; `shared` bytes are dynamic shared memory (at most 227 kB). A failure names `op`. */
template <typename... P, typename... A>
Status gpu_launch(const char *op, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared,
                  A... args)
{
#ifdef __CUDACC__
    if (shared > 48 << 10)
        TRY(gpu_check(op, cudaFuncSetAttribute((const void *)kernel,
                                               cudaFuncAttributeMaxDynamicSharedMemorySize,
                                               (int)shared)));
    gpu_launching(op);
    kernel<<<grid, block, shared, gpu_stream()>>>(static_cast<P>(args)...);
#else
    gpu_launching(op);
    fake_launch(op, grid, block, shared, gpu_stream(), [=] { kernel(static_cast<P>(args)...); });
#endif
    return gpu_launched(op);
}

/* Blocks of GPU_BLOCK threads for n elements of a loop over gpu_index() and gpu_stride(): enough to fill the device,
 * at least one. */
inline dim3 gpu_grid(int64_t n)
{
    int64_t blocks = (n + GPU_BLOCK - 1) / GPU_BLOCK, most = 16 * (int64_t)gpu_n_processors();
    return dim3((unsigned)(blocks < 1 ? 1 : blocks < most ? blocks : most));
}

/* A bfloat16 in memory. */
struct bf16 {
    uint16_t bits;
};

/* f(float{}) or f(bf16{}), as the tensor's type is. */
template <typename F>
Status gpu_by_dtype(const Tensor *x, F f)
{
    return x->dtype == BF16 ? f(bf16{}) : f(float{});
}

/* ---- threads (device) ---- */

/* This thread's number in the grid, and the number of threads: one-dimensional grids. */
__device__ inline int64_t gpu_index()
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}
__device__ inline int64_t gpu_stride()
{
    return (int64_t)gridDim.x * blockDim.x;
}
__device__ inline int gpu_lane()
{
    return (int)(threadIdx.x % GPU_WARP);
}

/* ---- elements: everything is computed in f32 ---- */

__device__ inline float gpu_get(const float *p)
{
    return *p;
}
__device__ inline float gpu_get(const bf16 *p)
{
    return bf16_to_f32(p->bits);
}
__device__ inline void gpu_put(float *p, float v)
{
    *p = v;
}
__device__ inline void gpu_put(bf16 *p, float v)
{
#ifdef __CUDA_ARCH__
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(p->bits) : "f"(v)); // NaN becomes 0x7fff
#else
    p->bits = bf16_from_f32(v);
#endif
}

/* Elements that fit 16 bytes: one load or store of a thread. */
template <typename T>
struct GpuWide {
    static constexpr int N = 16 / (int)sizeof(T);
};

/* N elements at p, in 16-byte pieces; p is aligned to 16 bytes and N a multiple of GpuWide<T>::N. */
template <int N, typename T>
__device__ inline void gpu_load(float *v, const T *p)
{
    constexpr int W = GpuWide<T>::N;
    GPU_UNROLL
    for (int i = 0; i < N; i += W) {
        union {
            uint4 word;
            T     element[W];
        } u;
        u.word = *reinterpret_cast<const uint4 *>(p + i);
        for (int j = 0; j < W; j++)
            v[i + j] = gpu_get(&u.element[j]);
    }
}

template <int N, typename T>
__device__ inline void gpu_store(T *p, const float *v)
{
    constexpr int W = GpuWide<T>::N;
    GPU_UNROLL
    for (int i = 0; i < N; i += W) {
        union {
            uint4 word;
            T     element[W];
        } u;
        for (int j = 0; j < W; j++)
            gpu_put(&u.element[j], v[i + j]);
        *reinterpret_cast<uint4 *>(p + i) = u.word;
    }
}

/* Whether every address is a multiple of 16 bytes; NULL is. (Parts of a concatenation may not be.) */
template <typename... P>
bool gpu_is_aligned(const P *...p)
{
    return ((((uintptr_t)p) % 16 == 0) && ...);
}

/* ---- reductions ---- */

struct GpuSum {
    template <typename T>
    __device__ T operator()(T a, T b) const
    {
        return a + b;
    }
};
struct GpuMax {
    template <typename T>
    __device__ T operator()(T a, T b) const
    {
        return a < b ? b : a;
    }
};

/* The reduction over the 32 lanes of a full warp, in every lane; the same order always. T has 4 or 8 bytes. */
template <typename T, typename Op>
__device__ inline T gpu_warp_reduce(T v, Op op)
{
    for (int step = GPU_WARP / 2; step > 0; step /= 2)
        v = op(v, __shfl_xor_sync(GPU_ALL_LANES, v, step));
    return v;
}

/* The reduction over a one-dimensional block of whole warps, in every thread. Every thread must call it. */
template <typename T, typename Op>
__device__ inline T gpu_block_reduce(T v, T none, Op op)
{
    GPU_SHARED(T, of_warp, [GPU_WARP]);
    int warp = (int)threadIdx.x / GPU_WARP, n_warps = (int)blockDim.x / GPU_WARP;
    v = gpu_warp_reduce(v, op);
    if (gpu_lane() == 0)
        of_warp[warp] = v;
    __syncthreads();
    v = gpu_warp_reduce(gpu_lane() < n_warps ? of_warp[gpu_lane()] : none, op);
    __syncthreads(); // of_warp may be written again
    return v;
}
