/* coco_masks.c -- every mask is looked at once after reading; see coco_masks.h */
#include "eval/coco_masks.h"
#include "base/threads.h"
#include "eval/polygon.h"
#include "eval/rle.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum Verdict { FINE, ENDS_EARLY, OTHER_SIZE, NO_POLYGON, DAMAGED } Verdict;

typedef struct Work {
    CocoRows        *rows;
    const CocoTruth *truth;
    uint8_t         *verdict; // (n) Verdict
    int64_t          no_memory;
} Work;

/* Runs of one thread. */
typedef struct Runs {
    uint32_t *counts;
    int64_t   cap;
} Runs;

static Status make_room(Runs *r, int64_t n)
{
    if (n <= r->cap)
        return OK;
    uint32_t *moved = realloc(r->counts, (size_t)n * 2 * sizeof *moved);
    if (!moved)
        return status_no_memory("runs", n * 8);
    r->counts = moved;
    r->cap = n * 2;
    return OK;
}

static Status read_runs(Rle *out, Runs *runs, const CocoRows *r, const CocoMask *m)
{
    if (m->kind == COCO_MASK_STRING) {
        TRY(make_room(runs, rle_string_runs(r->text + m->at, m->n)));
        return rle_read_string(out, runs->counts, r->text + m->at, m->n, m->h, m->w);
    }
    TRY(make_room(runs, m->n));
    for (uint32_t i = 0; i < m->n; i++)
        runs->counts[i] = (uint32_t)r->number[m->at + i];
    return rle_from_counts(out, runs->counts, m->n, m->h, m->w);
}

/* What polygon_to_rle would refuse, without drawing. */
static Status check_polygons(const CocoRows *r, const CocoMask *m, const CocoImage *image)
{
    if (image->h == 0 || image->w == 0)
        return status_fail(ERR_FORMAT, "polygons of an image without height and width");
    if ((int64_t)image->h * image->w > RLE_MAX_PIXELS)
        return status_fail(ERR_FORMAT, "an image of %d x %d pixels; at most %d", image->w, image->h,
                           RLE_MAX_PIXELS);
    for (uint32_t i = 0; i < m->n; i++)
        if (!(fabs(r->number[m->at + i]) <= POLYGON_MAX_COORDINATE))
            return status_fail(ERR_FORMAT,
                               "polygon: coordinate %u is %g; expected a finite number of at most "
                               "%g pixels",
                               i, r->number[m->at + i], POLYGON_MAX_COORDINATE);
    return OK;
}

/* The size that masks of an image must have is known, and this one has another. */
static bool is_other_size(const CocoMask *m, const CocoImage *image)
{
    return image->h > 0 && image->w > 0 &&
           (m->h != (uint32_t)image->h || m->w != (uint32_t)image->w);
}

/* *early: the runs cover less than the mask. Results without a box have area and box from here. */
static Status look_at(CocoRows *r, const CocoTruth *t, Runs *runs, int64_t i, bool *early)
{
    const CocoMask *m = &r->mask[i];
    Rle             rle;
    *early = false;
    if (m->kind == COCO_MASK_POLYGONS)
        return check_polygons(r, m, &t->image[r->image[i]]);
    if (m->kind != COCO_MASK_STRING && m->kind != COCO_MASK_COUNTS)
        return OK;
    TRY(read_runs(&rle, runs, r, m));
    *early = rle_ends_early(&rle);
    if (isnan(r->area[i])) {
        r->area[i] = rle.area;
        bool has_box = !isnan(r->box[4 * i]);
        for (int k = 0; k < 4 && !has_box; k++)
            r->box[4 * i + k] = rle.box[k];
    }
    return OK;
}

static void look_range(void *ctx, int64_t begin, int64_t end)
{
    Work *w = ctx;
    Runs  runs = {0};
    for (int64_t i = begin; i < end; i++) {
        const CocoMask *m = &w->rows->mask[i];
        bool            early;
        if (w->rows->image[i] < 0) // takes no part
            continue;
        Status st = look_at(w->rows, w->truth, &runs, i, &early);
        if (st == ERR_MEMORY)
            __atomic_store_n(&w->no_memory, 1, __ATOMIC_RELAXED);
        bool has_runs = m->kind == COCO_MASK_STRING || m->kind == COCO_MASK_COUNTS;
        w->verdict[i] = st != OK                    ? DAMAGED
                        : m->kind == COCO_MASK_NONE ? NO_POLYGON
                        : has_runs && is_other_size(m, &w->truth->image[w->rows->image[i]])
                            ? OTHER_SIZE
                        : early ? ENDS_EARLY
                                : FINE;
    }
    free(runs.counts);
}

/* "annotation 7 (image 12)" */
static void name_row(char *out, size_t size, const Work *w, int64_t i)
{
    const CocoImage *image = &w->truth->image[w->rows->image[i]];
    char             id[80];
    if (image->name)
        snprintf(id, sizeof id, "\"%.60s\"", image->name);
    else
        snprintf(id, sizeof id, "%lld", (long long)image->id);
    if (w->rows->id)
        snprintf(out, size, "annotation %lld (image %s)", (long long)w->rows->id[i], id);
    else
        snprintf(out, size, "result %lld (image %s)", (long long)i + 1, id);
}

/* Why row i is refused: the sentence is made again, for it was made on another thread. */
static Status refuse(const Work *w, int64_t i, const char *path)
{
    char            row[160], why[512];
    const CocoMask *m = &w->rows->mask[i];
    name_row(row, sizeof row, w, i);
    if (w->verdict[i] == OTHER_SIZE) {
        const CocoImage *image = &w->truth->image[w->rows->image[i]];
        return status_fail(ERR_FORMAT,
                           "%s: %s: the mask has %u rows and %u columns, its image %d and %d; give "
                           "both one size, or leave such masks out with --lenient",
                           path, row, m->h, m->w, image->h, image->w);
    }
    Runs   runs = {0};
    bool   early;
    Status st = look_at(w->rows, w->truth, &runs, i, &early);
    free(runs.counts);
    snprintf(why, sizeof why, "%s", status_text());
    return status_fail(st == OK ? ERR_FORMAT : st, "%s: %s: %s", path, row, why);
}

/* Lenient: rows with such a verdict take no part. */
static void leave_out(const Work *w, const int64_t count[DAMAGED + 1], const int64_t *first,
                      const char *path, Text *warnings)
{
    static const char *const WHAT[DAMAGED + 1] = {NULL, NULL, "of another size than their image",
                                                  "without a polygon of three points", "damaged"};
    for (int v = OTHER_SIZE; v <= DAMAGED; v++) {
        char row[160];
        if (count[v] == 0)
            continue;
        name_row(row, sizeof row, w, first[v]);
        text_printf(warnings, "%s: %lld masks %s are left out, the first: %s\n", path,
                    (long long)count[v], WHAT[v], row);
    }
    for (int64_t i = 0; i < w->rows->n; i++)
        if (w->verdict[i] >= OTHER_SIZE)
            w->rows->image[i] = -1;
}

static Status judge(Work *w, const CocoReadOptions *opt, const char *path, Text *warnings)
{
    int64_t count[DAMAGED + 1] = {0}, first[DAMAGED + 1];
    Verdict least_refused = opt->bug_compatible ? DAMAGED : OTHER_SIZE;
    for (int64_t i = 0; i < w->rows->n; i++) {
        Verdict v = w->verdict[i];
        if (v >= least_refused && !opt->lenient)
            return refuse(w, i, path);
        if (count[v]++ == 0)
            first[v] = i;
    }
    if (count[ENDS_EARLY] > 0)
        text_printf(warnings,
                    "%s: %lld masks have runs that end before their last pixel; the rest is taken "
                    "for background\n",
                    path, (long long)count[ENDS_EARLY]);
    if (opt->lenient)
        leave_out(w, count, first, path, warnings);
    return text_status(warnings);
}

Status coco_check_masks(CocoRows *rows, const CocoReadOptions *opt, const CocoTruth *truth,
                        const char *path, Text *warnings)
{
    if (!rows->mask || rows->n == 0)
        return OK;
    Work   w = {.rows = rows, .truth = truth, .verdict = calloc((size_t)rows->n, 1)};
    Status st;
    if (!w.verdict)
        return status_no_memory("masks", rows->n);
    threads_for(rows->n, 4096, look_range, &w);
    st = w.no_memory ? status_no_memory("runs", 0) : judge(&w, opt, path, warnings);
    free(w.verdict);
    return st;
}
