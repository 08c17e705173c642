/* rle_sets.c -- union, intersection, IoU and suppression on runs, without decoding */
#include "eval/rle.h"
#include <math.h>
#include <string.h>

/* ---- merge ---- */

/* Two run lists zipped: c pixels at a time, as long as neither changes. `left` counts down the run
 * at hand; after the last run it stays 0 and the rest of the mask is background. */
typedef struct Zip {
    const uint32_t *counts;
    uint32_t        n, next, left;
    bool            value, done; // done: no pixel and no run is left
} Zip;

static Zip zip_begin(const uint32_t *counts, uint32_t n)
{
    return (Zip){.counts = counts, .n = n, .next = 1, .left = counts[0]};
}

static void zip_skip(Zip *z, uint32_t c)
{
    z->left -= c;
    if (z->left == 0) {
        if (z->next < z->n) {
            z->left = z->counts[z->next++];
            z->value = !z->value;
        } else {
            z->value = false;
            z->done = true;
        }
    }
}

/* counts has room for na + nb + 1 runs. pixels closes the list when both end early. */
static uint32_t merge_two(uint32_t *counts, Zip a, Zip b, uint32_t pixels, bool intersect)
{
    uint32_t n = 0, run = 0, total = 0;
    bool     value = false;

    for (;;) {
        uint32_t c = a.done ? b.left : b.done ? a.left : a.left < b.left ? a.left : b.left;
        run += c;
        total += c;
        if (!a.done)
            zip_skip(&a, c);
        if (!b.done)
            zip_skip(&b, c);
        if (total == pixels || (a.done && b.done))
            break;
        bool now = intersect ? a.value && b.value : a.value || b.value;
        if (now != value) {
            counts[n++] = run;
            run = 0;
            value = now;
        }
    }
    if (value && total < pixels) { // foreground up to here, background behind
        counts[n++] = run;
        run = 0;
    }
    counts[n++] = run + (pixels - total);
    return n;
}

Status rle_merge(Arena *a, Rle *out, const Rle *r, int64_t n, bool intersect)
{
    *out = (Rle){0};
    for (int64_t i = 0; i < n; i++)
        if (r[i].h != r[0].h || r[i].w != r[0].w || r[i].n == 0)
            return OK;
    if (n == 0)
        return OK;
    Rle acc = r[0];
    for (int64_t i = 1; i < n; i++) {
        uint32_t *counts = ARENA_ARRAY(a, uint32_t, (int64_t)acc.n + r[i].n + 1);
        if (!counts)
            return ERR_MEMORY;
        uint32_t m = merge_two(counts, zip_begin(acc.counts, acc.n), zip_begin(r[i].counts, r[i].n),
                               acc.h * acc.w, intersect);
        TRY(rle_from_counts(&acc, counts, m, acc.h, acc.w));
    }
    *out = acc;
    return OK;
}

/* ---- IoU ---- */

/* Pixels that both masks have, of those in [lo, hi). Both have foreground. The run that ends first
 * is replaced by its list's next; that choice is made without a branch, since it is a coin toss. */
static uint32_t intersection(const Rle *d, const Rle *g, uint32_t lo, uint32_t hi)
{
    const uint32_t *dp = d->counts + 2, *dend = d->counts + (d->n & ~1u);
    const uint32_t *gp = g->counts + 2, *gend = g->counts + (g->n & ~1u);
    uint32_t        ds = d->counts[0], de = ds + d->counts[1];
    uint32_t        gs = g->counts[0], ge = gs + g->counts[1];
    uint32_t        both = 0;

    for (; de <= lo; dp += 2) {
        if (dp == dend)
            return 0;
        ds = de + dp[0];
        de = ds + dp[1];
    }
    for (; ge <= lo; gp += 2) {
        if (gp == gend)
            return 0;
        gs = ge + gp[0];
        ge = gs + gp[1];
    }
    for (;;) {
        uint32_t s = ds > gs ? ds : gs, e = de < ge ? de : ge;
        both += e > s ? e - s : 0;
        if (s >= hi)
            return both;
        bool            step_d = de <= ge;
        const uint32_t *p = step_d ? dp : gp;
        if (p == (step_d ? dend : gend))
            return both;
        uint32_t ns = e + p[0], ne = ns + p[1];
        ds = step_d ? ns : ds;
        de = step_d ? ne : de;
        gs = step_d ? gs : ns;
        ge = step_d ? ge : ne;
        dp += step_d ? 2 : 0;
        gp += step_d ? 0 : 2;
    }
}

static double ratio(uint32_t both, const Rle *d, const Rle *g, bool crowd)
{
    uint32_t whole = crowd ? d->area : d->area + g->area - both;
    return both == 0 ? 0 : (double)both / (double)whole;
}

double rle_iou_least(const Rle *d, const Rle *g, bool crowd, double least)
{
    int64_t x0 = d->box[0] > g->box[0] ? d->box[0] : g->box[0];
    int64_t y0 = d->box[1] > g->box[1] ? d->box[1] : g->box[1];
    int64_t dx1 = (int64_t)d->box[0] + d->box[2], gx1 = (int64_t)g->box[0] + g->box[2];
    int64_t dy1 = (int64_t)d->box[1] + d->box[3], gy1 = (int64_t)g->box[1] + g->box[3];
    int64_t w = (dx1 < gx1 ? dx1 : gx1) - x0, h = (dy1 < gy1 ? dy1 : gy1) - y0;

    if (w <= 0 || h <= 0)
        return 0;
    if (d->h != g->h || d->w != g->w)
        return -1;
    if (d->area == 0 || g->area == 0)
        return 0;

    /* At most this many pixels are shared; rounding is monotone, so the bound holds in double. */
    uint64_t most = (uint64_t)w * (uint64_t)h;
    if (d->area < most)
        most = d->area;
    if (g->area < most)
        most = g->area;
    if (ratio((uint32_t)most, d, g, crowd) < least)
        return 0;
    uint32_t both = intersection(d, g, (uint32_t)x0 * d->h, (uint32_t)(x0 + w) * d->h);
    return ratio(both, d, g, crowd);
}

double rle_iou(const Rle *d, const Rle *g, bool crowd)
{
    return rle_iou_least(d, g, crowd, 0);
}

double rle_box_iou(const double d[4], const double g[4], bool crowd)
{
    double x1 = fmin(d[0] + d[2], g[0] + g[2]), y1 = fmin(d[1] + d[3], g[1] + g[3]);
    double w = x1 - fmax(d[0], g[0]), h = y1 - fmax(d[1], g[1]);

    if (!(w > 0 && h > 0))
        return 0;
    double both = w * h, d_area = d[2] * d[3], g_area = g[2] * g[3];
    double whole = crowd ? d_area : d_area + g_area - both;
    bool   finite = isfinite(d[0]) && isfinite(d[1]) && isfinite(g[0]) && isfinite(g[1]) &&
                  isfinite(both) && isfinite(d_area) && isfinite(g_area);
    return finite ? both / whole : 0;
}

/* ---- suppression ---- */

void rle_nms(uint8_t *keep, const Rle *r, int64_t n, double threshold)
{
    memset(keep, 1, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; keep[i] && j < n; j++)
            if (keep[j] && rle_iou(&r[i], &r[j], false) > threshold)
                keep[j] = 0;
}

void rle_box_nms(uint8_t *keep, const double *box, int64_t n, double threshold)
{
    memset(keep, 1, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; keep[i] && j < n; j++)
            if (keep[j] && rle_box_iou(box + 4 * i, box + 4 * j, false) > threshold)
                keep[j] = 0;
}
