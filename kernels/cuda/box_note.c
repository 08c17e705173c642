#include "kernels/cuda/box_note.h"
#include "kernels/cuda/device.h"

#include <string.h>

static BoxNote *pinned;

/* Says the complaint once. */
static Status read_note(void)
{
    BoxNote n = *pinned;
    if (n.complaint == BOX_FINE)
        return OK;
    memset(pinned, 0, sizeof *pinned);
    if (n.complaint == BOX_NO_SLOT)
        return status_fail(ERR_SHAPE,
                           "roi_targets: %lld regions of image %lld do not fit %lld slots",
                           (long long)n.n_regions, (long long)n.image, (long long)n.n_slots);
    return status_fail(
        ERR_NONFINITE,
        "rpn_propose: image %lld of the batch, anchor %lld of level %d: logit %g, box "
        "(%g,%g,%g,%g); the training diverged, lower the learning rate",
        (long long)n.image, (long long)n.anchor, n.level, (double)n.logit, (double)n.box[0],
        (double)n.box[1], (double)n.box[2], (double)n.box[3]);
}

Status box_note_open(void)
{
    void *memory = NULL;
    TRY(gpu_check("pinned memory", cudaHostAlloc(&memory, sizeof *pinned, cudaHostAllocDefault)));
    memset(memory, 0, sizeof *pinned);
    pinned = memory;
    gpu_after_wait(read_note);
    return OK;
}

BoxNote *box_note(void)
{
    return pinned;
}
