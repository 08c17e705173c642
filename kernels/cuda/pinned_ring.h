/* pinned_ring.h -- host memory on its way to the device
 *
 *      +--------+---+-----+-------+--------+
 *      |  free  | a |  b  |   c   |  free  |     pieces that a stream still copies out of, oldest first
 *      +--------+---+-----+-------+--------+
 *
 * Out of pinned memory a copy runs behind the host and at the bus's speed. So bytes that the host hands over move here
 * first, and the host goes on. It waits for the oldest pieces alone, and for no more of them than the next piece needs room
 * for: small copies wait for nothing younger than PINNED_PIECES copies. A ring serves one stream.
 */
#pragma once
#include "base/status.h"
#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdint.h>

enum { PINNED_BYTES = 16 << 20, PINNED_PIECE_BYTES = PINNED_BYTES / 4, PINNED_PIECES = 64 };

typedef struct PinnedPiece {
    cudaEvent_t done; // the copy out of it
    int64_t     end;
} PinnedPiece;

typedef struct PinnedRing {
    pthread_mutex_t lock;
    char           *memory; // pinned, PINNED_BYTES; NULL before the first copy
    int64_t begin, end; // in use; counted on without end, a place is the number modulo PINNED_BYTES
    PinnedPiece piece[PINNED_PIECES];
    int64_t     oldest, next; // pieces in use: oldest .. next-1, counted on likewise
} PinnedRing;

/* Queues the copy on s, which is the same in all calls; the host's memory is free again. ERR_DEVICE, ERR_MEMORY;
 * ERR_USAGE while a graph is captured. */
Status pinned_ring_copy(PinnedRing *r, cudaStream_t s, void *device, const void *host,
                        int64_t bytes);
