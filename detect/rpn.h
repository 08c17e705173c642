/* rpn.h -- the region proposal network: one score and four deltas for each of A anchors at every cell
 *
 *      feature map (N,H,W,C) -- 3x3 conv, ReLU --+-- 1x1 --> logits (N,H,W,A)      channel a
 *                                                +-- 1x1 --> deltas (N,H,W,4A)     channels 4a .. 4a+3: dx dy dw dh
 *
 * Ren et al. 2015, sec. 3. New weights N(0, 0.01), biases 0. Nothing is normalised here.
 */
#pragma once
#include "detect/config.h"
#include "detect/input.h"
#include "kernels/ops/nn.h"
#include "kernels/params.h"

typedef struct Rpn {
    AnchorGrid grid; // H and W are set for each map
    ConvLayer  conv, logit, delta;
    RpnTargets targets;
    RpnPropose propose_train, propose_test;
} Rpn;

typedef struct RpnOut {
    Tensor *logit;   // (N,H,W,A) f32
    Tensor *delta;   // (N,H,W,4A) f32
    Tensor *anchors; // (H W A,4)
} RpnOut;

/* Registers proposal_generator.rpn_head.* on a map of C channels and `stride` pixels a cell. */
Status rpn_register(Rpn *rpn, ParamSet *ps, const DetectRpnKeys *keys, int64_t C, int64_t stride);

RpnOut rpn_head(Tape *t, const Rpn *rpn, Tensor *x);

/* Both summed over the sampled anchors and divided by their number, `batch` times N. */
void rpn_loss(Tape *t, const Rpn *rpn, const RpnOut *out, const DetectInput *in,
              Tensor **class_loss, Tensor **box_loss);

/* Choosing regions is box work: nothing here is recorded. */
Proposals rpn_propose(Tape *t, const Rpn *rpn, const RpnOut *out, const DetectInput *in);
