/* losses.h -- the arithmetic of one element of a loss */
#pragma once
#include "base/rng.h"
#include <math.h>

/* -log sigmoid(x) for target 1, -log (1 - sigmoid(x)) for 0, without overflow. */
static inline GW_HD float sigmoid_loss(float x, float target)
{
    return fmaxf(x, 0.0f) - x * target + log1pf(expf(-fabsf(x)));
}

static inline GW_HD float sigmoid_slope(float x, float target)
{
    float e = expf(-fabsf(x));
    return (x >= 0 ? 1.0f / (1.0f + e) : e / (1.0f + e)) - target;
}

/* Huber's loss scaled to slope 1 far out; beta 0 is |d|. */
static inline GW_HD float smooth_l1(float d, float beta)
{
    float n = fabsf(d);
    return n < beta ? 0.5f * n * n / beta : n - 0.5f * beta;
}

static inline GW_HD float smooth_l1_slope(float d, float beta)
{
    return fabsf(d) < beta ? d / beta : d > 0 ? 1.0f : d < 0 ? -1.0f : 0.0f;
}
