/* input.h -- a batch of pictures and their ground truth on the tape's device, fed while the step before computes */
#pragma once
#include "datasets/det_loader.h"
#include "kernels/feed.h"

typedef struct DetectInput {
    int64_t     N;
    Tensor     *images; // (N,H,W,3) f32, padded with 0 at the bottom and right
    Tensor     *size;   // (N,2) f32: width and height without padding
    GroundTruth gt;     // all three NULL in testing
    BoxRandom   random; // address of anchor and region samples
    const Proposals
        *given; // regions from elsewhere instead of the RPN's (Fast R-CNN; tests); NULL: the RPN's
} DetectInput;

/* Pictures first .. first+n-1 of a loaded batch, padded only to the largest of them, as the GPU that owns them would. */
DetectInput detect_input(Tape *t, Feed *f, const DetBatch *batch, int64_t first, int64_t n,
                         uint64_t seed);

/* One prepared picture (H,W,3) without ground truth. */
DetectInput detect_input_picture(Tape *t, Feed *f, const float *pixels, int64_t height,
                                 int64_t width);
