/* hue.c -- RGB to Pillow's byte HSV, hue turned by whole steps of 256, and back (Convert.c), bit for bit
 *
 *      V = max   S = int(255 (max-min)/max)   H = int(255 frac(h/6 + 1)), h = bc-gc | 2+rc-bc | 4+gc-rc
 *      p = round(V (1-s))   q = round(V (1-s f))   t = round(V (1-s (1-f)))   s = S/255, f = frac(6 H/255)
 *
 * Pillow mixes float32 and double. Cheaper arithmetic that gives the same bytes was found by trying every input: all
 * (sector, max-mid, max-min) for H, all (V, S, H) for p, q, t; where a cheaper form failed (h itself in float32, h times
 * 1/6) the dear one stayed. The test runs all 2^24 colours through both directions.
 * The work runs in chunks through small arrays, one plain loop a stage, so that each loop becomes vector code.
 */
#include "datasets/simd.h"
#include "datasets/transform.h"

#define CHUNK 256

typedef struct Hsv {
    int32_t h[CHUNK], s[CHUNK], v[CHUNK];
} Hsv;

SIMD_INLINE void to_hsv(Hsv *out, const uint8_t *r, const uint8_t *g, const uint8_t *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int R = r[i], G = g[i], B = b[i];
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
        out->h[i] = (int32_t)(frac * 255.0f);
        out->s[i] = (int32_t)((float)d / (float)(hi > 0 ? hi : 1) * 255.0f);
        out->v[i] = hi;
    }
}

/* round(x / 255^2) for x up to 255^3, a whole number that float32 holds. */
SIMD_INLINE int round_65025(int x)
{
    return (int)((float)(x + 32512) * (1.0f / 65025.0f));
}

SIMD_INLINE void from_hsv(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b,
                          const Hsv *in, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int H6 = 6 * in->h[i], S = in->s[i], V = in->v[i];
        int sector = (H6 * 257 + 257) >> 16; // H6 / 255
        int f = H6 - 255 * sector;           // 0 .. 254
        int x = V * (255 - S) + 128;
        int p = (x + (x >> 8)) >> 8;
        int q = round_65025(V * (65025 - S * f));
        int t = round_65025(V * (65025 - S * (255 - f)));
        int six = sector == 6 ? 0 : sector;
        /* all ones in the sector's mask, so that choosing needs no branch */
        int e0 = -(six == 0), e1 = -(six == 1), e2 = -(six == 2), e3 = -(six == 3),
            e4 = -(six == 4);
        int e5 = -(six == 5);
        r[i] = (uint8_t)((V & (e0 | e5)) | (q & e1) | (p & (e2 | e3)) | (t & e4));
        g[i] = (uint8_t)((t & e0) | (V & (e1 | e2)) | (q & e3) | (p & (e4 | e5)));
        b[i] = (uint8_t)((p & (e0 | e1)) | (t & e2) | (V & (e3 | e4)) | (q & e5));
    }
}

SIMD_CLONES static void turn_hue(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b,
                                 int64_t n, int32_t steps)
{
    Hsv hsv;
    to_hsv(&hsv, r, g, b, n);
    for (int64_t i = 0; i < n; i++)
        hsv.h[i] = (hsv.h[i] + steps) & 255;
    from_hsv(r, g, b, &hsv, n);
}

void transform_hue(Planes *p, float factor)
{
    int32_t steps = (int32_t)((double)factor * 255.0); // toward zero, then modulo 256
    int64_t n = p->width * p->height;
    for (int64_t i = 0; i < n; i += CHUNK)
        turn_hue(p->plane[0] + i, p->plane[1] + i, p->plane[2] + i, n - i < CHUNK ? n - i : CHUNK,
                 steps);
}
