/* against.h -- two result files on one ground truth: is the difference more than luck?
 *
 * Images are drawn with replacement (the same draws for both files), AP is computed again from the matches at hand,
 * and the middle 95 per cent of the differences make the interval. An image drawn w times counts its annotations and
 * results w times, its results side by side in the ranking. Draws and interval: bootstrap.h.
 *
 * AP is the metric's own: its recall points or area, its thresholds, area range 0, its largest cap. "All" is the mean
 * over categories that have annotations, so a VOC mean over empty classes differs from it.
 */
#pragma once
#include "eval/match.h"

typedef enum AgainstAverage {
    AGAINST_POINTS,    // mean precision at the recall points of the task (COCO, LVIS)
    AGAINST_11_POINTS, // VOC2007
    AGAINST_AREA,      // VOC2010 on
    AGAINST_TRAPEZES,  // area under the points of every score, straight lines between (Cityscapes)
} AgainstAverage;

typedef struct AgainstOptions {
    int64_t        resamples; // 1 .. 100000; usual: 1000
    uint64_t       seed;
    AgainstAverage average;
} AgainstOptions;

/* One result file, scored. */
typedef struct AgainstSide {
    const MatchTask   *task;
    const MatchResult *match;
    const double      *ap; // (K) of each category, fractions; -1 or NaN: undefined
} AgainstSide;

typedef struct Difference {
    double ours, theirs; // NaN: undefined
    double difference;   // ours - theirs; NaN when undefined
    double low, high; // 2.5 and 97.5 per cent of the resampled differences; NaN when undefined, and
                      // where fewer than two images hold annotations of the category
} Difference;

typedef struct Against {
    const char *measure; // "AP", "IoU": what is compared
    int64_t     K, resamples;
    Difference  all;       // mean over categories
    Difference *per_class; // (K)
} Against;

/* Both sides must be scored with the same truth and options: ERR_USAGE where their shapes differ. */
Status against_run(Arena *a, const AgainstOptions *options, Against *out, const AgainstSide *ours,
                   const AgainstSide *theirs) STATUS_MUST_USE;
