/* hue.c -- RGB to Pillow's byte HSV, hue turned by whole steps of 256, and back (Convert.c), bit for bit
 *
 *      V = max   S = int(255 (max-min)/max)   H = int(255 frac(h/6 + 1)), h = bc-gc | 2+rc-bc | 4+gc-rc
 *
 * Which quantities are float32 and which double decides the last bit; the comments name those that are not obvious.
 * The work runs in chunks through small arrays, one plain loop a stage, so that each loop becomes vector code.
 */
#include "datasets/simd.h"
#include "datasets/transform.h"
#include <math.h>

#define CHUNK 256

typedef struct Hsv {
    int32_t h[CHUNK], s[CHUNK], v[CHUNK];
} Hsv;

SIMD_INLINE void to_hsv(Hsv *out, const uint8_t *r, const uint8_t *g, const uint8_t *b, int64_t n)
{
    float turn[CHUNK]; // h of the formula, float32
    for (int64_t i = 0; i < n; i++) {
        int R = r[i], G = g[i], B = b[i];
        int hi = R > G ? R : G, lo = R < G ? R : G;
        hi = hi > B ? hi : B;
        lo = lo < B ? lo : B;
        int   d = hi - lo;
        float span = (float)(d > 0 ? d : 1);
        float rc = (float)(hi - R) / span, gc = (float)(hi - G) / span, bc = (float)(hi - B) / span;
        // Pillow: bc - gc in float32, 2 + rc - bc and 4 + gc - rc in double. Differences of such ratios are
        // exact in double, so one double formula, rounded once, serves the three.
        float plus = R == hi ? bc : G == hi ? rc : gc;
        float minus = R == hi ? gc : G == hi ? bc : rc;
        double base = R == hi ? 0.0 : G == hi ? 2.0 : 4.0;
        turn[i] = (float)(base + (double)plus - (double)minus);
        float s = (float)d / (float)(hi > 0 ? hi : 1);
        out->s[i] = (int32_t)((double)s * 255.0);
        out->v[i] = hi;
    }
    for (int64_t i = 0; i < n; i++) {
        double x = (double)turn[i] / 6.0 + 1.0;
        float  frac = (float)(x >= 1.0 ? x - 1.0 : x);
        int    h = (int32_t)((double)frac * 255.0);
        out->h[i] = out->s[i] == 0 && turn[i] == 0 ? 0 : h;
    }
}

SIMD_INLINE void from_hsv(uint8_t *r, uint8_t *g, uint8_t *b, const Hsv *in, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int    H = in->h[i], S = in->s[i], V = in->v[i];
        int    sector = H * 6 / 255;
        float  f = (float)((double)H * 6.0 / 255.0 - (double)sector);
        float  s = (float)((double)S / 255.0);
        double v = (double)V;
        int    p = (int)(v * (1.0 - (double)s) + 0.5);
        int    q = (int)(v * (1.0 - (double)(s * f)) + 0.5); // s * f is a float32 product
        int    t = (int)(v * (1.0 - (double)s * (1.0 - (double)f)) + 0.5);
        int    six = sector == 6 ? 0 : sector;
        int    R = six == 1 ? q : six == 2 || six == 3 ? p : six == 4 ? t : V;
        int    G = six == 0 ? t : six == 3 ? q : six >= 4 ? p : V;
        int    B = six <= 1 ? p : six == 2 ? t : six == 5 ? q : V;
        r[i] = (uint8_t)(S == 0 ? V : R);
        g[i] = (uint8_t)(S == 0 ? V : G);
        b[i] = (uint8_t)(S == 0 ? V : B);
    }
}

SIMD_CLONES static void turn_hue(uint8_t *r, uint8_t *g, uint8_t *b, int64_t n, int32_t steps)
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
