/* fold.h -- a strided convolution of few channels as one without stride: photographs waste what loads 16 bytes
 *
 *      x (N,H,W,3), 7x7 by 2          blocks of 2x2 pixels are places of 12 channels (16 with zeros): (N,115,115,16), 4x4 by 1
 *
 * The multiplications are the same, and zeros. With s the stride, place j of a folded axis holds the pixels
 * (j - blocks) s .. + s - 1, of which those outside are 0; tap i of the kernel becomes (i + shift) / s of the folded one,
 * part (i + shift) % s. `blocks` and `shift` make every window begin at the first pixel of a block: shift = blocks s - pad.
 */
#pragma once
#include "kernels/backend.h"

struct Fold {
    int64_t stride, blocks, shift;
    int64_t size;     // of the folded kernel, both axes
    int64_t channels; // stride stride Ci, up to a multiple of 8
    int64_t H, W;     // of the folded x; without padding they give the same y
};
