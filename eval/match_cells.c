/* match_cells.c -- rows to cells, and the greedy matching inside a cell; see match.h */
#include "eval/match_cells.h"
#include "base/threads.h"
#include "eval/numeric.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- cells ---- */

/* order = rows that take part, stably sorted by key[0..n_keys-1]; `in` is the order before. */
static void counting_sort(int32_t *out, const int32_t *in, int64_t n, const int32_t *key,
                          int64_t n_keys, int64_t *count)
{
    memset(count, 0, (size_t)(n_keys + 1) * sizeof *count);
    for (int64_t i = 0; i < n; i++)
        count[key[in[i]] + 1]++;
    for (int64_t k = 0; k < n_keys; k++)
        count[k + 1] += count[k];
    for (int64_t i = 0; i < n; i++)
        out[count[key[in[i]]]++] = in[i];
}

static Status sort_rows(Arena *a, int32_t **order, int64_t *n, const MatchTask *task,
                        const MatchRows *rows)
{
    int64_t most = task->n_images > task->n_groups ? task->n_images : task->n_groups;
    *order = ARENA_ARRAY(a, int32_t, rows->n);
    if (!*order)
        return status_no_memory("row order", rows->n * 4);
    ArenaMark mark = arena_mark(a);
    int32_t  *tmp = ARENA_ARRAY(a, int32_t, rows->n);
    int64_t  *count = ARENA_ARRAY(a, int64_t, most + 1);
    if (!tmp || !count)
        return status_no_memory("row order", rows->n * 4);
    *n = 0;
    for (int64_t i = 0; i < rows->n; i++)
        if (rows->image[i] >= 0 && rows->group[i] >= 0)
            (*order)[(*n)++] = (int32_t)i;
    if (task->one_group) {
        counting_sort(tmp, *order, *n, rows->group, task->n_groups, count);
        counting_sort(*order, tmp, *n, rows->image, task->n_images, count);
    } else {
        counting_sort(tmp, *order, *n, rows->image, task->n_images, count);
        counting_sort(*order, tmp, *n, rows->group, task->n_groups, count);
    }
    arena_rewind(a, mark);
    return OK;
}

static int64_t key_of(const MatchTask *task, const MatchRows *rows, int32_t row)
{
    int64_t group = task->one_group ? 0 : rows->group[row];
    return group * task->n_images + rows->image[row];
}

static int64_t run_length(const MatchTask *task, const MatchRows *rows, const int32_t *order,
                          int64_t at, int64_t n)
{
    int64_t key = key_of(task, rows, order[at]), end = at + 1;
    while (end < n && key_of(task, rows, order[end]) == key)
        end++;
    return end - at;
}

/* Walks both sorted lists at once; with `cells` NULL it only counts. */
static int64_t walk_cells(const MatchTask *task, const MatchResult *r, int64_t n_found,
                          int64_t n_truth, MatchCell *cells)
{
    int64_t d = 0, g = 0, n = 0;
    while (d < n_found || g < n_truth) {
        int64_t kd = d < n_found ? key_of(task, &task->found, r->found[d]) : INT64_MAX;
        int64_t kg = g < n_truth ? key_of(task, &task->truth, r->truth[g]) : INT64_MAX;
        int64_t key = kd < kg ? kd : kg;
        int64_t nd = kd == key ? run_length(task, &task->found, r->found, d, n_found) : 0;
        int64_t ng = kg == key ? run_length(task, &task->truth, r->truth, g, n_truth) : 0;
        if (cells)
            cells[n] = (MatchCell){.image = (int32_t)(key % task->n_images),
                                   .group = (int32_t)(key / task->n_images),
                                   .n_found = (int32_t)nd,
                                   .n_truth = (int32_t)ng,
                                   .found_at = d,
                                   .truth_at = g};
        n++;
        d += nd;
        g += ng;
    }
    return n;
}

Status match_make_cells(Arena *a, const MatchTask *task, MatchResult *out)
{
    int64_t n_found, n_truth;
    TRY(sort_rows(a, &out->found, &n_found, task, &task->found));
    TRY(sort_rows(a, &out->truth, &n_truth, task, &task->truth));
    out->n_cells = walk_cells(task, out, n_found, n_truth, NULL);
    out->cell = ARENA_ARRAY(a, MatchCell, out->n_cells);
    out->group_cell = ARENA_ARRAY(a, int64_t, out->K + 1);
    out->bits = ARENA_ARRAY(a, MatchBits, n_found * out->A);
    out->met = ARENA_ARRAY(a, int32_t, n_found);
    out->n_positive = ARENA_ARRAY(a, int64_t, out->K * out->A);
    if (!out->cell || !out->group_cell || !out->bits || !out->met || !out->n_positive)
        return status_no_memory("cells", out->n_cells * (int64_t)sizeof(MatchCell));
    memset(out->met, -1, (size_t)n_found * sizeof *out->met);
    walk_cells(task, out, n_found, n_truth, out->cell);
    for (int64_t c = 0; c < out->n_cells; c++)
        out->group_cell[out->cell[c].group + 1]++;
    for (int64_t k = 0; k < out->K; k++)
        out->group_cell[k + 1] += out->group_cell[k];
    return OK;
}

/* ---- matching ---- */

typedef struct CellWork {
    const MatchTask *task;
    MatchResult     *out;
    double           limit[MATCH_MAX_THRESHOLDS]; // min(threshold, 1 - 1e-10)
    Status          *range_status;
    char (*range_text)[256];
    int64_t grain;
} CellWork;

/* Per truth of the cell: which thresholds have taken it, by area range; and whether it counts there. */
typedef struct TruthState {
    uint32_t taken[MATCH_MAX_AREAS];
    uint8_t  ignored; // bit a
    bool     is_free, is_miss;
} TruthState;

static bool outside(const double range[2], double area)
{
    return area < range[0] || area > range[1];
}

/* Crowds may match many results, so they never count themselves: there are at most n_positive true positives. */
bool match_counts(const MatchTask *task, int32_t row, int a)
{
    return !(task->truth.ignore && task->truth.ignore[row]) &&
           !(task->truth.is_free && task->truth.is_free[row]) &&
           !outside(task->area[a], task->truth.area[row]);
}

/* Stable by score, then cut. */
static Status rank_cell(Arena *a, const MatchTask *task, MatchResult *out, MatchCell *c)
{
    int64_t n = c->n_found, cap = task->cap[task->n_caps - 1];
    if (n > 1 && task->rule == MATCH_BEST_FREE) { // MATCH_BEST_ONLY: rows come ranked
        int32_t *rows = out->found + c->found_at;
        double  *key = ARENA_ARRAY(a, double, n);
        int32_t *order = ARENA_ARRAY(a, int32_t, 3 * n);
        if (!key || !order)
            return status_no_memory("ranks", n * 20);
        bool sorted = true;
        for (int64_t i = 0; i < n; i++) {
            key[i] = task->found.score[rows[i]];
            sorted = sorted && (i == 0 || key[i] <= key[i - 1]);
        }
        if (!sorted) {
            numeric_order_desc(key, order, order + n, n);
            for (int64_t i = 0; i < n; i++)
                order[2 * n + i] = rows[order[i]];
            memcpy(rows, order + 2 * n, (size_t)n * sizeof *rows);
        }
    }
    if (n > cap)
        c->n_found = (int32_t)cap;
    return OK;
}

/* The last of the best among candidates that count, else among those that do not. */
static int64_t choose(const CellWork *w, const TruthState *state, const double *sim,
                      const int32_t *candidate, int64_t n, int a, int t)
{
    double  best = w->limit[t];
    int64_t m = -1;
    for (int ignored = 0; ignored < 2 && m < 0; ignored++)
        for (int64_t i = 0; i < n; i++) {
            const TruthState *g = &state[candidate[i]];
            if ((g->ignored >> a & 1) != ignored || (g->taken[a] >> t & 1 && !g->is_free) ||
                sim[candidate[i]] < best)
                continue;
            best = sim[candidate[i]];
            m = candidate[i];
        }
    return m;
}

/* *met = the truth of the match at the main threshold in the first area range, an index of the cell. */
static void match_result(const CellWork *w, MatchBits *bits, int64_t *met, TruthState *state,
                         const double *sim, const int32_t *candidate, int64_t n)
{
    const MatchTask *task = w->task;
    for (int a = 0; a < task->n_areas; a++) {
        if (n == 1) { // the usual case: all thresholds in one step
            TruthState *g = &state[candidate[0]];
            int         reach = 0;
            while (reach < task->n_thresholds && !(sim[candidate[0]] < w->limit[reach]))
                reach++;
            uint32_t hit = (1U << reach) - 1;
            if (!g->is_free)
                hit &= ~g->taken[a];
            g->taken[a] |= hit;
            if (a == 0 && hit >> task->main & 1)
                *met = candidate[0];
            if (!g->is_miss)
                bits[a].matched |= hit;
            if (g->ignored >> a & 1)
                bits[a].ignored |= hit;
            continue;
        }
        for (int t = 0; t < task->n_thresholds; t++) {
            int64_t m = choose(w, state, sim, candidate, n, a, t);
            if (m < 0)
                continue;
            uint32_t bit = 1U << t;
            state[m].taken[a] |= bit;
            if (a == 0 && t == task->main)
                *met = m;
            if (!state[m].is_miss)
                bits[a].matched |= bit;
            if (state[m].ignored >> a & 1)
                bits[a].ignored |= bit;
        }
    }
}

/* MATCH_BEST_ONLY: taken, found again, or ignored. */
static void match_best(const CellWork *w, MatchBits *bits, int64_t *met, TruthState *state,
                       const double *sim, int64_t n_truth)
{
    const MatchTask *task = w->task;
    int64_t          m = 0;
    for (int64_t g = 0; g < n_truth; g++) {
        if (isnan(sim[g]))
            return;
        if (sim[g] > sim[m])
            m = g;
    }
    for (int a = 0; a < task->n_areas; a++)
        for (int t = 0; t < task->n_thresholds && sim[m] > task->threshold[t]; t++) {
            uint32_t bit = 1U << t;
            if (state[m].ignored >> a & 1)
                bits[a].ignored |= bit;
            else if (state[m].taken[a] & bit)
                continue;
            else
                bits[a].matched |= bit;
            state[m].taken[a] |= bit;
            if (a == 0 && t == task->main)
                *met = m;
        }
}

/* Unmatched results outside the area range, or marked as such, count neither way. */
static void ignore_unmatched(const MatchTask *task, MatchBits *bits, int32_t row)
{
    uint32_t all = (1U << task->n_thresholds) - 1;
    double   area = task->found.area[row];
    bool     mark = task->found.ignore && task->found.ignore[row];
    for (int a = 0; a < task->n_areas; a++)
        if (mark || outside(task->area[a], area))
            bits[a].ignored |= all & ~bits[a].matched;
}

static Status match_cell(const CellWork *w, Arena *a, const MatchCell *c)
{
    const MatchTask *task = w->task;
    const int32_t   *found = w->out->found + c->found_at, *truth = w->out->truth + c->truth_at;
    MatchBits       *bits = w->out->bits + c->found_at * task->n_areas;
    int64_t          G = c->n_truth;
    void            *cell = NULL;
    if (task->own.match && c->n_found > 0) {
        MatchPlaces places = {found, truth, c->n_found, G, bits, w->out->met + c->found_at};
        TRY(task->own.match(task->own.ctx, a, &places));
    } else if (G > 0 && c->n_found > 0 && task->similarity.row) {
        TruthState *state = ARENA_ARRAY(a, TruthState, G);
        double     *sim = ARENA_ARRAY(a, double, G);
        int32_t    *candidate = ARENA_ARRAY(a, int32_t, G);
        if (!state || !sim || !candidate)
            return status_no_memory("cell", G * 40);
        for (int64_t g = 0; g < G; g++) {
            state[g].is_free = task->truth.is_free && task->truth.is_free[truth[g]];
            state[g].is_miss = task->truth.is_miss && task->truth.is_miss[truth[g]];
            for (int k = 0; k < task->n_areas; k++)
                if (!match_counts(task, truth[g], k))
                    state[g].ignored |= (uint8_t)(1U << k);
        }
        TRY(task->similarity.open(task->similarity.ctx, a, &cell, found, c->n_found, truth, G));
        for (int64_t d = 0; d < c->n_found; d++) {
            int64_t    n = 0, met = -1;
            MatchBits *own = bits + d * task->n_areas;
            TRY(task->similarity.row(task->similarity.ctx, cell, sim, d));
            for (int64_t g = 0; g < G; g++)
                if (!(sim[g] < w->limit[0]))
                    candidate[n++] = (int32_t)g;
            if (task->rule == MATCH_BEST_ONLY)
                match_best(w, own, &met, state, sim, G);
            else if (n > 0)
                match_result(w, own, &met, state, sim, candidate, n);
            if (met >= 0)
                w->out->met[c->found_at + d] = truth[met];
        }
    }
    for (int64_t d = 0; d < c->n_found; d++)
        ignore_unmatched(task, bits + d * task->n_areas, found[d]);
    return OK;
}

static void match_range(void *ctx, int64_t begin, int64_t end)
{
    CellWork *w = (CellWork *)ctx;
    Arena     a = {0};
    for (int64_t c = begin; c < end; c++) {
        ArenaMark mark = arena_mark(&a);
        Status    st = rank_cell(&a, w->task, w->out, &w->out->cell[c]);
        if (st == OK)
            st = match_cell(w, &a, &w->out->cell[c]);
        arena_rewind(&a, mark);
        if (st != OK) {
            w->range_status[begin / w->grain] = st;
            snprintf(w->range_text[begin / w->grain], sizeof *w->range_text, "%s", status_text());
            break;
        }
    }
    arena_release(&a);
}

Status match_all_cells(Arena *a, const MatchTask *task, MatchResult *out)
{
    CellWork w = {.task = task, .out = out, .grain = task->own.match ? 1 : 64};
    int64_t  n_ranges = (out->n_cells + w.grain - 1) / w.grain;
    for (int t = 0; t < task->n_thresholds; t++)
        w.limit[t] = task->threshold[t] < 1 - 1e-10 ? task->threshold[t] : 1 - 1e-10;
    w.range_status = ARENA_ARRAY(a, Status, n_ranges);
    w.range_text = (char(*)[256])arena_array(a, n_ranges, 256);
    if (!w.range_status || !w.range_text)
        return status_no_memory("cells", n_ranges * 260);
    threads_for(out->n_cells, w.grain, match_range, &w);
    for (int64_t i = 0; i < n_ranges; i++)
        if (w.range_status[i] != OK)
            return status_fail(w.range_status[i], "%s", w.range_text[i]);
    for (int64_t c = 0; c < out->n_cells; c++)
        for (int64_t g = 0; g < out->cell[c].n_truth; g++) {
            int32_t row = out->truth[out->cell[c].truth_at + g];
            int32_t repeats = task->image_repeats ? task->image_repeats[out->cell[c].image] : 1;
            for (int k = 0; k < task->n_areas; k++)
                if (match_counts(task, row, k))
                    out->n_positive[out->cell[c].group * out->A + k] += repeats;
        }
    return OK;
}
