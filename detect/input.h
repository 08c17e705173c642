/* input.h -- a batch of pictures and their ground truth on the tape's device, fed while the step before computes
 *
 * Where the device is not the host, pictures travel as bytes and are standardised there: a quarter of float32 on the way,
 * the same bits at its end.
 */
#pragma once
#include "datasets/det_loader.h"
#include "detect/config.h"
#include "kernels/feed.h"

typedef struct DetectInput {
    int64_t     N;
    Tensor     *images; // (N,H,W,3), padded with 0 at the bottom and right
    Tensor     *size;   // (N,2) f32: width and height without padding
    GroundTruth gt;     // all three NULL in testing
    BoxRandom   random; // address of anchor and region samples
    const Proposals
        *given; // regions from elsewhere instead of the RPN's (Fast R-CNN; tests); NULL: the RPN's
} DetectInput;

/* The recipe's loader options for batches on their way to `be`. */
DetLoaderOptions detect_input_loader(const DetectConfig *c, bool train, const Backend *be);

/* Pictures first .. first+n-1 of a loaded batch, padded only to the largest of them, as the GPU that owns them would. */
DetectInput detect_input(Tape *t, Feed *f, const DetBatch *batch, int64_t first, int64_t n,
                         uint64_t seed);

/* The first picture of a batch, without ground truth. */
DetectInput detect_input_picture(Tape *t, Feed *f, const DetBatch *batch);
