/* analysis.c -- see analysis.h */
#include "eval/analysis.h"
#include "base/threads.h"
#include "eval/numeric.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FOREGROUND 0.5
#define BACKGROUND 0.1
#define MAX_PAIRS (1LL << 27)
#define MAX_GROUPS 8192 // the matrix then has half a gigabyte

const char *const ERROR_NAME[ERROR_KINDS] = {"localisation", "class",      "both",
                                             "duplicate",    "background", "missed"};
const char *const ERROR_MEANING[ERROR_KINDS] = {
    "best overlap with its own category between .1 and .5",
    "overlap of .5 with an annotation of another category",
    "wrong category, and overlap between .1 and .5",
    "overlap of .5 with its own category, which a better result took",
    "no overlap reaches .1",
    "an annotation that no result took and no localisation or class error points at",
};

/* One result or annotation of the image at hand. */
typedef struct Item {
    int32_t row, group;
    int32_t met;                          // results: truth row of the match, -1
    bool    is_true, is_ignored;          // results
    bool    counts, is_taken, is_pointed; // annotations
    double  score;
} Item;

typedef struct Image {
    Item    *found, *truth;
    int64_t  n_found, n_truth;
    int32_t *found_row, *truth_row;
    double  *sim; // (n_found, n_truth)
} Image;

typedef struct Work {
    const AnalysisInput *in;
    Analysis            *out;
    int64_t             *start, *cell; // cells of image i: cell[start[i] .. start[i+1]-1]
    int64_t              grain;
    Status              *range_status;
    char (*range_text)[256];
} Work;

static bool is_foreground(const MatchTask *task, double overlap)
{
    return task->rule == MATCH_BEST_ONLY || task->exceeds ? overlap > FOREGROUND
                                                          : overlap >= FOREGROUND;
}

static void count_one(int64_t *count)
{
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

/* ---- one image ---- */

static Status cells_by_image(Arena *a, Work *w)
{
    const MatchResult *m = w->in->match;
    int64_t            n_images = w->in->task->n_images;
    w->start = ARENA_ARRAY(a, int64_t, n_images + 2);
    w->cell = ARENA_ARRAY(a, int64_t, m->n_cells);
    if (!w->start || !w->cell)
        return status_no_memory("cells", m->n_cells * 8);
    for (int64_t c = 0; c < m->n_cells; c++) // counts two ahead, so that the fill leaves starts
        w->start[m->cell[c].image + 2]++;
    for (int64_t i = 2; i < n_images + 2; i++)
        w->start[i] += w->start[i - 1];
    for (int64_t c = 0; c < m->n_cells; c++)
        w->cell[w->start[m->cell[c].image + 1]++] = c;
    return OK;
}

static Status make_room(Arena *a, Image *im, const Work *w, const int64_t *cells, int64_t n_cells)
{
    memset(im, 0, sizeof *im);
    for (int64_t i = 0; i < n_cells; i++) {
        im->n_found += w->in->match->cell[cells[i]].n_found;
        im->n_truth += w->in->match->cell[cells[i]].n_truth;
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
    return OK;
}

static Status load_image(Arena *a, Image *im, const Work *w, const int64_t *cells, int64_t n_cells)
{
    const MatchResult     *m = w->in->match;
    const MatchTask       *task = w->in->task;
    const MatchSimilarity *s = &w->in->overlap;
    int64_t                d = 0, g = 0;
    TRY(make_room(a, im, w, cells, n_cells));
    for (int64_t i = 0; i < n_cells; i++) {
        const MatchCell *c = &m->cell[cells[i]];
        for (int64_t place = c->found_at; place < c->found_at + c->n_found; place++, d++) {
            MatchBits b = m->bits[place * m->A];
            int32_t   row = m->found[place];
            im->found_row[d] = row;
            im->found[d] = (Item){.row = row,
                                  .group = c->group,
                                  .met = m->met[place],
                                  .is_true = (b.matched & ~b.ignored) >> task->main & 1,
                                  .is_ignored = b.ignored >> task->main & 1,
                                  .score = task->found.score[row]};
        }
        for (int64_t place = c->truth_at; place < c->truth_at + c->n_truth; place++, g++) {
            int32_t row = m->truth[place];
            im->truth_row[g] = row;
            im->truth[g] =
                (Item){.row = row, .group = c->group, .counts = match_counts(task, row, 0)};
        }
    }
    if (im->n_found == 0 || im->n_truth == 0)
        return OK;
    void *cell;
    TRY(s->open(s->ctx, a, &cell, im->found_row, im->n_found, im->truth_row, im->n_truth));
    for (d = 0; d < im->n_found; d++)
        TRY(s->row(s->ctx, cell, im->sim + d * im->n_truth, d));
    return OK;
}

/* ---- kinds of error ---- */

static void mark_taken(Image *im)
{
    for (int64_t d = 0; d < im->n_found; d++)
        for (int64_t g = 0; g < im->n_truth && im->found[d].is_true; g++)
            if (im->truth[g].row == im->found[d].met)
                im->truth[g].is_taken = true;
}

static ErrorKind kind_of(const Work *w, Image *im, int64_t d)
{
    const MatchTask *task = w->in->task;
    int64_t          same = -1, other = -1;
    double           same_overlap = 0, other_overlap = 0;
    for (int64_t g = 0; g < im->n_truth; g++) {
        double o = im->sim[d * im->n_truth + g];
        if (!im->truth[g].counts)
            continue;
        if (im->truth[g].group == im->found[d].group && o > same_overlap) {
            same = g;
            same_overlap = o;
        } else if (im->truth[g].group != im->found[d].group && o > other_overlap) {
            other = g;
            other_overlap = o;
        }
    }
    if (same_overlap >= BACKGROUND && !is_foreground(task, same_overlap)) {
        im->truth[same].is_pointed = true;
        return ERROR_LOCALISATION;
    }
    if (is_foreground(task, other_overlap)) {
        im->truth[other].is_pointed = true;
        return ERROR_CLASS;
    }
    if (is_foreground(task, same_overlap))
        return ERROR_DUPLICATE;
    return other_overlap < BACKGROUND ? ERROR_BACKGROUND : ERROR_BOTH;
}

static void count_errors(const Work *w, Image *im)
{
    Analysis *out = w->out;
    mark_taken(im);
    for (int64_t d = 0; d < im->n_found; d++) {
        if (im->found[d].is_true)
            count_one(&out->n_true);
        else if (!im->found[d].is_ignored)
            count_one(&out->class_errors[im->found[d].group * ERROR_KINDS + kind_of(w, im, d)]);
    }
    for (int64_t g = 0; g < im->n_truth; g++)
        if (im->truth[g].counts && !im->truth[g].is_taken && !im->truth[g].is_pointed)
            count_one(&out->class_errors[im->truth[g].group * ERROR_KINDS + ERROR_MISSED]);
}

/* ---- confusions ---- */

/* The free annotation that result d overlaps most, -1; *is_ignored: it lies on one that does not count. */
static int64_t free_truth(const Work *w, const Image *im, int64_t d, bool *is_ignored)
{
    int64_t        best = -1;
    const uint8_t *ignore = w->in->task->found.ignore;
    *is_ignored = im->found[d].is_ignored || (ignore && ignore[im->found[d].row]);
    for (int64_t g = 0; g < im->n_truth; g++) {
        double o = im->sim[d * im->n_truth + g];
        if (!is_foreground(w->in->task, o))
            continue;
        if (!im->truth[g].counts)
            *is_ignored = true;
        else if (!im->truth[g].is_taken && (best < 0 || o > im->sim[d * im->n_truth + best]))
            best = g;
    }
    return best;
}

/* Greedy by score, whatever the category. */
static Status count_confusions(Arena *a, const Work *w, Image *im)
{
    Analysis *out = w->out;
    int64_t   K = out->K, D = im->n_found;
    double   *key = ARENA_ARRAY(a, double, D);
    int32_t  *order = ARENA_ARRAY(a, int32_t, 2 * D);
    if (!key || !order)
        return status_no_memory("confusion", D * 16);
    for (int64_t d = 0; d < D; d++)
        key[d] = im->found[d].score;
    numeric_order_desc(key, order, order + D, D);
    for (int64_t g = 0; g < im->n_truth; g++)
        im->truth[g].is_taken = false;
    for (int64_t i = 0; i < D && key[order[i]] >= out->confusion_score; i++) {
        bool    is_ignored;
        int64_t d = order[i], best = free_truth(w, im, d, &is_ignored);
        if (best >= 0)
            im->truth[best].is_taken = true;
        if (best >= 0 || !is_ignored)
            count_one(&out->confusion[(best >= 0 ? im->truth[best].group : K) * (K + 1) +
                                      im->found[d].group]);
    }
    for (int64_t g = 0; g < im->n_truth; g++)
        if (!im->truth[g].is_taken && im->truth[g].counts)
            count_one(&out->confusion[im->truth[g].group * (K + 1) + K]);
    return OK;
}

static void image_range(void *ctx, int64_t begin, int64_t end)
{
    Work *w = (Work *)ctx;
    Arena a = {0};
    for (int64_t i = begin; i < end; i++) {
        Image     im;
        ArenaMark mark = arena_mark(&a);
        Status    st = load_image(&a, &im, w, w->cell + w->start[i], w->start[i + 1] - w->start[i]);
        if (st == OK) {
            count_errors(w, &im);
            st = count_confusions(&a, w, &im);
        }
        arena_rewind(&a, mark);
        if (st != OK) {
            w->range_status[begin / w->grain] = st;
            snprintf(w->range_text[begin / w->grain], sizeof *w->range_text, "%s", status_text());
            break;
        }
    }
    arena_release(&a);
}

/* ---- thresholds ---- */

static Status best_f1(Arena *a, BestF1 *best, const AnalysisInput *in, int64_t k)
{
    const MatchResult *m = in->match;
    ArenaMark          mark = arena_mark(a);
    MatchRanking       r;
    int64_t            positives = m->n_positive[k * m->A], tp = 0, fp = 0;
    *best = (BestF1){NAN, NAN, NAN, NAN};
    TRY(match_rank(a, &r, in->task, m, k));
    for (int64_t i = 0; i < r.n; i++) {
        MatchBits b = m->bits[r.place[i] * m->A];
        tp += (b.matched & ~b.ignored) >> in->task->main & 1;
        fp += ~(b.matched | b.ignored) >> in->task->main & 1;
        if (tp == 0 || (i + 1 < r.n && r.score[i + 1] == r.score[i]))
            continue; // a threshold cannot split a tie
        double f1 = 2.0 * (double)tp / (double)(tp + fp + positives);
        if (!(f1 <= best->f1))
            *best = (BestF1){r.score[i], f1, (double)tp / (double)(tp + fp),
                             (double)tp / (double)positives};
    }
    arena_rewind(a, mark);
    return OK;
}

static Status count_images(Arena *a, Work *w)
{
    int64_t n = w->in->task->n_images, n_ranges = (n + w->grain - 1) / w->grain;
    TRY(cells_by_image(a, w));
    w->range_status = ARENA_ARRAY(a, Status, n_ranges);
    w->range_text = (char(*)[256])arena_array(a, n_ranges, 256);
    if (!w->range_status || !w->range_text)
        return status_no_memory("images", n_ranges * 260);
    threads_for(n, w->grain, image_range, w);
    for (int64_t i = 0; i < n_ranges; i++)
        if (w->range_status[i] != OK)
            return status_fail(w->range_status[i], "%s", w->range_text[i]);
    return OK;
}

Status analysis_run(Arena *a, const AnalysisOptions *opt, Analysis *out, const AnalysisInput *in)
{
    Work    w = {.in = in, .out = out, .grain = 16};
    int64_t K = in->match->K;
    memset(out, 0, sizeof *out);
    if (!(fabs(in->task->threshold[in->task->main] - FOREGROUND) < 1e-9))
        return status_fail(
            ERR_USAGE,
            "analysis: looks at an overlap of .5, which is none of the thresholds (%g ...)",
            in->task->threshold[in->task->main]);
    if (K > MAX_GROUPS)
        return status_fail(ERR_FORMAT,
                           "analysis: a confusion matrix of %lld categories; at most %d",
                           (long long)K, MAX_GROUPS);
    out->K = K;
    out->confusion_score = opt->confusion_score;
    out->best = ARENA_ARRAY(a, BestF1, K);
    out->class_errors = ARENA_ARRAY(a, int64_t, K * ERROR_KINDS);
    out->confusion = ARENA_ARRAY(a, int64_t, (K + 1) * (K + 1));
    if (!out->best || !out->class_errors || !out->confusion)
        return status_no_memory("analysis", K * K * 8);
    TRY(count_images(a, &w));
    for (int64_t k = 0; k < K; k++) {
        TRY(best_f1(a, &out->best[k], in, k));
        for (int e = 0; e < ERROR_KINDS; e++) {
            out->errors[e] += out->class_errors[k * ERROR_KINDS + e];
            out->n_false += e == ERROR_MISSED ? 0 : out->class_errors[k * ERROR_KINDS + e];
        }
    }
    return OK;
}
