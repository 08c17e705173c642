/* det_loader.h -- batches for detectors: resize, flip, pad, the same for any number of threads
 *
 *      picture -> upright RGB -> short side to one of `sizes` (long side <= max_size) -> maybe mirrored
 *              -> (value - mean) / std -> padded with 0 at the bottom and right to the batch's largest sides
 *                 (with bytes_only left to a device: kernels/ops/standardise.h)
 *
 * Detectron2's input pipeline (Wu et al. 2019; MoCo's detection configs): new side = int(x + 0.5),
 * Pillow bilinear on bytes, boxes scaled per axis in double, mirrored x -> W - x, clipped to the
 * picture, dropped when a side is <= 1e-5. Pictures without objects are legal.
 *
 * Training is an endless shuffled stream (seed, RNG_SHUFFLE, epoch). With `group_aspect`, wide (w >
 * h) and other pictures wait in two buckets of `group` pictures; a full bucket is emitted, and
 * batch / group of them make a batch, so a batch's pictures r*group .. r*group+group-1 have one
 * orientation. Step s is the same in a run opened at start_step = s. Testing (`train` false) walks
 * the set once in order, no flip, sizes[0].
 */
#pragma once
#include "base/pixel.h"
#include "datasets/detection.h"
#include "datasets/image.h"
#include "datasets/loader.h"

typedef struct DetLoaderOptions {
    bool           train;
    int64_t        batch; // pictures a step
    int64_t        group; // pictures a bucket emits; 0: batch; must divide batch
    bool           group_aspect;
    const int64_t *sizes;        // short sides to draw from (train) or the one to use (test)
    int64_t        n_sizes;      // 1 .. 64
    int64_t        max_size;     // longest side after resizing; 0: DET_MOST_SIDE
    float          flip_p;       // train only; 0.5 in every published recipe
    int64_t        pad_multiple; // 0 or 1: none (C4); 32 for FPN
    bool           bgr;   // channel order of the result; mean and std follow the result's order
    PixelStats     stats; // in 0..255
    bool           bytes_only; // batches of bytes, which a device standardises
    ExifPolicy     exif;
    int64_t        n_workers; // 0: one a core
    int64_t        prefetch;  // 0: 2
    uint64_t       seed;
    int64_t        start_step;
    int64_t        end_step;    // 0: endless
    int64_t        cache_bytes; // decoded pictures kept in memory; 0: none
    double         stall_s;     // 0: 10
} DetLoaderOptions;

/* MoCo's settings: RGB, ImageNet mean and std in 0..255, max_size 1333, flip_p .5. */
DetLoaderOptions det_loader_options(void);

typedef struct DetBatchImage {
    int64_t        index;         // in the set
    int64_t        width, height; // after resizing, without padding
    int64_t        original_width, original_height;
    bool           flipped;
    int64_t        n_objects;    // after clipping
    const float   *box;          // (n_objects, 4) in resized pixels
    const int32_t *label;        // (n_objects)
    const uint8_t *is_difficult; // (n_objects)
} DetBatchImage;

typedef struct DetBatch {
    int64_t              step;
    int64_t              n, height, width; // padded size
    const float         *pixels;           // (n, height, width, 3), or NULL and ...
    const uint8_t       *bytes;            // likewise, before (value - mean) / std
    PixelStats           stats;            // of bytes
    const DetBatchImage *image;            // (n)
} DetBatch;

typedef struct DetLoader DetLoader;

/* `set` must outlive the loader. */
Status      det_loader_open(DetLoader **out, const DetSet *set, const DetLoaderOptions *o);
/* Valid until the next call. Testing: n = 0 after the last picture. */
Status      det_loader_next(DetLoader *l, DetBatch *out);
LoaderStats det_loader_stats(const DetLoader *l);
void        det_loader_close(DetLoader *l);

/* The resized size of a width x height picture for short side `size`. No side becomes longer than DET_MOST_SIDE: a line of
 * pixels must not ask for gigabytes. */
enum { DET_MOST_SIDE = 16384 };
void det_resized(int64_t *new_width, int64_t *new_height, int64_t width, int64_t height,
                 int64_t size, int64_t max_size);

/* One picture as in testing, for prediction on loose files: pixels is (new_h, new_w, 3), taken from
 * `arena`. */
Status det_prepare(Arena *arena, float **pixels, int64_t *new_width, int64_t *new_height,
                   const DetLoaderOptions *o, const Image *im);
