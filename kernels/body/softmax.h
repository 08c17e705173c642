/* softmax.h -- softmax of a row of scores x, and the cross entropy of the one at the label
 *
 *      total = sum exp(x - most), most = max x      p = exp(x - most) / total = exp(x - log_sum)
 *      log_sum = most + log total                   loss = log_sum - x[label],  dloss/dx = p - (1 at the label)
 *
 * Nothing overflows: the largest exponent is 0. InfoNCE is the cross entropy of a row whose label is the positive.
 */
#pragma once
#include "base/rng.h"
#include <math.h>
#include <stdbool.h>

/* Shifted by most: what total sums. Shifted by log_sum: p. */
static inline GW_HD float softmax_term(float x, float shift)
{
    return expf(x - shift);
}

static inline GW_HD float softmax_log_sum(double total, float most)
{
    return (float)(log(total) + (double)most);
}

static inline GW_HD double softmax_loss(double total, float most, float x_of_label)
{
    return log(total) - ((double)x_of_label - (double)most);
}

static inline GW_HD float softmax_slope(float p, bool is_label)
{
    return p - (is_label ? 1.0f : 0.0f);
}
