/* safetensors_layout.h -- where our files keep their checksum; shared by reader and writer only */
#pragma once
#include <stdint.h>

/* What our headers start with; the 16 hexadecimal digits follow. */
#define SAFE_PREFIX "{\"__metadata__\":{\"checksum\":\"xxh3-64:"
#define SAFE_ZERO_DIGITS "0000000000000000"
#define SAFE_WRITER "godwit"

enum { SAFE_DIGITS = 16, SAFE_DIGITS_AT = 8 + sizeof SAFE_PREFIX - 1 };

static inline void safetensors_digits(char out[SAFE_DIGITS + 1], uint64_t hash)
{
    for (int i = 0; i < SAFE_DIGITS; i++)
        out[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    out[SAFE_DIGITS] = 0;
}
