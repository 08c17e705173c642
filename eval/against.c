/* against.c -- see against.h */
#include "eval/against.h"
#include "base/rng.h"
#include "base/threads.h"
#include "eval/numeric.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One category of one file: its results by score, and what each image adds to the annotations that count. */
typedef struct Ranking {
    int64_t    n;
    int32_t   *image;     // (n) by rank
    MatchBits *bits;      // (n)
    int32_t   *positives; // (n_pairs,2) image, annotations that count
    int64_t    n_pairs;
} Ranking;

static Status make_ranking(Arena *a, Ranking *r, const CocoResult *result, const CocoResults *found,
                           const uint8_t *counts, int64_t k)
{
    const MatchResult *m = &result->match;
    int64_t            n = 0, cells = m->group_cell[k + 1] - m->group_cell[k];
    for (int64_t c = m->group_cell[k]; c < m->group_cell[k + 1]; c++)
        n += m->cell[c].n_found;
    r->n = n;
    r->image = ARENA_ARRAY(a, int32_t, n);
    r->bits = ARENA_ARRAY(a, MatchBits, n);
    r->positives = ARENA_ARRAY(a, int32_t, 2 * cells);
    if (!r->image || !r->bits || !r->positives)
        return status_no_memory("ranking", n * 8);
    ArenaMark mark = arena_mark(a);
    double   *key = ARENA_ARRAY(a, double, n);
    int32_t  *order = ARENA_ARRAY(a, int32_t, 2 * n);
    int64_t  *place = ARENA_ARRAY(a, int64_t, n);
    int32_t  *image = ARENA_ARRAY(a, int32_t, n);
    if (!key || !order || !place || !image)
        return status_no_memory("ranking", n * 28);
    n = 0;
    for (int64_t c = m->group_cell[k]; c < m->group_cell[k + 1]; c++) {
        const MatchCell *cell = &m->cell[c];
        int32_t          count = 0;
        for (int64_t d = cell->found_at; d < cell->found_at + cell->n_found; d++, n++) {
            key[n] = found->rows.score[m->found[d]];
            place[n] = d;
            image[n] = cell->image;
        }
        for (int64_t g = cell->truth_at; g < cell->truth_at + cell->n_truth; g++)
            count += counts[m->truth[g]];
        if (count > 0) {
            r->positives[2 * r->n_pairs] = cell->image;
            r->positives[2 * r->n_pairs++ + 1] = count;
        }
    }
    numeric_order_desc(key, order, order + n, n);
    for (int64_t i = 0; i < n; i++) {
        r->image[i] = image[order[i]];
        r->bits[i] = m->bits[place[order[i]] * m->A];
    }
    arena_rewind(a, mark);
    return OK;
}

/* AP with image i counted weight[i] times; -1 without annotations. peak holds T rows of `room` (tp, precision). */
static double weighted_ap(const Ranking *r, const int32_t *weight, const double *recall, int T,
                          double *precision, int64_t *reached, int64_t room)
{
    int64_t positives = 0, seen = 0, tp[MATCH_MAX_THRESHOLDS] = {0},
            skipped[MATCH_MAX_THRESHOLDS] = {0};
    int64_t n[MATCH_MAX_THRESHOLDS] = {0};
    for (int64_t p = 0; p < r->n_pairs; p++)
        positives += (int64_t)weight[r->positives[2 * p]] * r->positives[2 * p + 1];
    if (positives == 0)
        return -1;
    for (int64_t i = 0; i < r->n; i++) {
        int32_t w = weight[r->image[i]];
        if (w == 0)
            continue;
        seen += w;
        for (unsigned b = r->bits[i].ignored; b; b &= b - 1)
            skipped[__builtin_ctz(b)] += w;
        for (unsigned b = r->bits[i].matched & ~(unsigned)r->bits[i].ignored; b; b &= b - 1) {
            int t = __builtin_ctz(b);
            tp[t] += w;
            precision[t * room + n[t]] = (double)tp[t] / (double)(seen - skipped[t]);
            reached[t * room + n[t]++] = tp[t];
        }
    }
    double sum = 0;
    for (int t = 0; t < T; t++) {
        double  *p = precision + t * room;
        int64_t *q = reached + t * room, j = 0;
        for (int64_t i = n[t] - 1; i > 0; i--)
            p[i - 1] = p[i] > p[i - 1] ? p[i] : p[i - 1];
        for (int k = 0; k < COCO_RECALLS; k++) {
            while (j < n[t] && (double)q[j] / (double)positives < recall[k])
                j++;
            sum += j < n[t] ? p[j] : 0;
        }
    }
    return sum / (T * COCO_RECALLS);
}

typedef struct Work {
    const AgainstOptions *opt;
    const CocoResult     *result;
    Ranking              *ours, *theirs; // (K)
    int64_t               K, n_images, room;
    double               *difference; // (resamples, K+1)
    Status                st;
} Work;

static void resample(void *ctx, int64_t begin, int64_t end)
{
    Work    *w = (Work *)ctx;
    int      T = (int)w->result->match.T;
    int32_t *weight = (int32_t *)malloc((size_t)(w->n_images + 1) * sizeof *weight);
    double  *precision = (double *)malloc((size_t)(w->room * T + 1) * sizeof *precision);
    int64_t *reached = (int64_t *)malloc((size_t)(w->room * T + 1) * sizeof *reached);
    if (!weight || !precision || !reached)
        __atomic_store_n(&w->st, ERR_MEMORY, __ATOMIC_RELAXED);
    for (int64_t b = begin; b < end && weight && precision && reached; b++) {
        double *out = w->difference + b * (w->K + 1), sum = 0, other_sum = 0;
        int64_t n = 0;
        Rng     rng = rng_at(w->opt->seed, RNG_BOOTSTRAP, (uint64_t)b, 0);
        memset(weight, 0, (size_t)w->n_images * sizeof *weight);
        for (int64_t i = 0; i < w->n_images; i++)
            weight[rng_below(&rng, (uint32_t)w->n_images)]++;
        for (int64_t k = 0; k < w->K; k++) {
            double x =
                weighted_ap(&w->ours[k], weight, w->result->recall, T, precision, reached, w->room);
            double y = weighted_ap(&w->theirs[k], weight, w->result->recall, T, precision, reached,
                                   w->room);
            out[k] = x < 0 || y < 0 ? (double)NAN : x - y;
            if (x >= 0 && y >= 0) {
                sum += x;
                other_sum += y;
                n++;
            }
        }
        out[w->K] = n ? (sum - other_sum) / (double)n : (double)NAN;
    }
    free(weight);
    free(precision);
    free(reached);
}

static int compare_doubles(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* The 2.5 and 97.5 per cent points (nearest rank) of the defined differences of column k. */
static void interval(Difference *d, const Work *w, int64_t k, double *room)
{
    int64_t n = 0;
    for (int64_t b = 0; b < w->opt->resamples; b++) {
        double v = w->difference[b * (w->K + 1) + k];
        if (!isnan(v))
            room[n++] = v;
    }
    d->low = d->high = NAN;
    if (n == 0)
        return;
    qsort(room, (size_t)n, sizeof *room, compare_doubles);
    d->low = room[(int64_t)floor(.025 * (double)(n - 1))];
    d->high = room[(int64_t)ceil(.975 * (double)(n - 1))];
}

Status against_run(Arena *a, const AgainstOptions *opt, Against *out, const CocoResult *result,
                   const CocoResults *found, const CocoResult *other,
                   const CocoResults *other_found)
{
    Work w = {.opt = opt, .result = result, .K = result->match.K, .n_images = result->n_images};
    memset(out, 0, sizeof *out);
    if (opt->resamples < 1 || opt->resamples > 100000 || other->match.K != w.K ||
        other->n_images != w.n_images || w.n_images < 1)
        return status_fail(ERR_USAGE,
                           "against: 1 to 100000 resamples of the same images and categories");
    out->K = w.K;
    out->resamples = opt->resamples;
    out->per_class = ARENA_ARRAY(a, Difference, w.K);
    w.ours = ARENA_ARRAY(a, Ranking, w.K);
    w.theirs = ARENA_ARRAY(a, Ranking, w.K);
    w.difference = ARENA_ARRAY(a, double, opt->resamples *(w.K + 1));
    double *room = ARENA_ARRAY(a, double, opt->resamples);
    if (!out->per_class || !w.ours || !w.theirs || !w.difference || !room)
        return status_no_memory("against", opt->resamples * (w.K + 1) * 8);
    for (int64_t k = 0; k < w.K; k++) {
        TRY(make_ranking(a, &w.ours[k], result, found, result->counts, k));
        TRY(make_ranking(a, &w.theirs[k], other, other_found, result->counts, k));
        w.room = w.ours[k].n > w.room ? w.ours[k].n : w.room;
        w.room = w.theirs[k].n > w.room ? w.theirs[k].n : w.room;
    }
    threads_for(opt->resamples, 8, resample, &w);
    if (w.st != OK)
        return status_no_memory("resamples", w.room * 160);
    for (int64_t k = 0; k <= w.K; k++) {
        Difference *d = k < w.K ? &out->per_class[k] : &out->all;
        TRY(coco_mean(a, &d->ap, &result->match, false, -1, k < w.K ? k : -1, 0,
                      (int)result->match.M - 1));
        TRY(coco_mean(a, &d->other_ap, &other->match, false, -1, k < w.K ? k : -1, 0,
                      (int)other->match.M - 1));
        d->difference = d->ap < 0 || d->other_ap < 0 ? (double)NAN : d->ap - d->other_ap;
        interval(d, &w, k, room);
    }
    return OK;
}
