/* color.c -- brightness, contrast, saturation, gray (Pillow's ImageEnhance, Blend.c, Convert.c), bit for bit
 *
 * The arithmetic of one pixel is base/pixel.h's; the loops become vector code.
 */
#include "base/pixel.h"
#include "datasets/simd.h"
#include "datasets/transform.h"
#include <string.h>

#define CHUNK 1024 // pixels treated at a time, so that L stays in the first cache

SIMD_CLONES static void blend_with_level(uint8_t *restrict v, int64_t n, float level, float f)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = pixel_blend(level, v[i], f);
}

SIMD_CLONES static void blend_with_luma(uint8_t *restrict r, uint8_t *restrict g,
                                        uint8_t *restrict b, int64_t n, float f)
{
    for (int64_t i = 0; i < n; i++) {
        float level = (float)pixel_luma(r[i], g[i], b[i]);
        r[i] = pixel_blend(level, r[i], f);
        g[i] = pixel_blend(level, g[i], f);
        b[i] = pixel_blend(level, b[i], f);
    }
}

SIMD_CLONES static int64_t luma_sum(const uint8_t *r, const uint8_t *g, const uint8_t *b, int64_t n)
{
    int64_t sum = 0;
    for (int64_t begin = 0; begin < n; begin += CHUNK) {
        int64_t  end = begin + CHUNK < n ? begin + CHUNK : n;
        uint32_t part = 0;
        for (int64_t i = begin; i < end; i++)
            part += pixel_luma(r[i], g[i], b[i]);
        sum += part;
    }
    return sum;
}

SIMD_CLONES static void luma_row(uint8_t *restrict r, const uint8_t *g, const uint8_t *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        r[i] = pixel_luma(r[i], g[i], b[i]);
}

void transform_brightness(Planes *p, float factor)
{
    for (int c = 0; c < 3; c++)
        blend_with_level(p->plane[c], p->width * p->height, 0, factor);
}

void transform_contrast(Planes *p, float factor)
{
    int64_t n = p->width * p->height;
    int64_t sum = luma_sum(p->plane[0], p->plane[1], p->plane[2], n);
    int32_t mean = pixel_mean(sum, n);
    for (int c = 0; c < 3; c++)
        blend_with_level(p->plane[c], n, (float)mean, factor);
}

void transform_saturation(Planes *p, float factor)
{
    blend_with_luma(p->plane[0], p->plane[1], p->plane[2], p->width * p->height, factor);
}

void transform_gray(Planes *p)
{
    int64_t n = p->width * p->height;
    luma_row(p->plane[0], p->plane[1], p->plane[2], n);
    memcpy(p->plane[1], p->plane[0], (size_t)n);
    memcpy(p->plane[2], p->plane[0], (size_t)n);
}
