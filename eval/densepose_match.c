/* densepose_match.c -- similarities of one image, and its matching; see densepose_match.h */
#include "eval/densepose_match.h"
#include <math.h>
#include <string.h>

/* ---- similarities ---- */

typedef struct Cell {
    Arena                *arena;
    const int32_t        *found, *truth;
    int64_t               n_truth;
    const DenseposeImage *image;
    Rle                  *mask; // (n_truth); NULL for GPS
    double               *iou;  // (n_truth)
} Cell;

static Status open_cell(const void *ctx, Arena *a, void **out, const int32_t *found,
                        int64_t n_found, const int32_t *truth, int64_t n_truth)
{
    const DenseposePair *p = ctx;
    Cell                *c = ARENA_NEW(a, Cell);
    if (!c)
        return ERR_MEMORY;
    *c = (Cell){.arena = a,
                .found = found,
                .truth = truth,
                .n_truth = n_truth,
                .iou = ARENA_ARRAY(a, double, n_truth)};
    *out = c;
    if (!c->iou)
        return ERR_MEMORY;
    if (n_found == 0 || n_truth == 0)
        return OK;
    c->image = &p->data->image[p->data->found[found[0]].image];
    if (p->options->mode == DENSEPOSE_GPS)
        return OK;
    c->mask = ARENA_ARRAY(a, Rle, n_truth);
    if (!c->mask)
        return ERR_MEMORY;
    for (int64_t g = 0; g < n_truth; g++)
        TRY(densepose_truth_mask(a, &c->mask[g], &p->data->truth[truth[g]], c->image->h,
                                 c->image->w));
    return OK;
}

static Status grid_of(Arena *a, uint8_t **iuv, const DenseposePair *p, int32_t found)
{
    const DenseposeFound *f = &p->data->found[found];
    Status                st = densepose_grid(a, iuv, f);
    if (st != ERR_FORMAT)
        return st;
    char why[512];
    strncpy(why, status_text(), sizeof why - 1);
    why[sizeof why - 1] = 0;
    return status_fail(ERR_FORMAT, "result %lld (image %lld): %s", (long long)found,
                       (long long)p->data->image[f->image].id, why);
}

static Status mask_overlaps(const DenseposePair *p, const Cell *c, const DenseposeFound *f,
                            const uint8_t *iuv)
{
    Rle mine;
    TRY(densepose_found_mask(c->arena, &mine, f, iuv, c->image->h, c->image->w));
    for (int64_t g = 0; g < c->n_truth; g++)
        c->iou[g] = rle_iou(&mine, &c->mask[g], p->data->truth[c->truth[g]].is_crowd);
    return OK;
}

static Status fill_row(const void *ctx, void *cell, double *sim, int64_t k)
{
    const DenseposePair  *p = ctx;
    const Cell           *c = cell;
    const DenseposeFound *f = &p->data->found[c->found[k]];
    DenseposeMode         mode = p->options->mode;
    ArenaMark             mark = arena_mark(c->arena);
    uint8_t              *iuv = NULL;
    TRY(grid_of(c->arena, &iuv, p, c->found[k]));
    if (mode != DENSEPOSE_GPS)
        TRY(mask_overlaps(p, c, f, iuv));
    for (int64_t g = 0; g < c->n_truth; g++) {
        const DenseposeTruth *t = &p->data->truth[c->truth[g]];
        double                gps = 0;
        if (mode != DENSEPOSE_IOU && t->has_points)
            TRY(densepose_gps(&gps, p->surface, t, f, iuv));
        sim[g] = mode == DENSEPOSE_GPS   ? gps
                 : mode == DENSEPOSE_IOU ? c->iou[g]
                                         : sqrt(c->iou[g] * gps);
    }
    arena_rewind(c->arena, mark);
    return OK;
}

MatchSimilarity densepose_similarity(const DenseposePair *pair)
{
    return (MatchSimilarity){pair, open_cell, fill_row};
}

/* ---- matching ---- */

/* The cell at hand. order: persons that count first, both halves in file order. */
typedef struct Match {
    const DenseposePair *pair;
    const MatchPlaces   *at;
    double              *similarity, *box_iou; // (n_found, n_truth)
    int64_t             *order;                // (n_truth)
    bool                *ignored, *taken, *crowd;
} Match;

/* The best free person for result k at threshold t, -1 when none is good enough. */
static int64_t best_truth(const Match *m, int64_t k, double t)
{
    double  best = t < 1 - 1e-10 ? t : 1 - 1e-10;
    int64_t chosen = -1;
    for (int64_t i = 0; i < m->at->n_truth; i++) {
        int64_t g = m->order[i];
        double  sim = m->similarity[k * m->at->n_truth + g];
        if (m->taken[g] && !m->crowd[g])
            continue;
        if (chosen >= 0 && !m->ignored[chosen] && m->ignored[g])
            break;
        if (sim < best || sim == 0)
            continue;
        best = sim;
        chosen = g;
    }
    return chosen;
}

/* Rule 4. `taken` is that of the last threshold. */
static int64_t best_box(const Match *m, int64_t k)
{
    double  best = .8;
    int64_t chosen = -1;
    for (int64_t i = 0; i < m->at->n_truth; i++) {
        int64_t g = m->order[i];
        double  iou = m->box_iou[k * m->at->n_truth + g];
        if ((m->taken[g] && !m->crowd[g]) || iou < best)
            continue;
        best = iou;
        chosen = g;
    }
    return chosen;
}

static bool is_miss(const Match *m, int64_t g)
{
    return m->pair->options->bug_compatible && m->pair->data->truth[m->at->truth[g]].id == 0;
}

static void match_boxes(const Match *m, int area)
{
    int      A = m->pair->task->n_areas;
    uint32_t last = 1U << (m->pair->task->n_thresholds - 1), all = (last << 1) - 1;
    for (int64_t k = 0; k < m->at->n_found; k++) {
        MatchBits *b = &m->at->bits[k * A + area];
        int64_t    g = b->matched & last ? -1 : best_box(m, k);
        if (g < 0)
            continue;
        b->ignored = m->ignored[g] ? all : 0;
        if (m->ignored[g]) {
            b->matched |= is_miss(m, g) ? 0 : last;
            m->taken[g] = true;
        }
    }
}

static void match_threshold(const Match *m, int area, int t)
{
    const MatchTask *task = m->pair->task;
    uint32_t         bit = 1U << t;
    memset(m->taken, 0, (size_t)m->at->n_truth * sizeof *m->taken);
    for (int64_t k = 0; k < m->at->n_found; k++) {
        MatchBits *b = &m->at->bits[k * task->n_areas + area];
        int64_t    g = best_truth(m, k, task->threshold[t]);
        if (g < 0)
            continue;
        b->ignored = m->ignored[g] ? b->ignored | bit : b->ignored & ~bit;
        b->matched |= is_miss(m, g) ? 0 : bit;
        m->taken[g] = true;
        if (area == 0 && t == task->main)
            m->at->met[k] = m->at->truth[g];
    }
}

static void match_area(const Match *m, int area)
{
    const MatchTask *task = m->pair->task;
    uint32_t         all = (1U << task->n_thresholds) - 1;
    int64_t          G = m->at->n_truth, n = 0, n_positive = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t g = 0; g < G; g++) {
            m->ignored[g] = !match_counts(task, m->at->truth[g], area);
            if (m->ignored[g] == (pass == 1))
                m->order[n++] = g;
            n_positive += pass == 0 && !m->ignored[g];
        }
    for (int64_t k = 0; k < m->at->n_found && n_positive == 0; k++)
        m->at->bits[k * task->n_areas + area].ignored = all; // rule 2
    for (int t = 0; t < task->n_thresholds && G > 0; t++)
        match_threshold(m, area, t);
    if (G > 0)
        match_boxes(m, area);
}

static Status match_cell(const void *ctx, Arena *a, const MatchPlaces *at)
{
    const DenseposePair *p = ctx;
    MatchSimilarity      s = densepose_similarity(p);
    int64_t              G = at->n_truth, D = at->n_found;
    void                *cell;
    Match                m = {.pair = p,
                              .at = at,
                              .similarity = ARENA_ARRAY(a, double, D *G),
                              .box_iou = ARENA_ARRAY(a, double, D *G),
                              .order = ARENA_ARRAY(a, int64_t, G),
                              .ignored = ARENA_ARRAY(a, bool, G),
                              .taken = ARENA_ARRAY(a, bool, G),
                              .crowd = ARENA_ARRAY(a, bool, G)};
    if (!m.similarity || !m.box_iou || !m.order || !m.ignored || !m.taken || !m.crowd)
        return ERR_MEMORY;
    for (int64_t g = 0; g < G; g++)
        m.crowd[g] = p->data->truth[at->truth[g]].is_crowd;
    if (G > 0) {
        TRY(s.open(s.ctx, a, &cell, at->found, D, at->truth, G));
        for (int64_t k = 0; k < D; k++) {
            TRY(s.row(s.ctx, cell, m.similarity + k * G, k));
            for (int64_t g = 0; g < G; g++)
                m.box_iou[k * G + g] = rle_box_iou(p->data->found[at->found[k]].box,
                                                   p->data->truth[at->truth[g]].box, m.crowd[g]);
        }
    }
    for (int area = 0; area < p->task->n_areas; area++)
        match_area(&m, area);
    return OK;
}

MatchOwn densepose_matching(const DenseposePair *pair)
{
    return (MatchOwn){pair, match_cell};
}
