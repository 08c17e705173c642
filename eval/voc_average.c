/* voc_average.c -- see voc_average.h */
#include "eval/voc_average.h"
#include "eval/numeric.h"
#include <math.h>
#include <string.h>

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

typedef struct Curve {
    double *recall, *precision; // (D)
    double *scratch;            // (3 D + 5)
} Curve;

/* recall and precision after each rank at threshold t */
static void fill_curve(Curve *curve, VocClass *c, const MatchRanking *r, const MatchResult *match,
                       int64_t n_positive, int t)
{
    int64_t tp = 0, fp = 0;
    for (int64_t i = 0; i < r->n; i++) {
        MatchBits b = match->bits[r->place[i] * match->A];
        tp += b.matched >> t & 1;
        fp += ~(b.matched | b.ignored) >> t & 1;
        curve->recall[i] = (double)tp / (double)n_positive; // 0/0 is NaN: no ground truth
        curve->precision[i] = (double)tp / fmax((double)(tp + fp), NUMERIC_EPS);
    }
    c->tp[t] = tp;
    c->fp[t] = fp;
}

Status voc_average(Arena *a, const VocEvalOptions *opt, VocClass *c, const MatchTask *task,
                   const MatchResult *match, int64_t k)
{
    MatchRanking r;
    int64_t      n = 0;
    for (int64_t i = match->group_cell[k]; i < match->group_cell[k + 1]; i++)
        n += match->cell[i].n_found;
    double   *kept = ARENA_ARRAY(a, double, 3 * n);
    ArenaMark mark = arena_mark(a);
    Curve     curve = {.recall = ARENA_ARRAY(a, double, n),
                       .precision = ARENA_ARRAY(a, double, n),
                       .scratch = ARENA_ARRAY(a, double, 3 * n + 5)};
    if (!kept || !curve.recall || !curve.precision || !curve.scratch)
        return status_no_memory("voc class", 64 * n);
    TRY(match_rank(a, &r, task, match, k));
    for (int t = 0; t < VOC_THRESHOLDS; t++) {
        fill_curve(&curve, c, &r, match, match->n_positive[k], t);
        c->ap_11_point[t] = ap_11_point(curve.recall, curve.precision, n);
        c->ap_area[t] = ap_area(curve.recall, curve.precision, curve.scratch, n);
        if (t == opt->curve_threshold) {
            memcpy(kept, curve.recall, (size_t)n * sizeof *kept);
            memcpy(kept + n, curve.precision, (size_t)n * sizeof *kept);
            memcpy(kept + 2 * n, r.score, (size_t)n * sizeof *kept);
        }
    }
    c->n_points = n;
    c->recall = kept;
    c->precision = kept + n;
    c->score = kept + 2 * n;
    arena_rewind(a, mark);
    return OK;
}
