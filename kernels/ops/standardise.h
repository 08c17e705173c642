/* standardise.h -- pictures of bytes to what a detector sees, on the tape's device
 *
 *      +-----------+-----+
 *      | picture   |  0  |     (byte - mean) / std inside each picture, 0 in the padding beside it. A batch travels as
 *      +-----------+     |     bytes, a quarter of float32; the bits are those that datasets/det_loader.h computes on the
 *      |   0             |     host.
 *      +-----------------+
 */
#pragma once
#include "kernels/backend.h"

/* bytes (N,H,W,3) u8, size (N,2) f32: width and height of each picture; stats in the order of the channels, in 0..255
 * ->  (N,H,W,3) of the tape's dtype. No gradient flows. ERR_SHAPE. */
Tensor *standardise(Tape *t, const Tensor *bytes, const Tensor *size, const PixelStats *stats);
