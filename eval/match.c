/* match.c -- precision and recall of every group from the bits of its results; see match.h
 *
 * Precision only peaks at true positives, so the curve is kept there alone: the first place whose recall reaches r is
 * a true positive (for r > 0), and the envelope behind it is the largest precision at any later true positive.
 */
#include "eval/match.h"
#include "base/threads.h"
#include "eval/match_cells.h"
#include "eval/numeric.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const int64_t MOST_BYTES = (int64_t)4 << 30; // of precision and scores

typedef struct GroupWork {
    const MatchTask *task;
    MatchResult     *out;
    Status           st; // ERR_MEMORY is the only failure
} GroupWork;

/* One true positive of the curve. */
typedef struct Peak {
    double  precision;
    int64_t at; // place in the ranked list
} Peak;

Status match_rank(Arena *a, MatchRanking *r, const MatchTask *task, const MatchResult *result,
                  int64_t k)
{
    int64_t n = 0;
    for (int64_t c = result->group_cell[k]; c < result->group_cell[k + 1]; c++)
        n += result->cell[c].n_found;
    r->n = n;
    r->score = ARENA_ARRAY(a, double, n);
    r->rank = ARENA_ARRAY(a, int32_t, n);
    r->place = ARENA_ARRAY(a, int64_t, n);
    ArenaMark mark = arena_mark(a);
    double   *key = ARENA_ARRAY(a, double, n);
    int32_t  *rank = ARENA_ARRAY(a, int32_t, n), *order = ARENA_ARRAY(a, int32_t, n);
    int32_t  *tmp = ARENA_ARRAY(a, int32_t, n);
    int64_t  *place = ARENA_ARRAY(a, int64_t, n);
    if (!key || !rank || !order || !tmp || !place || !r->score || !r->rank || !r->place)
        return status_no_memory("group", n * 60);
    n = 0;
    for (int64_t c = result->group_cell[k]; c < result->group_cell[k + 1]; c++)
        for (int32_t d = 0; d < result->cell[c].n_found; d++, n++) {
            place[n] = result->cell[c].found_at + d;
            rank[n] = d;
            int32_t row = result->found[place[n]];
            key[n] = task->rule == MATCH_BEST_ONLY ? -(double)row : task->found.score[row];
        }
    numeric_order_desc(key, order, tmp, n);
    for (int64_t i = 0; i < n; i++) {
        r->rank[i] = rank[order[i]];
        r->place[i] = place[order[i]];
        r->score[i] = task->found.score[result->found[r->place[i]]];
    }
    arena_rewind(a, mark);
    return OK;
}

/* precision and scores at the recall points, from the peaks of one threshold */
static void sample(const GroupWork *w, Peak *peak, int64_t n_peaks, int64_t n_positive,
                   const MatchRanking *r, int64_t first, int64_t at)
{
    MatchResult *out = w->out;
    int64_t      stride = out->K * out->A * out->M, j = 0;
    for (int64_t i = n_peaks - 1; i > 0; i--)
        if (peak[i].precision > peak[i - 1].precision)
            peak[i - 1].precision = peak[i].precision;
    for (int p = 0; p < w->task->n_recalls; p++, at += stride) {
        double wanted = w->task->recall[p], precision = 0, score = 0;
        if (wanted <= 0) { // reached before the first true positive
            precision = n_peaks > 0 ? peak[0].precision : 0;
            score = first >= 0 ? r->score[first] : 0;
        } else {
            while (j < n_peaks && (double)(j + 1) / (double)n_positive < wanted)
                j++;
            if (j < n_peaks) {
                precision = peak[j].precision;
                score = r->score[peak[j].at];
            }
        }
        out->precision[at] = precision;
        out->scores[at] = score;
    }
}

/* room: `most` peaks for each threshold. */
static void accumulate(const GroupWork *w, const MatchRanking *r, Peak *room, int64_t most,
                       int64_t k, int a, int m)
{
    const MatchTask *task = w->task;
    MatchResult     *out = w->out;
    int              T = task->n_thresholds;
    int64_t          pos = out->n_positive[k * out->A + a];
    int64_t          seen = 0, first = -1, tp[MATCH_MAX_THRESHOLDS] = {0},
            skipped[MATCH_MAX_THRESHOLDS] = {0};
    uint32_t all = (1U << T) - 1;
    for (int64_t i = 0; i < r->n; i++) {
        if (r->rank[i] >= task->cap[m])
            continue;
        if (first < 0)
            first = i;
        MatchBits b = out->bits[r->place[i] * out->A + a];
        if (b.ignored == all)
            continue;
        seen++;
        for (unsigned bits = b.ignored; bits; bits &= bits - 1)
            skipped[__builtin_ctz(bits)]++;
        for (unsigned bits = b.matched & ~b.ignored; bits; bits &= bits - 1) {
            int   t = __builtin_ctz(bits);
            Peak *peak = room + t * most + tp[t]++;
            peak->at = i;
            peak->precision = (double)tp[t] / ((double)(seen - skipped[t]) + NUMERIC_EPS);
        }
    }
    for (int t = 0; t < T; t++) {
        out->recall[match_recall_at(out, t, k, a, m)] = (double)tp[t] / (double)pos;
        sample(w, room + t * most, tp[t], pos, r, first, match_at(out, t, 0, k, a, m));
    }
}

static void group_range(void *ctx, int64_t begin, int64_t end)
{
    GroupWork *w = (GroupWork *)ctx;
    Arena      a = {0};
    for (int64_t k = begin; k < end; k++) {
        ArenaMark    mark = arena_mark(&a);
        MatchRanking r;
        int64_t      most = 0;
        for (int64_t i = 0; i < w->out->A; i++)
            most = w->out->n_positive[k * w->out->A + i] > most
                       ? w->out->n_positive[k * w->out->A + i]
                       : most;
        if (most == 0)
            continue;
        Status st = match_rank(&a, &r, w->task, w->out, k);
        if (w->task->own.match) // which may find a truth several times
            most = r.n;
        Peak *room = st == OK ? ARENA_ARRAY(&a, Peak, most * w->out->T) : NULL;
        if (!room) {
            __atomic_store_n(&w->st, ERR_MEMORY, __ATOMIC_RELAXED);
            break;
        }
        for (int i = 0; i < w->task->n_areas; i++)
            for (int m = 0; m < w->task->n_caps && w->out->n_positive[k * w->out->A + i] > 0; m++)
                accumulate(w, &r, room, most, k, i, m);
        arena_rewind(&a, mark);
    }
    arena_release(&a);
}

Status match_mean(Arena *scratch, double *out, const MatchResult *m, bool is_recall, int t,
                  int64_t k, int area, int cap)
{
    ArenaMark mark = arena_mark(scratch);
    int64_t   T = t < 0 ? m->T : 1, K = k < 0 ? m->K : 1, R = is_recall ? 1 : m->R, n = 0;
    double   *x = ARENA_ARRAY(scratch, double, T *R *K);
    if (!x)
        return status_no_memory("mean", T * R * K * 8);
    for (int64_t i = 0; i < T; i++)
        for (int64_t p = 0; p < R; p++)
            for (int64_t j = 0; j < K; j++) {
                int64_t at = is_recall ? match_recall_at(m, t < 0 ? i : t, k < 0 ? j : k, area, cap)
                                       : match_at(m, t < 0 ? i : t, p, k < 0 ? j : k, area, cap);
                double  v = is_recall ? m->recall[at] : m->precision[at];
                if (v > -1)
                    x[n++] = v;
            }
    *out = n == 0 ? -1 : numeric_mean(x, n);
    arena_rewind(scratch, mark);
    return OK;
}

static Status check_task(const MatchTask *t)
{
    if (t->n_thresholds < 1 || t->n_thresholds > MATCH_MAX_THRESHOLDS || t->n_areas < 1 ||
        t->n_areas > MATCH_MAX_AREAS || t->n_caps < 1 || t->n_caps > MATCH_MAX_CAPS ||
        t->n_recalls < 1)
        return status_fail(
            ERR_USAGE,
            "match: 1 to %d thresholds, 1 to %d area ranges and 1 to %d caps are possible",
            MATCH_MAX_THRESHOLDS, MATCH_MAX_AREAS, MATCH_MAX_CAPS);
    if (t->truth.n >= INT32_MAX || t->found.n >= INT32_MAX)
        return status_fail(ERR_FORMAT, "match: at most 2^31 - 2 rows a side are possible");
    return OK;
}

Status match_run(Arena *a, const MatchTask *task, MatchResult *out)
{
    TRY(check_task(task));
    memset(out, 0, sizeof *out);
    out->T = task->n_thresholds;
    out->R = task->n_recalls;
    out->K = task->one_group ? 1 : task->n_groups;
    out->A = task->n_areas;
    out->M = task->n_caps;
    int64_t cells = out->T * out->K * out->A * out->M;
    if (out->K > MOST_BYTES / (16 * out->T * out->A * out->M * out->R))
        return status_fail(
            ERR_FORMAT,
            "match: precision and scores of %lld categories would take more than %lld "
            "GB; choose fewer",
            (long long)out->K, (long long)(MOST_BYTES >> 30));
    out->precision = ARENA_ARRAY(a, double, cells * out->R);
    out->scores = ARENA_ARRAY(a, double, cells * out->R);
    out->recall = ARENA_ARRAY(a, double, cells);
    if (!out->precision || !out->scores || !out->recall)
        return status_no_memory("precision", cells * out->R * 16);
    for (int64_t i = 0; i < cells * out->R; i++)
        out->precision[i] = out->scores[i] = -1;
    for (int64_t i = 0; i < cells; i++)
        out->recall[i] = -1;
    TRY(match_make_cells(a, task, out));
    TRY(match_all_cells(a, task, out));
    GroupWork w = {.task = task, .out = out};
    threads_for(out->K, 1, group_range, &w);
    return w.st == OK ? OK : status_no_memory("groups", 0);
}
