/* cityscapes_records.h -- what the instance metric needs to know of every image
 *
 * Instances, predictions, and how many pixels each pair shares: enough for all ten thresholds and for the analyses; the
 * pictures are dropped.
 */
#pragma once
#include "eval/cityscapes_files.h"

typedef struct CityscapesTruth {
    int32_t value; // < 1000: a group
    int32_t thing; // index of CITYSCAPES_THINGS
    int64_t pixels;
} CityscapesTruth;

typedef struct CityscapesOverlap {
    int64_t truth; // index into CityscapesImage.truth
    int64_t pixels;
} CityscapesOverlap;

typedef struct CityscapesPrediction {
    int32_t            thing;
    double             confidence;
    int64_t            pixels, void_pixels;
    CityscapesOverlap *overlap;    // every instance it touches, those of its own class first
    int64_t            n_overlaps; // of its own class
    int64_t            n_shared;   // of any class
} CityscapesPrediction;

struct CityscapesImage {
    Arena                 arena;
    CityscapesTruth      *truth;
    CityscapesPrediction *found; // predictions that are not empty
    int64_t               n_truth, n_found;
};

/* Numbered, and of at least CITYSCAPES_MIN_PIXELS. */
static inline bool cityscapes_counts(const CityscapesTruth *t)
{
    return t->value >= 1000 && t->pixels >= CITYSCAPES_MIN_PIXELS;
}

/* Intersection over union of a prediction and the instance of `o`. */
double cityscapes_overlap(const CityscapesImage *image, const CityscapesPrediction *f,
                          const CityscapesOverlap *o);

/* Pixels of a prediction that lie on void, groups and specks of its class; a speck that is a group counts twice. */
int64_t cityscapes_excused(const CityscapesImage *image, const CityscapesPrediction *f);

void cityscapes_thresholds(double threshold[CITYSCAPES_THRESHOLDS]);
