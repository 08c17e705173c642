/* against.h -- two result files on one ground truth: is the difference more than luck?
 *
 * Images are drawn with replacement (the same draws for both files), AP is computed again from the matches at hand,
 * and the middle 95 per cent of the differences make the interval. An image drawn w times counts its annotations and
 * results w times, its results side by side in the ranking. Efron 1979; draws are Philox (RNG_BOOTSTRAP, resample, 0).
 */
#pragma once
#include "eval/coco.h"

typedef struct AgainstOptions {
    int64_t  resamples; // 1 .. 100000; usual: 1000
    uint64_t seed;
} AgainstOptions;

typedef struct Difference {
    double ap, other_ap; // of all images, -1: undefined
    double difference;   // ap - other_ap; NaN when undefined
    double low, high;    // 2.5 and 97.5 per cent of the resampled differences; NaN when undefined
} Difference;

typedef struct Against {
    int64_t     K, resamples;
    Difference  all;       // mean over categories
    Difference *per_class; // (K)
} Against;

/* Both results must come from coco_evaluate with the same truth and options. Area range "all", largest cap. */
Status against_run(Arena *a, const AgainstOptions *options, Against *out, const CocoResult *result,
                   const CocoResults *found, const CocoResult *other,
                   const CocoResults *other_found) STATUS_MUST_USE;
