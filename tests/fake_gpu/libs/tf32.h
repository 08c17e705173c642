/* tf32.h -- TF32, the operands of f32 products on tensor cores: 11 significant bits, to nearest, ties to even */
#pragma once
#include <stdint.h>
#include <string.h>

inline float round_to_tf32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0xfffu + (bits >> 13 & 1)) & ~0x1fffu;
    memcpy(&x, &bits, sizeof bits);
    return x;
}
