/* nms.cuh -- greedy suppression of ranked boxes, one block a segment */
#pragma once
#include "kernels/cuda/box.cuh"
#include "kernels/cuda/scratch.h"

enum : int32_t { NMS_NO_BOX = INT32_MIN }; // the class of a row without a box

/* Ranked boxes on the device, best first. Segment s is rows s room .. (s + 1) room - 1, or start[s] .. start[s+1] - 1. */
struct NmsBoxes {
    const Box *box;
    const int32_t
        *class_index;     // boxes of different classes do not suppress each other; or NMS_NO_BOX
    const int32_t *start; // (n_segments + 1), or NULL
    int64_t        room;
};

struct NmsKept {
    const int32_t *row; // (n_segments,most): rows of `box` from the segment's first, best first
    const int32_t *n;   // (n_segments)
    int64_t        most;
};

/* A box falls when its IoU with a better kept one of its class is strictly above the threshold; at most `most` are kept. */
Status box_nms(const char *op_name, NmsKept *kept, Scratch *scratch, const NmsBoxes &boxes,
               int64_t n_segments, int64_t most, float threshold);
