/* cuda_bf16.h -- pairs of bfloat16 in one word, as far as kernels/cuda speaks of them (CUDA Math API 13.0) */
#pragma once
#include <math.h>

#include "kernels/body/bf16.h"

struct alignas(4) __nv_bfloat162 {
    unsigned short x, y;
};

inline unsigned short fake_max_nan(unsigned short a, unsigned short b)
{
    float p = bf16_to_f32(a), q = bf16_to_f32(b);
    return bf16_from_f32(isnan(p) || isnan(q) ? NAN : fmaxf(p, q));
}

/* NaN wins. */
inline __nv_bfloat162 __hmax2_nan(__nv_bfloat162 a, __nv_bfloat162 b)
{
    return {fake_max_nan(a.x, b.x), fake_max_nan(a.y, b.y)};
}

/* Sixteen ones for each half that holds: equal; not equal or NaN; not less or NaN. */
inline unsigned __heq2_mask(__nv_bfloat162 a, __nv_bfloat162 b)
{
    return (bf16_to_f32(a.x) == bf16_to_f32(b.x) ? 0xffffu : 0) |
           (bf16_to_f32(a.y) == bf16_to_f32(b.y) ? 0xffff0000u : 0);
}
inline unsigned __hneu2_mask(__nv_bfloat162 a, __nv_bfloat162 b)
{
    return ~__heq2_mask(a, b);
}
inline unsigned __hgeu2_mask(__nv_bfloat162 a, __nv_bfloat162 b)
{
    return (bf16_to_f32(a.x) < bf16_to_f32(b.x) ? 0 : 0xffffu) |
           (bf16_to_f32(a.y) < bf16_to_f32(b.y) ? 0 : 0xffff0000u);
}
