#include "base/rng.h"

#include <math.h>

float rng_normal(Rng *r)
{
    /* 1 - u lies in (0, 1], so the logarithm is finite. */
    double u = 1.0 - (double)rng_uniform(r);
    double v = (double)rng_uniform(r);
    return (float)(sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v));
}

void rng_permutation(Rng *r, int64_t *perm, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        perm[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)rng_below(r, (uint32_t)(i + 1));
        int64_t held = perm[i];
        perm[i] = perm[j];
        perm[j] = held;
    }
}
