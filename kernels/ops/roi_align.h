/* roi_align.h -- a fixed grid of features for each region of any size
 *
 *      image pixels                     feature cells (1 cell = 1/scale pixels)
 *      +----------------+               +---+---+---+
 *      |   x1,y1        |    * scale    | : | : | : |   P x P bins; each is the mean of
 *      |     +-----+    |   -------->   +---+---+---+   S x S bilinear samples
 *      |     +-----+x2,y2               | : | : | : |
 *      +----------------+               +---+---+---+
 *
 * He et al. 2017, sec. 3.  Pixel centres sit at .5, so an edge at pixel 0 is cell -0.5 (is_aligned).
 * PITFALL: R may be 0 (no region in the batch); the result is then empty, not a failure.
 */
#pragma once
#include "kernels/backend.h"

/* x (N,H,W,C), rois (R,5) f32 = image index, x1 y1 x2 y2 in pixels  ->  (R,P,P,C) in x's dtype.
 * No gradient flows to `rois`, which must name images 0 .. N-1. */
Tensor *roi_align(Tape *t, const RoiAlign *op, Tensor *x, const Tensor *rois);
