/* cityscapes_instances.c -- overlaps of predicted masks with instances, then AP
 *
 * Every image becomes a short record: its instances, its predictions, and how many pixels each pair
 * of one class shares. The record answers all ten thresholds; the pictures are dropped.
 */
#include "base/threads.h"
#include "eval/cityscapes_files.h"
#include "eval/column.h"
#include "eval/label_png.h"
#include "eval/numeric.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES = 65536, THINGS = CITYSCAPES_THINGS, T = CITYSCAPES_THRESHOLDS };

typedef struct Truth {
    int32_t value; // < 1000: a group
    int32_t thing; // index of CITYSCAPES_THINGS
    int64_t pixels;
} Truth;

typedef struct Overlap {
    int64_t truth; // index into Image.truth
    int64_t pixels;
} Overlap;

typedef struct Found {
    int32_t  thing;
    double   confidence;
    int64_t  pixels, void_pixels;
    Overlap *overlap; // with truth of the same class
    int64_t  n_overlaps;
} Found;

typedef struct Image {
    Arena   arena;
    Truth  *truth;
    Found  *found;
    int64_t n_truth, n_found;
} Image;

typedef struct Work {
    const CityscapesPair *pair;
    const char           *found_dir;
    Image                *image;
    CityscapesFailure     failure;
} Work;

static int thing_of(int label)
{
    for (int k = 0; k < THINGS; k++)
        if (cityscapes_thing(k) == label)
            return k;
    return -1;
}

/* ---- one image ---- */

/* counts (VALUES): pixels of each value. Runs of one value are counted at once. */
static void count_values(int64_t *counts, const uint16_t *v, int64_t n)
{
    for (int64_t i = 0; i < n;) {
        int64_t start = i;
        while (i < n && v[i] == v[start])
            i++;
        counts[v[start]] += i - start;
    }
}

static Status list_truth(Image *image, const int64_t *counts, const char *path)
{
    int64_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int v = 0; v < VALUES; v++) {
            if (counts[v] == 0)
                continue;
            int label = v < 1000 ? v : v / 1000, thing = thing_of(label);
            if (!cityscapes_label(label))
                return status_fail(ERR_FORMAT, "%s: instance id %d: unknown label %d", path, v,
                                   label);
            if (thing < 0)
                continue;
            if (pass == 0)
                n++;
            else
                image->truth[image->n_truth++] = (Truth){v, thing, counts[v]};
        }
        if (pass == 0 && !(image->truth = ARENA_ARRAY(&image->arena, Truth, n)))
            return ERR_MEMORY;
    }
    return OK;
}

/* Adds to counts (VALUES) the truth values under the mask; eight empty pixels cost one step. */
static int64_t count_under_mask(int64_t *counts, const uint16_t *v, const uint8_t *mask, int64_t n)
{
    int64_t pixels = 0;
    for (int64_t i = 0; i < n;) {
        uint64_t eight;
        if (i + 8 <= n) {
            memcpy(&eight, mask + i, 8);
            if (eight == 0) {
                i += 8;
                continue;
            }
        }
        if (mask[i] == 0) {
            i++;
            continue;
        }
        int64_t start = i;
        while (i < n && mask[i] != 0 && v[i] == v[start])
            i++;
        counts[v[start]] += i - start;
        pixels += i - start;
    }
    return pixels;
}

static Status add_found(Image *image, const CityscapesFound *line, const int64_t *counts,
                        int64_t pixels)
{
    Found   f = {.thing = thing_of(line->label), .confidence = line->confidence, .pixels = pixels};
    int64_t n = 0;
    for (int v = 0; v < CITYSCAPES_LABELS; v++)
        f.void_pixels += cityscapes_label(v)->is_ignored ? counts[v] : 0;
    for (int64_t i = 0; i < image->n_truth; i++)
        n += image->truth[i].thing == f.thing && counts[image->truth[i].value] > 0;
    f.overlap = ARENA_ARRAY(&image->arena, Overlap, n);
    if (!f.overlap)
        return ERR_MEMORY;
    for (int64_t i = 0; i < image->n_truth; i++) {
        int64_t shared = counts[image->truth[i].value];
        if (image->truth[i].thing == f.thing && shared > 0)
            f.overlap[f.n_overlaps++] = (Overlap){i, shared};
    }
    image->found[image->n_found++] = f;
    return OK;
}

static Status read_image(Arena *scratch, Image *image, const CityscapesPair *pair, const char *root)
{
    LabelImage       truth;
    CityscapesFound *line = NULL;
    int64_t          n_lines = 0;
    int64_t         *counts = ARENA_ARRAY(scratch, int64_t, VALUES);
    if (!counts)
        return ERR_MEMORY;
    TRY(label_png_read_wide(scratch, &truth, pair->truth));
    count_values(counts, truth.wide, truth.h * truth.w);
    TRY(list_truth(image, counts, pair->truth));
    TRY(cityscapes_read_list(scratch, &line, &n_lines, pair->found, root));
    image->found = ARENA_ARRAY(&image->arena, Found, n_lines);
    if (!image->found)
        return ERR_MEMORY;
    for (int64_t i = 0; i < n_lines; i++) {
        LabelImage mask;
        ArenaMark  mark = arena_mark(scratch);
        if (thing_of(line[i].label) < 0)
            continue;
        TRY(mask_png_read(scratch, &mask, line[i].mask));
        if (mask.h != truth.h || mask.w != truth.w)
            return status_fail(ERR_FORMAT,
                               "%s: %lld x %lld pixels; the ground truth %s has %lld x "
                               "%lld",
                               line[i].mask, (long long)mask.w, (long long)mask.h, pair->truth,
                               (long long)truth.w, (long long)truth.h);
        memset(counts, 0, VALUES * sizeof *counts);
        int64_t pixels = count_under_mask(counts, truth.wide, mask.narrow, mask.h * mask.w);
        if (pixels > 0)
            TRY(add_found(image, &line[i], counts, pixels));
        arena_rewind(scratch, mark);
    }
    return OK;
}

static void read_range(void *ctx, int64_t begin, int64_t end)
{
    Work *work = ctx;
    Arena scratch = {0};
    for (int64_t i = begin; i < end; i++) {
        ArenaMark mark = arena_mark(&scratch);
        Status    st = read_image(&scratch, &work->image[i], &work->pair[i], work->found_dir);
        arena_rewind(&scratch, mark);
        if (st != OK) {
            cityscapes_keep_failure(&work->failure, st, i);
            break;
        }
    }
    arena_release(&scratch);
}

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

static bool counts_as_truth(const Truth *t)
{
    return t->value >= 1000 && t->pixels >= CITYSCAPES_MIN_PIXELS;
}

static double overlap_of(const Image *image, const Found *f, const Overlap *o)
{
    return (double)o->pixels / (double)(image->truth[o->truth].pixels + f->pixels - o->pixels);
}

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
static Status match_truth(Cell *cell, const Image *image, int64_t g, double threshold)
{
    double best = 0;
    bool   found = false;
    for (int64_t i = 0; i < image->n_found; i++) {
        const Found *f = &image->found[i];
        if (f->thing != image->truth[g].thing)
            continue;
        for (int64_t k = 0; k < f->n_overlaps; k++) {
            if (f->overlap[k].truth != g || !(overlap_of(image, f, &f->overlap[k]) > threshold))
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
static Status judge_unmatched(Cell *cell, const Image *image, const Found *f, double threshold)
{
    int64_t ignorable = f->void_pixels;
    for (int64_t k = 0; k < f->n_overlaps; k++) {
        const Truth *t = &image->truth[f->overlap[k].truth];
        if (overlap_of(image, f, &f->overlap[k]) > threshold)
            return OK;
        ignorable += t->value < 1000 ? f->overlap[k].pixels : 0;
        ignorable += t->pixels < CITYSCAPES_MIN_PIXELS ? f->overlap[k].pixels : 0; // groups twice
    }
    if ((double)ignorable / (double)f->pixels <= threshold)
        return COLUMN_PUSH(&cell->curve, ((Scored){f->confidence, false}));
    return OK;
}

static Status collect(Cell *cell, const Image *image, int thing, double threshold)
{
    for (int64_t g = 0; g < image->n_truth; g++)
        if (image->truth[g].thing == thing && counts_as_truth(&image->truth[g])) {
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
    CityscapesInstances *out;
    const Image         *image;
    int64_t              n;
    CityscapesFailure    failure;
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
static void set_thresholds(double *t)
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

static void summarise(CityscapesInstances *out, const Image *image, int64_t n)
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
            out->n_truth[image[i].truth[g].thing] += counts_as_truth(&image[i].truth[g]);
        for (int64_t d = 0; d < image[i].n_found; d++)
            out->n_found[image[i].found[d].thing]++;
    }
}

Status cityscapes_instances(CityscapesInstances *out, const char *truth_dir, const char *found_dir)
{
    Arena           a = {0};
    CityscapesPair *pair = NULL;
    int64_t         n = 0;
    Status          st = OK;
    Work            work = {.found_dir = found_dir, .failure = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    Cells           cells = {.out = out, .failure = {.lock = PTHREAD_MUTEX_INITIALIZER}};

    memset(out, 0, sizeof *out);
    set_thresholds(out->thresholds);
    TRY_OUT(cityscapes_pairs(&a, &pair, &n, truth_dir, "_gtFine_" CITYSCAPES_INSTANCE_FILES,
                             found_dir, ".txt"));
    work.pair = pair;
    work.image = ARENA_ARRAY(&a, Image, n);
    if (!work.image)
        TRY_OUT(ERR_MEMORY);
    threads_for(n, threads_grain(n, 1), read_range, &work);
    if (work.failure.st != OK)
        TRY_OUT(status_fail(work.failure.st, "%s", work.failure.sentence));
    cells.image = work.image;
    cells.n = n;
    threads_for(THINGS * T, 1, score_cells, &cells);
    if (cells.failure.st != OK)
        TRY_OUT(status_fail(cells.failure.st, "%s", cells.failure.sentence));
    summarise(out, work.image, n);
out:
    for (int64_t i = 0; work.image && i < n; i++)
        arena_release(&work.image[i].arena);
    pthread_mutex_destroy(&work.failure.lock);
    pthread_mutex_destroy(&cells.failure.lock);
    arena_release(&a);
    return st;
}

const char *cityscapes_instance_definition(void)
{
    return "AP: area under precision against recall, match at mask IoU > t, mean over t = "
           "0.50:0.95 "
           "and classes with ground truth of at least 100 pixels; groups and void excuse a "
           "prediction";
}
