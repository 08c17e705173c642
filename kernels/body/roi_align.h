/* roi_align.h -- where the samples of a region lie and what they weigh
 *
 *      y = y1 + ph bin_h + (iy + .5) bin_h / g_h           in cells; the same in x
 *
 * A sample outside [-1, H] x [-1, W] counts as 0; inside, coordinates are raised to 0, and the last row or column
 * repeats itself. (He et al. 2017, sec. 3; torchvision's and Detectron2's edge rules.)
 */
#pragma once
#include "base/rng.h"
#include <math.h>
#include <stdbool.h>

typedef struct RoiFrame {
    float y1, x1, bin_h, bin_w; // cells
    int   g_h, g_w;             // samples a bin
} RoiFrame;

/* The four cells around a sample, as offsets y * W + x into the map, and their weights; all 0 outside. */
typedef struct RoiTaps {
    int64_t at[4];
    float   weight[4];
} RoiTaps;

static inline GW_HD RoiFrame roi_frame(const float *box, int64_t P, int64_t S, float scale,
                                       bool is_aligned)
{
    float    shift = is_aligned ? 0.5f : 0.0f;
    float    x1 = box[0] * scale - shift, y1 = box[1] * scale - shift;
    float    w = box[2] * scale - shift - x1, h = box[3] * scale - shift - y1;
    RoiFrame f;
    if (!is_aligned) {
        w = w < 1.0f ? 1.0f : w;
        h = h < 1.0f ? 1.0f : h;
    }
    f.x1 = x1;
    f.y1 = y1;
    f.bin_w = w / (float)P;
    f.bin_h = h / (float)P;
    f.g_h = S > 0 ? (int)S : (int)ceilf(fminf(fmaxf(f.bin_h, 0.0f), 1e6f));
    f.g_w = S > 0 ? (int)S : (int)ceilf(fminf(fmaxf(f.bin_w, 0.0f), 1e6f));
    return f;
}

static inline GW_HD RoiTaps roi_taps(const RoiFrame *f, int64_t ph, int64_t pw, int iy, int ix,
                                     int64_t H, int64_t W)
{
    RoiTaps t = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    float   y = f->y1 + (float)ph * f->bin_h + ((float)iy + 0.5f) * f->bin_h / (float)f->g_h;
    float   x = f->x1 + (float)pw * f->bin_w + ((float)ix + 0.5f) * f->bin_w / (float)f->g_w;
    if (!(y >= -1.0f && y <= (float)H && x >= -1.0f && x <= (float)W))
        return t;
    y = y > 0 ? y : 0;
    x = x > 0 ? x : 0;
    int64_t y0 = (int64_t)y, x0 = (int64_t)x, y1 = y0 + 1, x1 = x0 + 1;
    if (y0 >= H - 1) {
        y0 = y1 = H - 1;
        y = (float)y0;
    }
    if (x0 >= W - 1) {
        x0 = x1 = W - 1;
        x = (float)x0;
    }
    float ly = y - (float)y0, lx = x - (float)x0, hy = 1.0f - ly, hx = 1.0f - lx;
    t.at[0] = y0 * W + x0;
    t.at[1] = y0 * W + x1;
    t.at[2] = y1 * W + x0;
    t.at[3] = y1 * W + x1;
    t.weight[0] = hy * hx;
    t.weight[1] = hy * lx;
    t.weight[2] = ly * hx;
    t.weight[3] = ly * lx;
    return t;
}

/* The divisor of a bin: its number of samples, at least 1. */
static inline GW_HD float roi_samples(const RoiFrame *f)
{
    int64_t n = (int64_t)f->g_h * f->g_w;
    return (float)(n > 1 ? n : 1);
}
