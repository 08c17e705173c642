/* densepose_data.h -- DensePose annotations and results in memory
 *
 *      truth: COCO annotations with dp_x, dp_y (0 .. 255 of the box), dp_I (1 .. 24), dp_U, dp_V,
 *             dp_masks (up to 14 run-length masks of 256 x 256), segmentation
 *      found: [{image_id, category_id, bbox [x,y,w,h], score,
 *               uv_shape [3,h,w], uv_data: base64 of an RGB PNG = part, 255 U, 255 V}]
 */
#pragma once
#include "base/json.h"
#include "eval/rle.h"

typedef struct DenseposeTruth {
    int64_t       id;
    int32_t       image, category;
    double        box[4], area;
    bool          is_crowd, has_points;
    int64_t       n_points;
    const double *x, *y, *part, *u, *v; // (n_points)
    bool          has_dp_mask;
    Rle           dp_mask; // union of dp_masks, 256 x 256
    Rle           mask;    // the segmentation on the image; empty when there is none
} DenseposeTruth;

typedef struct DenseposeFound {
    int32_t     image, category;
    double      box[4], score;
    int64_t     h, w; // of the grid
    const char *png;  // base64
    int64_t     png_len;
} DenseposeFound;

typedef struct DenseposeImage {
    int64_t id, h, w;
} DenseposeImage;

typedef struct DenseposeCategory {
    int64_t     id;
    const char *name; // its number where the file has none
} DenseposeCategory;

typedef struct DenseposeData {
    Arena              arena;
    DenseposeImage    *image;    // sorted by id
    DenseposeCategory *category; // sorted by id
    DenseposeTruth    *truth;    // in file order
    DenseposeFound    *found;
    int64_t            n_images, n_categories, n_truth, n_found;
} DenseposeData;

/* ERR_FORMAT names file and line. Release in any case. */
Status densepose_read(DenseposeData *d, const char *truth_path,
                      const char *found_path) STATUS_MUST_USE;

/* Both from memory. */
Status densepose_parse(DenseposeData *d, const char *truth, int64_t n_truth, const char *found,
                       int64_t n_found) STATUS_MUST_USE;

/* Other results on the truth of `truth`, which lives on in it: release `other` first. */
Status densepose_read_other(DenseposeData *other, const DenseposeData *truth,
                            const char *found_path) STATUS_MUST_USE;
void   densepose_release(DenseposeData *d);

/* The grid of one result, (h,w,3) bytes: part, u, v. */
Status densepose_grid(Arena *a, uint8_t **iuv, const DenseposeFound *f) STATUS_MUST_USE;
