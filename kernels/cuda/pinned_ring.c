#include "kernels/cuda/pinned_ring.h"
#include "base/size.h"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"

#include <string.h>

enum { ALIGN = 64 };

static Status open_ring(PinnedRing *r)
{
    void *memory = NULL;
    for (int i = 0; i < PINNED_PIECES; i++)
        TRY(gpu_check("pinned memory",
                      cudaEventCreateWithFlags(&r->piece[i].done, cudaEventDisableTiming)));
    TRY(gpu_check("pinned memory", cudaHostAlloc(&memory, PINNED_BYTES, cudaHostAllocDefault)));
    r->memory = memory;
    return OK;
}

/* Until a piece more and `bytes` behind r->end are free. A piece does not go round the end. */
static Status make_room(PinnedRing *r, int64_t bytes)
{
    int64_t to_the_end = PINNED_BYTES - r->end % PINNED_BYTES;
    if (bytes > to_the_end)
        r->end += to_the_end;
    while (r->next - r->oldest == PINNED_PIECES || r->end + bytes - r->begin > PINNED_BYTES) {
        PinnedPiece *p = &r->piece[r->oldest % PINNED_PIECES];
        TRY(gpu_check("write", cudaEventSynchronize(p->done)));
        r->begin = p->end;
        r->oldest++;
    }
    return OK;
}

static Status copy_piece(PinnedRing *r, cudaStream_t s, char *device, const char *host,
                         int64_t bytes)
{
    int64_t room = size_round_up(bytes, ALIGN);
    TRY(make_room(r, room));
    char        *memory = r->memory + r->end % PINNED_BYTES;
    PinnedPiece *p = &r->piece[r->next % PINNED_PIECES];
    memcpy(memory, host, (size_t)bytes);
    TRY(gpu_check("write",
                  cudaMemcpyAsync(device, memory, (size_t)bytes, cudaMemcpyHostToDevice, s)));
    p->end = r->end += room;
    r->next++;
    return gpu_check("write", cudaEventRecord(p->done, s));
}

Status pinned_ring_copy(PinnedRing *r, cudaStream_t s, void *device, const void *host,
                        int64_t bytes)
{
    if (cuda_is_capturing())
        return status_fail(ERR_USAGE, "write: a graph that is captured cannot take host memory; "
                                      "inputs are written before");
    pthread_mutex_lock(&r->lock);
    Status st = r->memory ? OK : open_ring(r);
    for (int64_t at = 0; st == OK && at < bytes; at += PINNED_PIECE_BYTES)
        st = copy_piece(r, s, (char *)device + at, (const char *)host + at,
                        size_min(bytes - at, PINNED_PIECE_BYTES));
    pthread_mutex_unlock(&r->lock);
    return st;
}
