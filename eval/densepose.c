/* densepose.c -- similarities of every image, matching, precision and recall
 *
 * Matching is COCO's (one person may be found once, best similarity first), except that
 *
 *   1. a person without dp_x is ignored, whatever iscrowd says;
 *   2. where every person of the image is ignored, or there is none, so is every result;
 *   3. a similarity of exactly 0 never matches;
 *   4. a result unmatched at the LAST threshold is given to the free person (or crowd) whose box
 *      overlaps it by at least .8; that person's ignore flag then holds at ALL thresholds, so a
 *      true positive at .5 can become ignored;
 *   5. the area of a result is that of its box.
 */
#include "eval/densepose.h"
#include "base/threads.h"
#include "eval/numeric.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { R = 101, A = 3, T_MAX = DENSEPOSE_MAX_THRESHOLDS };

static const double AREA[A][2] = {{0, 1e10}, {32 * 32, 96 * 96}, {96 * 96, 1e10}};

/* The persons and results of one image and category. */
typedef struct Cell {
    int32_t  image, category;
    int64_t  n_truth, n_found;             // n_found: at most DENSEPOSE_CAP
    int32_t *truth, *found;                // rows; results by score
    double  *similarity, *box_iou;         // (n_found, n_truth)
    uint32_t (*matched)[A], (*ignored)[A]; // (n_found, A) bit t
    int64_t n_positive[A];
} Cell;

typedef struct Work {
    const DenseposeOptions *options;
    const DenseposeData    *data;
    const DenseposeSurface *surface;
    const DenseposeResult  *out;
    Cell                   *cell;
    Status                  st;
    int64_t                 failed;
    char                    sentence[1024];
    pthread_mutex_t         lock;
} Work;

/* ---- similarities ---- */

static Status grid_of(Arena *a, uint8_t **iuv, const Work *w, int32_t found)
{
    const DenseposeFound *f = &w->data->found[found];
    if (densepose_grid(a, iuv, f) == OK)
        return OK;
    char why[512];
    strncpy(why, status_text(), sizeof why - 1);
    why[sizeof why - 1] = 0;
    return status_fail(ERR_FORMAT, "result %lld (image %lld): %s", (long long)found,
                       (long long)w->data->image[f->image].id, why);
}

static Status mask_overlaps(Arena *a, double *iou, const Work *w, const Cell *c, int64_t k,
                            const uint8_t *iuv, const Rle *truth_mask)
{
    const DenseposeImage *image = &w->data->image[c->image];
    Rle                   mine;
    TRY(densepose_found_mask(a, &mine, &w->data->found[c->found[k]], iuv, image->h, image->w));
    for (int64_t g = 0; g < c->n_truth; g++)
        iou[g] = rle_iou(&mine, &truth_mask[g], w->data->truth[c->truth[g]].is_crowd);
    return OK;
}

static Status fill_row(Arena *a, const Work *w, Cell *c, int64_t k, const Rle *truth_mask)
{
    const DenseposeFound *f = &w->data->found[c->found[k]];
    DenseposeMode         mode = w->options->mode;
    double               *sim = c->similarity + k * c->n_truth;
    uint8_t              *iuv = NULL;
    double               *iou = ARENA_ARRAY(a, double, c->n_truth);
    if (!iou)
        return ERR_MEMORY;
    TRY(grid_of(a, &iuv, w, c->found[k]));
    if (mode != DENSEPOSE_GPS)
        TRY(mask_overlaps(a, iou, w, c, k, iuv, truth_mask));
    for (int64_t g = 0; g < c->n_truth; g++) {
        const DenseposeTruth *t = &w->data->truth[c->truth[g]];
        double                gps = 0;
        c->box_iou[k * c->n_truth + g] = rle_box_iou(f->box, t->box, t->is_crowd);
        if (mode != DENSEPOSE_IOU && t->has_points)
            TRY(densepose_gps(&gps, w->surface, t, f, iuv));
        sim[g] = mode == DENSEPOSE_GPS ? gps : mode == DENSEPOSE_IOU ? iou[g] : sqrt(iou[g] * gps);
    }
    return OK;
}

static Status fill_cell(Arena *a, const Work *w, Cell *c)
{
    const DenseposeImage *image = &w->data->image[c->image];
    Rle                  *mask = ARENA_ARRAY(a, Rle, c->n_truth);
    if (!mask)
        return ERR_MEMORY;
    if (c->n_truth == 0 || c->n_found == 0)
        return OK;
    if (w->options->mode != DENSEPOSE_GPS)
        for (int64_t g = 0; g < c->n_truth; g++)
            TRY(densepose_truth_mask(a, &mask[g], &w->data->truth[c->truth[g]], image->h,
                                     image->w));
    for (int64_t k = 0; k < c->n_found; k++) {
        ArenaMark mark = arena_mark(a);
        TRY(fill_row(a, w, c, k, mask));
        arena_rewind(a, mark);
    }
    return OK;
}

/* ---- matching ---- */

static bool is_ignored(const DenseposeTruth *t, int area)
{
    return !t->has_points || t->area < AREA[area][0] || t->area > AREA[area][1];
}

/* order: persons that count first, both halves in file order. */
typedef struct Order {
    int64_t *at; // (n_truth)
    bool    *ignored, *taken;
} Order;

/* The best free person for result k at threshold t, -1 when none is good enough. */
static int64_t best_truth(const Work *w, const Cell *c, const Order *o, int64_t k, double t)
{
    double  best = t < 1 - 1e-10 ? t : 1 - 1e-10;
    int64_t m = -1;
    for (int64_t i = 0; i < c->n_truth; i++) {
        int64_t g = o->at[i];
        double  sim = c->similarity[k * c->n_truth + g];
        if (o->taken[g] && !w->data->truth[c->truth[g]].is_crowd)
            continue;
        if (m >= 0 && !o->ignored[m] && o->ignored[g])
            break;
        if (sim < best || sim == 0)
            continue;
        best = sim;
        m = g;
    }
    return m;
}

/* Rule 4. `taken` is that of the last threshold. */
static int64_t best_box(const Work *w, const Cell *c, const Order *o, int64_t k)
{
    double  best = .8;
    int64_t m = -1;
    for (int64_t i = 0; i < c->n_truth; i++) {
        int64_t g = o->at[i];
        double  iou = c->box_iou[k * c->n_truth + g];
        if ((o->taken[g] && !w->data->truth[c->truth[g]].is_crowd) || iou < best)
            continue;
        best = iou;
        m = g;
    }
    return m;
}

static bool is_miss(const Work *w, const Cell *c, int64_t g)
{
    return w->options->bug_compatible && w->data->truth[c->truth[g]].id == 0;
}

static void match_boxes(const Work *w, Cell *c, const Order *o, int area)
{
    uint32_t last = 1u << (w->out->n_thresholds - 1), all = (last << 1) - 1;
    for (int64_t k = 0; k < c->n_found; k++) {
        if (c->matched[k][area] & last)
            continue;
        int64_t m = best_box(w, c, o, k);
        if (m < 0)
            continue;
        c->ignored[k][area] = o->ignored[m] ? all : 0;
        if (o->ignored[m]) {
            c->matched[k][area] |= is_miss(w, c, m) ? 0 : last;
            o->taken[m] = true;
        }
    }
}

static Status match_cell(Arena *a, const Work *w, Cell *c, int area)
{
    Order    o = {.at = ARENA_ARRAY(a, int64_t, c->n_truth),
                  .ignored = ARENA_ARRAY(a, bool, c->n_truth),
                  .taken = ARENA_ARRAY(a, bool, c->n_truth)};
    uint32_t all = (1u << w->out->n_thresholds) - 1;
    int64_t  n = 0;
    if (!o.at || !o.ignored || !o.taken)
        return ERR_MEMORY;
    c->n_positive[area] = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t g = 0; g < c->n_truth; g++) {
            o.ignored[g] = is_ignored(&w->data->truth[c->truth[g]], area);
            if (o.ignored[g] == (pass == 1))
                o.at[n++] = g;
            c->n_positive[area] += pass == 0 && !o.ignored[g];
        }
    for (int64_t k = 0; k < c->n_found && c->n_positive[area] == 0; k++)
        c->ignored[k][area] = all; // rule 2
    for (int t = 0; t < w->out->n_thresholds && c->n_truth > 0; t++) {
        memset(o.taken, 0, (size_t)c->n_truth * sizeof *o.taken);
        for (int64_t k = 0; k < c->n_found; k++) {
            int64_t m = best_truth(w, c, &o, k, w->out->threshold[t]);
            if (m < 0)
                continue;
            uint32_t bit = 1u << t;
            c->ignored[k][area] =
                o.ignored[m] ? c->ignored[k][area] | bit : c->ignored[k][area] & ~bit;
            c->matched[k][area] |= is_miss(w, c, m) ? 0 : bit;
            o.taken[m] = true;
        }
    }
    if (c->n_truth > 0)
        match_boxes(w, c, &o, area);
    for (int64_t k = 0; k < c->n_found; k++) {
        const double *box = w->data->found[c->found[k]].box;
        double        px = box[2] * box[3];
        if (px < AREA[area][0] || px > AREA[area][1])
            c->ignored[k][area] |= all & ~c->matched[k][area];
    }
    return OK;
}

static void score_cells(void *ctx, int64_t begin, int64_t end)
{
    Work *w = ctx;
    Arena a = {0};
    for (int64_t i = begin; i < end; i++) {
        ArenaMark mark = arena_mark(&a);
        Status    st = fill_cell(&a, w, &w->cell[i]);
        for (int area = 0; st == OK && area < A; area++)
            st = match_cell(&a, w, &w->cell[i], area);
        arena_rewind(&a, mark);
        if (st == OK)
            continue;
        pthread_mutex_lock(&w->lock);
        if (w->st == OK || i < w->failed) {
            w->st = st;
            w->failed = i;
            strcpy(w->sentence, status_text());
        }
        pthread_mutex_unlock(&w->lock);
        break;
    }
    arena_release(&a);
}

/* ---- cells ---- */

/* Rows of one image and category, results cut to the best DENSEPOSE_CAP. */
static Status make_cell(Arena *a, const DenseposeData *d, Cell *c, const int32_t *truth,
                        int64_t n_truth, const int32_t *found, int64_t n_found)
{
    double  *key = ARENA_ARRAY(a, double, n_found);
    int32_t *order = ARENA_ARRAY(a, int32_t, 2 * n_found);
    c->n_truth = n_truth;
    c->n_found = n_found < DENSEPOSE_CAP ? n_found : DENSEPOSE_CAP;
    c->truth = ARENA_ARRAY(a, int32_t, n_truth);
    c->found = ARENA_ARRAY(a, int32_t, c->n_found);
    c->similarity = ARENA_ARRAY(a, double, c->n_found *n_truth);
    c->box_iou = ARENA_ARRAY(a, double, c->n_found *n_truth);
    c->matched = arena_array(a, c->n_found, sizeof *c->matched);
    c->ignored = arena_array(a, c->n_found, sizeof *c->ignored);
    if (!key || !order || !c->truth || !c->found || !c->similarity || !c->box_iou || !c->matched ||
        !c->ignored)
        return ERR_MEMORY;
    memcpy(c->truth, truth, (size_t)n_truth * sizeof *truth);
    for (int64_t k = 0; k < n_found; k++)
        key[k] = d->found[found[k]].score;
    numeric_order_desc(key, order, order + n_found, n_found);
    for (int64_t k = 0; k < c->n_found; k++)
        c->found[k] = found[order[k]];
    return OK;
}

/* first (n_cells + 1): rows of cell i are row[first[i]] .. in file order. */
static Status group(Arena *a, int64_t **first, int32_t **row, const int64_t *cell_of, int64_t n,
                    int64_t n_cells)
{
    *first = ARENA_ARRAY(a, int64_t, n_cells + 2);
    *row = ARENA_ARRAY(a, int32_t, n);
    if (!*first || !*row)
        return ERR_MEMORY;
    int64_t *at = *first;
    for (int64_t i = 0; i < n; i++)
        at[cell_of[i] + 2]++;
    for (int64_t i = 2; i < n_cells + 2; i++)
        at[i] += at[i - 1];
    for (int64_t i = 0; i < n; i++)
        (*row)[at[cell_of[i] + 1]++] = (int32_t)i;
    return OK;
}

/* Cells by category, then image; every pair has one, empty ones included. */
static Status make_cells(Arena *a, const DenseposeData *d, Cell **cell, int64_t *n)
{
    int64_t *first_truth, *first_found, *of = ARENA_ARRAY(a, int64_t, d->n_truth + d->n_found);
    int32_t *truth, *found;
    *n = d->n_categories * d->n_images;
    *cell = ARENA_ARRAY(a, Cell, *n);
    if (!of || !*cell)
        return ERR_MEMORY;
    for (int64_t i = 0; i < d->n_truth; i++)
        of[i] = d->truth[i].category * d->n_images + d->truth[i].image;
    TRY(group(a, &first_truth, &truth, of, d->n_truth, *n));
    for (int64_t i = 0; i < d->n_found; i++)
        of[i] = d->found[i].category * d->n_images + d->found[i].image;
    TRY(group(a, &first_found, &found, of, d->n_found, *n));
    for (int64_t i = 0; i < *n; i++) {
        Cell *c = &(*cell)[i];
        c->category = (int32_t)(i / d->n_images);
        c->image = (int32_t)(i % d->n_images);
        TRY(make_cell(a, d, c, truth + first_truth[i], first_truth[i + 1] - first_truth[i],
                      found + first_found[i], first_found[i + 1] - first_found[i]));
    }
    return OK;
}

/* ---- precision and recall ---- */

/* precision (T,R) and recall (T) of one category and area range; -1 where nobody counts. */
typedef struct Curve {
    double precision[T_MAX][R], recall[T_MAX];
} Curve;

static void curve_at(Curve *curve, int t, const uint8_t *hit, const uint8_t *out_of_play, int64_t n,
                     int64_t n_positive, double *rc, double *pr, const double *points)
{
    int64_t tp = 0, fp = 0;
    for (int64_t i = 0; i < n; i++) {
        tp += hit[i] && !out_of_play[i];
        fp += !hit[i] && !out_of_play[i];
        rc[i] = (double)tp / (double)n_positive;
        pr[i] = (double)tp / ((double)(fp + tp) + NUMERIC_EPS);
    }
    for (int64_t i = n - 1; i > 0; i--)
        if (pr[i] > pr[i - 1])
            pr[i - 1] = pr[i];
    curve->recall[t] = n > 0 ? rc[n - 1] : 0;
    for (int r = 0; r < R; r++) {
        int64_t i = numeric_search_left(rc, n, points[r]);
        curve->precision[t][r] = i < n ? pr[i] : 0;
    }
}

static Status make_curve(Arena *a, const Work *w, Curve *curve, int64_t category, int area)
{
    const Cell *cell = w->cell + category * w->data->n_images;
    int64_t     n = 0, n_positive = 0, at = 0;
    double      points[R];
    for (int t = 0; t < T_MAX; t++) {
        curve->recall[t] = -1;
        for (int r = 0; r < R; r++)
            curve->precision[t][r] = -1;
    }
    for (int64_t i = 0; i < w->data->n_images; i++) {
        n += cell[i].n_found;
        n_positive += cell[i].n_positive[area];
    }
    if (n_positive == 0)
        return OK;
    double   *score = ARENA_ARRAY(a, double, 3 * n);
    int32_t  *order = ARENA_ARRAY(a, int32_t, 2 * n);
    uint32_t *matched = ARENA_ARRAY(a, uint32_t, 2 * n);
    uint8_t  *hit = arena_alloc(a, 2 * n);
    if (!score || !order || !matched || !hit)
        return ERR_MEMORY;
    for (int64_t i = 0; i < w->data->n_images; i++)
        for (int64_t k = 0; k < cell[i].n_found; k++, at++) {
            score[at] = w->data->found[cell[i].found[k]].score;
            matched[2 * at] = cell[i].matched[k][area];
            matched[2 * at + 1] = cell[i].ignored[k][area];
        }
    numeric_order_desc(score, order, order + n, n);
    numeric_linspace(points, 0, 1, R);
    for (int t = 0; t < w->out->n_thresholds; t++) {
        for (int64_t i = 0; i < n; i++) {
            hit[i] = matched[2 * order[i]] >> t & 1;
            hit[n + i] = matched[2 * order[i] + 1] >> t & 1;
        }
        curve_at(curve, t, hit, hit + n, n, n_positive, score + n, score + 2 * n, points);
    }
    return OK;
}

/* The mean over categories, and over thresholds unless one is named (0: all). -1: undefined. */
static Status mean_of(Arena *a, double *out, const Work *w, const Curve *curve, int area,
                      double threshold, bool is_recall)
{
    int64_t K = w->data->n_categories, per = is_recall ? 1 : R, n = 0;
    double *x = ARENA_ARRAY(a, double, 2 * K * T_MAX * R);
    if (!x)
        return ERR_MEMORY;
    for (int t = 0; t < w->out->n_thresholds; t++) {
        if (threshold > 0 && !(fabs(threshold - w->out->threshold[t]) < .001))
            continue;
        for (int64_t r = 0; r < per; r++)
            for (int64_t k = 0; k < K; k++) {
                const Curve *c = &curve[k * A + area];
                x[n++] = is_recall ? c->recall[t] : c->precision[t][r];
            }
    }
    *out = n > 0 ? numeric_mean_defined(x, x + n, n) : -1;
    return OK;
}

static Status summarise(Arena *a, const Work *w, DenseposeResult *out, const Curve *curve)
{
    const struct {
        const char *name;
        int         area;
        double      threshold;
        bool        is_recall;
    } row[] = {{"AP", 0, 0, false},    {"AP20", 0, .2, false}, {"AP30", 0, .3, false},
               {"AP40", 0, .4, false}, {"AP50", 0, .5, false}, {"AP75", 0, .75, false},
               {"APm", 1, 0, false},   {"APl", 2, 0, false},   {"AR", 0, 0, true},
               {"AR50", 0, .5, true},  {"AR75", 0, .75, true}, {"ARm", 1, 0, true},
               {"ARl", 2, 0, true}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ArenaMark mark = arena_mark(a);
        if (row[i].threshold > 0 && row[i].threshold < .5 &&
            out->threshold[0] > row[i].threshold + .001)
            continue;
        out->name[out->n_stats] = row[i].name;
        TRY(mean_of(a, &out->stat[out->n_stats++], w, curve, row[i].area, row[i].threshold,
                    row[i].is_recall));
        arena_rewind(a, mark);
    }
    for (int t = 0; t < out->n_thresholds; t++) {
        ArenaMark mark = arena_mark(a);
        TRY(mean_of(a, &out->ap_at[t], w, curve, 0, out->threshold[t], false));
        TRY(mean_of(a, &out->ar_at[t], w, curve, 0, out->threshold[t], true));
        arena_rewind(a, mark);
    }
    return OK;
}

static Status set_thresholds(DenseposeResult *out, double least)
{
    least = least > 0 ? least : .5;
    if (!(least >= .05 && least <= .9))
        return status_fail(ERR_USAGE, "smallest threshold %g; expected .05 to .9", least);
    out->n_thresholds = (int)rint((.95 - least) / .05) + 1;
    numeric_linspace(out->threshold, least, .95, out->n_thresholds);
    return OK;
}

Status densepose_evaluate(const DenseposeOptions *options, DenseposeResult *out,
                          const DenseposeData *data, const DenseposeSurface *surface)
{
    Arena   a = {0};
    Status  st = OK;
    int64_t n_cells = 0;
    Work    w = {.options = options,
                 .data = data,
                 .surface = surface,
                 .out = out,
                 .lock = PTHREAD_MUTEX_INITIALIZER};

    memset(out, 0, sizeof *out);
    TRY_OUT(set_thresholds(out, options->least));
    out->n_images = data->n_images;
    out->n_truth = data->n_truth;
    out->n_found = data->n_found;
    for (int64_t i = 0; i < data->n_truth; i++)
        out->n_annotated += data->truth[i].has_points;
    TRY_OUT(make_cells(&a, data, &w.cell, &n_cells));
    threads_for(n_cells, threads_grain(n_cells, 1), score_cells, &w);
    if (w.st != OK)
        TRY_OUT(status_fail(w.st, "%s", w.sentence));
    Curve *curve = ARENA_ARRAY(&a, Curve, data->n_categories * A);
    if (!curve)
        TRY_OUT(ERR_MEMORY);
    for (int64_t k = 0; k < data->n_categories; k++)
        for (int area = 0; area < A; area++)
            TRY_OUT(make_curve(&a, &w, &curve[k * A + area], k, area));
    TRY_OUT(summarise(&a, &w, out, curve));
out:
    pthread_mutex_destroy(&w.lock);
    arena_release(&a);
    return st;
}
