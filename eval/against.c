/* against.c -- see against.h */
#include "eval/against.h"
#include "base/threads.h"
#include "eval/bootstrap.h"
#include <math.h>
#include <string.h>

/* One category of one file: its results by rank, and what each image adds to the annotations that count. */
typedef struct Ranking {
    int64_t    n;
    int32_t   *image;     // (n) by rank
    MatchBits *bits;      // (n)
    bool      *ends;      // (n) the next rank has another score
    int32_t   *positives; // (n_pairs,2) image, annotations that count
    int64_t    n_pairs;
} Ranking;

static Status make_ranking(Arena *a, Ranking *r, const AgainstSide *side, int64_t k)
{
    const MatchResult *m = side->match;
    const MatchTask   *task = side->task;
    int64_t            n = 0, cells = m->group_cell[k + 1] - m->group_cell[k];
    for (int64_t c = m->group_cell[k]; c < m->group_cell[k + 1]; c++)
        n += m->cell[c].n_found;
    r->n = n;
    r->image = ARENA_ARRAY(a, int32_t, n);
    r->bits = ARENA_ARRAY(a, MatchBits, n);
    r->ends = ARENA_ARRAY(a, bool, n);
    r->positives = ARENA_ARRAY(a, int32_t, 2 * cells);
    if (!r->image || !r->bits || !r->ends || !r->positives)
        return status_no_memory("ranking", n * 8);
    for (int64_t c = m->group_cell[k]; c < m->group_cell[k + 1]; c++) {
        const MatchCell *cell = &m->cell[c];
        int32_t          count = 0;
        for (int64_t g = cell->truth_at; g < cell->truth_at + cell->n_truth; g++)
            count += match_counts(task, m->truth[g], 0);
        if (count > 0) {
            r->positives[2 * r->n_pairs] = cell->image;
            r->positives[2 * r->n_pairs++ + 1] =
                count * (task->image_repeats ? task->image_repeats[cell->image] : 1);
        }
    }
    ArenaMark    mark = arena_mark(a);
    MatchRanking ranked;
    TRY(match_rank(a, &ranked, task, m, k));
    for (int64_t i = 0; i < n; i++) {
        r->image[i] = task->found.image[m->found[ranked.place[i]]];
        r->bits[i] = m->bits[ranked.place[i] * m->A];
        r->ends[i] = i + 1 == n || ranked.score[i + 1] != ranked.score[i];
    }
    arena_rewind(a, mark);
    return OK;
}

/* The true positives of one threshold: precision and how many were found up to each. */
typedef struct Peaks {
    double  *precision;
    int64_t *reached;
    int64_t  n;
} Peaks;

/* Mean over n points of the best precision at that recall or above; `recall` is ascending. */
static double mean_at(const Peaks *p, int64_t positives, const double *recall, int n)
{
    double  sum = 0;
    int64_t j = 0;
    for (int k = 0; k < n; k++) {
        while (j < p->n && (double)p->reached[j] / (double)positives < recall[k])
            j++;
        sum += j < p->n ? p->precision[j] : 0;
    }
    return sum / n;
}

static double area_under(const Peaks *p, int64_t positives)
{
    double sum = 0;
    for (int64_t j = 0; j < p->n; j++)
        sum += p->precision[j] * (double)(p->reached[j] - (j > 0 ? p->reached[j - 1] : 0)) /
               (double)positives;
    return sum;
}

typedef struct Work {
    const AgainstOptions *opt;
    const MatchTask      *task;
    Ranking              *ours, *theirs; // (K)
    int64_t               K, n_images, room;
    double               *difference; // (resamples, K+1)
    Status                st;
} Work;

static double average(const Work *w, Peaks *p, int64_t positives)
{
    static const double ELEVEN[11] = {0,       1 * 0.1, 2 * 0.1, 3 * 0.1, 4 * 0.1, 5 * 0.1,
                                      6 * 0.1, 7 * 0.1, 8 * 0.1, 9 * 0.1, 10 * 0.1};
    for (int64_t i = p->n - 1; i > 0; i--)
        if (p->precision[i] > p->precision[i - 1])
            p->precision[i - 1] = p->precision[i];
    switch (w->opt->average) {
    case AGAINST_11_POINTS:
        return mean_at(p, positives, ELEVEN, 11);
    case AGAINST_AREA:
        return area_under(p, positives);
    default:
        return mean_at(p, positives, w->task->recall, w->task->n_recalls);
    }
}

/* Every score is a point (recall, precision), and so is (0, 1): area under the lines between them, threshold t. */
static double trapezes(const Ranking *r, const int32_t *weight, int t, int64_t positives)
{
    int64_t tp = 0, fp = 0, last_tp = 0;
    double  last = 1, area = 0;
    for (int64_t i = 0; i < r->n; i++) {
        bool counts = !(r->bits[i].ignored >> t & 1), is_true = r->bits[i].matched >> t & 1;
        tp += counts && is_true ? weight[r->image[i]] : 0;
        fp += counts && !is_true ? weight[r->image[i]] : 0;
        if (!r->ends[i] || tp + fp == 0)
            continue;
        double precision = (double)tp / (double)(tp + fp);
        area += (last + precision) / 2 * ((double)(tp - last_tp) / (double)positives);
        last = precision;
        last_tp = tp;
    }
    return area;
}

/* AP with image i counted weight[i] times; -1 without annotations. peaks: one a threshold, of w->room places. */
static double weighted_ap(const Work *w, const Ranking *r, const int32_t *weight, Peaks *peaks)
{
    int     T = w->task->n_thresholds;
    int64_t positives = 0, seen = 0, tp[MATCH_MAX_THRESHOLDS] = {0},
            skipped[MATCH_MAX_THRESHOLDS] = {0};
    double sum = 0;
    for (int64_t p = 0; p < r->n_pairs; p++)
        positives += (int64_t)weight[r->positives[2 * p]] * r->positives[2 * p + 1];
    if (positives == 0)
        return -1;
    if (w->opt->average == AGAINST_TRAPEZES) {
        for (int t = 0; t < T; t++)
            sum += trapezes(r, weight, t, positives);
        return sum / T;
    }
    for (int t = 0; t < T; t++)
        peaks[t].n = 0;
    for (int64_t i = 0; i < r->n; i++) {
        int32_t times = weight[r->image[i]];
        if (times == 0)
            continue;
        seen += times;
        for (unsigned b = r->bits[i].ignored; b; b &= b - 1)
            skipped[__builtin_ctz(b)] += times;
        for (unsigned b = r->bits[i].matched & ~r->bits[i].ignored; b; b &= b - 1) {
            int    t = __builtin_ctz(b);
            Peaks *p = &peaks[t];
            tp[t] += times;
            p->precision[p->n] = (double)tp[t] / (double)(seen - skipped[t]);
            p->reached[p->n++] = tp[t];
        }
    }
    for (int t = 0; t < T; t++)
        sum += average(w, &peaks[t], positives);
    return sum / T;
}

static Status peaks_alloc(Arena *a, Peaks peaks[MATCH_MAX_THRESHOLDS], int n, int64_t room)
{
    for (int t = 0; t < n; t++) {
        peaks[t].precision = ARENA_ARRAY(a, double, room);
        peaks[t].reached = ARENA_ARRAY(a, int64_t, room);
        if (!peaks[t].precision || !peaks[t].reached)
            return ERR_MEMORY;
    }
    return OK;
}

static void one_resample(Work *w, int64_t b, int32_t *weight, Peaks *peaks)
{
    double *out = w->difference + b * (w->K + 1), sum = 0;
    int64_t n = 0;
    bootstrap_draw(weight, w->n_images, w->opt->seed, b);
    for (int64_t k = 0; k < w->K; k++) {
        double x = weighted_ap(w, &w->ours[k], weight, peaks);
        double y = weighted_ap(w, &w->theirs[k], weight, peaks);
        out[k] = x < 0 || y < 0 ? (double)NAN : x - y;
        if (x >= 0 && y >= 0) {
            sum += x - y;
            n++;
        }
    }
    out[w->K] = n ? sum / (double)n : (double)NAN;
}

static void resample_range(void *ctx, int64_t begin, int64_t end)
{
    Work    *w = (Work *)ctx;
    Arena    a = {0};
    Peaks    peaks[MATCH_MAX_THRESHOLDS];
    int32_t *weight = ARENA_ARRAY(&a, int32_t, w->n_images);
    if (!weight || peaks_alloc(&a, peaks, w->task->n_thresholds, w->room) != OK)
        __atomic_store_n(&w->st, ERR_MEMORY, __ATOMIC_RELAXED);
    else
        for (int64_t b = begin; b < end; b++)
            one_resample(w, b, weight, peaks);
    arena_release(&a);
}

/* With annotations on a single image every draw gives the same difference: that is no interval. */
static void interval(Difference *d, const Work *w, int64_t k, double *room)
{
    d->low = d->high = NAN;
    if (k == w->K || w->ours[k].n_pairs >= 2)
        bootstrap_interval(&d->low, &d->high, w->difference + k, w->opt->resamples, w->K + 1, room);
}

static double defined_ap(const AgainstSide *side, int64_t k)
{
    return side->ap[k] >= 0 ? side->ap[k] : (double)NAN; // -1 and NaN alike
}

static void fill_differences(Against *out, const Work *w, const AgainstSide *ours,
                             const AgainstSide *theirs, double *room)
{
    double  sum = 0, other_sum = 0;
    int64_t n = 0;
    for (int64_t k = 0; k < w->K; k++) {
        Difference *d = &out->per_class[k];
        bool        has_truth = ours->match->n_positive[k * ours->match->A] > 0;
        d->ours = has_truth ? defined_ap(ours, k) : (double)NAN;
        d->theirs = has_truth ? defined_ap(theirs, k) : (double)NAN;
        d->difference = d->ours - d->theirs;
        interval(d, w, k, room);
        if (!isnan(d->difference)) {
            sum += d->ours;
            other_sum += d->theirs;
            n++;
        }
    }
    out->all.ours = n ? sum / (double)n : (double)NAN;
    out->all.theirs = n ? other_sum / (double)n : (double)NAN;
    out->all.difference = out->all.ours - out->all.theirs;
    interval(&out->all, w, w->K, room);
}

Status against_run(Arena *a, const AgainstOptions *opt, Against *out, const AgainstSide *ours,
                   const AgainstSide *theirs)
{
    Work w = {
        .opt = opt, .task = ours->task, .K = ours->match->K, .n_images = ours->task->n_images};
    memset(out, 0, sizeof *out);
    if (opt->resamples < 1 || opt->resamples > 100000 || theirs->match->K != w.K ||
        theirs->task->n_images != w.n_images || w.n_images < 1)
        return status_fail(ERR_USAGE,
                           "against: 1 to 100000 resamples of the same images and categories");
    out->K = w.K;
    out->resamples = opt->resamples;
    out->measure = "AP";
    out->per_class = ARENA_ARRAY(a, Difference, w.K);
    w.ours = ARENA_ARRAY(a, Ranking, w.K);
    w.theirs = ARENA_ARRAY(a, Ranking, w.K);
    w.difference = ARENA_ARRAY(a, double, opt->resamples *(w.K + 1));
    double *room = ARENA_ARRAY(a, double, opt->resamples);
    if (!out->per_class || !w.ours || !w.theirs || !w.difference || !room)
        return status_no_memory("against", opt->resamples * (w.K + 1) * 8);
    for (int64_t k = 0; k < w.K; k++) {
        TRY(make_ranking(a, &w.ours[k], ours, k));
        TRY(make_ranking(a, &w.theirs[k], theirs, k));
        w.room = w.ours[k].n > w.room ? w.ours[k].n : w.room;
        w.room = w.theirs[k].n > w.room ? w.theirs[k].n : w.room;
    }
    threads_for(opt->resamples, 8, resample_range, &w);
    if (w.st != OK)
        return status_no_memory("resamples", w.room * 160);
    fill_differences(out, &w, ours, theirs, room);
    return OK;
}
