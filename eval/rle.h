/* rle.h -- masks as run lengths: the COCO mask format, safe on any input
 *
 *      columns are scanned one after the other (y fastest), runs alternate background, foreground:
 *
 *        . # #        scan: . . # # # .        counts: 2 3 1        string: "231"
 *        . # .
 *
 * Numbers and strings are those of pycocotools 2.0.11 (common/maskApi.c) bit for bit. Different by
 * intention: inputs that make maskApi read or write outside its memory are refused (ERR_FORMAT,
 * naming what is wrong), runs that end before the last pixel leave background behind them, and two
 * masks whose zero-length runs meet at one pixel are compared to the end (maskApi stops there).
 *
 * An Rle is plain data: copy it freely. `counts` is borrowed from the caller or lives in the arena
 * that was given. Every maker fills area and box, so that an IoU costs no extra pass.
 * PITFALL: size is rows, columns; a box is x, y, width, height.
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

#define RLE_MAX_PIXELS INT32_MAX // rows times columns of one mask

typedef struct Rle {
    uint32_t        h, w;   // rows, columns; h * w <= RLE_MAX_PIXELS
    uint32_t        n;      // runs, at most h * w + 1; 0 only in a mask of no pixels
    uint32_t        area;   // pixels in foreground
    uint32_t        box[4]; // x y w h of the foreground, 0 0 0 0 for an empty mask.  PITFALL: when
                            // every foreground run has length 0 it is w h 2^32-w+1 2^32-h+1, as in
                            // maskApi
    const uint32_t *counts; // (n) run lengths; their sum is at most h * w
} Rle;

typedef enum RleLayout {
    RLE_COLUMNS, // pixel (y,x) at x * h + y: Fortran order, what pycocotools takes
    RLE_ROWS,    // pixel (y,x) at y * w + x: C order
} RleLayout;

/* ---- runs and strings ---- */

/* Borrows `counts`. ERR_FORMAT when h * w is above the limit, the runs are longer than the mask, or
 * there are more than h * w + 1 of them, or none at all in a mask that has pixels. */
Status rle_from_counts(Rle *out, const uint32_t *counts, int64_t n, int64_t h,
                       int64_t w) STATUS_MUST_USE;

/* The compressed string of COCO files (bytes 48 .. 111, deltas from the fourth count on). */
Status rle_from_string(Arena *a, Rle *out, const char *text, int64_t len, int64_t h,
                       int64_t w) STATUS_MUST_USE;

/* The same without an arena: how many counts a string holds at most (reads nothing but the bytes),
 * and the reader that puts them into memory of that many. */
int64_t rle_string_runs(const char *text, int64_t len);
Status  rle_read_string(Rle *out, uint32_t *counts, const char *text, int64_t len, int64_t h,
                        int64_t w) STATUS_MUST_USE;

/* The string with a terminating zero, *len without it; NULL when memory is short. Any Rle. */
char *rle_to_string(Arena *a, const Rle *r, int64_t *len);

/* True when the runs cover less than the mask: legal, the rest is background, worth a warning. */
bool rle_ends_early(const Rle *r);

/* ---- pixels ---- */

/* mask (h,w) bytes. A run ends wherever a byte differs from the one before it, so bytes should be 0
 * and 1 (2,1,1,3 reads as 1,0,0,1). */
Status rle_encode(Arena *a, Rle *out, const uint8_t *mask, int64_t h, int64_t w,
                  RleLayout layout) STATUS_MUST_USE;

/* Writes h * w bytes, 0 or 1. */
void rle_decode(uint8_t *mask, const Rle *r, RleLayout layout);

/* ---- sets ---- */

/* Union or intersection of n masks, folded from the left. n = 0 or masks of different sizes give a
 * mask of size 0 x 0 without runs, as maskApi does. n = 1 shares the runs of r[0]. */
Status rle_merge(Arena *a, Rle *out, const Rle *r, int64_t n, bool intersect) STATUS_MUST_USE;

/* Intersection over union; with `crowd` (the ground truth g is a crowd region) intersection over the
 * area of d. 0 when the boxes do not overlap, else -1 when the sizes differ. */
double rle_iou(const Rle *d, const Rle *g, bool crowd);

/* The same number whenever it is >= least; otherwise that number or 0. Skips the runs when boxes
 * and areas already rule `least` out. least > 0. */
double rle_iou_least(const Rle *d, const Rle *g, bool crowd, double least);

/* IoU of two boxes x y w h; 0 unless both overlaps are positive. A box that is not finite overlaps
 * nothing (in maskApi it overlaps everything). */
double rle_box_iou(const double d[4], const double g[4], bool crowd);

/* Greedy suppression in input order: keep[i] = 1 unless an earlier kept one has IoU > threshold. */
void rle_nms(uint8_t *keep, const Rle *r, int64_t n, double threshold);
void rle_box_nms(uint8_t *keep, const double *box, int64_t n, double threshold);
