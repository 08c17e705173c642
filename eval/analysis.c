/* analysis.c -- see analysis.h */
#include "eval/analysis.h"
#include "eval/coco_similarity.h"
#include "eval/numeric.h"
#include <math.h>
#include <string.h>

#define FOREGROUND 0.5
#define BACKGROUND 0.1
#define MAX_PAIRS (1LL << 27)

const char *const ERROR_NAME[ERROR_KINDS] = {"localisation", "class",      "both",
                                             "duplicate",    "background", "missed"};

/* One result or annotation of the image at hand. */
typedef struct Item {
    int32_t row, group;
    bool    is_true, is_ignored, is_crowd, is_taken, is_pointed_at;
    double  score;
} Item;

typedef struct Image {
    Item    *found, *truth;
    int64_t  n_found, n_truth;
    int32_t *found_row, *truth_row;
    double  *sim; // (n_found, n_truth)
} Image;

/* Cells of each image: cell[start[i] .. start[i+1]-1]. */
static Status cells_by_image(Arena *a, int64_t **start, int64_t **cell, const MatchResult *m,
                             int64_t n_images)
{
    *start = ARENA_ARRAY(a, int64_t, n_images + 2);
    *cell = ARENA_ARRAY(a, int64_t, m->n_cells);
    int64_t *next = ARENA_ARRAY(a, int64_t, n_images + 1);
    if (!*start || !*cell || !next)
        return status_no_memory("cells", m->n_cells * 8);
    for (int64_t c = 0; c < m->n_cells; c++)
        (*start)[m->cell[c].image + 1]++;
    for (int64_t i = 0; i < n_images; i++)
        (*start)[i + 1] += (*start)[i];
    memcpy(next, *start, (size_t)n_images * sizeof *next);
    for (int64_t c = 0; c < m->n_cells; c++)
        (*cell)[next[m->cell[c].image]++] = c;
    return OK;
}

static Status load_image(Arena *a, Image *im, const CocoPair *pair, const CocoResult *r,
                         const int64_t *cells, int64_t n_cells)
{
    const MatchResult *m = &r->match;
    memset(im, 0, sizeof *im);
    for (int64_t i = 0; i < n_cells; i++) {
        im->n_found += m->cell[cells[i]].n_found;
        im->n_truth += m->cell[cells[i]].n_truth;
    }
    if (im->n_truth > 0 && im->n_found > MAX_PAIRS / im->n_truth)
        return status_fail(ERR_FORMAT, "analysis: %lld results and %lld annotations in one image",
                           (long long)im->n_found, (long long)im->n_truth);
    im->found = ARENA_ARRAY(a, Item, im->n_found);
    im->truth = ARENA_ARRAY(a, Item, im->n_truth);
    im->found_row = ARENA_ARRAY(a, int32_t, im->n_found);
    im->truth_row = ARENA_ARRAY(a, int32_t, im->n_truth);
    im->sim = ARENA_ARRAY(a, double, im->n_found * im->n_truth);
    if (!im->found || !im->truth || !im->found_row || !im->truth_row || !im->sim)
        return status_no_memory("image", im->n_found * im->n_truth * 8);
    int64_t d = 0, g = 0;
    for (int64_t i = 0; i < n_cells; i++) {
        const MatchCell *c = &m->cell[cells[i]];
        for (int32_t k = 0; k < c->n_found; k++, d++) {
            MatchBits b = m->bits[(c->found_at + k) * m->A];
            int32_t   row = m->found[c->found_at + k];
            im->found_row[d] = row;
            im->found[d] = (Item){.row = row,
                                  .group = c->group,
                                  .is_true = b.matched & ~b.ignored & 1,
                                  .is_ignored = b.ignored & 1,
                                  .score = pair->found->rows.score[row]};
        }
        for (int32_t k = 0; k < c->n_truth; k++, g++) {
            int32_t row = m->truth[c->truth_at + k];
            im->truth_row[g] = row;
            im->truth[g] = (Item){
                .row = row, .group = c->group, .is_crowd = pair->truth->rows.is_crowd[row] != 0};
        }
    }
    if (im->n_found == 0 || im->n_truth == 0)
        return OK;
    MatchSimilarity s = coco_similarity(pair, r->iou);
    void           *cell;
    TRY(s.open(s.ctx, a, &cell, im->found_row, im->n_found, im->truth_row, im->n_truth));
    for (d = 0; d < im->n_found; d++)
        TRY(s.row(s.ctx, cell, im->sim + d * im->n_truth, d));
    return OK;
}

/* The annotations that true results took, best results first as the matching did. */
static void mark_taken(Image *im)
{
    for (int64_t d = 0; d < im->n_found; d++) {
        int64_t best = -1;
        if (!im->found[d].is_true)
            continue;
        for (int64_t g = 0; g < im->n_truth; g++) {
            const Item *t = &im->truth[g];
            double      o = im->sim[d * im->n_truth + g];
            if (t->group == im->found[d].group && !t->is_crowd && !t->is_taken && o >= FOREGROUND &&
                (best < 0 || o >= im->sim[d * im->n_truth + best]))
                best = g;
        }
        if (best >= 0)
            im->truth[best].is_taken = true;
    }
}

static ErrorKind kind_of(Image *im, int64_t d)
{
    int64_t same = -1, other = -1;
    double  same_overlap = 0, other_overlap = 0;
    for (int64_t g = 0; g < im->n_truth; g++) {
        double o = im->sim[d * im->n_truth + g];
        if (im->truth[g].is_crowd)
            continue;
        if (im->truth[g].group == im->found[d].group && o > same_overlap) {
            same = g;
            same_overlap = o;
        } else if (im->truth[g].group != im->found[d].group && o > other_overlap) {
            other = g;
            other_overlap = o;
        }
    }
    if (same_overlap >= BACKGROUND && same_overlap < FOREGROUND) {
        im->truth[same].is_pointed_at = true;
        return ERROR_LOCALISATION;
    }
    if (other_overlap >= FOREGROUND) {
        im->truth[other].is_pointed_at = true;
        return ERROR_CLASS;
    }
    if (same_overlap >= FOREGROUND)
        return ERROR_DUPLICATE;
    return other_overlap < BACKGROUND ? ERROR_BACKGROUND : ERROR_BOTH;
}

static void count_errors(Analysis *out, Image *im)
{
    mark_taken(im);
    for (int64_t d = 0; d < im->n_found; d++) {
        out->n_true += im->found[d].is_true;
        if (!im->found[d].is_true && !im->found[d].is_ignored)
            out->class_errors[im->found[d].group * ERROR_KINDS + kind_of(im, d)]++;
    }
    for (int64_t g = 0; g < im->n_truth; g++)
        if (!im->truth[g].is_crowd && !im->truth[g].is_taken && !im->truth[g].is_pointed_at)
            out->class_errors[im->truth[g].group * ERROR_KINDS + ERROR_MISSED]++;
}

/* Greedy by score, whatever the category: each result takes the free annotation it overlaps most, from .5 on. */
static Status count_confusions(Arena *a, Analysis *out, Image *im)
{
    int64_t  K = out->K, D = im->n_found;
    double  *key = ARENA_ARRAY(a, double, D);
    int32_t *order = ARENA_ARRAY(a, int32_t, 2 * D);
    if (!key || !order)
        return status_no_memory("confusion", D * 16);
    for (int64_t d = 0; d < D; d++)
        key[d] = im->found[d].score;
    numeric_order_desc(key, order, order + D, D);
    for (int64_t g = 0; g < im->n_truth; g++)
        im->truth[g].is_taken = false;
    for (int64_t i = 0; i < D && key[order[i]] >= out->confusion_score; i++) {
        int64_t d = order[i], best = -1;
        bool    on_crowd = false;
        for (int64_t g = 0; g < im->n_truth; g++) {
            double o = im->sim[d * im->n_truth + g];
            if (o >= FOREGROUND && im->truth[g].is_crowd)
                on_crowd = true;
            else if (o >= FOREGROUND && !im->truth[g].is_taken &&
                     (best < 0 || o > im->sim[d * im->n_truth + best]))
                best = g;
        }
        if (best >= 0)
            im->truth[best].is_taken = true;
        if (best >= 0 || !on_crowd)
            out->confusion[(best >= 0 ? im->truth[best].group : K) * (K + 1) +
                           im->found[d].group]++;
    }
    for (int64_t g = 0; g < im->n_truth; g++)
        if (!im->truth[g].is_taken && !im->truth[g].is_crowd)
            out->confusion[im->truth[g].group * (K + 1) + K]++;
    return OK;
}

static Status best_f1(Arena *a, BestF1 *best, const CocoResult *r, const CocoResults *found,
                      int64_t k)
{
    const MatchResult *m = &r->match;
    ArenaMark          mark = arena_mark(a);
    int64_t            n = 0, positives = m->n_positive[k * m->A], tp = 0, fp = 0;
    *best = (BestF1){NAN, NAN, NAN, NAN};
    for (int64_t c = m->group_cell[k]; c < m->group_cell[k + 1]; c++)
        n += m->cell[c].n_found;
    double    *key = ARENA_ARRAY(a, double, n);
    MatchBits *bits = ARENA_ARRAY(a, MatchBits, n);
    int32_t   *order = ARENA_ARRAY(a, int32_t, 2 * n);
    if (!key || !bits || !order)
        return status_no_memory("scores", n * 20);
    n = 0;
    for (int64_t c = m->group_cell[k]; c < m->group_cell[k + 1]; c++)
        for (int64_t d = m->cell[c].found_at; d < m->cell[c].found_at + m->cell[c].n_found;
             d++, n++) {
            key[n] = found->rows.score[m->found[d]];
            bits[n] = m->bits[d * m->A];
        }
    numeric_order_desc(key, order, order + n, n);
    for (int64_t i = 0; i < n; i++) {
        MatchBits b = bits[order[i]];
        tp += b.matched & ~b.ignored & 1;
        fp += ~b.matched & ~b.ignored & 1;
        if (tp == 0 ||
            (i + 1 < n && key[order[i + 1]] == key[order[i]])) // a threshold cannot split a tie
            continue;
        double f1 = 2.0 * (double)tp / (double)(tp + fp + positives);
        if (!(f1 <= best->f1))
            *best = (BestF1){key[order[i]], f1, (double)tp / (double)(tp + fp),
                             (double)tp / (double)positives};
    }
    arena_rewind(a, mark);
    return OK;
}

Status analysis_run(Arena *a, const AnalysisOptions *opt, Analysis *out, const CocoResult *r,
                    const CocoTruth *truth, const CocoResults *found)
{
    CocoPair pair = {.truth = truth, .found = found, .least = BACKGROUND};
    int64_t  K = r->match.K, *start, *cells;
    memset(out, 0, sizeof *out);
    if (r->iou == COCO_KEYPOINTS || r->threshold[0] != FOREGROUND ||
        (K > 0 && r->per_class[0].category < 0))
        return status_fail(
            ERR_USAGE, "analysis: needs boxes or masks, categories, and .5 as the first threshold");
    out->K = K;
    out->confusion_score = opt->confusion_score;
    out->best = ARENA_ARRAY(a, BestF1, K);
    out->class_errors = ARENA_ARRAY(a, int64_t, K * ERROR_KINDS);
    out->confusion = ARENA_ARRAY(a, int64_t, (K + 1) * (K + 1));
    if (!out->best || !out->class_errors || !out->confusion)
        return status_no_memory("analysis", K * K * 8);
    TRY(cells_by_image(a, &start, &cells, &r->match, r->n_images));
    for (int64_t i = 0; i < r->n_images; i++) {
        Image     im;
        ArenaMark mark = arena_mark(a);
        TRY(load_image(a, &im, &pair, r, cells + start[i], start[i + 1] - start[i]));
        count_errors(out, &im);
        TRY(count_confusions(a, out, &im));
        arena_rewind(a, mark);
    }
    for (int64_t k = 0; k < K; k++) {
        TRY(best_f1(a, &out->best[k], r, found, k));
        for (int e = 0; e < ERROR_KINDS; e++)
            out->errors[e] += out->class_errors[k * ERROR_KINDS + e];
    }
    return OK;
}
