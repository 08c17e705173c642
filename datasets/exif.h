/* exif.h -- the one EXIF tag that moves pixels (internal)
 *
 *      1 as is   2 mirrored   3 turned 180   4 upside down   5 transposed   6 turn 90 right   7
 * transverse   8 turn 90 left
 *
 * The parser looks at segment headers up to the first scan (JPEG) or at the chunk list (PNG), and
 * at the entries of the first directory only, each bounded by the bytes at hand; it follows no
 * links, so loops cannot trap it.
 */
#pragma once
#include "datasets/image.h"

/* 1..8; 1 when there is no tag or anything about it is broken. */
int exif_orientation_jpeg(const uint8_t *bytes, int64_t n_bytes);
int exif_orientation_png(const uint8_t *bytes, int64_t n_bytes);

/* True when stored rows become upright columns. */
static inline bool exif_swaps_sides(int orientation)
{
    return orientation >= 5;
}

/* The stored rectangle that becomes `upright` in a picture of stored size width x height. */
ImageRect exif_stored_rect(int orientation, ImageRect upright, int64_t width, int64_t height);

/* out = `stored` turned upright. */
Status exif_turn(Image *out, const Image *stored, int orientation);
