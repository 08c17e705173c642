/* relu.h -- max(0, v) that lets NaN pass, as in PyTorch: a broken activation must not turn into a healthy zero */
#pragma once
#include "kernels/body/bf16.h"

static inline GW_HD float relu_value(float v)
{
    return v < 0.0f ? 0.0f : v;
}
