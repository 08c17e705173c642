/* resize.c -- Pillow's BILINEAR (libImaging/Resample.c), bit for bit
 *
 *      scale s = in / out, support S = max(s, 1), centre c = (o + .5) s
 *      taps x in [trunc(c - S + .5), trunc(c + S + .5)) inside the picture, weight max(0, 1 - |x - c + .5| / S)
 *      weights / their sum, * 2^22, rounded;  value = (2^21 + sum weight * byte) >> 22
 *
 * Horizontal then vertical with bytes between. An axis of equal size has one tap of weight 2^22, which copies it. Sums
 * never leave 0..255: the weights are positive and their rounding moves 255 by less than half.
 * Between the passes a pixel is 4 bytes. The two loops that take the time are in resize_pass.c.
 */
#include "datasets/transform.h"
#include "base/size.h"
#include "datasets/resize_pass.h"
#include "datasets/simd.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Pass {
    ResizeAxis x, y;
    uint8_t   *between; // (crop.height, width, 4)
    uint8_t   *line;    // (width, 4)
} Pass;

static int64_t most_taps(int64_t in, int64_t out)
{
    double scale = (double)in / (double)out;
    return in == out ? 1 : 2 * (int64_t)ceil(scale > 1 ? scale : 1) + 1;
}

/* The weights of one output sample, in double, before rounding; returns their number. */
static int64_t axis_weights(double *w, int64_t *first, int64_t o, int64_t in, int64_t out)
{
    double  s = (double)in / (double)out, support = s > 1 ? s : 1;
    double  c = ((double)o + 0.5) * s, per = 1.0 / support, sum = 0;
    int64_t a = size_max((int64_t)(c - support + 0.5), 0);
    int64_t b = size_min((int64_t)(c + support + 0.5), in);
    for (int64_t x = a; x < b; x++) {
        double d = fabs(((double)x - c + 0.5) * per);
        w[x - a] = d < 1 ? 1 - d : 0;
        sum += w[x - a];
    }
    for (int64_t k = 0; k < b - a; k++)
        w[k] = sum != 0 ? w[k] / sum : w[k];
    *first = a;
    return b - a;
}

static void axis_fill(ResizeAxis *axis, double *w, int64_t in, int64_t out)
{
    for (int64_t o = 0; o < out; o++) {
        int32_t *to = axis->weight + o * axis->n_taps;
        if (in == out) {
            axis->first[o] = o;
            axis->count[o] = 1;
            to[0] = 1 << RESIZE_BITS;
            continue;
        }
        axis->count[o] = axis_weights(w, &axis->first[o], o, in, out);
        for (int64_t k = 0; k < axis->n_taps; k++)
            to[k] = k < axis->count[o] ? (int32_t)(w[k] * (1 << RESIZE_BITS) + 0.5) : 0;
    }
}

/* Hands out 64-byte aligned pieces of one block; with base NULL it only counts. */
typedef struct Carver {
    uint8_t *base;
    int64_t  used;
    bool     overflow;
} Carver;

static void *carve(Carver *c, int64_t count, int64_t size)
{
    int64_t n = 0, at = c->used;
    if (!size_mul(&n, count, size) || n > INT64_MAX / 4 || c->used > INT64_MAX / 4)
        c->overflow = true;
    else
        c->used += size_round_up(n + 16, 64);
    return c->base != NULL ? c->base + at : NULL;
}

static void lay_out(Carver *c, Pass *p, double **w, ImageRect crop, int64_t width, int64_t height)
{
    p->x.n_taps = most_taps(crop.width, width);
    p->y.n_taps = most_taps(crop.height, height);
    *w = carve(c, size_max(p->x.n_taps, p->y.n_taps), sizeof(double));
    p->x.first = carve(c, width, sizeof(int64_t));
    p->x.count = carve(c, width, sizeof(int64_t));
    p->x.weight = carve(c, width * p->x.n_taps, sizeof(int32_t));
    p->y.first = carve(c, height, sizeof(int64_t));
    p->y.count = carve(c, height, sizeof(int64_t));
    p->y.weight = carve(c, height * p->y.n_taps, sizeof(int32_t));
    p->x.packed = carve(c, width * resize_groups(p->x.n_taps), RESIZE_GROUP_BYTES);
    p->line = carve(c, width + 16, 4);
    p->between = carve(c, crop.height * width, 4);
}

/* One row of 4-byte pixels to three planes, or to interleaved RGB. */
SIMD_CLONES static void split_row(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b,
                                  const uint8_t *line, int64_t width)
{
    int64_t x = 0;
    for (; x + 16 <= width; x += 16) {
        Words16 pixels;
        memcpy(&pixels, line + 4 * x, 64);
        Bytes16 red = __builtin_convertvector(pixels, Bytes16);
        Bytes16 green = __builtin_convertvector(pixels >> 8, Bytes16);
        Bytes16 blue = __builtin_convertvector(pixels >> 16, Bytes16);
        memcpy(r + x, &red, 16);
        memcpy(g + x, &green, 16);
        memcpy(b + x, &blue, 16);
    }
    for (; x < width; x++) {
        r[x] = line[4 * x];
        g[x] = line[4 * x + 1];
        b[x] = line[4 * x + 2];
    }
}

static void pack_row(uint8_t *to, const uint8_t *line, int64_t width)
{
    for (int64_t x = 0; x < width; x++)
        memcpy(to + 3 * x, line + 4 * x, 3);
}

static Status prepare(ResizeScratch *s, Pass *p, const Image *in, ImageRect crop, int64_t width,
                      int64_t height)
{
    if (crop.x < 0 || crop.y < 0 || crop.width < 1 || crop.height < 1 || width < 1 || height < 1 ||
        crop.width > in->width - crop.x || crop.height > in->height - crop.y ||
        width > RESIZE_MAX_SIDE || height > RESIZE_MAX_SIDE)
        return status_fail(
            ERR_SHAPE, "resize: %lldx%lld+%lld+%lld of a %lldx%lld picture to %lldx%lld",
            (long long)crop.width, (long long)crop.height, (long long)crop.x, (long long)crop.y,
            (long long)in->width, (long long)in->height, (long long)width, (long long)height);
    double *w = NULL;
    Carver  count = {0};
    lay_out(&count, p, &w, crop, width, height);
    if (count.overflow)
        return status_fail(ERR_SHAPE, "resize: %lld x %lld pixels is not a possible size",
                           (long long)width, (long long)height);
    if (count.used > s->capacity) {
        free(s->memory);
        s->capacity = 0;
        s->memory = aligned_alloc(64, (size_t)count.used);
        if (s->memory == NULL)
            return status_no_memory("resizing", count.used);
        s->capacity = count.used;
    }
    Carver real = {.base = s->memory};
    lay_out(&real, p, &w, crop, width, height);
    axis_fill(&p->x, w, crop.width, width);
    axis_fill(&p->y, w, crop.height, height);
    resize_pack(&p->x, width);
    for (int64_t y = 0; y < crop.height; y++)
        resize_row(p->between + 4 * width * y, in->pixels + 3 * ((crop.y + y) * in->width + crop.x),
                   &p->x, width);
    return OK;
}

static void output_row(const Pass *p, int64_t y, int64_t width)
{
    resize_column(p->line, p->between + 4 * width * p->y.first[y], 4 * width,
                  p->y.weight + y * p->y.n_taps, p->y.count[y], 4 * width);
}

Status transform_resize(ResizeScratch *s, Planes *out, const Image *in, ImageRect crop,
                        int64_t width, int64_t height)
{
    Pass p = {0};
    TRY(prepare(s, &p, in, crop, width, height));
    TRY(planes_resize_buffer(out, width, height));
    for (int64_t y = 0; y < height; y++) {
        output_row(&p, y, width);
        split_row(out->plane[0] + y * width, out->plane[1] + y * width, out->plane[2] + y * width,
                  p.line, width);
    }
    return OK;
}

Status transform_resize_image(ResizeScratch *s, Image *out, const Image *in, ImageRect crop,
                              int64_t width, int64_t height)
{
    Pass p = {0};
    TRY(prepare(s, &p, in, crop, width, height));
    TRY(image_resize_buffer(out, width, height));
    for (int64_t y = 0; y < height; y++) {
        output_row(&p, y, width);
        pack_row(out->pixels + 3 * y * width, p.line, width);
    }
    return OK;
}

void resize_scratch_release(ResizeScratch *s)
{
    free(s->memory);
    *s = (ResizeScratch){0};
}
