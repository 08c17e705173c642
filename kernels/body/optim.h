/* optim.h -- one parameter's step: formulas in kernels/backend.h, in exactly this order of operations */
#pragma once
#include "kernels/body/bf16.h"
#include <math.h>
#include <stdbool.h>

/* w and v are updated. */
static inline GW_HD void sgd_value(float *w, float *v, float g, float lr, float momentum,
                                   float decay, bool is_first)
{
    float step = g + decay * *w;
    *v = is_first ? step : momentum * *v + step;
    *w -= lr * *v;
}

static inline GW_HD float ema_value(float k, float q, float m)
{
    return m * k + (1.0f - m) * q;
}

/* What a gradient whose numbers' squares sum to `squares` is multiplied with; 1 when the sum is not finite. */
static inline GW_HD float clip_factor(double squares, float max_norm)
{
    double norm = sqrt(squares);
    return isfinite(norm) && norm > (double)max_norm ? (float)((double)max_norm / norm) : 1.0f;
}
