/* coco_repeat.h -- what pycocotools makes of annotation ids that occur twice
 *
 * It looks the chosen annotations' ids up in a table that holds the last record of each id, so that record is scored
 * once for every time its id occurs among the chosen, in the order of image ids and, inside an image, of the file.
 */
#pragma once
#include "eval/coco_data.h"

/* *out = `in` itself when no id repeats; otherwise its rows rewritten, in `a`. chosen (n): rows that take part. */
Status coco_repeat(Arena *a, CocoRows *out, const CocoRows *in, const uint8_t *chosen,
                   int64_t n_images) STATUS_MUST_USE;
