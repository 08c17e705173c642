/* cuda_runtime.h -- CUDA's C++ language, as far as kernels/cuda speaks it, for a plain C++ compiler
 *
 * A thread of a block is a fibre (block.h). Each name means what the CUDA C++ Programming Guide 13.0 says; collective
 * names carry the line they were written on, so that a thread that never arrives can be named.
 */
#pragma once
#include "fake_gpu/block.h"
#include "fake_gpu/cuda_runtime_api.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)

struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

#define threadIdx (fake_self->index)
#define blockIdx (fake_block_index)
#define blockDim (fake_block_dim)
#define gridDim (fake_grid_dim)
enum { warpSize = 32 };

/* ---- collectives ---- */
#define __syncthreads() fake_syncthreads(__FILE__, __LINE__)
#define __syncthreads_or(p) (fake_syncthreads_count((p) != 0, __FILE__, __LINE__) != 0)
#define __syncthreads_count(p) fake_syncthreads_count((p) != 0, __FILE__, __LINE__)
#define __syncwarp(...)                                                                            \
    ((void)fake_warp({FAKE_SYNC, 0, 0, 32, __FILE__, __LINE__}, fake_mask(__VA_ARGS__)))
#define __ballot_sync(mask, p)                                                                     \
    ((unsigned)fake_warp({FAKE_BALLOT, (p) != 0, 0, 32, __FILE__, __LINE__}, mask))
#define __any_sync(mask, p) (__ballot_sync(mask, p) != 0)
#define __all_sync(mask, p) (__ballot_sync(mask, !(p)) == 0)
#define __shfl_sync(mask, ...) fake_shuffle(FAKE_SHFL, __FILE__, __LINE__, mask, __VA_ARGS__)
#define __shfl_up_sync(mask, ...) fake_shuffle(FAKE_SHFL_UP, __FILE__, __LINE__, mask, __VA_ARGS__)
#define __shfl_down_sync(mask, ...)                                                                \
    fake_shuffle(FAKE_SHFL_DOWN, __FILE__, __LINE__, mask, __VA_ARGS__)
#define __shfl_xor_sync(mask, ...)                                                                 \
    fake_shuffle(FAKE_SHFL_XOR, __FILE__, __LINE__, mask, __VA_ARGS__)

inline unsigned fake_mask(unsigned mask = 0xffffffffu)
{
    return mask;
}

template <typename T>
T fake_shuffle(FakeWarpOp op, const char *file, int line, unsigned mask, T value, int lane,
               int width = 32)
{
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles carry 4 or 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = fake_warp({op, bits, lane, width, file, line}, mask);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- memory ---- */
inline void __threadfence()
{
}
inline void __threadfence_block()
{
}
template <typename T>
T __ldg(const T *p)
{
    return *p;
}

/* Blocks run one after another and fibres switch only inside collectives: plain code is atomic. fake_atomic tells the
 * race detector. */
#define FAKE_UNHOOKED __attribute__((no_sanitize("thread")))
template <typename T, typename U>
FAKE_UNHOOKED T atomicAdd(T *p, U v)
{
    fake_atomic(p, sizeof *p);
    T old = *p;
    *p = (T)(old + (T)v);
    return old;
}
template <typename T, typename U>
FAKE_UNHOOKED T atomicMax(T *p, U v)
{
    fake_atomic(p, sizeof *p);
    T old = *p;
    *p = old < (T)v ? (T)v : old;
    return old;
}
template <typename T, typename U>
FAKE_UNHOOKED T atomicMin(T *p, U v)
{
    fake_atomic(p, sizeof *p);
    T old = *p;
    *p = (T)v < old ? (T)v : old;
    return old;
}
template <typename T, typename U>
FAKE_UNHOOKED T atomicOr(T *p, U v)
{
    fake_atomic(p, sizeof *p);
    T old = *p;
    *p = old | (T)v;
    return old;
}
template <typename T, typename U>
FAKE_UNHOOKED T atomicAnd(T *p, U v)
{
    fake_atomic(p, sizeof *p);
    T old = *p;
    *p = old & (T)v;
    return old;
}
template <typename T, typename U>
FAKE_UNHOOKED T atomicExch(T *p, U v)
{
    fake_atomic(p, sizeof *p);
    T old = *p;
    *p = (T)v;
    return old;
}
template <typename T, typename U, typename V>
FAKE_UNHOOKED T atomicCAS(T *p, U expected, V v)
{
    fake_atomic(p, sizeof *p);
    T old = *p;
    if (old == (T)expected)
        *p = (T)v;
    return old;
}

/* ---- arithmetic ---- */
inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
inline int __popcll(unsigned long long x)
{
    return __builtin_popcountll(x);
}
inline int __ffs(int x)
{
    return __builtin_ffs(x);
}
inline int __ffsll(long long x)
{
    return __builtin_ffsll(x);
}
inline int __clz(int x)
{
    return x ? __builtin_clz((unsigned)x) : 32;
}
inline int __clzll(long long x)
{
    return x ? __builtin_clzll((unsigned long long)x) : 64;
}
inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}
inline float __expf(float x)
{
    return expf(x);
}
inline float __logf(float x)
{
    return logf(x);
}
inline float __int_as_float(int x)
{
    float f;
    memcpy(&f, &x, sizeof f);
    return f;
}
inline int __float_as_int(float f)
{
    int x;
    memcpy(&x, &f, sizeof x);
    return x;
}
inline unsigned __float_as_uint(float f)
{
    return (unsigned)__float_as_int(f);
}
inline float __uint_as_float(unsigned x)
{
    return __int_as_float((int)x);
}
template <typename T>
constexpr T min(T a, T b)
{
    return b < a ? b : a;
}
template <typename T>
constexpr T max(T a, T b)
{
    return a < b ? b : a;
}
