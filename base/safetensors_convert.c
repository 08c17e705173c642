/* safetensors_convert.c -- the part of safetensors.h that changes number formats */
#include "base/safetensors.h"

#include <math.h>
#include <string.h>

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

static float float_of(uint32_t u)
{
    float f;
    memcpy(&f, &u, 4);
    return f;
}

float safetensors_bf16_to_f32(uint16_t h)
{
    return float_of((uint32_t)h << 16);
}

uint16_t safetensors_f32_to_bf16(float f)
{
    uint32_t u = bits_of(f);
    if (isnan(f))
        return (uint16_t)(u >> 16 | 0x40); // stays a NaN, quiet
    return (uint16_t)((u + 0x7FFF + (u >> 16 & 1)) >> 16);
}

float safetensors_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 31)
        return float_of(sign | 0x7F800000 | mantissa << 13);
    if (exponent == 0) {
        float tiny = (float)mantissa * 0x1p-24f;
        return sign ? -tiny : tiny;
    }
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t safetensors_f32_to_f16(float f)
{
    uint32_t u = bits_of(f), sign = u >> 16 & 0x8000;
    float    a = fabsf(f);
    if (isnan(f))
        return (uint16_t)(sign | 0x7E00 | (u >> 13 & 1023));
    if (a >= 65520)
        return (uint16_t)(sign | 0x7C00);
    if (a < 0x1p-14f) // subnormal: units of 2^-24, rounded by the addition
        return (uint16_t)(sign | (bits_of(a + 0.5f) - bits_of(0.5f)));
    uint32_t v = bits_of(a) - ((uint32_t)112 << 23);
    return (uint16_t)(sign | (v + 0xFFF + (v >> 13 & 1)) >> 13);
}

#define CONVERT(T, expression)                                                                     \
    for (int64_t i = 0; i < count; i++) {                                                          \
        T v;                                                                                       \
        memcpy(&v, bytes + i * (int64_t)sizeof v, sizeof v);                                       \
        out[i] = (expression);                                                                     \
    }                                                                                              \
    return OK

Status safetensors_to_f32(const SafeTensor *t, float *out, int64_t count)
{
    const char *bytes = t->data;
    if (safetensors_count(t) != count)
        return status_fail(ERR_SHAPE, "tensor \"%s\" has %lld values, expected %lld", t->name,
                           (long long)safetensors_count(t), (long long)count);
    switch (t->type) {
    case SAFE_F64:
        CONVERT(double, (float)v);
    case SAFE_F32:
        if (count > 0)
            memcpy(out, bytes, (size_t)count * 4);
        return OK;
    case SAFE_F16:
        CONVERT(uint16_t, safetensors_f16_to_f32(v));
    case SAFE_BF16:
        CONVERT(uint16_t, safetensors_bf16_to_f32(v));
    case SAFE_I64:
        CONVERT(int64_t, (float)v);
    case SAFE_I32:
        CONVERT(int32_t, (float)v);
    case SAFE_I16:
        CONVERT(int16_t, (float)v);
    case SAFE_I8:
        CONVERT(int8_t, (float)v);
    case SAFE_U8:
        CONVERT(uint8_t, (float)v);
    case SAFE_BOOL:
        CONVERT(uint8_t, v ? 1.0f : 0.0f);
    case SAFE_TYPES:
        break;
    }
    return status_fail(ERR_UNSUPPORTED, "tensor \"%s\" has no known type", t->name);
}
