/* loader.h -- batches of augmented pictures from many threads, the same for any number of them
 *
 *      source --> workers (pthreads) --> ring of `prefetch` batches --> loader_next
 *
 * Step s of the run is batch s mod steps_per_epoch of epoch s / steps_per_epoch. The order of an
 * epoch is a permutation addressed by (seed, RNG_SHUFFLE, epoch), a sample's draws by (seed, epoch,
 * sample index, view): nothing depends on threads, and a loader opened at start_step = s continues
 * bit for bit.
 *
 * Bad pictures: BAD_FAIL stops with the file's sentence; BAD_SKIP puts the next good picture (by
 * index) in its place, and stops with ERR_FORMAT once more than bad_limit of the set is bad;
 * BAD_GRAY puts a gray one. Each bad file is counted once and named in the log.
 */
#pragma once
#include "datasets/augment.h"
#include "datasets/source.h"

typedef enum BadPolicy { BAD_FAIL, BAD_SKIP, BAD_GRAY } BadPolicy;

/* Makes the JPEG decoders of the workers, one each. */
typedef struct JpegDecoders {
    Status (*open)(void *ctx, JpegDecoder *out);
    void (*close)(JpegDecoder *d);
    void *ctx;
} JpegDecoders;

typedef struct LoaderOptions {
    AugmentOptions augment;
    int64_t        batch;     // images a step, >= 1
    int64_t        n_views;   // 1 or 2
    int64_t        n_workers; // 0: one a core this process may run on
    int64_t        prefetch;  // batches in the ring; 0: 3
    uint64_t       seed;
    bool           shuffle; // false: index order
    bool    drop_last; // true: floor(n / batch) steps an epoch; false: the last batch may be short
    int64_t start_step;
    int64_t end_step; // loader_next beyond it is ERR_USAGE and nothing is prefetched past it; 0:
                      // endless
    BadPolicy bad;
    double    bad_limit;   // share of the set under BAD_SKIP; 0: 0.001
    int64_t   cache_bytes; // decoded pictures kept in memory; 0: none
    double    stall_s;     // warn after this long without a batch; 0: 10
    bool crops_only; // batches hold crops and plans, for a device to finish; blur's sigma is then
                     // limited by PIXEL_MOST_RADIUS
    JpegDecoders
        jpeg; // all zero: libjpeg decodes everything. How many files they served is logged at the end
} LoaderOptions;

typedef struct LoaderBatch {
    int64_t n;     // images in this batch
    int64_t step;  // of the run
    int64_t epoch; // 0-based
    const float
        *view[2]; // (n, crop, crop, 3); view[1] NULL when n_views is 1, both with crops_only
    const uint8_t   *crop[2]; // crops_only: (n, 3, crop, crop) bytes ...
    const PixelPlan *plan[2]; // ... and (n) what is left to do; NULL otherwise
    const int64_t   *label;   // (n), -1: none
    const int64_t   *index;   // (n) sample numbers in the source (after BAD_SKIP's replacement)
} LoaderBatch;

typedef struct LoaderStats {
    double  wait_s;      // total time loader_next blocked
    double  last_wait_s; // of the latest call
    int64_t n_bad;       // distinct bad files met so far
    int64_t n_stalls;    // warnings given
    int64_t cached_bytes;
} LoaderStats;

typedef struct Loader Loader;

/* `s` must outlive the loader. ERR_USAGE: impossible options (batch larger than the set with
 * drop_last, ...). */
Status loader_open(Loader **out, const Source *s, const LoaderOptions *o);
/* The next step's batch, valid until the following call or loader_close. */
Status loader_next(Loader *l, LoaderBatch *out);
void   loader_close(Loader *l); // never waits for more than the pictures in work; NULL is fine

int64_t     loader_steps_per_epoch(const Loader *l);
LoaderStats loader_stats(const Loader *l);
