/* augment.h -- one encoded picture to one or two network inputs
 *
 *      order        ops, top to bottom (He et al. 2020 sec. 3.3, Chen et al. 2020b, the CIFAR-10 demonstration)
 *      v1           crop, gray, jitter, flip
 *      v2           crop, jitter (p), gray, blur (p), flip
 *      cifar        crop, flip, jitter (p), gray
 *      supervised   crop, flip
 *      test         short side to `resize`, centre crop; nothing random
 *
 * All end in (byte / 255 - mean) / std, float32 (crop,crop,3). A picture is decoded once for all its views, and only the
 * part that the views look at. Every draw comes from the address (seed, epoch, sample, view).
 *
 * A view can also be left as it was cropped and resized, bytes, with the plan (base/pixel.h) of everything that comes after:
 * a device that finishes it (kernels/ops/augment.h) gets the same bits, and a quarter of the bytes.
 */
#pragma once
#include "datasets/transform.h"

typedef enum AugmentOrder {
    AUGMENT_V1,
    AUGMENT_V2,
    AUGMENT_CIFAR,
    AUGMENT_SUPERVISED,
    AUGMENT_TEST,
} AugmentOrder;

typedef struct AugmentOptions {
    AugmentOrder order;
    int64_t      crop;     // side of the result, pixels
    int64_t      resize;   // test only: short side before the centre crop; 0: no resize
    float        scale[2]; // share of the area
    float        ratio[2]; // width / height
    float        brightness, contrast, saturation, hue;
    float        jitter_p, gray_p, blur_p, flip_p;
    float        blur_sigma[2];   // pixels
    float        mean[3], std[3]; // of pixels in 0..1, RGB
} AugmentOptions;

/* The published settings of an order: 224 / 256 and ImageNet statistics, CIFAR: 32, its own
 * statistics. `crop` 0 takes the published side; for test, resize = round(crop * 256 / 224). */
AugmentOptions augment_options(AugmentOrder order, int64_t crop);

/* "v1", "v2", "cifar", "supervised" or "test"; ERR_USAGE otherwise. */
Status      augment_order_parse(AugmentOrder *out, const char *name);
const char *augment_order_name(AugmentOrder order);

/* Everything random about one view. */
typedef struct AugmentDraw {
    ImageRect crop;
    bool      flip, gray, jitter, blur;
    float     brightness, contrast, saturation, hue; // factors
    uint8_t   jitter_order[4];                       // 0 brightness 1 contrast 2 saturation 3 hue
    float     sigma;
} AugmentDraw;

/* width x height: the upright picture. */
void augment_draw(AugmentDraw *out, const AugmentOptions *o, int64_t width, int64_t height,
                  uint64_t seed, int64_t epoch, int64_t sample, int64_t view);

/* Buffers of one thread. `Augmenter a = {0};` is ready. */
typedef struct Augmenter {
    Image         decoded;
    Planes        planes, blurred;
    ResizeScratch resize;
    DecodeOptions decode; // how encoded bytes are read
} Augmenter;

void augmenter_release(Augmenter *a);

/* Where a view goes: finished, or as a crop with what is left to do. */
typedef struct AugmentView {
    float     *pixels; // (crop,crop,3), or NULL and ...
    uint8_t   *planes; // (3,crop,crop): red, green, blue
    PixelPlan *plan;
} AugmentView;

/* What a draw asks for after crop and resize. ERR_SHAPE: a sigma that is none. */
Status augment_plan(PixelPlan *out, const AugmentOptions *o, const AugmentDraw *draw);

/* out from a decoded picture, or from the part of it that begins at (x0, y0) of the upright picture. ERR_FORMAT: the test
 * crop of the picture `name` is larger than it, or its sides are too unlike. */
Status augment_apply(Augmenter *a, const AugmentView *out, const AugmentOptions *o,
                     const AugmentDraw *draw, const Image *im, const char *name, int64_t x0,
                     int64_t y0);

/* Encoded bytes -> n_views (1 or 2) results out[v]. */
Status augment_bytes(Augmenter *a, const AugmentView out[], int64_t n_views,
                     const AugmentOptions *o, const void *bytes, int64_t n_bytes, const char *name,
                     uint64_t seed, int64_t epoch, int64_t sample);
/* The same from a decoded upright picture; the same bits. */
Status augment_image(Augmenter *a, const AugmentView out[], int64_t n_views,
                     const AugmentOptions *o, const Image *im, const char *name, uint64_t seed,
                     int64_t epoch, int64_t sample);
