/* resize_pass.h -- the two inner loops of resizing (internal): a row of weighted pixels, a row of weighted rows */
#pragma once
#include <stdint.h>

#define RESIZE_BITS 22        // fraction bits of a weight
#define RESIZE_GROUP_BYTES 64 // packed weights of four taps

typedef struct ResizeAxis {
    int64_t  n_taps; // the most of any output
    int64_t *first;  // (out) first input
    int64_t *count;  // (out) 1 .. n_taps
    int32_t *weight; // (out, n_taps), zero beyond count
    int16_t *
        packed; // (out, groups of 4 taps, 32): high and low halves in the order resize_row wants; x only
} ResizeAxis;

static inline int64_t resize_groups(int64_t n_taps)
{
    return (n_taps + 3) / 4;
}

/* Fills axis->packed. */
void resize_pack(ResizeAxis *axis, int64_t n_out);

/* to (width, 4 bytes) = one row of `from` (interleaved RGB, 16 readable bytes behind the last tap). */
void resize_row(uint8_t *to, const uint8_t *from, const ResizeAxis *axis, int64_t width);

/* to (n bytes) = n_taps rows of `from`, `stride` bytes apart, weighted. Works in whole 16 bytes. */
void resize_column(uint8_t *to, const uint8_t *from, int64_t stride, const int32_t *weight,
                   int64_t n_taps, int64_t n);
