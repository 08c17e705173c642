/* box.h -- box work: anchors, matching, sampling, proposals, detections; no gradients
 *
 *      anchors + ground truth --rpn_targets--> what the RPN should say        (Ren et al. 2015, sec. 3.1)
 *      RPN outputs  --rpn_propose--> proposals --roi_targets--> regions with labels and deltas   (training)
 *                                        \----rois_pack-----> regions --box_predict--> detections (inference)
 *
 * Boxes are f32 (x1,y1,x2,y2) in pixels of the resized picture, half open: width x2 - x1. Labels, indices and counts
 * are i32. N images, M anchors of a level, G ground truths over all images, P proposal slots, S sampled regions an
 * image, R regions, K classes, D detection slots. All arrays live on the device; only sizes and options are host values.
 *
 * A backend that runs behind the host may report a failure that depends on values (ERR_NONFINITE, too few slots) at the
 * next read or sync. What was read is there all the same.
 *
 * Every backend gives the same result: IoU and deltas are float32 in the order written in body/box.h, the lower index
 * wins among equals, and random choices take the smallest Philox numbers keyed by (seed, iteration, image, box).
 * Rules and constants: Detectron2 (Wu et al. 2019) anchor_generator.py, matcher.py, sampling.py, rpn.py, fast_rcnn.py.
 */
#pragma once
#include "kernels/tensor.h"

typedef struct RoiAlign {
    int64_t P;       // bins per side: 7 or 14
    int64_t S;       // samples per bin side; 0 picks ceil(region / P)
    float   scale;   // 1 / stride of the feature map
    bool is_aligned; // the half-pixel shift ("V2"); false raises region sides to >= 1 cell instead
} RoiAlign;

enum { BOX_MAX_CELL = 64, BOX_MAX_LEVELS = 8 };

/* The anchors of one cell: cell[a] around the origin; see anchor_cell. */
typedef struct AnchorGrid {
    int64_t H, W;   // cells of the (padded) feature map
    float   stride; // pixels a cell; anchors of cell (y,x) are centred at (x stride, y stride)
    int64_t A;      // 1 .. BOX_MAX_CELL
    float   cell[BOX_MAX_CELL][4];
} AnchorGrid;

/* Fills A and cell from sides (pixels) and ratios (height / width), side-major: area side^2, w = sqrt(area / ratio),
 * h = ratio w, computed in double. ERR_RECIPE when there are none, more than BOX_MAX_CELL, or one is not positive. */
Status anchor_cell(AnchorGrid *grid, const double *side, int64_t n_sides, const double *ratio,
                   int64_t n_ratios);

/* The ground truth of a batch: box (G,4), label (G) in [0,K), start (N+1): image n owns rows start[n] .. start[n+1]-1. */
typedef struct GroundTruth {
    const Tensor *box, *label, *start;
} GroundTruth;

typedef struct BoxMatch {
    float bg_below; // IoU below: background (0)
    float fg_from;  // IoU from here on: foreground (1); between: ignored (-1)
    bool
        keeps_low_quality; // every box that attains a ground truth's best IoU is foreground, ties and best 0 included
} BoxMatch;

/* Address of the random choices. Images of a step are numbered first_image, first_image + 1, ... */
typedef struct BoxRandom {
    uint64_t seed;
    int64_t  iteration, first_image;
} BoxRandom;

typedef struct RpnTargets {
    BoxMatch  match;       // .3, .7, low quality
    int64_t   per_image;   // 256
    double    fg_fraction; // .5: at most int(per_image * fg_fraction) foreground
    BoxRandom random;
} RpnTargets;

typedef struct RpnPropose {
    int64_t pre_top;  // best by logit per level before NMS: 12000 / 6000
    int64_t post_top; // kept per image: P
    float   nms;      // .7, within each level
    bool
        is_strict; // a non-finite logit or box is ERR_NONFINITE (training) instead of being dropped
} RpnPropose;

typedef struct RoiTargets {
    float   fg_from;     // .5
    int64_t per_image;   // S: 512
    double  fg_fraction; // .25
    int64_t n_classes;   // K; the background label
    float   weight[4];   // 10 10 5 5
    bool
              keeps_all; // no sampling: every proposal, then every ground truth, in order (tests; S must be enough)
    BoxRandom random;
} RoiTargets;

typedef struct BoxPredict {
    float   weight[4];       // 10 10 5 5
    float   score_threshold; // .05, kept when strictly above
    float   nms;             // .5, within each class
    int64_t max_per_image;   // D: 100
} BoxPredict;

typedef struct RoiSet {
    Tensor *rois;   // (N S,5): image index, box; rows start[N] .. are zero
    Tensor *label;  // (N S): class, K for background, -1 in unused rows
    Tensor *target; // (N S,4): deltas of foreground rows, else 0
    Tensor *gt;     // (N S): row of the matched ground truth of foreground rows, else -1
    Tensor *start;  // (N+1): image n owns rows start[n] .. start[n+1]-1, foreground first
} RoiSet;

typedef struct Proposals {
    Tensor *box;   // (N,P,4), best first; unused slots zero
    Tensor *score; // (N,P) logits; unused slots -infinity
    Tensor *count; // (N)
} Proposals;

typedef struct Detections {
    Tensor *box;   // (N,D,4) in resized pixels, best first; unused slots zero
    Tensor *score; // (N,D); unused slots 0
    Tensor *label; // (N,D); unused slots -1
    Tensor *count; // (N)
} Detections;

typedef struct BoxBackend {
    /* ---- pieces ---- */

    /* box (H W A,4): rows in the order of the RPN's outputs (y, x, a). */
    Status (*anchors)(Tensor *box, const AnchorGrid *grid);

    /* delta (R,4) that turns from (R,4) into to (R,4):  w0 (xg - xa) / wa, .., w2 ln(wg / wa), .. of centres, sizes. */
    Status (*encode)(Tensor *delta, const Tensor *from, const Tensor *to, const float weight[4]);

    /* box (R,4K) from delta (R,4K) and from (R,4); sizes' exponents are cut at ln(1000/16). */
    Status (*decode)(Tensor *box, const Tensor *delta, const Tensor *from, const float weight[4]);

    /* label (R) in {1,0,-1}, gt_index (R): the first ground truth of greatest IoU, 0 when there is none, of
     * box (R,4) against gt (G,4). */
    Status (*match)(Tensor *label, Tensor *gt_index, const Tensor *box, const Tensor *gt,
                    const BoxMatch *op);

    /* index (k): the k = dim 0 of index greatest of score (R), best first, lower index first among equals; -1 beyond R.
     * NaN counts as greatest. */
    Status (*top_k)(Tensor *index, const Tensor *score);

    /* index (P): boxes (R,4) that survive, best first, at most P, -1 beyond *count (1). A box falls when its IoU with a
     * better kept one of its class is strictly above the threshold; class (R) NULL: all one class. */
    Status (*nms)(Tensor *index, Tensor *count, const Tensor *box, const Tensor *score,
                  const Tensor *class_index, float threshold);

    /* index (S): rows of label (R) chosen without replacement: up to int(S fg_fraction) of label > 0 .. first, then
     * label 0 until S; -1 beyond. count (2): foreground, background. */
    Status (*sample)(Tensor *index, Tensor *count, const Tensor *label, double fg_fraction,
                     const BoxRandom *random);

    /* ---- stages; L levels ---- */

    /* label[l] (N,M_l): 1, 0 or -1 (ignored, not sampled); fg_label[l]: 0 where label is 1, else -1; target[l] (N,M_l,4)
     * deltas of weights 1, 0 where not foreground; anchors[l] (M_l,4). */
    Status (*rpn_targets)(Tensor *const *label, Tensor *const *fg_label, Tensor *const *target,
                          const Tensor *const *anchors, int L, const GroundTruth *gt,
                          const RpnTargets *op);

    /* logit[l] (N, M_l elements an image), delta[l] (N, 4 M_l an image), size (N,2) f32: width and height without
     * padding. */
    Status (*rpn_propose)(const Proposals *out, const Tensor *const *logit,
                          const Tensor *const *delta, const Tensor *const *anchors, int L,
                          const Tensor *size, const RpnPropose *op);

    /* Proposals, then the ground truths of the image, matched and sampled. */
    Status (*roi_targets)(const RoiSet *out, const Proposals *proposals, const GroundTruth *gt,
                          const RoiTargets *op);

    /* kept (R): label (R) in the rows of images first .. end-1, that is start[first] .. start[end]-1; -1 elsewhere. */
    Status (*labels_of_images)(Tensor *kept, const Tensor *label, const Tensor *start,
                               int64_t first, int64_t end);

    /* rois (N P,5) and start (N+1) of all proposals, packed; rows from start[N] on are zero. */
    Status (*rois_pack)(Tensor *rois, Tensor *start, const Proposals *proposals);

    /* logit (R,K+1), delta (R,4K), rois (R,5) packed by start (N+1), size (N,2). */
    Status (*box_predict)(const Detections *out, const Tensor *logit, const Tensor *delta,
                          const Tensor *rois, const Tensor *start, const Tensor *size,
                          const BoxPredict *op);
} BoxBackend;
