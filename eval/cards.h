/* cards.h -- one maker a metric: its result as a card
 *
 * Everything of the card lives in `a` or is borrowed from the result and the truth. Paths, analysis and comparison are
 * left to the caller (card_add_analysis, Card.against).
 */
#pragma once
#include "eval/card.h"
#include "eval/cityscapes.h"
#include "eval/coco.h"
#include "eval/densepose.h"
#include "eval/lvis.h"
#include "eval/semseg.h"
#include "eval/voc.h"

Status coco_card(Arena *a, Card *card, const CocoResult *result, const CocoTruth *truth,
                 bool bug_compatible) STATUS_MUST_USE;
Status lvis_card(Arena *a, Card *card, const LvisResult *result, const CocoTruth *truth,
                 bool bug_compatible) STATUS_MUST_USE;

/* uses_area: the definition that heads the card. */
Status voc_card(Arena *a, Card *card, const VocResult *result, const char *const *class_name,
                bool uses_area) STATUS_MUST_USE;

Status cityscapes_instances_card(Arena *a, Card *card,
                                 const CityscapesInstances *result) STATUS_MUST_USE;
Status cityscapes_pixels_card(Arena *a, Card *card, const CityscapesPixels *result) STATUS_MUST_USE;

/* class_name (N) may be NULL: classes are then called by their number. */
Status semseg_card(Arena *a, Card *card, const SemsegResult *result,
                   const char *const *class_name) STATUS_MUST_USE;

Status densepose_card(Arena *a, Card *card, const DenseposeOptions *options,
                      const DenseposeResult *result, const DenseposeData *data) STATUS_MUST_USE;
