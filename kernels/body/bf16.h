/* bf16.h -- bfloat16: the upper half of a float32
 *
 * Rounding is to nearest even; NaN stays NaN (made quiet), infinities and signed zeros are exact.
 */
#pragma once
#include <stdint.h>
#include <string.h>

#ifndef GW_HD
#ifdef __CUDACC__
#define GW_HD __host__ __device__
#else
#define GW_HD
#endif
#endif

static inline GW_HD float bf16_to_f32(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float    f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline GW_HD uint16_t bf16_from_f32(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    uint32_t is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
    return (uint16_t)((is_nan ? (bits | 0x00400000u) : rounded) >> 16);
}
