/* transform.c -- where to crop, and bytes to network inputs */
#include "datasets/transform.h"
#include "base/size.h"
#include "datasets/simd.h"
#include <math.h>

#define CROP_TRIES 10

ImageRect transform_draw_crop(Rng *rng, int64_t width, int64_t height, const float scale[2],
                              const float ratio[2])
{
    double area = (double)height * (double)width;
    float  log_lo = logf(ratio[0]), log_hi = logf(ratio[1]);
    for (int k = 0; k < CROP_TRIES; k++) {
        double  a = area * (double)(scale[0] + (scale[1] - scale[0]) * rng_uniform(rng));
        double  r = (double)expf(log_lo + (log_hi - log_lo) * rng_uniform(rng));
        int64_t w = (int64_t)nearbyint(sqrt(a * r)), h = (int64_t)nearbyint(sqrt(a / r));
        if (w < 1 || h < 1 || w > width || h > height)
            continue;
        int64_t y = rng_below(rng, (uint32_t)(height - h + 1));
        int64_t x = rng_below(rng, (uint32_t)(width - w + 1));
        return (ImageRect){x, y, w, h};
    }
    double  shape = (double)width / (double)height;
    int64_t w = width, h = height;
    if (shape < (double)ratio[0])
        h = size_min((int64_t)nearbyint((double)w / (double)ratio[0]), height);
    else if (shape > (double)ratio[1])
        w = size_min((int64_t)nearbyint((double)h * (double)ratio[1]), width);
    w = size_max(w, 1);
    h = size_max(h, 1);
    return (ImageRect){(width - w) / 2, (height - h) / 2, w, h};
}

void transform_short_side(int64_t *new_width, int64_t *new_height, int64_t width, int64_t height,
                          int64_t side)
{
    int64_t shorter = size_min(width, height), longer = size_max(width, height);
    int64_t far = (int64_t)((double)side * (double)longer / (double)shorter);
    *new_width = width <= height ? side : far;
    *new_height = width <= height ? far : side;
}

ImageRect transform_center_crop(int64_t width, int64_t height, int64_t side)
{
    ImageRect r = {0, 0, size_min(side, width), size_min(side, height)};
    r.x = (int64_t)nearbyint((double)(width - r.width) / 2.0);
    r.y = (int64_t)nearbyint((double)(height - r.height) / 2.0);
    return r;
}

SIMD_CLONES static void write_row(float *restrict out, const uint8_t *r, const uint8_t *g,
                                  const uint8_t *b, const float table[3][256], int64_t width)
{
    for (int64_t x = 0; x < width; x++) {
        out[3 * x] = table[0][r[x]];
        out[3 * x + 1] = table[1][g[x]];
        out[3 * x + 2] = table[2][b[x]];
    }
}

static void write_row_mirrored(float *restrict out, const uint8_t *r, const uint8_t *g,
                               const uint8_t *b, const float table[3][256], int64_t width)
{
    for (int64_t x = 0; x < width; x++) {
        out[3 * x] = table[0][r[width - 1 - x]];
        out[3 * x + 1] = table[1][g[width - 1 - x]];
        out[3 * x + 2] = table[2][b[width - 1 - x]];
    }
}

void transform_to_float(float *out, const Planes *p, const float mean[3], const float std[3],
                        bool flip)
{
    float table[3][256]; // a byte has only 256 results
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++)
            table[c][v] = pixel_normalise(v, mean[c], std[c]);
    for (int64_t y = 0; y < p->height; y++) {
        int64_t at = y * p->width;
        (flip ? write_row_mirrored : write_row)(out + 3 * at, p->plane[0] + at, p->plane[1] + at,
                                                p->plane[2] + at, (const float(*)[256])table,
                                                p->width);
    }
}
