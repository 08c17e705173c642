/* feed.h -- a step's inputs, on their way while the device computes the step before
 *
 *      copies         | inputs k+1 |                | inputs k+2 |
 *      computation    | step k ............ | use k+1 | step k+1 ............ |
 *
 *      for (step ...) {
 *          x = feed_input(&f, &t, F32, 4, dim, pixels);    // on its way; the host's memory is free again
 *          y = feed_input(&f, &t, I32, 1, &n, labels);
 *          TRY(feed_end(&f));                              // what is queued from here on finds them in x and y
 *          ...
 *      }
 *
 * Each input of a step waits in a stage of its own on the device (Backend.feed), found by its place among them; a stage
 * grows with the inputs of its place. Where a backend's memory is the host's, inputs are written at once.
 */
#pragma once
#include "kernels/backend.h"

enum { FEED_MOST = 8 };

typedef struct FeedStage {
    void   *memory;
    int64_t capacity; // bytes
    void   *to;       // of the input that waits: where it is wanted
    int64_t bytes;
} FeedStage;

/* `Feed f = {.be = be}` is ready. One thread at a time. */
typedef struct Feed {
    const Backend *be;
    FeedStage      stage[FEED_MOST];
    int            n; // inputs since feed_end
} Feed;

void feed_release(Feed *f); // a zeroed one is fine

/* `bytes` of the host for device memory `to`, at most FEED_MOST times a step. ERR_MEMORY, ERR_DEVICE. */
Status feed_put(Feed *f, void *to, const void *host, int64_t bytes);

/* As tape_input: a new tensor of this step, there after feed_end. */
Tensor *feed_input(Feed *f, Tape *t, DType dtype, int ndim, const int64_t *dim, const void *host);

/* Moves the inputs to where they are wanted, behind what is queued. */
Status feed_end(Feed *f);
