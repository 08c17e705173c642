/* feed.c -- inputs of the next step on their way while this one computes
 *
 *      copy stream                 | feed k+1 |          | feed k+2 |
 *      compute stream    | use k | step k .... | use k+1 | step k+1 ....
 *                                ^ used                  ^ used
 *
 * A feed may overwrite its stage when the last use of any stage is over, a use may read when the last feed is there. Two
 * events say so. `used` stands right behind the uses, so feeds of a step wait for no computation but what lies before the
 * step that runs.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/pinned_ring.h"

static cudaEvent_t fed, used;
static PinnedRing  ring = {.lock = PTHREAD_MUTEX_INITIALIZER}; // its own: writes wait for no feed

static Status open_events(void)
{
    if (fed && used)
        return OK;
    TRY(gpu_check("feed", cudaEventCreateWithFlags(&fed, cudaEventDisableTiming)));
    return gpu_check("feed", cudaEventCreateWithFlags(&used, cudaEventDisableTiming));
}

Status cuda_feed(void *stage, const void *host, int64_t bytes)
{
    TRY(open_events());
    TRY(gpu_check("feed", cudaStreamWaitEvent(gpu_copy_stream(), used, 0)));
    TRY(pinned_ring_copy(&ring, gpu_copy_stream(), stage, host, bytes));
    return gpu_queued("feed", gpu_copy_stream(), cudaEventRecord(fed, gpu_copy_stream()));
}

Status cuda_feed_use(void *to, const void *stage, int64_t bytes)
{
    TRY(open_events());
    TRY(gpu_check("feed", cudaStreamWaitEvent(gpu_stream(), fed, 0)));
    TRY(cuda_copy(to, stage, bytes));
    return gpu_check("feed", cudaEventRecord(used, gpu_stream()));
}
