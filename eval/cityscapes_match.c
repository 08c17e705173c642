/* cityscapes_match.c -- the records of the instance metric in the frame of match.h
 *
 * Instances of one label image are disjoint, so a prediction overlaps at most one of them by more than .5.
 */
#include "eval/cityscapes_records.h"
#include "eval/numeric.h"
#include <math.h>
#include <string.h>

enum { T = CITYSCAPES_THRESHOLDS, RECALLS = 101 };

/* Rows are numbered image by image; image i starts at first_truth[i] and first_found[i]. */
typedef struct Frame {
    CityscapesMatch        match;
    const CityscapesImage *image;
    const int32_t         *truth_image, *found_image; // (rows)
    int64_t               *first_truth, *first_found; // (n_images)
    double                 threshold[T], recall[RECALLS];
} Frame;

static const CityscapesPrediction *prediction_of(const Frame *f, int32_t row)
{
    int32_t i = f->found_image[row];
    return &f->image[i].found[row - f->first_found[i]];
}

/* ---- rows ---- */

typedef struct Column {
    int32_t *image, *group;
    double  *area, *score;
    uint8_t *ignore;
} Column;

static Status make_column(Arena *a, Column *c, int64_t n)
{
    c->image = ARENA_ARRAY(a, int32_t, n);
    c->group = ARENA_ARRAY(a, int32_t, n);
    c->area = ARENA_ARRAY(a, double, n);
    c->score = ARENA_ARRAY(a, double, n);
    c->ignore = ARENA_ARRAY(a, uint8_t, n);
    if (!c->image || !c->group || !c->area || !c->score || !c->ignore)
        return status_no_memory("cityscapes rows", n * 25);
    return OK;
}

static void fill_columns(const Frame *f, int64_t n_images, Column *truth, Column *found)
{
    int64_t g = 0, d = 0;
    for (int64_t i = 0; i < n_images; i++) {
        const CityscapesImage *image = &f->image[i];
        f->first_truth[i] = g;
        f->first_found[i] = d;
        for (int64_t k = 0; k < image->n_truth; k++, g++) {
            truth->image[g] = (int32_t)i;
            truth->group[g] = image->truth[k].thing;
            truth->area[g] = (double)image->truth[k].pixels;
            truth->ignore[g] = !cityscapes_counts(&image->truth[k]);
        }
        for (int64_t k = 0; k < image->n_found; k++, d++) {
            found->image[d] = (int32_t)i;
            found->group[d] = image->found[k].thing;
            found->area[d] = (double)image->found[k].pixels;
            found->score[d] = image->found[k].confidence;
        }
    }
}

/* ---- similarity ---- */

typedef struct Cell {
    const Frame   *frame;
    const int32_t *found, *truth;
    int64_t        n_truth;
    int64_t       *shared; // pixels shared with instance k of the image
} Cell;

static Status open_cell(const void *ctx, Arena *a, void **out, const int32_t *found,
                        int64_t n_found, const int32_t *truth, int64_t n_truth)
{
    const Frame *f = ctx;
    Cell        *cell = ARENA_NEW(a, Cell);
    int64_t     *shared =
        ARENA_ARRAY(a, int64_t, n_truth > 0 ? f->image[f->truth_image[truth[0]]].n_truth : 0);
    (void)n_found;
    if (!cell || !shared)
        return ERR_MEMORY;
    *cell = (Cell){f, found, truth, n_truth, shared};
    *out = cell;
    return OK;
}

static Status fill_row(const void *ctx, void *cell, double *sim, int64_t k)
{
    const Cell                 *c = cell;
    const CityscapesPrediction *p = prediction_of(c->frame, c->found[k]);
    (void)ctx;
    for (int64_t o = 0; o < p->n_shared; o++)
        c->shared[p->overlap[o].truth] = p->overlap[o].pixels;
    for (int64_t g = 0; g < c->n_truth; g++) {
        int32_t           i = c->frame->truth_image[c->truth[g]];
        CityscapesOverlap o = {.truth = c->truth[g] - c->frame->first_truth[i]};
        o.pixels = c->shared[o.truth];
        sim[g] = cityscapes_overlap(&c->frame->image[i], p, &o);
    }
    for (int64_t o = 0; o < p->n_shared; o++)
        c->shared[p->overlap[o].truth] = 0;
    return OK;
}

/* ---- matching ---- */

/* Result k at threshold t; taken (n_truth): the last threshold at which the instance was found, plus one. */
static void match_one(const Frame *f, const MatchPlaces *p, int64_t k, int t, int *taken)
{
    const CityscapesPrediction *found = prediction_of(f, p->found[k]);
    int32_t                     i = f->found_image[p->found[k]];
    const CityscapesImage      *image = &f->image[i];
    for (int64_t o = 0; o < found->n_overlaps; o++) {
        if (!(cityscapes_overlap(image, found, &found->overlap[o]) > f->threshold[t]))
            continue;
        int64_t row = f->first_truth[i] + found->overlap[o].truth, g = 0;
        while (p->truth[g] != row)
            g++;
        if (taken[g] == t + 1)
            return;
        if (cityscapes_counts(&image->truth[found->overlap[o].truth])) {
            p->bits[k].matched |= 1U << t;
            taken[g] = t + 1;
        } else {
            p->bits[k].ignored |= 1U << t;
        }
        if (t == 0)
            p->met[k] = (int32_t)row;
        return;
    }
    if ((double)cityscapes_excused(image, found) / (double)found->pixels > f->threshold[t])
        p->bits[k].ignored |= 1U << t;
}

static Status match_cell(const void *ctx, Arena *a, const MatchPlaces *p)
{
    int *taken = ARENA_ARRAY(a, int, p->n_truth);
    if (!taken)
        return ERR_MEMORY;
    for (int t = 0; t < T; t++)
        for (int64_t k = 0; k < p->n_found; k++)
            match_one(ctx, p, k, t, taken);
    return OK;
}

/* ---- the frame ---- */

static MatchRows rows_of(const Column *c, int64_t n)
{
    return (MatchRows){.n = n, .image = c->image, .group = c->group, .area = c->area};
}

Status cityscapes_match(Arena *a, CityscapesMatch **out, const CityscapesRecords *records)
{
    static const double  EVERY_AREA[1][2] = {{0, INFINITY}};
    static const int64_t NO_CAP[1] = {INT32_MAX};
    Frame               *f = ARENA_NEW(a, Frame);
    Column               truth, found;
    int64_t              n_truth = 0, n_found = 0;
    for (int64_t i = 0; i < records->n; i++) {
        n_truth += records->image[i].n_truth;
        n_found += records->image[i].n_found;
    }
    if (!f)
        return status_no_memory("cityscapes match", (long long)sizeof *f);
    f->first_truth = ARENA_ARRAY(a, int64_t, records->n);
    f->first_found = ARENA_ARRAY(a, int64_t, records->n);
    if (!f->first_truth || !f->first_found)
        return status_no_memory("cityscapes match", records->n * 16);
    TRY(make_column(a, &truth, n_truth));
    TRY(make_column(a, &found, n_found));
    f->image = records->image;
    f->truth_image = truth.image;
    f->found_image = found.image;
    fill_columns(f, records->n, &truth, &found);
    cityscapes_thresholds(f->threshold);
    numeric_linspace(f->recall, 0, 1, RECALLS);
    f->match.overlap = (MatchSimilarity){f, open_cell, fill_row};
    f->match.task = (MatchTask){.own = {f, match_cell},
                                .exceeds = true,
                                .n_images = records->n,
                                .n_groups = CITYSCAPES_THINGS,
                                .truth = rows_of(&truth, n_truth),
                                .found = rows_of(&found, n_found),
                                .similarity = f->match.overlap,
                                .n_thresholds = T,
                                .n_recalls = RECALLS,
                                .n_areas = 1,
                                .n_caps = 1,
                                .threshold = f->threshold,
                                .recall = f->recall,
                                .area = EVERY_AREA,
                                .cap = NO_CAP};
    f->match.task.truth.ignore = truth.ignore;
    f->match.task.found.score = found.score;
    *out = &f->match;
    return match_run(a, &f->match.task, &f->match.result);
}
