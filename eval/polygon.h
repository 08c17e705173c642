/* polygon.h -- polygons and boxes to masks
 *
 *      x,y in pixels  --*5-->  edges on a grid five times as fine  -->  one crossing a column and
 *                                                                       edge  -->  runs (even-odd)
 *
 * Bit for bit the raster of pycocotools 2.0.11 (rleFrPoly), without its buffer of all edge points:
 * only the crossings with sampled columns are computed, so time follows the columns an edge spans
 * inside the image, not its length.
 * PITFALL: the pixel (0,0) is covered by the square 0,0 .. 1,1, yet a vertex at 0.5 excludes it.
 */
#pragma once
#include "eval/rle.h"

#define POLYGON_MAX_COORDINATE 1e6 // pixels; larger ones are refused

/* xy (k,2) pixels. k = 0 gives an empty mask, fewer than 3 points an empty area. ERR_FORMAT for
 * coordinates that are not finite or beyond the limit, and for masks above RLE_MAX_PIXELS. */
Status polygon_to_rle(Arena *a, Rle *out, const double *xy, int64_t k, int64_t h,
                      int64_t w) STATUS_MUST_USE;

/* box x y w h as the polygon of its four corners. */
Status polygon_box_to_rle(Arena *a, Rle *out, const double box[4], int64_t h,
                          int64_t w) STATUS_MUST_USE;

/* The union of `n` polygons: what a COCO annotation with a list of polygons means. Polygon i has
 * n_numbers[i] numbers (x0 y0 x1 y1 ...; a trailing odd one is dropped) and they follow each other
 * in xy. Refused as pycocotools refuses them: no polygon at all, a first polygon with at most 4
 * numbers (which pycocotools takes for boxes). */
Status polygon_list_to_rle(Arena *a, Rle *out, const double *xy, const int64_t *n_numbers,
                           int64_t n, int64_t h, int64_t w) STATUS_MUST_USE;
