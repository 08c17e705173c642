/* coco_similarity.c -- see coco_similarity.h */
#include "eval/coco_similarity.h"
#include "eval/numeric.h"
#include "eval/polygon.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct Cell {
    const int32_t *found, *truth;
    int64_t        n_truth;
    Arena         *a;
    Rle           *mask; // segm: of the truths
} Cell;

static Status open_cell(const void *ctx, Arena *a, void **cell, const int32_t *found,
                        int64_t n_found, const int32_t *truth, int64_t n_truth)
{
    (void)ctx;
    (void)n_found;
    Cell *c = ARENA_NEW(a, Cell);
    if (!c)
        return status_no_memory("cell", (long long)sizeof(Cell));
    *c = (Cell){.found = found, .truth = truth, .n_truth = n_truth, .a = a};
    *cell = c;
    return OK;
}

/* ---- boxes ---- */

static Status box_row(const void *ctx, void *cell, double *sim, int64_t k)
{
    const CocoPair *p = (const CocoPair *)ctx;
    const Cell     *c = (const Cell *)cell;
    const double   *d = p->found->rows.box + 4 * (int64_t)c->found[k];
    double          da = d[2] * d[3];
    for (int64_t g = 0; g < c->n_truth; g++) {
        const double *t = p->truth->rows.box + 4 * (int64_t)c->truth[g];
        double        w = fmin(d[2] + d[0], t[2] + t[0]) - fmax(d[0], t[0]);
        double        h = fmin(d[3] + d[1], t[3] + t[1]) - fmax(d[1], t[1]);
        sim[g] = 0;
        if (w <= 0 || h <= 0)
            continue;
        double i = w * h;
        bool   crowd = p->truth->rows.is_crowd[c->truth[g]];
        sim[g] = i / (crowd ? da : da + t[2] * t[3] - i);
    }
    return OK;
}

/* ---- masks ---- */

static Status raw_mask(Arena *a, Rle *out, const CocoTruth *truth, const CocoRows *r, int64_t row)
{
    const CocoMask  *m = &r->mask[row];
    const CocoImage *image = &truth->image[r->image[row]];
    if (m->kind == COCO_MASK_BOX) {
        const double *b = r->box + 4 * row;
        double        x2 = b[0] + b[2], y2 = b[1] + b[3];
        double        xy[8] = {b[0], b[1], b[0], y2, x2, y2, x2, b[1]};
        return polygon_to_rle(a, out, xy, 4, image->h, image->w);
    }
    if (m->kind == COCO_MASK_STRING)
        return rle_from_string(a, out, r->text + m->at, m->n, m->h, m->w);
    if (m->kind == COCO_MASK_COUNTS) {
        uint32_t *counts = ARENA_ARRAY(a, uint32_t, m->n);
        if (!counts)
            return status_no_memory("runs", m->n * 4LL);
        for (uint32_t i = 0; i < m->n; i++)
            counts[i] = (uint32_t)r->number[m->at + i];
        return rle_from_counts(out, counts, m->n, m->h, m->w);
    }
    int64_t *lengths = ARENA_ARRAY(a, int64_t, m->n_parts);
    if (!lengths)
        return status_no_memory("polygons", m->n_parts * 8LL);
    for (uint32_t i = 0; i < m->n_parts; i++)
        lengths[i] = r->part[m->part_at + i];
    return polygon_list_to_rle(a, out, r->number + m->at, lengths, m->n_parts, image->h, image->w);
}

Status coco_row_mask(Arena *a, Rle *out, const CocoTruth *truth, const CocoRows *rows, int64_t row)
{
    Status st = raw_mask(a, out, truth, rows, row);
    if (st == OK || st == ERR_MEMORY)
        return st;
    char why[512];
    snprintf(why, sizeof why, "%s", status_text());
    const CocoImage *image = &truth->image[rows->image[row]];
    if (rows->id)
        return status_fail(st, "annotation %lld (image %lld): %s", (long long)rows->id[row],
                           (long long)image->id, why);
    return status_fail(st, "result %lld (image %lld): %s", (long long)row + 1, (long long)image->id,
                       why);
}

static Status open_masks(const void *ctx, Arena *a, void **cell, const int32_t *found,
                         int64_t n_found, const int32_t *truth, int64_t n_truth)
{
    const CocoPair *p = (const CocoPair *)ctx;
    TRY(open_cell(ctx, a, cell, found, n_found, truth, n_truth));
    Cell *c = (Cell *)*cell;
    c->mask = ARENA_ARRAY(a, Rle, n_truth);
    if (!c->mask)
        return status_no_memory("masks", n_truth * (int64_t)sizeof(Rle));
    for (int64_t g = 0; g < n_truth; g++)
        TRY(coco_row_mask(a, &c->mask[g], p->truth, &p->truth->rows, truth[g]));
    return OK;
}

static Status mask_row(const void *ctx, void *cell, double *sim, int64_t k)
{
    const CocoPair *p = (const CocoPair *)ctx;
    const Cell     *c = (const Cell *)cell;
    ArenaMark       mark = arena_mark(c->a);
    Rle             d;
    TRY(coco_row_mask(c->a, &d, p->truth, &p->found->rows, c->found[k]));
    for (int64_t g = 0; g < c->n_truth; g++)
        sim[g] = rle_iou_least(&d, &c->mask[g], p->truth->rows.is_crowd[c->truth[g]], p->least);
    arena_rewind(c->a, mark);
    return OK;
}

/* ---- poses ---- */

static double oks(const double *d, const double *g, const double *box, double area,
                  const double *sigma, int n)
{
    double e[MATCH_MAX_THRESHOLDS * 64];
    int    visible = 0, count = 0;
    double x0 = box[0] - box[2], x1 = box[0] + box[2] * 2, y0 = box[1] - box[3],
           y1 = box[1] + box[3] * 2;
    for (int i = 0; i < n; i++)
        visible += g[3 * i + 2] > 0;
    for (int i = 0; i < n; i++) {
        double dx, dy, xd = d[3 * i], yd = d[3 * i + 1], twice = sigma[i] * 2, var = twice * twice;
        if (visible > 0 && !(g[3 * i + 2] > 0))
            continue;
        if (visible > 0) {
            dx = xd - g[3 * i];
            dy = yd - g[3 * i + 1];
        } else {
            dx = fmax(0, x0 - xd) + fmax(0, xd - x1);
            dy = fmax(0, y0 - yd) + fmax(0, yd - y1);
        }
        e[count++] = exp(-((dx * dx + dy * dy) / var / (area + NUMERIC_EPS) / 2));
    }
    return numeric_sum(e, count) / count;
}

static Status pose_row(const void *ctx, void *cell, double *sim, int64_t k)
{
    const CocoPair *p = (const CocoPair *)ctx;
    const Cell     *c = (const Cell *)cell;
    const CocoRows *t = &p->truth->rows;
    int             n = t->n_keypoints;
    for (int64_t g = 0; g < c->n_truth; g++) {
        int64_t row = c->truth[g];
        sim[g] = oks(p->found->rows.keypoint + 3 * n * (int64_t)c->found[k],
                     t->keypoint + 3 * n * row, t->box + 4 * row, t->area[row], p->sigma, n);
    }
    return OK;
}

MatchSimilarity coco_similarity(const CocoPair *pair, CocoIou iou)
{
    MatchSimilarity s = {.ctx = pair, .open = open_cell, .row = box_row};
    if (iou == COCO_SEGM) {
        s.open = open_masks;
        s.row = mask_row;
    } else if (iou == COCO_KEYPOINTS) {
        s.row = pose_row;
    }
    return s;
}
