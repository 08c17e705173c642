/* densepose.h -- DensePose average precision: GPS, GPSm, mask IoU
 *
 *      annotated point --> pixel of the result's grid --> part, U, V --> nearest vertex
 *            |                                                               |
 *      part, U, V --> nearest vertex  <---------- geodesic distance d ------>+
 *
 *      GPS  = mean over points of exp(-d^2 / (2 kappa^2))        (Guler et al. 2018, sec. 4)
 *      GPSm = sqrt(GPS * IoU of the masks)
 *
 * As densepose_coco_evaluation.py of detectron2 @ 02b5c4e computes it, to 1e-12; its matching
 * differs from COCO's in five places, numbered in densepose_match.c. Undefined numbers are -1.
 */
#pragma once
#include "eval/densepose_data.h"
#include "eval/densepose_surface.h"
#include "eval/match.h"

typedef enum DenseposeMode { DENSEPOSE_GPS, DENSEPOSE_GPSM, DENSEPOSE_IOU } DenseposeMode;

enum { DENSEPOSE_MAX_THRESHOLDS = 20, DENSEPOSE_MAX_STATS = 13, DENSEPOSE_CAP = 20 };

typedef struct DenseposeOptions {
    DenseposeMode mode;
    double        least;          // smallest threshold: 0 means .5
    bool          bug_compatible; // a match with annotation id 0 counts as none
} DenseposeOptions;

/* One category. -1: undefined. */
typedef struct DenseposeClass {
    double  ap, ap50, ap75, ap_medium, ap_large, ar;
    int64_t n_truth, n_annotated, n_found;
} DenseposeClass;

typedef struct DenseposeResult {
    int         n_stats, n_thresholds;
    double      threshold[DENSEPOSE_MAX_THRESHOLDS];
    double      stat[DENSEPOSE_MAX_STATS]; // AP [AP20 AP30 AP40] AP50 AP75 APm APl AR AR50 AR75
                                           // ARm ARl
    const char *name[DENSEPOSE_MAX_STATS];
    double      ap_at[DENSEPOSE_MAX_THRESHOLDS], ar_at[DENSEPOSE_MAX_THRESHOLDS]; // -1: undefined
    int64_t     n_images, n_truth, n_annotated, n_found;
    DenseposeClass  *per_class; // (n_categories)
    /* how the match was made, for analysis.h and against.h */
    MatchResult      match; // areas: all, medium, large
    const MatchTask *task;
    MatchSimilarity  overlap; // GPS, GPSm or IoU of any two rows of an image
} DenseposeResult;

/* Everything in `out` lives in `a` and borrows data and surface. */
Status densepose_evaluate(Arena *a, const DenseposeOptions *options, DenseposeResult *out,
                          const DenseposeData    *data,
                          const DenseposeSurface *surface) STATUS_MUST_USE;

/* GPS of one pair; iuv (h,w,3) is the result's grid. */
Status densepose_gps(double *gps, const DenseposeSurface *s, const DenseposeTruth *t,
                     const DenseposeFound *f, const uint8_t *iuv) STATUS_MUST_USE;

/* The masks that GPSm compares, on an image of (h,w). */
Status densepose_truth_mask(Arena *a, Rle *out, const DenseposeTruth *t, int64_t h,
                            int64_t w) STATUS_MUST_USE;
Status densepose_found_mask(Arena *a, Rle *out, const DenseposeFound *f, const uint8_t *iuv,
                            int64_t h, int64_t w) STATUS_MUST_USE;

const char *densepose_definition(DenseposeMode mode);
