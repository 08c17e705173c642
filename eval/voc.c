/* voc.c -- PASCAL VOC average precision; see voc.h */
#include "eval/voc.h"
#include "eval/numeric.h"
#include <math.h>
#include <string.h>

/* The rows of one class, grouped by class once for all: rows start[c] .. start[c+1]-1 of `row`, in
 * input order. */
typedef struct Groups {
    int64_t *start;
    int32_t *row;
} Groups;

/* What one detection meets: the best overlap in its image and whose it is (-1: none). */
typedef struct Best {
    double  overlap;
    int32_t truth;
} Best;

static Status check_list(const VocBoxList *list, const VocSet *set, const char *name)
{
    if (list->n < 0 || list->n >= INT32_MAX)
        return status_fail(ERR_FORMAT, "voc: %s has %lld rows; at most %d are possible", name,
                           (long long)list->n, INT32_MAX - 1);
    for (int64_t i = 0; i < list->n; i++) {
        if (list->image[i] < 0 || list->image[i] >= set->n_images)
            return status_fail(ERR_FORMAT, "voc: %s row %lld names image %d, the set has %lld",
                               name, (long long)i, list->image[i], (long long)set->n_images);
        if (list->label[i] < 0 || list->label[i] >= set->n_classes)
            return status_fail(ERR_FORMAT, "voc: %s row %lld names class %d, the set has %lld",
                               name, (long long)i, list->label[i], (long long)set->n_classes);
        for (int k = 0; k < 4; k++)
            if (!isfinite(list->box[4 * i + k]))
                return status_fail(ERR_FORMAT, "voc: %s row %lld has a box that is not finite",
                                   name, (long long)i);
    }
    return OK;
}

static Status group_by_class(Arena *a, Groups *g, const VocBoxList *list, int64_t n_classes)
{
    g->start = ARENA_ARRAY(a, int64_t, n_classes + 1);
    g->row = ARENA_ARRAY(a, int32_t, list->n);
    if (!g->start || !g->row)
        return status_no_memory("voc groups", list->n * 4);
    for (int64_t i = 0; i < list->n; i++)
        g->start[list->label[i] + 1]++;
    for (int64_t c = 0; c < n_classes; c++)
        g->start[c + 1] += g->start[c];
    ArenaMark mark = arena_mark(a);
    int64_t  *next = ARENA_ARRAY(a, int64_t, n_classes);
    if (!next)
        return status_no_memory("voc groups", n_classes * 8);
    memcpy(next, g->start, (size_t)n_classes * sizeof *next);
    for (int64_t i = 0; i < list->n; i++)
        g->row[next[list->label[i]]++] = (int32_t)i;
    arena_rewind(a, mark);
    return OK;
}

/* detectron2 writes results as text and reads them back: "%.3f" for scores, "%.1f" for boxes. */
static void detectron2_box(double out[4], const double in[4])
{
    float x1 = (float)in[0] + 1.0F, y1 = (float)in[1] + 1.0F;
    out[0] = numeric_round_decimal((double)x1, 10);
    out[1] = numeric_round_decimal((double)y1, 10);
    out[2] = numeric_round_decimal((double)(float)in[2], 10);
    out[3] = numeric_round_decimal((double)(float)in[3], 10);
}

/* Overlap of two boxes with inclusive ends, in the reference's order of operations. */
static double overlap_inclusive(const double d[4], const double g[4])
{
    double iw = fmax(fmin(g[2], d[2]) - fmax(g[0], d[0]) + 1.0, 0);
    double ih = fmax(fmin(g[3], d[3]) - fmax(g[1], d[1]) + 1.0, 0);
    double inter = iw * ih;
    double uni = (d[2] - d[0] + 1.0) * (d[3] - d[1] + 1.0) +
                 (g[2] - g[0] + 1.0) * (g[3] - g[1] + 1.0) - inter;
    return inter / uni;
}

/* The first of the largest overlaps. 0/0 (an inverted box) counts as the largest, and then matches
 * nothing. */
static Best best_truth(const VocBoxList *truth, const int32_t *rows, int64_t n, const double d[4])
{
    Best best = {-INFINITY, -1};
    for (int64_t k = 0; k < n; k++) {
        double o = overlap_inclusive(d, truth->box + 4 * (int64_t)rows[k]);
        if (isnan(o))
            return (Best){NAN, -1};
        if (o > best.overlap)
            best = (Best){o, (int32_t)k};
    }
    return best;
}

static double ap_11_point(const double *recall, const double *precision, int64_t n)
{
    double ap = 0;
    for (int i = 0; i <= 10; i++) {
        double t = (double)i * 0.1, p = 0;
        for (int64_t k = 0; k < n; k++)
            if (recall[k] >= t && precision[k] > p)
                p = precision[k];
        ap = ap + p / 11.0;
    }
    return ap;
}

/* scratch holds 3 n + 5 doubles */
static double ap_area(const double *recall, const double *precision, double *scratch, int64_t n)
{
    double *mrec = scratch, *mpre = mrec + n + 2, *part = mpre + n + 2;
    mrec[0] = mpre[0] = 0;
    memcpy(mrec + 1, recall, (size_t)n * sizeof *mrec);
    memcpy(mpre + 1, precision, (size_t)n * sizeof *mpre);
    mrec[n + 1] = 1;
    mpre[n + 1] = 0;
    for (int64_t i = n + 1; i > 0; i--)
        mpre[i - 1] = mpre[i - 1] > mpre[i] ? mpre[i - 1] : mpre[i];
    int64_t n_parts = 0;
    for (int64_t i = 0; i <= n; i++)
        if (mrec[i + 1] != mrec[i])
            part[n_parts++] = (mrec[i + 1] - mrec[i]) * mpre[i + 1];
    return numeric_sum(part, n_parts);
}

/* Everything that one class needs, in scratch. */
typedef struct ClassWork {
    int64_t  n_found, n_truth, n_positive;
    int32_t *order, *tmp; // (D) rank -> k-th detection of the class
    double  *score;
    double  *box;                         // (D,4) after quantisation
    Best    *best;                        // (D) by rank
    int64_t *image_start;                 // (n_images+1) truth of each image ...
    int32_t *truth_row;                   // (G) ... as rows of the list
    uint8_t *taken;                       // (G)
    double  *recall, *precision, *points; // (D), (D), (3 D + 5)
} ClassWork;

static Status work_alloc(Arena *a, ClassWork *w, int64_t n_images)
{
    int64_t D = w->n_found;
    w->order = ARENA_ARRAY(a, int32_t, D);
    w->tmp = ARENA_ARRAY(a, int32_t, D);
    w->score = ARENA_ARRAY(a, double, D);
    w->box = ARENA_ARRAY(a, double, 4 * D);
    w->best = ARENA_ARRAY(a, Best, D);
    w->image_start = ARENA_ARRAY(a, int64_t, n_images + 2);
    w->truth_row = ARENA_ARRAY(a, int32_t, w->n_truth);
    w->taken = ARENA_ARRAY(a, uint8_t, w->n_truth);
    w->recall = ARENA_ARRAY(a, double, D);
    w->precision = ARENA_ARRAY(a, double, D);
    w->points = ARENA_ARRAY(a, double, 3 * D + 5);
    if (!w->order || !w->tmp || !w->score || !w->box || !w->best || !w->image_start ||
        !w->truth_row || !w->taken || !w->recall || !w->precision || !w->points)
        return status_no_memory("voc class", 100 * D);
    return OK;
}

static void group_truth_by_image(ClassWork *w, const VocSet *set, const int32_t *rows)
{
    const VocBoxList *truth = &set->truth;
    int64_t          *start = w->image_start; // counts two ahead, so that the fill leaves starts
    for (int64_t k = 0; k < w->n_truth; k++) {
        int32_t image = truth->image[rows[k]];
        start[image + 2]++;
        if (!(truth->difficult && truth->difficult[rows[k]]))
            w->n_positive += set->image_repeats ? set->image_repeats[image] : 1;
    }
    for (int64_t i = 2; i <= set->n_images; i++)
        start[i] += start[i - 1];
    for (int64_t k = 0; k < w->n_truth; k++)
        w->truth_row[start[truth->image[rows[k]] + 1]++] = rows[k];
}

static void rank(ClassWork *w, const VocEvalOptions *opt, const VocBoxList *found,
                 const int32_t *rows)
{
    for (int64_t k = 0; k < w->n_found; k++) {
        const double *in = found->box + 4 * (int64_t)rows[k];
        double       *to = w->box + 4 * k;
        w->score[k] = found->score[rows[k]];
        if (opt->boxes == VOC_BOXES_DETECTRON2) {
            w->score[k] = numeric_round_decimal((double)(float)w->score[k], 1000);
            detectron2_box(to, in);
        } else {
            memcpy(to, in, 4 * sizeof *to);
            if (opt->boxes == VOC_BOXES_HALF_OPEN) {
                to[0] += 1;
                to[1] += 1;
            }
        }
    }
    if (opt->order == VOC_ORDER_INTROSORT)
        numeric_order_desc_introsort(w->score, w->order, w->recall, w->n_found);
    else
        numeric_order_desc(w->score, w->order, w->tmp, w->n_found);
}

/* recall and precision after each rank at one threshold */
static void score_threshold(ClassWork *w, VocClass *c, const VocBoxList *truth, int t,
                            double threshold)
{
    int64_t tp = 0, fp = 0;
    memset(w->taken, 0, (size_t)w->n_truth);
    for (int64_t r = 0; r < w->n_found; r++) {
        Best best = w->best[r];
        if (best.truth >= 0 && best.overlap > threshold) {
            if (!(truth->difficult && truth->difficult[w->truth_row[best.truth]])) {
                if (w->taken[best.truth])
                    fp++;
                else
                    tp++;
                w->taken[best.truth] = 1;
            }
        } else {
            fp++;
        }
        w->recall[r] = (double)tp / (double)w->n_positive; // 0/0 is NaN: no ground truth
        w->precision[r] = (double)tp / fmax((double)(tp + fp), NUMERIC_EPS);
    }
    c->tp[t] = tp;
    c->fp[t] = fp;
}

static void keep_curve(VocClass *c, const ClassWork *w, double *room)
{
    int64_t D = w->n_found;
    double *recall = room, *precision = room + D, *score = room + 2 * D;
    memcpy(recall, w->recall, (size_t)D * sizeof *recall);
    memcpy(precision, w->precision, (size_t)D * sizeof *precision);
    for (int64_t r = 0; r < D; r++)
        score[r] = w->score[w->order[r]];
    c->n_points = D;
    c->recall = recall;
    c->precision = precision;
    c->score = score;
}

static Status evaluate_class(Arena *a, const VocEvalOptions *opt, VocClass *c, const VocSet *set,
                             const Groups *truth, const Groups *found, const double *thresholds,
                             int64_t label)
{
    const int32_t *truth_rows = truth->row + truth->start[label];
    const int32_t *found_rows = found->row + found->start[label];
    ClassWork      w = {0};
    w.n_truth = truth->start[label + 1] - truth->start[label];
    w.n_found = found->start[label + 1] - found->start[label];
    double *curve = ARENA_ARRAY(a, double, 3 * w.n_found);
    if (!curve)
        return status_no_memory("voc curve", 24 * w.n_found);
    ArenaMark mark = arena_mark(a);
    TRY(work_alloc(a, &w, set->n_images));
    group_truth_by_image(&w, set, truth_rows);
    rank(&w, opt, &set->found, found_rows);
    for (int64_t r = 0; r < w.n_found; r++) {
        int32_t k = w.order[r];
        int32_t image = set->found.image[found_rows[k]];
        int64_t at = w.image_start[image];
        w.best[r] =
            best_truth(&set->truth, w.truth_row + at, w.image_start[image + 1] - at, w.box + 4 * k);
        if (w.best[r].truth >= 0)
            w.best[r].truth += (int32_t)at;
    }
    c->n_truth = w.n_truth;
    for (int64_t k = 0; k < w.n_truth; k++)
        c->n_difficult += set->truth.difficult && set->truth.difficult[truth_rows[k]];
    c->n_found = w.n_found;
    for (int t = 0; t < VOC_THRESHOLDS; t++) {
        score_threshold(&w, c, &set->truth, t, thresholds[t]);
        c->ap_11_point[t] = ap_11_point(w.recall, w.precision, w.n_found);
        c->ap_area[t] = ap_area(w.recall, w.precision, w.points, w.n_found);
        if (t == opt->curve_threshold)
            keep_curve(c, &w, curve);
    }
    arena_rewind(a, mark);
    return OK;
}

static void means(VocMeans *m, const VocResult *r, bool area, bool skip_empty, double *scratch)
{
    for (int t = 0; t < VOC_THRESHOLDS; t++) {
        int64_t n = 0;
        for (int64_t c = 0; c < r->n_classes; c++) {
            const VocClass *k = &r->per_class[c];
            if (!(skip_empty && k->n_truth == k->n_difficult))
                scratch[n++] = area ? k->ap_area[t] : k->ap_11_point[t];
        }
        m->at[t] = numeric_mean(scratch, n);
    }
    m->ap = numeric_mean(m->at, VOC_THRESHOLDS);
    m->ap50 = m->at[0];
    m->ap75 = m->at[5];
}

Status voc_evaluate(Arena *a, const VocEvalOptions *opt, VocResult *out, const VocSet *set)
{
    Groups truth, found;
    memset(out, 0, sizeof *out);
    TRY(check_list(&set->truth, set, "ground truth"));
    TRY(check_list(&set->found, set, "detections"));
    out->n_classes = set->n_classes;
    out->n_images = set->n_images;
    out->n_found = set->found.n;
    out->per_class = ARENA_ARRAY(a, VocClass, set->n_classes);
    double *mean = ARENA_ARRAY(a, double, set->n_classes);
    if (!out->per_class || !mean)
        return status_no_memory("voc result", set->n_classes * (int64_t)sizeof(VocClass));
    for (int t = 0; t < VOC_THRESHOLDS; t++)
        out->thresholds[t] = (50 + 5 * t) / 100.0;
    TRY(group_by_class(a, &truth, &set->truth, set->n_classes));
    TRY(group_by_class(a, &found, &set->found, set->n_classes));
    for (int64_t c = 0; c < set->n_classes; c++) {
        TRY(evaluate_class(a, opt, &out->per_class[c], set, &truth, &found, out->thresholds, c));
        out->n_truth += out->per_class[c].n_truth;
        out->n_difficult += out->per_class[c].n_difficult;
    }
    means(&out->means_11_point, out, false, opt->skip_empty_classes, mean);
    means(&out->means_area, out, true, opt->skip_empty_classes, mean);
    return OK;
}

const char *voc_definition_11_point(void)
{
    return "VOC2007 AP: mean over recall 0, 0.1 ... 1 of the best precision at that recall or "
           "above; "
           "overlap > t with inclusive pixels, difficult objects ignored, detections ranked per "
           "class";
}

const char *voc_definition_area(void)
{
    return "VOC2010+ AP: area under the precision envelope; overlap > t with inclusive pixels, "
           "difficult objects ignored, detections ranked per class";
}
