/* fold.h -- a strided convolution of few channels as one without stride: photographs waste what loads 16 bytes
 *
 *      x (N,H,W,3), 7x7 by 2     blocks of 2x2 pixels are places of 12 channels (16 with zeros): (N,115,115,16), 4x4 by 1
 *                                blocks of 2x4: two outputs side by side are one place of y: (N,115,58,24), 4x3 by 1, 128 channels
 *
 * Neighbours in a row of y are one another's channels in memory anyway, and matrix units like more of them than 64. The
 * multiplications that count are the same, the others are with zeros. Along an axis, with s the pixels of a block, place j
 * holds the pixels (j - blocks) s .. + s - 1, of which those outside are 0; tap i of the kernel for the d-th output of a
 * place becomes (i + shift + d stride) / s of the folded one, part (i + shift + d stride) % s. `blocks` and `shift` make
 * every window of a first output begin at the first pixel of a block: shift = blocks s - pad.
 */
#pragma once
#include "kernels/backend.h"

typedef struct FoldAxis {
    int64_t pixels;        // of a block: stride times the outputs of a place
    int64_t blocks, shift; // see above
    int64_t size;          // of the folded kernel
    int64_t length;        // of the folded x; without padding it gives the same y
} FoldAxis;

struct Fold {
    FoldAxis h, w;
    int64_t  stride;
    int64_t  outputs;  // of a place of y, along w
    int64_t  channels; // h.pixels w.pixels Ci, up to a multiple of 8
};
