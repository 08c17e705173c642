/* augment.h -- crops as the loader cut them to what a network sees, on the tape's device
 *
 *      host    decode, crop, resize ---------------> planes of bytes, and a plan each
 *      device  colours in the plan's order, blur, mirror, (byte / 255 - mean) / std
 *
 * A crop travels as bytes, a quarter of float32. Chen et al. 2020b sec. 2; the bits are those that datasets/augment.h
 * computes on the host.
 */
#pragma once
#include "kernels/backend.h"

/* crops (N,3,H,W) u8: planes of red, green and blue; plans (N,16) i32: a PixelPlan (base/pixel.h) each, with a blur radius
 * of at most PIXEL_MOST_RADIUS  ->  (N,H,W,3) of the tape's dtype. No gradient flows. ERR_SHAPE. */
Tensor *augment(Tape *t, const Tensor *crops, const Tensor *plans, const PixelStats *stats);
