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

/* Sample i of g in bin p along one side of n cells: the two cells it lies between and their shares. */
typedef struct RoiSide {
    int64_t lo, hi;     // the same at the last cell
    float   w_lo, w_hi; // 0 outside
    bool    is_inside;
} RoiSide;

static inline GW_HD RoiSide roi_side(float start, float bin, int64_t p, int i, int g, int64_t n)
{
    RoiSide s = {0, 0, 0, 0, false};
    float   at = start + (float)p * bin + ((float)i + 0.5f) * bin / (float)g;
    if (!(at >= -1.0f && at <= (float)n))
        return s;
    at = at > 0 ? at : 0;
    s.is_inside = true;
    s.lo = (int64_t)at;
    s.hi = s.lo + 1;
    if (s.lo >= n - 1) {
        s.lo = s.hi = n - 1;
        at = (float)s.lo;
    }
    s.w_hi = at - (float)s.lo;
    s.w_lo = 1.0f - s.w_hi;
    return s;
}

static inline GW_HD RoiTaps roi_taps(const RoiFrame *f, int64_t ph, int64_t pw, int iy, int ix,
                                     int64_t H, int64_t W)
{
    RoiTaps t = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    RoiSide y = roi_side(f->y1, f->bin_h, ph, iy, f->g_h, H);
    RoiSide x = roi_side(f->x1, f->bin_w, pw, ix, f->g_w, W);
    if (!y.is_inside || !x.is_inside)
        return t;
    t.at[0] = y.lo * W + x.lo;
    t.at[1] = y.lo * W + x.hi;
    t.at[2] = y.hi * W + x.lo;
    t.at[3] = y.hi * W + x.hi;
    t.weight[0] = y.w_lo * x.w_lo;
    t.weight[1] = y.w_lo * x.w_hi;
    t.weight[2] = y.w_hi * x.w_lo;
    t.weight[3] = y.w_hi * x.w_hi;
    return t;
}

/* The divisor of a bin: its number of samples, at least 1. */
static inline GW_HD float roi_samples(const RoiFrame *f)
{
    int64_t n = (int64_t)f->g_h * f->g_w;
    return (float)(n > 1 ? n : 1);
}
