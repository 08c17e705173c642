/* faster_rcnn_c4.h -- Faster R-CNN on the fourth stage, with the fifth as the head of every region
 *
 *      images --stem, layer1..3--> C4, stride 16 --+--> RPN --> proposals --sample--> regions
 *                                                  |                                    |
 *                                                  +------------- RoIAlign <------------+
 *                                                                   | (R,14,14,C)
 *                                                        layer4 ("res5"), extra batch norm
 *                                                                   | (R,7,7,F) --mean--> classes, boxes
 *
 * Ren et al. 2015; He et al. 2016 (C4); He et al. 2020, A.1 (the extra batch norm, everything trained).
 * PITFALL: the statistics of layer4 and of the extra norm run over regions, not over images.
 */
#pragma once
#include "detect/box_head.h"
#include "detect/rpn.h"
#include "kernels/ops/roi_align.h"

typedef struct FasterRcnnC4 {
    ResNet    body; // layer4 runs on regions
    Rpn       rpn;
    RoiAlign  pool;
    NormLayer extra; // roi_heads.res5.norm
    bool      has_extra;
    BoxHead   head;
    int64_t   images_per_group; // that share loss normalisers
} FasterRcnnC4;

typedef struct LossTerms {
    Tensor *rpn_class, *rpn_box, *roi_class, *roi_box; // kept scalars
    Tensor *n_regions; // (1) i32: regions that the last two terms are means of
} LossTerms;

/* Registers body (torchvision's names, no prefix), RPN, extra norm and box head. */
Status faster_rcnn_c4_register(FasterRcnnC4 *m, ParamSet *ps, const DetectConfig *c,
                               int64_t n_classes);

/* The scalar to minimise: the sum of the four terms. */
Tensor *faster_rcnn_c4_loss(Tape *t, const FasterRcnnC4 *m, const DetectInput *in,
                            LossTerms *terms);

/* What detections were chosen from; they lie on the tape until it is reset. */
typedef struct DetectHeads {
    RpnOut rpn;
    BoxOut box;
} DetectHeads;

/* Testing, on a tape that neither records nor trains. What is not finite is left out: a network that is not gives nothing.
 * heads: for whoever asks why, or NULL; nothing in it after a failure. */
Detections faster_rcnn_c4_detect(Tape *t, const FasterRcnnC4 *m, const DetectInput *in,
                                 DetectHeads *heads);

/* Parts that a mask branch shares: the map C4, and what layer4 makes of regions (R,5): (R,P/2,P/2,F). */
Tensor *faster_rcnn_c4_map(Tape *t, const FasterRcnnC4 *m, Tensor *images);
Tensor *faster_rcnn_c4_regions(Tape *t, const FasterRcnnC4 *m, Tensor *c4, const Tensor *rois);

/* Every batch norm's share of the newest batch in its running statistics: 0.1 in training, 1 for precise batch norm. */
void faster_rcnn_c4_set_momentum(FasterRcnnC4 *m, float momentum);
