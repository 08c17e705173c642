#include "datasets/det_picture.h"
#include "base/pixel.h"
#include "base/size.h"
#include "datasets/simd.h"
#include <stdlib.h>
#include <string.h>

#define LEAST_SIDE 1e-5f // shorter boxes are dropped

void det_resized(int64_t *new_width, int64_t *new_height, int64_t width, int64_t height,
                 int64_t size, int64_t max_size)
{
    double scale = (double)size / (double)size_min(width, height);
    double w = width < height ? (double)size : scale * (double)width;
    double h = width < height ? scale * (double)height : (double)size;
    double far = w > h ? w : h;
    double most = (double)(max_size > 0 ? max_size : DET_MOST_SIDE);
    if (far > most) {
        double shrink = most / far;
        w *= shrink;
        h *= shrink;
    }
    *new_width = size_max((int64_t)(w + 0.5), 1);
    *new_height = size_max((int64_t)(h + 0.5), 1);
}

static Status check_size(const DetImage *d, const Image *im)
{
    if (d->width <= 0 || d->height <= 0 || (d->width == im->width && d->height == im->height))
        return OK;
    bool swapped = d->width == im->height && d->height == im->width;
    return status_fail(
        ERR_FORMAT, "%s: the annotation says %lld x %lld, the picture has %lld x %lld%s", d->path,
        (long long)d->width, (long long)d->height, (long long)im->width, (long long)im->height,
        swapped ? "; sides are swapped: the boxes were drawn without regard to the "
                  "EXIF orientation, so set the EXIF policy to ignore"
                : "");
}

static void mirror(Image *im)
{
    for (int64_t y = 0; y < im->height; y++) {
        uint8_t *row = im->pixels + 3 * y * im->width;
        for (int64_t a = 0, b = im->width - 1; a < b; a++, b--) {
            uint8_t t[3];
            memcpy(t, row + 3 * a, 3);
            memcpy(row + 3 * a, row + 3 * b, 3);
            memcpy(row + 3 * b, t, 3);
        }
    }
}

static double clip(double v, double hi)
{
    return v < 0 ? 0 : v > hi ? hi : v;
}

/* Scales per axis, mirrors, clips; true when something of the box is left. */
static bool place_box(float out[4], const DetObject *d, const DetBatchImage *f)
{
    double W = (double)f->width, H = (double)f->height;
    double sx = W / (double)f->original_width, sy = H / (double)f->original_height;
    double x1 = (double)d->x1 * sx, x2 = (double)d->x2 * sx;
    if (f->flipped) {
        double t = W - x1;
        x1 = W - x2;
        x2 = t;
    }
    out[0] = (float)clip(x1, W);
    out[1] = (float)clip((double)d->y1 * sy, H);
    out[2] = (float)clip(x2, W);
    out[3] = (float)clip((double)d->y2 * sy, H);
    return out[2] - out[0] > LEAST_SIDE && out[3] - out[1] > LEAST_SIDE;
}

static Status place_boxes(DetPicture *it, const DetImage *d)
{
    if (d->n_objects > it->capacity) {
        free(it->box);
        free(it->label);
        free(it->difficult);
        it->box = calloc((size_t)d->n_objects, 4 * sizeof *it->box);
        it->label = calloc((size_t)d->n_objects, sizeof *it->label);
        it->difficult = calloc((size_t)d->n_objects, 1);
        it->capacity = 0;
        if (it->box == NULL || it->label == NULL || it->difficult == NULL)
            return status_no_memory("boxes of a picture", 21 * d->n_objects);
        it->capacity = d->n_objects;
    }
    int64_t n = 0;
    for (int64_t i = 0; i < d->n_objects; i++) {
        if (!place_box(it->box + 4 * n, &d->object[i], &it->facts))
            continue;
        it->label[n] = d->object[i].class_index;
        it->difficult[n] = d->object[i].is_difficult;
        n++;
    }
    it->facts.n_objects = n;
    it->facts.box = it->box;
    it->facts.label = it->label;
    it->facts.is_difficult = it->difficult;
    return OK;
}

Status det_picture_make(DetPicture *p, ResizeScratch *scratch, const DetImage *d, const Image *im,
                        int64_t size, int64_t max_size, bool is_flipped)
{
    DetBatchImage *f = &p->facts;
    ImageRect      all = {0, 0, im->width, im->height};
    TRY(check_size(d, im));
    *f = (DetBatchImage){
        .original_width = im->width, .original_height = im->height, .flipped = is_flipped};
    det_resized(&f->width, &f->height, im->width, im->height, size, max_size);
    TRY(transform_resize_image(scratch, &p->picture, im, all, f->width, f->height));
    if (is_flipped)
        mirror(&p->picture);
    return place_boxes(p, d);
}

void det_picture_release(DetPicture *p)
{
    image_release(&p->picture);
    free(p->box);
    free(p->label);
    free(p->difficult);
    *p = (DetPicture){0};
}

/* ---- numbers ---- */

SIMD_CLONES static void normalise_row(float *restrict out, const uint8_t *in, int64_t width,
                                      const float table[3][256], int red)
{
    for (int64_t x = 0; x < width; x++) {
        out[3 * x] = table[0][in[3 * x + red]];
        out[3 * x + 1] = table[1][in[3 * x + 1]];
        out[3 * x + 2] = table[2][in[3 * x + 2 - red]];
    }
}

void det_picture_write(float *out, int64_t width, int64_t height, const Image *im,
                       const DetLoaderOptions *o)
{
    float table[3][256];
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++)
            table[c][v] = pixel_standardise(v, o->stats.mean[c], o->stats.std[c]);
    for (int64_t y = 0; y < height; y++) {
        float  *row = out + 3 * y * width;
        int64_t used = y < im->height ? im->width : 0;
        if (used > 0)
            normalise_row(row, im->pixels + 3 * y * im->width, used, (const float(*)[256])table,
                          o->bgr ? 2 : 0);
        memset(row + 3 * used, 0, (size_t)(3 * (width - used)) * sizeof *row);
    }
}

void det_picture_copy(uint8_t *out, int64_t width, int64_t height, const Image *im,
                      const DetLoaderOptions *o)
{
    for (int64_t y = 0; y < height; y++) {
        uint8_t *row = out + 3 * y * width;
        int64_t  used = y < im->height ? im->width : 0;
        if (used > 0)
            memcpy(row, im->pixels + 3 * y * im->width, (size_t)(3 * used));
        memset(row + 3 * used, 0, (size_t)(3 * (width - used)));
        for (int64_t x = 0; o->bgr && x < used; x++) {
            uint8_t red = row[3 * x];
            row[3 * x] = row[3 * x + 2];
            row[3 * x + 2] = red;
        }
    }
}

Status det_prepare(Arena *arena, float **pixels, int64_t *new_width, int64_t *new_height,
                   const DetLoaderOptions *o, const Image *im)
{
    ResizeScratch scratch = {0};
    Image         resized = {0};
    Status        st = OK;
    det_resized(new_width, new_height, im->width, im->height, o->sizes[0], o->max_size);
    ImageRect all = {0, 0, im->width, im->height};
    TRY_OUT(transform_resize_image(&scratch, &resized, im, all, *new_width, *new_height));
    *pixels = ARENA_ARRAY(arena, float, 3 * *new_width * *new_height);
    if (*pixels == NULL)
        TRY_OUT(ERR_MEMORY);
    det_picture_write(*pixels, *new_width, *new_height, &resized, o);
out:
    image_release(&resized);
    resize_scratch_release(&scratch);
    return st;
}
