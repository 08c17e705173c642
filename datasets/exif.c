/* exif.c -- find the orientation, turn the picture (EXIF 2.3 sec. 4.6.4 A; JPEG segments of ITU
 * T.81 annex B) */
#include "datasets/exif.h"
#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3

static uint32_t read16(const uint8_t *p, bool is_little)
{
    return is_little ? (uint32_t)(p[0] | p[1] << 8) : (uint32_t)(p[0] << 8 | p[1]);
}

static uint32_t read32(const uint8_t *p, bool is_little)
{
    return is_little ? read16(p, true) | read16(p + 2, true) << 16
                     : read16(p, false) << 16 | read16(p + 2, false);
}

/* tiff[0..n): "II*\0" or "MM\0*", offset of the first directory, its entries of 12 bytes. */
static int tiff_orientation(const uint8_t *tiff, int64_t n)
{
    if (n < 8)
        return 1;
    bool is_little = memcmp(tiff, "II*\0", 4) == 0;
    if (!is_little && memcmp(tiff, "MM\0*", 4) != 0)
        return 1;
    int64_t at = read32(tiff + 4, is_little);
    if (at < 8 || at > n - 2)
        return 1;
    int64_t n_entries = read16(tiff + at, is_little);
    at += 2;
    for (int64_t i = 0; i < n_entries && at + 12 <= n; i++, at += 12) {
        if (read16(tiff + at, is_little) != TAG_ORIENTATION)
            continue;
        uint32_t value = read16(tiff + at + 8, is_little);
        bool     sane = read16(tiff + at + 2, is_little) == TYPE_SHORT &&
                    read32(tiff + at + 4, is_little) == 1 && value >= 1 && value <= 8;
        return sane ? (int)value : 1;
    }
    return 1;
}

int exif_orientation_jpeg(const uint8_t *bytes, int64_t n_bytes)
{
    int64_t at = 2;
    while (at + 4 <= n_bytes && bytes[at] == 0xFF) {
        int marker = bytes[at + 1];
        if (marker == 0xFF) { // fill byte
            at++;
            continue;
        }
        if (marker == 0xDA || marker == 0xD9) // first scan, end
            return 1;
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) { // markers without a length
            at += 2;
            continue;
        }
        int64_t length = read16(bytes + at + 2, false);
        if (length < 2 || at + 2 + length > n_bytes)
            return 1;
        if (marker == 0xE1 && length >= 8 && memcmp(bytes + at + 4, "Exif\0\0", 6) == 0)
            return tiff_orientation(bytes + at + 10, length - 8);
        at += 2 + length;
    }
    return 1;
}

int exif_orientation_png(const uint8_t *bytes, int64_t n_bytes)
{
    int64_t at = 8;
    while (at + 12 <= n_bytes) {
        int64_t length = read32(bytes + at, false);
        if (length > n_bytes - at - 12 || memcmp(bytes + at + 4, "IEND", 4) == 0)
            return 1;
        if (memcmp(bytes + at + 4, "eXIf", 4) == 0)
            return tiff_orientation(bytes + at + 8, length);
        at += 12 + length;
    }
    return 1;
}

/* The stored column and row of upright pixel (x, y); W, H are the stored sides. */
static void stored_pixel(int64_t *sx, int64_t *sy, int orientation, int64_t x, int64_t y, int64_t W,
                         int64_t H)
{
    bool    swaps = exif_swaps_sides(orientation);
    int64_t column = swaps ? y : x;
    int64_t row = swaps ? x : y;
    bool    flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool    flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    *sx = flip_x ? W - 1 - column : column;
    *sy = flip_y ? H - 1 - row : row;
}

ImageRect exif_stored_rect(int orientation, ImageRect upright, int64_t width, int64_t height)
{
    int64_t ax, ay, bx, by;
    stored_pixel(&ax, &ay, orientation, upright.x, upright.y, width, height);
    stored_pixel(&bx, &by, orientation, upright.x + upright.width - 1,
                 upright.y + upright.height - 1, width, height);
    ImageRect r = {ax < bx ? ax : bx, ay < by ? ay : by, upright.width, upright.height};
    if (exif_swaps_sides(orientation)) {
        r.width = upright.height;
        r.height = upright.width;
    }
    return r;
}

Status exif_turn(Image *out, const Image *stored, int orientation)
{
    int64_t W = stored->width, H = stored->height;
    bool    swaps = exif_swaps_sides(orientation);
    TRY(image_resize_buffer(out, swaps ? H : W, swaps ? W : H));
    uint8_t *to = out->pixels;
    for (int64_t y = 0; y < out->height; y++) {
        for (int64_t x = 0; x < out->width; x++, to += 3) {
            int64_t sx, sy;
            stored_pixel(&sx, &sy, orientation, x, y, W, H);
            memcpy(to, stored->pixels + 3 * (sy * W + sx), 3);
        }
    }
    return OK;
}
