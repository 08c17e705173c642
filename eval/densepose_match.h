/* densepose_match.h -- the matching of one image and category; internal to eval/
 *
 * Matching is COCO's (one person may be found once, best similarity first), except that
 *
 *   1. a person without dp_x is ignored, whatever iscrowd says;
 *   2. where every person of the image is ignored, or there is none, so is every result;
 *   3. a similarity of exactly 0 never matches;
 *   4. a result unmatched at the LAST threshold is given to the free person (or crowd) whose box
 *      overlaps it by at least .8; that person's ignore flag then holds at ALL thresholds, so a
 *      true positive at .5 can become ignored;
 *   5. the area of a result is that of its box.
 */
#pragma once
#include "eval/densepose.h"

/* What matching and similarity read. */
typedef struct DenseposePair {
    const DenseposeOptions *options;
    const DenseposeData    *data;
    const DenseposeSurface *surface;
    const MatchTask        *task;
} DenseposePair;

/* Both keep `pair`, whose rows are those of its data. */
MatchSimilarity densepose_similarity(const DenseposePair *pair);
MatchOwn        densepose_matching(const DenseposePair *pair);
