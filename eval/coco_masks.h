/* coco_masks.h -- which masks can be what they say; internal to eval/
 *
 *   runs that end early           the rest is background, as in pycocotools; counted in a warning
 *   another size than the image   refused; lenient: left out; bug_compatible: matches nothing, as in pycocotools
 *   no polygon of three points    lenient only (coco_segmentation.c refuses it): left out
 *   damaged runs or polygons      refused; lenient: left out
 *
 * A row that is left out has image -1. Results without a box get box and area from their runs here.
 */
#pragma once
#include "eval/coco_data.h"

Status coco_check_masks(CocoRows *rows, const CocoReadOptions *options, const CocoTruth *truth,
                        const char *path, Text *warnings) STATUS_MUST_USE;
