/* against_pixels.h -- two folders of label images on one ground truth: IoU of both, with intervals
 *
 * As against.h, with IoU in the place of AP: images are drawn with replacement (the same draws for both), an image drawn
 * w times counts its pixels w times, and every class's IoU is computed again from the sums. "All" is the difference of
 * the two mean IoUs, each over the classes that are defined in its own results, as the metrics define their means.
 */
#pragma once
#include "eval/against.h"
#include "eval/pixel_tally.h"

typedef struct AgainstPixelsOptions {
    int64_t        resamples; // 1 .. 100000; usual: 1000
    uint64_t       seed;
    int64_t        n_labels, K; // labels of the counts are 0 .. n_labels-1; K classes are compared
    const int64_t *label;       // (K) of each class
    bool needs_truth; // IoU without ground truth is undefined (semseg), not 0 (Cityscapes)
} AgainstPixelsOptions;

/* One folder of label images, scored. */
typedef struct AgainstPixelsSide {
    int64_t           n_images;
    const PixelImage *image; // (n_images) in the order of the ground truth's paths
    const double     *iou;   // (K) fractions; NaN: undefined
    double            mean_iou;
} AgainstPixelsSide;

/* ERR_USAGE where the numbers of images differ or resamples is out of range. */
Status against_pixels(Arena *a, const AgainstPixelsOptions *options, Against *out,
                      const AgainstPixelsSide *ours,
                      const AgainstPixelsSide *theirs) STATUS_MUST_USE;
