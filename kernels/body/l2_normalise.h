/* l2_normalise.h -- a row brought to length 1: y = x / |x|, dx = (dy - y (y . dy)) / |x|
 *
 * A row shorter than 1e-12 is divided by that: a constant, so its gradient is dy / 1e-12 (torch.nn.functional.normalize).
 */
#pragma once
#include "base/rng.h"
#include <math.h>

#define L2_LEAST 1e-12f

static inline GW_HD float l2_length(double sum_of_squares)
{
    return fmaxf((float)sqrt(sum_of_squares), L2_LEAST);
}

static inline GW_HD float l2_value(float x, float length)
{
    return x / length;
}

/* dot: y . dy */
static inline GW_HD float l2_slope(float dy, float y, float dot, float length)
{
    return (dy - (length <= L2_LEAST ? 0.0f : y * dot)) / length;
}
