/* pixel_tally.h -- what one image adds to the IoU of every class
 *
 *   IoU = both / (truth + found - both), each summed over images before the division
 *
 * Kept for every image, so that IoU can be computed again for images drawn with replacement.
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct PixelCount {
    int32_t label;
    int64_t truth, found, both; // pixels annotated, predicted where pixels count, and both
} PixelCount;

/* The classes that occur in one image, ascending. */
typedef struct PixelImage {
    int64_t           n;
    const PixelCount *count; // (n)
} PixelImage;

/* Copies the entries of tally (n_labels), indexed by label, that are not all zero. */
Status pixel_tally_keep(Arena *a, PixelImage *out, const PixelCount *tally,
                        int64_t n_labels) STATUS_MUST_USE;
