/* bench.h -- how fast pictures become network inputs on one core
 *
 * The five pieces of work that torchvision + Pillow are timed with, decode, supervised crop, MoCo v1 pair, MoCo v2 pair
 * and the crop-only decode, and a pair that is left for a device to finish. Rates are images (pairs) a second: median and
 * best of `reps` interleaved rounds.
 */
#pragma once
#include "base/status.h"
#include <stdint.h>

typedef struct DataBenchRate {
    const char *name;
    double      median, best; // a second
} DataBenchRate;

typedef struct DataBench {
    DataBenchRate rate[6];
    int64_t       n_rates;
} DataBench;

/* files: paths of pictures; reps >= 1 rounds of n images (or pairs) each. Runs on the calling
 * thread. */
Status data_bench(DataBench *out, const char *const *files, int64_t n_files, int64_t reps,
                  int64_t n);
