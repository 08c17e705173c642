/* label_png.h -- PNG files whose pixels are numbers, not colours
 *
 *      gray 1, 2, 4, 8 bit  -> the value           palette -> the index (never through RGB)
 *      gray 16 bit          -> the value           anything else is refused
 *
 * A mask file may also be coloured: there every pixel counts that does not turn black when Pillow
 * converts it to 8-bit gray, L = (19595 R + 38470 G + 7471 B + 32768) >> 16; alpha is left out.
 *
 * ERR_FORMAT for what is no PNG, is damaged, has other sizes than it should, or claims more pixels
 * than its bytes can hold or than LABEL_MAX_PIXELS; every sentence names the file.
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

#define LABEL_MAX_PIXELS 178956970 // where Pillow draws the line too

typedef struct LabelImage {
    int64_t   h, w;
    uint8_t  *narrow; // (h,w) values of at most 8 bits; NULL for a 16-bit image
    uint16_t *wide;   // (h,w) 16-bit values; NULL otherwise
} LabelImage;

/* Labels of 8 or 16 bits, as the file has them. */
Status label_png_read(Arena *a, LabelImage *out, const char *path) STATUS_MUST_USE;
Status label_png_parse(Arena *a, LabelImage *out, const uint8_t *bytes, int64_t n,
                       const char *name) STATUS_MUST_USE;

/* The same, widened to 16 bits in any case: out->wide is set, out->narrow is NULL. */
Status label_png_read_wide(Arena *a, LabelImage *out, const char *path) STATUS_MUST_USE;

/* Any PNG as a mask: out->narrow holds 0 and non-zero. */
Status mask_png_read(Arena *a, LabelImage *out, const char *path) STATUS_MUST_USE;
Status mask_png_parse(Arena *a, LabelImage *out, const uint8_t *bytes, int64_t n,
                      const char *name) STATUS_MUST_USE;

/* Three bytes a pixel, as DensePose stores part, u and v: 8-bit RGB of just this size. rgb (h,w,3). */
Status rgb_png_parse(Arena *a, uint8_t **rgb, int64_t h, int64_t w, const uint8_t *bytes, int64_t n,
                     const char *name) STATUS_MUST_USE;
