/* blur.c -- Pillow's GaussianBlur (libImaging/BoxBlur.c): three extended box blurs a direction, bit for bit
 *
 *      one pass, radius r = R + fraction, edges repeated:
 *      out[x] = (ww (in[x-R] + .. + in[x+R]) + fw (in[x-R-1] + in[x+R+1]) + 2^23) >> 24
 */
#include "datasets/simd.h"
#include "datasets/transform.h"
#include "base/size.h"
#include <math.h>
#include <string.h>

/* The box whose three passes have the variance of the Gaussian; float32 where Pillow has it. */
static PixelBox box_of_sigma(float sigma)
{
    float    v = sigma * sigma / 3.0f;
    float    L = (float)sqrt(12.0 * (double)v + 1.0);
    float    l = (float)floor(((double)L - 1.0) / 2.0);
    float    a = (2 * l + 1) * (l * (l + 1) - 3 * v) / (6 * (v - (l + 1) * (l + 1)));
    float    r = l + a;
    PixelBox box;
    uint32_t whole = (uint32_t)r;
    box.radius = (int32_t)whole;
    box.inner = (uint32_t)((float)(1 << 24) / (r * 2 + 1));
    box.edge = ((1u << 24) - (whole * 2 + 1) * box.inner) / 2;
    return box;
}

/* to[0..n) from taps at in[i + k * step], k = -R-1 .. R+1; all of them exist. */
SIMD_CLONES static void box_pass(uint8_t *restrict to, const uint8_t *in, int64_t n, int64_t step,
                                 PixelBox box)
{
    if (box.radius == 0) {
        for (int64_t i = 0; i < n; i++) {
            uint32_t edge = (uint32_t)in[i - step] + in[i + step];
            to[i] = pixel_box(in[i], edge, box);
        }
    } else if (box.radius == 1) {
        for (int64_t i = 0; i < n; i++) {
            uint32_t inner = (uint32_t)in[i - step] + in[i] + in[i + step];
            uint32_t edge = (uint32_t)in[i - 2 * step] + in[i + 2 * step];
            to[i] = pixel_box(inner, edge, box);
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            uint32_t inner = 0;
            for (int64_t k = -box.radius; k <= box.radius; k++)
                inner += in[i + k * step];
            uint32_t edge =
                (uint32_t)in[i - (box.radius + 1) * step] + in[i + (box.radius + 1) * step];
            to[i] = pixel_box(inner, edge, box);
        }
    }
}

/* Horizontal: each row is copied between repeated edges of `padded`, filtered back into place. */
static void blur_rows(uint8_t *plane, uint8_t *padded, int64_t width, int64_t height, PixelBox box)
{
    int64_t edge = box.radius + 1;
    for (int64_t y = 0; y < height; y++) {
        uint8_t *row = plane + y * width;
        for (int pass = 0; pass < 3; pass++) {
            memset(padded, row[0], (size_t)edge);
            memcpy(padded + edge, row, (size_t)width);
            memset(padded + edge + width, row[width - 1], (size_t)edge);
            box_pass(row, padded + edge, width, 1, box);
        }
    }
}

/* Vertical: the whole plane between repeated rows, filtered as one long line with taps a row apart. */
static void blur_columns(uint8_t *plane, uint8_t *padded, int64_t width, int64_t height,
                         PixelBox box)
{
    int64_t edge = box.radius + 1;
    for (int pass = 0; pass < 3; pass++) {
        memcpy(padded + edge * width, plane, (size_t)(width * height));
        for (int64_t k = 0; k < edge; k++) {
            memcpy(padded + k * width, plane, (size_t)width);
            memcpy(padded + (edge + height + k) * width, plane + (height - 1) * width,
                   (size_t)width);
        }
        box_pass(plane, padded + edge * width, width * height, width, box);
    }
}

Status transform_blur_box(PixelBox *out, float sigma)
{
    if (!(sigma > 0) || sigma > 1000)
        return status_fail(ERR_SHAPE, "blur: sigma %g pixels, expected more than 0, at most 1000",
                           (double)sigma);
    *out = box_of_sigma(sigma);
    return OK;
}

Status transform_box_blur(Planes *scratch, Planes *p, PixelBox box)
{
    int64_t edge = 2 * ((int64_t)box.radius + 1);
    TRY(planes_resize_buffer(scratch, p->width + edge, p->height + edge));
    for (int c = 0; c < 3; c++) {
        blur_rows(p->plane[c], scratch->memory, p->width, p->height, box);
        blur_columns(p->plane[c], scratch->memory, p->width, p->height, box);
    }
    return OK;
}

Status transform_blur(Planes *scratch, Planes *p, float sigma)
{
    PixelBox box;
    TRY(transform_blur_box(&box, sigma));
    return transform_box_blur(scratch, p, box);
}
