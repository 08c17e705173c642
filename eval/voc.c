/* voc.c -- VOC's ranking, overlap and means on top of match.h; see voc.h */
#include "eval/voc.h"
#include "eval/numeric.h"
#include "eval/voc_average.h"
#include <math.h>
#include <string.h>

/* The rows of one class, grouped by class once for all: rows start[c] .. start[c+1]-1 of `row`, in
 * input order. */
typedef struct Groups {
    int64_t *start;
    int32_t *row;
} Groups;

/* Detections by class, then rank, with the boxes that are scored. */
typedef struct Ranked {
    int32_t *image, *label;
    double  *box, *score, *area; // (D,4), (D), (D)
} Ranked;

/* What the similarity compares. */
typedef struct BoxPair {
    const double *truth, *found; // (G,4), (D,4) xmin ymin xmax ymax, both ends inside
} BoxPair;

/* The boxes of one cell. */
typedef struct Cell {
    const int32_t *found, *truth;
    int64_t        n_truth;
} Cell;

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

static Status check_repeats(const VocSet *set)
{
    for (int64_t i = 0; set->image_repeats && i < set->n_images; i++)
        if (set->image_repeats[i] < 1)
            return status_fail(ERR_FORMAT, "voc: image %lld is listed %d times, expected 1 or more",
                               (long long)i, set->image_repeats[i]);
    return OK;
}

/* ---- ranking ---- */

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

/* The box and score of row `from` of the list as row `to` of the ranking has them. */
static void put_found(const Ranked *r, int64_t to, const VocEvalOptions *opt,
                      const VocBoxList *found, int64_t from)
{
    const double *in = found->box + 4 * from;
    double       *box = r->box + 4 * to;
    r->image[to] = found->image[from];
    r->label[to] = found->label[from];
    r->score[to] = found->score[from];
    if (opt->boxes == VOC_BOXES_DETECTRON2) {
        r->score[to] = numeric_round_decimal((double)(float)found->score[from], 1000);
        detectron2_box(box, in);
    } else {
        double shift = opt->boxes == VOC_BOXES_HALF_OPEN ? 1 : 0;
        box[0] = in[0] + shift;
        box[1] = in[1] + shift;
        box[2] = in[2];
        box[3] = in[3];
    }
    r->area[to] = (box[2] - box[0] + 1.0) * (box[3] - box[1] + 1.0);
}

static Status rank_found(Arena *a, Ranked *r, const VocEvalOptions *opt, const VocSet *set)
{
    int64_t D = set->found.n;
    Groups  by_class;
    *r = (Ranked){.image = ARENA_ARRAY(a, int32_t, D),
                  .label = ARENA_ARRAY(a, int32_t, D),
                  .box = ARENA_ARRAY(a, double, 4 * D),
                  .score = ARENA_ARRAY(a, double, D),
                  .area = ARENA_ARRAY(a, double, D)};
    ArenaMark mark = arena_mark(a);
    double   *key = ARENA_ARRAY(a, double, D), *tmp = ARENA_ARRAY(a, double, D);
    int32_t  *order = ARENA_ARRAY(a, int32_t, D);
    if (!r->image || !r->label || !r->box || !r->score || !r->area || !key || !tmp || !order)
        return status_no_memory("voc ranking", D * 76);
    TRY(group_by_class(a, &by_class, &set->found, set->n_classes));
    for (int64_t c = 0; c < set->n_classes; c++) {
        int64_t        at = by_class.start[c], n = by_class.start[c + 1] - at;
        const int32_t *row = by_class.row + at;
        for (int64_t i = 0; i < n; i++) { // scores as they are ranked
            put_found(r, at + i, opt, &set->found, row[i]);
            key[i] = r->score[at + i];
        }
        if (opt->order == VOC_ORDER_INTROSORT)
            numeric_order_desc_introsort(key, order, tmp, n);
        else
            numeric_order_desc(key, order, (int32_t *)tmp, n);
        for (int64_t i = 0; i < n; i++)
            put_found(r, at + i, opt, &set->found, row[order[i]]);
    }
    arena_rewind(a, mark);
    return OK;
}

/* ---- overlap ---- */

static Status open_cell(const void *ctx, Arena *a, void **cell, const int32_t *found,
                        int64_t n_found, const int32_t *truth, int64_t n_truth)
{
    (void)ctx;
    (void)n_found;
    Cell *c = ARENA_NEW(a, Cell);
    if (!c)
        return status_no_memory("cell", (long long)sizeof(Cell));
    *c = (Cell){.found = found, .truth = truth, .n_truth = n_truth};
    *cell = c;
    return OK;
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

static Status overlap_row(const void *ctx, void *cell, double *sim, int64_t k)
{
    const BoxPair *p = (const BoxPair *)ctx;
    const Cell    *c = (const Cell *)cell;
    for (int64_t g = 0; g < c->n_truth; g++)
        sim[g] = overlap_inclusive(p->found + 4 * (int64_t)c->found[k],
                                   p->truth + 4 * (int64_t)c->truth[g]);
    return OK;
}

/* ---- evaluation ---- */

static Status make_task(Arena *a, MatchTask **out, const VocSet *set, const Ranked *r)
{
    static const double  EVERY_AREA[1][2] = {{-INFINITY, INFINITY}};
    static const int64_t NO_CAP[1] = {INT32_MAX};
    MatchTask           *task = ARENA_NEW(a, MatchTask);
    BoxPair             *pair = ARENA_NEW(a, BoxPair);
    double              *threshold = ARENA_ARRAY(a, double, VOC_THRESHOLDS);
    double              *recall = ARENA_ARRAY(a, double, VOC_RECALLS);
    double              *area = ARENA_ARRAY(a, double, set->truth.n);
    if (!task || !pair || !threshold || !recall || !area)
        return status_no_memory("voc task", set->truth.n * 8);
    for (int t = 0; t < VOC_THRESHOLDS; t++)
        threshold[t] = (50 + 5 * t) / 100.0;
    numeric_linspace(recall, 0, 1, VOC_RECALLS);
    for (int64_t g = 0; g < set->truth.n; g++) {
        const double *b = set->truth.box + 4 * g;
        area[g] = (b[2] - b[0] + 1.0) * (b[3] - b[1] + 1.0);
    }
    *pair = (BoxPair){set->truth.box, r->box};
    *task = (MatchTask){
        .rule = MATCH_BEST_ONLY,
        .n_images = set->n_images,
        .n_groups = set->n_classes,
        .image_repeats = set->image_repeats,
        .truth = {.n = set->truth.n,
                  .image = set->truth.image,
                  .group = set->truth.label,
                  .area = area,
                  .ignore = set->truth.difficult},
        .found = {.n = set->found.n,
                  .image = r->image,
                  .group = r->label,
                  .area = r->area,
                  .score = r->score},
        .similarity = {.ctx = pair, .open = open_cell, .row = overlap_row},
        .n_thresholds = VOC_THRESHOLDS,
        .n_recalls = VOC_RECALLS,
        .n_areas = 1,
        .n_caps = 1,
        .threshold = threshold,
        .recall = recall,
        .area = EVERY_AREA,
        .cap = NO_CAP,
    };
    *out = task;
    return OK;
}

static void count_rows(VocResult *out, const VocSet *set)
{
    for (int64_t g = 0; g < set->truth.n; g++) {
        VocClass *c = &out->per_class[set->truth.label[g]];
        c->n_truth++;
        c->n_difficult += set->truth.difficult && set->truth.difficult[g];
    }
    for (int64_t d = 0; d < set->found.n; d++)
        out->per_class[set->found.label[d]].n_found++;
    out->n_classes = set->n_classes;
    out->n_images = set->n_images;
    out->n_found = set->found.n;
    for (int64_t c = 0; c < set->n_classes; c++) {
        out->n_truth += out->per_class[c].n_truth;
        out->n_difficult += out->per_class[c].n_difficult;
    }
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
    MatchTask *task = NULL;
    Ranked     ranked;
    memset(out, 0, sizeof *out);
    TRY(check_list(&set->truth, set, "ground truth"));
    TRY(check_list(&set->found, set, "detections"));
    TRY(check_repeats(set));
    out->per_class = ARENA_ARRAY(a, VocClass, set->n_classes);
    double *mean = ARENA_ARRAY(a, double, set->n_classes);
    if (!out->per_class || !mean)
        return status_no_memory("voc result", set->n_classes * (int64_t)sizeof(VocClass));
    TRY(rank_found(a, &ranked, opt, set));
    TRY(make_task(a, &task, set, &ranked));
    TRY(match_run(a, task, &out->match));
    out->task = task;
    memcpy(out->thresholds, task->threshold, sizeof out->thresholds);
    count_rows(out, set);
    for (int64_t c = 0; c < set->n_classes; c++)
        TRY(voc_average(a, opt, &out->per_class[c], task, &out->match, c));
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
