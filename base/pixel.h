/* pixel.h -- what is done to the pixels of a crop before a network sees them: the same bytes on the host and on a device
 *
 *      crop, bytes --ops in order--> --box blur, three passes a direction--> --mirror--> (byte / 255 - mean) / std
 *
 * Pillow's arithmetic (ImageEnhance, Blend.c, Convert.c, BoxBlur.c; 9.4), one pixel at a time: datasets/ runs it over
 * planes on the host, kernels/ over batches on a device. It lies here because the two know nothing of each other. Only
 * operations that IEEE 754 rounds correctly are used, and none is contracted, so results do not depend on who computes.
 */
#pragma once
#include <stdint.h>

#ifndef GW_HD
#ifdef __CUDACC__
#define GW_HD __host__ __device__
#else
#define GW_HD
#endif
#endif
#define PIXEL_INLINE static inline __attribute__((always_inline)) GW_HD

typedef enum PixelOp {
    PIXEL_BRIGHTNESS, // factors f >= 0: f in [0,1] blends inside, above it extrapolates and clips
    PIXEL_CONTRAST,
    PIXEL_SATURATION,
    PIXEL_HUE,  // factor in [-0.5, 0.5], share of the circle
    PIXEL_GRAY, // three equal channels
} PixelOp;

/* One pass of a box blur of radius r = R + fraction; weights sum to 2^24 over the 2 R + 3 taps. */
typedef struct PixelBox {
    int32_t  radius;      // R; -1: no blur
    uint32_t inner, edge; // weights of taps -R .. R, and of taps -R-1 and R+1
} PixelBox;

enum {
    PIXEL_MOST_OPS = 5,    // each PixelOp once
    PIXEL_MOST_RADIUS = 2, // of a plan for a device; a sigma of 2 pixels has 1
    PIXEL_PLAN_WORDS = 16,
};

/* What is left to do to one crop: plain 32-bit words, sent to a device as they are. */
typedef struct PixelPlan {
    int32_t  n_ops;                  // 0 .. PIXEL_MOST_OPS
    int32_t  op[PIXEL_MOST_OPS];     // PixelOp, in order
    float    factor[PIXEL_MOST_OPS]; // of op
    PixelBox blur;
    int32_t  flip; // 1: left to right
    int32_t  unused;
} PixelPlan;

/* Of pixels in 0..1, RGB (crops), or of bytes in the order of a picture's channels (detection). */
typedef struct PixelStats {
    float mean[3], std[3];
} PixelStats;

/* ---- gray and blends ---- */

PIXEL_INLINE uint8_t pixel_luma(uint8_t r, uint8_t g, uint8_t b)
{
    return (uint8_t)((19595u * r + 38470u * g + 7471u * b + 0x8000u) >> 16);
}

/* base + f (v - base) in float32, clipped to 0..255, truncated. */
PIXEL_INLINE uint8_t pixel_blend(float base, uint8_t v, float f)
{
    float t = base + f * ((float)v - base);
    t = t > 0.0f ? t : 0.0f;
    t = t < 255.0f ? t : 255.0f;
    return (uint8_t)(int)t;
}

/* Contrast's base: the mean of n pixels' luma, rounded. */
PIXEL_INLINE int32_t pixel_mean(int64_t sum, int64_t n)
{
    return (int32_t)((double)sum / (double)n + 0.5);
}

/* ---- hue: Pillow's byte HSV ----
 *
 *      V = max   S = int(255 (max-min)/max)   H = int(255 frac(h/6 + 1)), h = bc-gc | 2+rc-bc | 4+gc-rc
 *      p = round(V (1-s))   q = round(V (1-s f))   t = round(V (1-s (1-f)))   s = S/255, f = frac(6 H/255)
 *
 * Pillow mixes float32 and double. Cheaper arithmetic that gives the same bytes was found by trying every input: all
 * (sector, max-mid, max-min) for H, all (V, S, H) for p, q, t; where a cheaper form failed (h itself in float32, h times
 * 1/6) the dear one stayed. tests/datasets runs all 2^24 colours through both directions. */

/* Whole steps of 256: toward zero; turned modulo 256. */
PIXEL_INLINE int32_t pixel_hue_steps(float factor)
{
    return (int32_t)((double)factor * 255.0);
}

PIXEL_INLINE void pixel_to_hsv(int32_t *h, int32_t *s, int32_t *v, uint8_t r, uint8_t g, uint8_t b)
{
    int R = r, G = g, B = b;
    int hi = R > G ? R : G, lo = R < G ? R : G;
    hi = hi > B ? hi : B;
    lo = lo < B ? lo : B;
    int   d = hi - lo;
    /* h = base + plus - minus; the sum is exact in double and rounded once, as Pillow's are */
    float span = (float)(d > 0 ? d : 1);
    float plus = (float)(hi - (R == hi ? B : G == hi ? R : G)) / span;
    float minus = (float)(hi - (R == hi ? G : G == hi ? B : R)) / span;
    int   base = R == hi ? 0 : G == hi ? 2 : 4;
    float sixth = (float)((double)base + (double)plus - (double)minus) / 6.0f;
    float frac = sixth < 0 ? sixth + 1.0f : sixth;
    *h = (int32_t)(frac * 255.0f);
    *s = (int32_t)((float)d / (float)(hi > 0 ? hi : 1) * 255.0f);
    *v = hi;
}

/* round(x / 255^2) for x up to 255^3, a whole number that float32 holds. */
PIXEL_INLINE int pixel_round_65025(int x)
{
    return (int)((float)(x + 32512) * (1.0f / 65025.0f));
}

PIXEL_INLINE void pixel_from_hsv(uint8_t *r, uint8_t *g, uint8_t *b, int32_t h, int32_t S,
                                 int32_t V)
{
    int H6 = 6 * h;
    int sector = (H6 * 257 + 257) >> 16; // H6 / 255
    int f = H6 - 255 * sector;           // 0 .. 254
    int x = V * (255 - S) + 128;
    int p = (x + (x >> 8)) >> 8;
    int q = pixel_round_65025(V * (65025 - S * f));
    int t = pixel_round_65025(V * (65025 - S * (255 - f)));
    int six = sector == 6 ? 0 : sector;
    /* all ones in the sector's mask, so that choosing needs no branch */
    int e0 = -(six == 0), e1 = -(six == 1), e2 = -(six == 2), e3 = -(six == 3), e4 = -(six == 4);
    int e5 = -(six == 5);
    *r = (uint8_t)((V & (e0 | e5)) | (q & e1) | (p & (e2 | e3)) | (t & e4));
    *g = (uint8_t)((t & e0) | (V & (e1 | e2)) | (q & e3) | (p & (e4 | e5)));
    *b = (uint8_t)((p & (e0 | e1)) | (t & e2) | (V & (e3 | e4)) | (q & e5));
}

/* ---- blur, and the end ---- */

/* From the sum of taps -R .. R and the sum of the two beyond. */
PIXEL_INLINE uint8_t pixel_box(uint32_t inner_sum, uint32_t edge_sum, PixelBox box)
{
    return (uint8_t)((box.inner * inner_sum + box.edge * edge_sum + (1u << 23)) >> 24);
}

/* True float32 divisions, as torchvision's. */
PIXEL_INLINE float pixel_normalise(int byte, float mean, float std)
{
    return ((float)byte / 255.0f - mean) / std;
}

/* Detectron2's, whose means and deviations are in 0..255. */
PIXEL_INLINE float pixel_standardise(int byte, float mean, float std)
{
    return ((float)byte - mean) / std;
}
