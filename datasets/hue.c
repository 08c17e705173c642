/* hue.c -- RGB to Pillow's byte HSV, hue turned by whole steps of 256, and back (base/pixel.h), bit for bit
 *
 * The work runs in chunks through small arrays, one plain loop a stage, so that each loop becomes vector code.
 */
#include "base/pixel.h"
#include "datasets/simd.h"
#include "datasets/transform.h"

#define CHUNK 256

typedef struct Hsv {
    int32_t h[CHUNK], s[CHUNK], v[CHUNK];
} Hsv;

SIMD_CLONES static void turn_hue(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b,
                                 int64_t n, int32_t steps)
{
    Hsv hsv;
    for (int64_t i = 0; i < n; i++)
        pixel_to_hsv(&hsv.h[i], &hsv.s[i], &hsv.v[i], r[i], g[i], b[i]);
    for (int64_t i = 0; i < n; i++)
        hsv.h[i] = (hsv.h[i] + steps) & 255;
    for (int64_t i = 0; i < n; i++)
        pixel_from_hsv(&r[i], &g[i], &b[i], hsv.h[i], hsv.s[i], hsv.v[i]);
}

void transform_hue(Planes *p, float factor)
{
    int32_t steps = pixel_hue_steps(factor);
    int64_t n = p->width * p->height;
    for (int64_t i = 0; i < n; i += CHUNK)
        turn_hue(p->plane[0] + i, p->plane[1] + i, p->plane[2] + i, n - i < CHUNK ? n - i : CHUNK,
                 steps);
}
