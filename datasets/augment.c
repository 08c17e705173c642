/* augment.c -- draws of a view, and the ops in the order of its recipe */
#include "datasets/augment.h"
#include "base/size.h"
#include <math.h>
#include <string.h>

static const float IMAGENET_MEAN[3] = {0.485f, 0.456f, 0.406f};
static const float IMAGENET_STD[3] = {0.229f, 0.224f, 0.225f};
static const float CIFAR_MEAN[3] = {0.4914f, 0.4822f, 0.4465f};
static const float CIFAR_STD[3] = {0.2023f, 0.1994f, 0.2010f};

static const char *const ORDER_NAME[] = {"v1", "v2", "cifar", "supervised", "test"};

AugmentOptions augment_options(AugmentOrder order, int64_t crop)
{
    bool           is_cifar = order == AUGMENT_CIFAR;
    bool           is_moco = order == AUGMENT_V1 || order == AUGMENT_V2;
    AugmentOptions o = {.order = order};
    o.crop = crop > 0 ? crop : is_cifar ? 32 : 224;
    o.resize = order == AUGMENT_TEST ? (o.crop * 256 + 112) / 224 : 0;
    o.scale[0] = is_moco ? 0.2f : 0.08f;
    o.scale[1] = 1.0f;
    o.ratio[0] = 3.0f / 4.0f;
    o.ratio[1] = 4.0f / 3.0f;
    if (is_moco || is_cifar) {
        o.brightness = o.contrast = o.saturation = 0.4f;
        o.hue = order == AUGMENT_V1 ? 0.4f : 0.1f;
        o.jitter_p = order == AUGMENT_V1 ? 1.0f : 0.8f;
        o.gray_p = 0.2f;
    }
    o.blur_p = order == AUGMENT_V2 ? 0.5f : 0.0f;
    o.blur_sigma[0] = 0.1f;
    o.blur_sigma[1] = 2.0f;
    o.flip_p = order == AUGMENT_TEST ? 0.0f : 0.5f;
    memcpy(o.mean, is_cifar ? CIFAR_MEAN : IMAGENET_MEAN, sizeof o.mean);
    memcpy(o.std, is_cifar ? CIFAR_STD : IMAGENET_STD, sizeof o.std);
    return o;
}

Status augment_order_parse(AugmentOrder *out, const char *name)
{
    for (size_t i = 0; i < sizeof ORDER_NAME / sizeof *ORDER_NAME; i++) {
        if (strcmp(name, ORDER_NAME[i]) == 0) {
            *out = (AugmentOrder)i;
            return OK;
        }
    }
    return status_fail(ERR_USAGE,
                       "augmentation '%s' is unknown; expected v1, v2, cifar, supervised or test",
                       name);
}

const char *augment_order_name(AugmentOrder order)
{
    return ORDER_NAME[order];
}

static float uniform(Rng *rng, float lo, float hi)
{
    return lo + (hi - lo) * rng_uniform(rng);
}

/* A factor in [max(0, 1 - strength), 1 + strength]. */
static float factor(Rng *rng, float strength)
{
    return uniform(rng, strength < 1 ? 1 - strength : 0, 1 + strength);
}

static void draw_jitter(AugmentDraw *d, const AugmentOptions *o, Rng *rng)
{
    for (uint8_t i = 0; i < 4; i++)
        d->jitter_order[i] = i;
    for (uint32_t i = 3; i > 0; i--) {
        uint32_t j = rng_below(rng, i + 1);
        uint8_t  t = d->jitter_order[i];
        d->jitter_order[i] = d->jitter_order[j];
        d->jitter_order[j] = t;
    }
    d->brightness = factor(rng, o->brightness);
    d->contrast = factor(rng, o->contrast);
    d->saturation = factor(rng, o->saturation);
    d->hue = uniform(rng, -o->hue, o->hue);
}

void augment_draw(AugmentDraw *out, const AugmentOptions *o, int64_t width, int64_t height,
                  uint64_t seed, int64_t epoch, int64_t sample, int64_t view)
{
    *out = (AugmentDraw){.crop = {0, 0, width, height}};
    if (o->order == AUGMENT_TEST)
        return;
    Rng rng = rng_at(seed, RNG_AUGMENT, (uint64_t)epoch << 40 ^ (uint64_t)sample, (uint64_t)view);
    out->crop = transform_draw_crop(&rng, width, height, o->scale, o->ratio);
    out->flip = rng_uniform(&rng) < o->flip_p;
    out->gray = rng_uniform(&rng) < o->gray_p;
    out->jitter = o->jitter_p > 0 && rng_uniform(&rng) <= o->jitter_p;
    out->blur = o->blur_p > 0 && rng_uniform(&rng) <= o->blur_p;
    out->sigma = uniform(&rng, o->blur_sigma[0], o->blur_sigma[1]);
    draw_jitter(out, o, &rng);
}

void augmenter_release(Augmenter *a)
{
    image_release(&a->decoded);
    planes_release(&a->planes);
    planes_release(&a->blurred);
    resize_scratch_release(&a->resize);
    *a = (Augmenter){0};
}

/* ---- what comes after the crop ---- */

static void add_op(PixelPlan *p, PixelOp op, float factor)
{
    p->op[p->n_ops] = (int32_t)op;
    p->factor[p->n_ops++] = factor;
}

static void add_jitter(PixelPlan *p, const AugmentOptions *o, const AugmentDraw *d)
{
    for (int i = 0; i < 4; i++) {
        int op = d->jitter_order[i];
        if (op == 0 && o->brightness > 0)
            add_op(p, PIXEL_BRIGHTNESS, d->brightness);
        else if (op == 1 && o->contrast > 0)
            add_op(p, PIXEL_CONTRAST, d->contrast);
        else if (op == 2 && o->saturation > 0)
            add_op(p, PIXEL_SATURATION, d->saturation);
        else if (op == 3 && o->hue > 0)
            add_op(p, PIXEL_HUE, d->hue);
    }
}

Status augment_plan(PixelPlan *out, const AugmentOptions *o, const AugmentDraw *d)
{
    *out = (PixelPlan){.blur.radius = -1, .flip = d->flip};
    if (o->order == AUGMENT_V1 && d->gray)
        add_op(out, PIXEL_GRAY, 0);
    if (d->jitter)
        add_jitter(out, o, d);
    if (o->order != AUGMENT_V1 && d->gray)
        add_op(out, PIXEL_GRAY, 0);
    return d->blur ? transform_blur_box(&out->blur, d->sigma) : OK;
}

static void apply_op(Planes *p, PixelOp op, float factor)
{
    switch (op) {
    case PIXEL_BRIGHTNESS:
        transform_brightness(p, factor);
        break;
    case PIXEL_CONTRAST:
        transform_contrast(p, factor);
        break;
    case PIXEL_SATURATION:
        transform_saturation(p, factor);
        break;
    case PIXEL_HUE:
        transform_hue(p, factor);
        break;
    case PIXEL_GRAY:
        transform_gray(p);
        break;
    }
}

/* The planes by the plan, or the planes and the plan. */
static Status finish(Augmenter *a, const AugmentView *out, const AugmentOptions *o,
                     const PixelPlan *plan)
{
    Planes *p = &a->planes;
    int64_t n = p->width * p->height;
    if (!out->pixels) {
        for (int c = 0; c < 3; c++)
            memcpy(out->planes + c * n, p->plane[c], (size_t)n);
        *out->plan = *plan;
        return OK;
    }
    for (int i = 0; i < plan->n_ops; i++)
        apply_op(p, (PixelOp)plan->op[i], plan->factor[i]);
    if (plan->blur.radius >= 0)
        TRY(transform_box_blur(&a->blurred, p, plan->blur));
    // Mirroring commutes with every op before it, to the bit: all but blur see pixels one by one or summed, and blur's
    // weights are symmetric integers. So it happens while writing, whatever its place in the recipe.
    transform_to_float(out->pixels, p, o->mean, o->std, plan->flip);
    return OK;
}

/* What the test crop cannot be cut from: the picture is to blame, or the crop that was asked for. */
static Status check_test(const AugmentOptions *o, int64_t w, int64_t h, const Image *im,
                         const char *name)
{
    int64_t longer = size_max(w, h), shorter = size_min(w, h);
    if (longer > RESIZE_MAX_SIDE)
        return status_fail(ERR_FORMAT,
                           "%s: test crop: a picture of %lld x %lld pixels becomes one of %lld x "
                           "%lld, expected sides of at most %d; take it out of the set",
                           name, (long long)im->width, (long long)im->height, (long long)w,
                           (long long)h, RESIZE_MAX_SIDE);
    if (shorter >= o->crop)
        return OK;
    return status_fail(ERR_FORMAT,
                       "%s: test crop: the picture has %lld x %lld pixels%s, expected at least "
                       "%lld a side; give --crop N, at most %lld",
                       name, (long long)w, (long long)h, o->resize > 0 ? " after resizing" : "",
                       (long long)o->crop, (long long)shorter);
}

/* Short side to o->resize, then the centre; the window is taken from the resized picture. */
static Status apply_test(Augmenter *a, const AugmentView *out, const AugmentOptions *o,
                         const Image *im, const char *name)
{
    int64_t   w = im->width, h = im->height, side = o->crop;
    ImageRect all = {0, 0, w, h};
    if (o->resize > 0)
        transform_short_side(&w, &h, w, h, o->resize);
    TRY(check_test(o, w, h, im, name));
    TRY(transform_resize(&a->resize, &a->planes, im, all, w, h));
    ImageRect c = transform_center_crop(w, h, side);
    for (int p = 0; p < 3; p++)
        for (int64_t y = 0; y < side; y++)
            memmove(a->planes.plane[p] + y * side, a->planes.plane[p] + (c.y + y) * w + c.x,
                    (size_t)side);
    a->planes.width = a->planes.height = side;
    return finish(a, out, o, &(PixelPlan){.blur.radius = -1});
}

Status augment_apply(Augmenter *a, const AugmentView *out, const AugmentOptions *o,
                     const AugmentDraw *draw, const Image *im, const char *name, int64_t x0,
                     int64_t y0)
{
    if (o->order == AUGMENT_TEST)
        return apply_test(a, out, o, im, name);
    ImageRect crop = draw->crop;
    PixelPlan plan;
    crop.x -= x0;
    crop.y -= y0;
    TRY(augment_plan(&plan, o, draw));
    TRY(transform_resize(&a->resize, &a->planes, im, crop, o->crop, o->crop));
    return finish(a, out, o, &plan);
}

/* The smallest window that holds both. */
static ImageRect rect_union(ImageRect a, ImageRect b)
{
    int64_t   right = size_max(a.x + a.width, b.x + b.width);
    int64_t   bottom = size_max(a.y + a.height, b.y + b.height);
    ImageRect u = {size_min(a.x, b.x), size_min(a.y, b.y), 0, 0};
    u.width = right - u.x;
    u.height = bottom - u.y;
    return u;
}

Status augment_bytes(Augmenter *a, const AugmentView out[], int64_t n_views,
                     const AugmentOptions *o, const void *bytes, int64_t n_bytes, const char *name,
                     uint64_t seed, int64_t epoch, int64_t sample)
{
    ImageInfo   info;
    AugmentDraw draw[2];
    TRY(image_probe(&info, &a->decode, bytes, n_bytes, name));
    for (int64_t v = 0; v < n_views; v++)
        augment_draw(&draw[v], o, info.width, info.height, seed, epoch, sample, v);
    ImageRect need = n_views > 1 ? rect_union(draw[0].crop, draw[1].crop) : draw[0].crop;
    TRY(image_decode_crop(&a->decoded, &a->decode, need, bytes, n_bytes, name));
    for (int64_t v = 0; v < n_views; v++)
        TRY(augment_apply(a, &out[v], o, &draw[v], &a->decoded, name, need.x, need.y));
    return OK;
}

Status augment_image(Augmenter *a, const AugmentView out[], int64_t n_views,
                     const AugmentOptions *o, const Image *im, const char *name, uint64_t seed,
                     int64_t epoch, int64_t sample)
{
    for (int64_t v = 0; v < n_views; v++) {
        AugmentDraw draw;
        augment_draw(&draw, o, im->width, im->height, seed, epoch, sample, v);
        TRY(augment_apply(a, &out[v], o, &draw, im, name, 0, 0));
    }
    return OK;
}
