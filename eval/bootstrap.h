/* bootstrap.h -- images drawn with replacement, and the interval of what the draws gave
 *
 * Efron 1979. Draws are Philox (RNG_BOOTSTRAP, resample, 0): they depend on the seed and the number of the resample
 * alone, so two result files can be given the same ones in any order.
 */
#pragma once
#include <stdint.h>

/* weight[i]: how often image i of n_images >= 1 occurs in this resample; they sum to n_images. */
void bootstrap_draw(int32_t *weight, int64_t n_images, uint64_t seed, int64_t resample);

/* The 2.5 and 97.5 per cent points (nearest rank) of value[0], value[stride] ... value[(n-1)*stride], NaN left out;
 * NaN where nothing is left. room: n places. */
void bootstrap_interval(double *low, double *high, const double *value, int64_t n, int64_t stride,
                        double *room);
