/* cityscapes_instances.c -- AP from the records of the images */
#include "base/threads.h"
#include "eval/cityscapes_records.h"
#include "eval/column.h"
#include "eval/numeric.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { THINGS = CITYSCAPES_THINGS, T = CITYSCAPES_THRESHOLDS };

/* ---- average precision ---- */

typedef struct Scored {
    double score;
    bool   is_true;
} Scored;

typedef COLUMN(Scored) Curve;

typedef struct Cell {
    Curve   curve;
    int64_t missed; // instances that nothing matched
    bool    have_truth, have_found;
} Cell;

/* Python's max and min: the first argument stays unless the second is strictly beyond it. */
static double python_max(double a, double b)
{
    return b > a ? b : a;
}

static double python_min(double a, double b)
{
    return b < a ? b : a;
}

/* Predictions that reach instance g: one true positive with the best score, the others false. */
static Status match_truth(Cell *cell, const CityscapesImage *image, int64_t g, double threshold)
{
    double best = 0;
    bool   found = false;
    for (int64_t i = 0; i < image->n_found; i++) {
        const CityscapesPrediction *f = &image->found[i];
        if (f->thing != image->truth[g].thing)
            continue;
        for (int64_t k = 0; k < f->n_overlaps; k++) {
            if (f->overlap[k].truth != g ||
                !(cityscapes_overlap(image, f, &f->overlap[k]) > threshold))
                continue;
            if (found) {
                TRY(COLUMN_PUSH(&cell->curve, ((Scored){python_min(best, f->confidence), false})));
                best = python_max(best, f->confidence);
            } else {
                best = f->confidence;
                found = true;
            }
        }
    }
    if (found)
        return COLUMN_PUSH(&cell->curve, ((Scored){best, true}));
    cell->missed++;
    return OK;
}

/* A prediction that reaches nothing is false unless enough of it lies on void, groups or specks. */
static Status judge_unmatched(Cell *cell, const CityscapesImage *image,
                              const CityscapesPrediction *f, double threshold)
{
    for (int64_t k = 0; k < f->n_overlaps; k++)
        if (cityscapes_overlap(image, f, &f->overlap[k]) > threshold)
            return OK;
    if ((double)cityscapes_excused(image, f) / (double)f->pixels <= threshold)
        return COLUMN_PUSH(&cell->curve, ((Scored){f->confidence, false}));
    return OK;
}

static Status collect(Cell *cell, const CityscapesImage *image, int thing, double threshold)
{
    for (int64_t g = 0; g < image->n_truth; g++)
        if (image->truth[g].thing == thing && cityscapes_counts(&image->truth[g])) {
            cell->have_truth = true;
            TRY(match_truth(cell, image, g, threshold));
        }
    for (int64_t i = 0; i < image->n_found; i++)
        if (image->found[i].thing == thing) {
            cell->have_found = true;
            TRY(judge_unmatched(cell, image, &image->found[i], threshold));
        }
    return OK;
}

static int by_score(const void *x, const void *y) // ascending, NaN last
{
    double a = ((const Scored *)x)->score, b = ((const Scored *)y)->score;
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

/* Precision p_i at each distinct score and the point (1, 0) behind them, weighted by half the
 * recall between the neighbours: w_i = (r_{i-1} - r_{i+1}) / 2. */
static Status average_precision(double *ap, Cell *cell)
{
    Scored *x = cell->curve.data;
    int64_t n = cell->curve.n, n_true = 0, below = 0, m = 0;
    *ap = 0;
    if (n == 0)
        return OK;
    qsort(x, (size_t)n, sizeof *x, by_score);
    double *p = malloc((size_t)(2 * n + 4) * sizeof *p);
    if (!p)
        return status_no_memory("precision curve", (2 * n + 4) * (int64_t)sizeof *p);
    double *r = p + n + 2;
    for (int64_t i = 0; i < n; i++)
        n_true += x[i].is_true;
    for (int64_t i = 0; i < n; i++) {
        bool starts = i == 0 || by_score(&x[i - 1], &x[i]) != 0;
        if (starts) {
            int64_t tp = n_true - below, fp = n - i - tp, fn = below + cell->missed;
            p[m] = (double)tp / (double)(tp + fp);
            r[m++] = tp + fn == 0 ? NAN : (double)tp / (double)(tp + fn);
        }
        below += x[i].is_true;
    }
    p[m] = 1;
    r[m++] = 0;
    for (int64_t i = 0; i < m; i++) {
        double before = r[i > 0 ? i - 1 : 0], after = i + 1 < m ? r[i + 1] : 0;
        *ap += p[i] * (0.5 * before - 0.5 * after);
    }
    free(p);
    return OK;
}

typedef struct Cells {
    CityscapesInstances   *out;
    const CityscapesImage *image;
    int64_t                n;
    CityscapesFailure      failure;
} Cells;

static void score_cells(void *ctx, int64_t begin, int64_t end)
{
    Cells *c = ctx;
    for (int64_t i = begin; i < end; i++) {
        int    thing = (int)(i / T), t = (int)(i % T);
        Cell   cell = {0};
        Status st = OK;
        for (int64_t k = 0; st == OK && k < c->n; k++)
            st = collect(&cell, &c->image[k], thing, c->out->thresholds[t]);
        double *ap = &c->out->ap[thing][t];
        *ap = cell.have_truth ? 0 : NAN;
        if (st == OK && cell.have_truth && cell.have_found)
            st = average_precision(ap, &cell);
        COLUMN_RELEASE(&cell.curve);
        if (st != OK)
            cityscapes_keep_failure(&c->failure, st, i);
    }
}

/* numpy.arange(0.5, 1, 0.05): start + i * ((start + step) - start). */
void cityscapes_thresholds(double t[T])
{
    double step = (0.5 + 0.05) - 0.5;
    for (int i = 0; i < T; i++)
        t[i] = 0.5 + i * step;
}

/* numpy.nanmean: sum with 0 for NaN, over the number that are defined. */
static double mean_defined(const double *x, int n)
{
    double kept[THINGS * T];
    int    seen = 0;
    for (int i = 0; i < n; i++) {
        kept[i] = isnan(x[i]) ? 0 : x[i];
        seen += !isnan(x[i]);
    }
    return seen > 0 ? numeric_sum(kept, n) / seen : NAN;
}

static void summarise(CityscapesInstances *out, const CityscapesImage *image, int64_t n)
{
    double at50[THINGS];
    for (int k = 0; k < THINGS; k++) {
        at50[k] = out->class_ap50[k] = out->ap[k][0];
        out->class_ap[k] = numeric_mean(out->ap[k], T);
    }
    out->all_ap = mean_defined(&out->ap[0][0], THINGS * T);
    out->all_ap50 = mean_defined(at50, THINGS);
    out->n_images = n;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t g = 0; g < image[i].n_truth; g++)
            out->n_truth[image[i].truth[g].thing] += cityscapes_counts(&image[i].truth[g]);
        for (int64_t d = 0; d < image[i].n_found; d++)
            out->n_found[image[i].found[d].thing]++;
    }
}

Status cityscapes_instances(CityscapesInstances *out, const CityscapesRecords *records)
{
    Cells cells = {.out = out,
                   .image = records->image,
                   .n = records->n,
                   .failure = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    memset(out, 0, sizeof *out);
    cityscapes_thresholds(out->thresholds);
    threads_for(THINGS * T, 1, score_cells, &cells);
    pthread_mutex_destroy(&cells.failure.lock);
    if (cells.failure.st != OK)
        return status_fail(cells.failure.st, "%s", cells.failure.sentence);
    summarise(out, records->image, records->n);
    return OK;
}

const char *cityscapes_instance_definition(void)
{
    return "AP: area under precision against recall, match at mask IoU > t, mean over t = "
           "0.50:0.95 "
           "and classes with ground truth of at least 100 pixels; groups and void excuse a "
           "prediction";
}
