/* densepose_gps.c -- how well one result's surface points and mask fit one person */
#include "eval/densepose.h"
#include "eval/numeric.h"
#include <math.h>
#include <string.h>

enum { SIDE = 256 };

/* Where an annotated point falls in the result's grid. Truncated, so -0.9 is column 0.
 * PITFALL: points are scaled by 255, although the data set's class says 256. */
static bool grid_cell(int64_t *px, int64_t *py, const DenseposeTruth *t, const DenseposeFound *f,
                      int64_t k)
{
    double x = t->x[k] * t->box[2] / 255.0 + t->box[0] - f->box[0];
    double y = t->y[k] * t->box[3] / 255.0 + t->box[1] - f->box[1];
    if (!(fabs(x) < 1e9 && fabs(y) < 1e9))
        return false;
    *px = (int64_t)x;
    *py = (int64_t)y;
    return *px < (int64_t)f->box[2] && *py < (int64_t)f->box[3] && *px >= 0 && *py >= 0;
}

static Status point_score(double *score, const DenseposeSurface *s, int64_t truth, int part,
                          int64_t found)
{
    *score = 0;
    if (found < 0)
        return OK;
    double d = densepose_distance(s, truth, found), kappa = densepose_kappa(part);
    if (isnan(d))
        return status_fail(ERR_FORMAT, "surface: the distance of vertices %lld and %lld is NaN",
                           (long long)truth, (long long)found);
    *score = exp(-(d * d) / (2 * (kappa * kappa)));
    return OK;
}

Status densepose_gps(double *gps, const DenseposeSurface *s, const DenseposeTruth *t,
                     const DenseposeFound *f, const uint8_t *iuv)
{
    Arena   a = {0};
    Status  st = OK;
    int64_t n = 0, inside = 0;

    *gps = 0;
    double *score = ARENA_ARRAY(&a, double, t->n_points);
    if (!score)
        return ERR_MEMORY;
    for (int64_t k = 0; k < t->n_points; k++) {
        int64_t px, py, found = -1;
        int64_t truth = densepose_nearest(s, t->part[k], t->u[k], t->v[k]);
        if (grid_cell(&px, &py, t, f, k)) {
            const uint8_t *pixel = iuv + 3 * (py * f->w + px);
            found = densepose_nearest_byte(s, pixel[0], pixel[1], pixel[2]);
            inside++;
        }
        if (truth >= 0) // points of part 0 or above 24 are dropped
            TRY_OUT(point_score(&score[n++], s, truth, (int)t->part[k], found));
    }
    if (inside > 0 && n > 0)
        *gps = numeric_mean(score, n);
out:
    arena_release(&a);
    return st;
}

/* ---- masks ---- */

/* A (h,w) mask put on the image with its corner at the truncated corner of the box. */
static Status paste(Arena *a, Rle *out, const uint8_t *mask, int64_t mask_h, int64_t mask_w,
                    const double box[4], int64_t h, int64_t w)
{
    uint8_t *image = arena_alloc(a, h * w);
    if (!image)
        return ERR_MEMORY;
    int64_t x = (int64_t)box[0], y = (int64_t)box[1];
    int64_t x0 = x > 0 ? x : 0, x1 = (int64_t)(box[0] + box[2]);
    int64_t y0 = y > 0 ? y : 0, y1 = (int64_t)(box[1] + box[3]);
    x1 = x1 < w ? x1 : w;
    x1 = x1 < x + mask_w ? x1 : x + mask_w;
    y1 = y1 < h ? y1 : h;
    y1 = y1 < y + mask_h ? y1 : y + mask_h;
    for (int64_t i = y0; i < y1; i++)
        for (int64_t j = x0; j < x1; j++)
            image[i * w + j] = mask[(i - y) * mask_w + (j - x)] != 0;
    return rle_encode(a, out, image, h, w, RLE_ROWS);
}

/* Taps of one output row or column: scipy.ndimage.zoom, order 1. PITFALL: for 75 sizes below 700
 * the last coordinate rounds to just above 255 and samples outside, which is 0 there. */
typedef struct Tap {
    int    at;
    bool   outside;
    double near, far; // weights of at and at + 1
} Tap;

static Tap tap_at(int64_t i, int64_t n)
{
    double zoom = n > 1 ? (double)(SIDE - 1) / (double)(n - 1) : 1;
    double x = (double)i * zoom;
    int    at = (int)floor(x);
    double part = x - at;
    return (Tap){.at = at, .outside = x > SIDE - 1, .near = 1 - part, .far = part};
}

static double sample(const uint8_t *mask, Tap y, Tap x)
{
    if (y.outside || x.outside)
        return 0;
    int    y1 = y.at + 1 < SIDE ? y.at + 1 : SIDE - 2, x1 = x.at + 1 < SIDE ? x.at + 1 : SIDE - 2;
    double t = 0;
    t += mask[y.at * SIDE + x.at] * y.near * x.near;
    t += mask[y.at * SIDE + x1] * y.near * x.far;
    t += mask[y1 * SIDE + x.at] * y.far * x.near;
    t += mask[y1 * SIDE + x1] * y.far * x.far;
    return t;
}

Status densepose_truth_mask(Arena *a, Rle *out, const DenseposeTruth *t, int64_t h, int64_t w)
{
    if (!t->has_dp_mask) {
        *out = t->mask;
        return OK;
    }
    double   wide = rint(t->box[2] > 1 ? t->box[2] : 1), high = rint(t->box[3] > 1 ? t->box[3] : 1);
    uint8_t *small = arena_alloc(a, SIDE * SIDE);
    if (wide > 65536 || high > 65536 || wide * high > RLE_MAX_PIXELS)
        return status_fail(ERR_FORMAT, "annotation %lld: box of %g x %g pixels", (long long)t->id,
                           wide, high);
    int64_t  mask_w = (int64_t)wide, mask_h = (int64_t)high;
    uint8_t *mask = arena_alloc(a, mask_h * mask_w);
    Tap     *column = ARENA_ARRAY(a, Tap, mask_w);
    if (!small || !mask || !column)
        return ERR_MEMORY;
    rle_decode(small, &t->dp_mask, RLE_ROWS);
    for (int64_t x = 0; x < mask_w; x++)
        column[x] = tap_at(x, mask_w);
    for (int64_t y = 0; y < mask_h; y++) {
        Tap row = tap_at(y, mask_h);
        for (int64_t x = 0; x < mask_w; x++)
            mask[y * mask_w + x] = sample(small, row, column[x]) > 0.5;
    }
    return paste(a, out, mask, mask_h, mask_w, t->box, h, w);
}

Status densepose_found_mask(Arena *a, Rle *out, const DenseposeFound *f, const uint8_t *iuv,
                            int64_t h, int64_t w)
{
    uint8_t *mask = arena_alloc(a, f->h * f->w);
    if (!mask)
        return ERR_MEMORY;
    for (int64_t i = 0; i < f->h * f->w; i++)
        mask[i] = iuv[3 * i];
    return paste(a, out, mask, f->h, f->w, f->box, h, w);
}
