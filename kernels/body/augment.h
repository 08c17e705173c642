/* augment.h -- the colours of one pixel by a plan (base/pixel.h)
 *
 * Every op but contrast sees one pixel; contrast's base is the mean luma of the whole crop at its place in the order, which
 * the caller finds first: augment_ops_before says how many ops come before it.
 */
#pragma once
#include "base/pixel.h"

/* Ops before the plan's contrast; -1 when it has none. */
PIXEL_INLINE int augment_ops_before_contrast(const PixelPlan *plan)
{
    for (int i = 0; i < plan->n_ops && i < PIXEL_MOST_OPS; i++)
        if (plan->op[i] == PIXEL_CONTRAST)
            return i;
    return -1;
}

/* rgb after the first n ops. */
PIXEL_INLINE void augment_colours(uint8_t rgb[3], const PixelPlan *plan, int n, int32_t mean)
{
    for (int i = 0; i < n && i < PIXEL_MOST_OPS; i++) {
        float   f = plan->factor[i];
        float   base = 0;
        int32_t h, s, v;
        switch (plan->op[i]) {
        case PIXEL_HUE:
            pixel_to_hsv(&h, &s, &v, rgb[0], rgb[1], rgb[2]);
            pixel_from_hsv(&rgb[0], &rgb[1], &rgb[2], (h + pixel_hue_steps(f)) & 255, s, v);
            continue;
        case PIXEL_GRAY:
            rgb[0] = rgb[1] = rgb[2] = pixel_luma(rgb[0], rgb[1], rgb[2]);
            continue;
        case PIXEL_CONTRAST:
            base = (float)mean;
            break;
        case PIXEL_SATURATION:
            base = (float)pixel_luma(rgb[0], rgb[1], rgb[2]);
            break;
        default:
            break;
        }
        for (int c = 0; c < 3; c++)
            rgb[c] = pixel_blend(base, rgb[c], f);
    }
}
