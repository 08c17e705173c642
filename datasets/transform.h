/* transform.h -- what is done to pictures before a network sees them, to Pillow's last bit
 *
 * MoCo and its baselines were trained through torchvision on Pillow; each op here gives the same
 * bytes (Pillow 9.4, torchvision 0.14; tests/golden/datasets). Pictures are planar while they are
 * changed, so that every loop runs over plain bytes:
 *
 *      Image (H,W,3) --resize--> Planes 3 x (H,W) --jitter, gray, blur--> --normalise, flip-->
 * float (H,W,3)
 *
 * Factors f are float32; f in [0,1] blends inside, f > 1 extrapolates and clips.
 */
#pragma once
#include "base/pixel.h"
#include "base/rng.h"
#include "base/status.h"
#include "datasets/image.h"

/* Three planes of bytes, red first; owns its memory, `Planes p = {0};` is empty. */
typedef struct Planes {
    int64_t  width, height;
    uint8_t *plane[3]; // (height, width) each, 64-byte aligned
    uint8_t *memory;
    int64_t  capacity;
} Planes;

Status planes_resize_buffer(Planes *p, int64_t width, int64_t height);
void   planes_release(Planes *p);
Status planes_from_image(Planes *out, const Image *in); // no change of size
Status planes_to_image(Image *out, const Planes *in);

#define RESIZE_MAX_SIDE (1 << 20) // of a result; memory is checked besides

/* Reused memory of transform_resize: coefficients and the picture between the two passes. */
typedef struct ResizeScratch {
    void   *memory;
    int64_t capacity;
} ResizeScratch;

void resize_scratch_release(ResizeScratch *s);

/* The part `crop` of `in`, resized to width x height by Pillow's BILINEAR: a triangle of support
 * max(1, scale), horizontal then vertical, 22-bit weights, rounded to bytes between the passes. An
 * axis of equal size is copied. */
Status transform_resize(ResizeScratch *s, Planes *out, const Image *in, ImageRect crop,
                        int64_t width, int64_t height);
/* The same, interleaved. */
Status transform_resize_image(ResizeScratch *s, Image *out, const Image *in, ImageRect crop,
                              int64_t width, int64_t height);

/* In place; torchvision.transforms.functional names. hue in [-0.5, 0.5]. */
void transform_brightness(Planes *p, float factor);
void transform_contrast(Planes *p, float factor);
void transform_saturation(Planes *p, float factor);
void transform_hue(Planes *p, float factor);
void transform_gray(Planes *p); // three equal channels

/* Pillow's GaussianBlur(radius = sigma): three extended box blurs a direction. `scratch` is resized
 * as needed. */
Status transform_blur(Planes *scratch, Planes *p, float sigma);
/* Its two halves: the box of a sigma in (0, 1000] pixels (ERR_SHAPE otherwise), and the passes. */
Status transform_blur_box(PixelBox *out, float sigma);
Status transform_box_blur(Planes *scratch, Planes *p, PixelBox box);

/* out (H,W,3) = (byte / 255 - mean) / std, true float32 divisions; mirrored left to right when
 * `flip`. */
void transform_to_float(float *out, const Planes *p, const float mean[3], const float std[3],
                        bool flip);

/* RandomResizedCrop's window: ten tries at area share [scale_lo, scale_hi] and ratio [ratio_lo,
 * ratio_hi], then the largest centred window of a legal ratio. */
ImageRect transform_draw_crop(Rng *rng, int64_t width, int64_t height, const float scale[2],
                              const float ratio[2]);

/* Resize(short side): the new size of a width x height picture, long side truncated. */
void transform_short_side(int64_t *new_width, int64_t *new_height, int64_t width, int64_t height,
                          int64_t side);
/* CenterCrop(side) inside width x height; offsets rounded half to even. Sides longer than the
 * picture are cut to it. */
ImageRect transform_center_crop(int64_t width, int64_t height, int64_t side);
