/* bootstrap.c -- see bootstrap.h */
#include "eval/bootstrap.h"
#include "base/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void bootstrap_draw(int32_t *weight, int64_t n_images, uint64_t seed, int64_t resample)
{
    Rng rng = rng_at(seed, RNG_BOOTSTRAP, (uint64_t)resample, 0);
    memset(weight, 0, (size_t)n_images * sizeof *weight);
    for (int64_t i = 0; i < n_images; i++)
        weight[rng_below(&rng, (uint32_t)n_images)]++;
}

static int compare_doubles(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

void bootstrap_interval(double *low, double *high, const double *value, int64_t n, int64_t stride,
                        double *room)
{
    int64_t defined = 0;
    *low = *high = NAN;
    for (int64_t b = 0; b < n; b++)
        if (!isnan(value[b * stride]))
            room[defined++] = value[b * stride];
    if (defined == 0)
        return;
    qsort(room, (size_t)defined, sizeof *room, compare_doubles);
    *low = room[(int64_t)floor(.025 * (double)(defined - 1))];
    *high = room[(int64_t)ceil(.975 * (double)(defined - 1))];
}
