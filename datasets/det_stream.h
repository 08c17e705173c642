/* det_stream.h -- which pictures a training step holds: an endless shuffled stream, sorted into two buckets (internal)
 *
 *      epoch 0: 3 0 2 1 | epoch 1: 1 2 0 3 | ...     --wide--> [3 1]  \\
 *                                                    --other-> [0 2]  / a full bucket of `group` leaves; groups make a batch
 */
#pragma once
#include "datasets/det_loader.h"

/* A place in the stream: which picture, in which epoch. */
typedef struct DetTicket {
    int64_t index, epoch;
} DetTicket;

typedef struct DetStream {
    const DetLoaderOptions *o;
    int64_t                 n_images;
    uint8_t                *is_wide; // (n_images) w > h
    int64_t                *order;   // permutation of `epoch`
    int64_t                 epoch, place;
    DetTicket              *bucket[2]; // (group) each
    int64_t                 n_bucket[2];
    DetTicket              *skipped; // (batch)
} DetStream;

/* Reads picture headers where annotations have no size; `o` must outlive the stream. Release also after a failure. */
Status det_stream_init(DetStream *s, const DetSet *set, const DetLoaderOptions *o);
void   det_stream_release(DetStream *s);

/* The next o->batch tickets. */
void det_stream_next(DetStream *s, DetTicket *out);

/* As if n batches had been taken. */
void det_stream_skip(DetStream *s, int64_t n);
