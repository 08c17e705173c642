/* box_note.h -- what a box kernel finds wrong, told by the next wait
 *
 * An entry does not wait for its kernels, so they write their complaint into pinned host memory, where the host reads it
 * when it has waited anyway. The first stays until it is read.
 */
#pragma once
#include "base/status.h"
#include <stdint.h>

typedef enum BoxComplaint {
    BOX_FINE = 0,
    BOX_NOT_FINITE, // rpn_propose: a logit or a decoded box
    BOX_NO_SLOT     // roi_targets: more regions than slots
} BoxComplaint;

typedef struct BoxNote {
    int32_t complaint; // BoxComplaint
    int32_t level;
    int64_t image, anchor, n_regions, n_slots;
    float   logit, box[4];
} BoxNote;

/* Makes the note, with the device: pinned memory cannot be had while a graph is captured. ERR_MEMORY, ERR_DEVICE. */
Status box_note_open(void);

/* What kernels write to. */
BoxNote *box_note(void);
