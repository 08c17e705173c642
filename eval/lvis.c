/* lvis.c -- the federated rules on top of match.h; see lvis.h */
#include "eval/lvis.h"
#include "eval/coco_repeat.h"
#include "eval/coco_similarity.h"
#include "eval/numeric.h"
#include <stdio.h>
#include <string.h>

/* Rows of each image in file order: row[start[i] .. start[i+1]-1]. */
typedef struct ByImage {
    int64_t *start;
    int32_t *row;
} ByImage;

static Status group_by_image(Arena *a, ByImage *g, const CocoRows *rows, int64_t n_images)
{
    g->start = ARENA_ARRAY(a, int64_t, n_images + 2);
    g->row = ARENA_ARRAY(a, int32_t, rows->n);
    int64_t *next = ARENA_ARRAY(a, int64_t, n_images + 1);
    if (!g->start || !g->row || !next)
        return status_no_memory("images", rows->n * 4);
    for (int64_t i = 0; i < rows->n; i++)
        if (rows->image[i] >= 0)
            g->start[rows->image[i] + 1]++;
    for (int64_t i = 0; i < n_images; i++)
        g->start[i + 1] += g->start[i];
    memcpy(next, g->start, (size_t)n_images * sizeof *next);
    for (int64_t i = 0; i < rows->n; i++)
        if (rows->image[i] >= 0)
            g->row[next[rows->image[i]]++] = (int32_t)i;
    return OK;
}

/* Work on one image: categories carry the stamp of the image that set them last. */
typedef struct Federated {
    const CocoTruth   *truth;
    const CocoResults *found;
    int64_t            cap;
    bool               is_chosen; // truths without area are gone already
    ByImage            truths, results;
    int32_t           *counts;     // (K) stamp: present or listed as negative
    int32_t           *unfinished; // (K) stamp: not exhaustively annotated
    int32_t           *d_image, *d_group, *g_image;
    uint8_t           *spare; // results that count neither way when unmatched
} Federated;

/* The best `cap` results of the image over all categories; the others leave. */
static Status cap_image(Arena *a, Federated *f, LvisResult *out, int64_t image)
{
    int64_t        n = f->results.start[image + 1] - f->results.start[image];
    const int32_t *rows = f->results.row + f->results.start[image];
    if (f->cap < 0 || n <= f->cap)
        return OK;
    ArenaMark mark = arena_mark(a);
    double   *score = ARENA_ARRAY(a, double, n);
    int32_t  *order = ARENA_ARRAY(a, int32_t, 2 * n);
    if (!score || !order)
        return status_no_memory("cap", n * 16);
    for (int64_t i = 0; i < n; i++)
        score[i] = f->found->rows.score[rows[i]];
    numeric_order_desc(score, order, order + n, n);
    for (int64_t i = f->cap; i < n; i++)
        f->d_image[rows[order[i]]] = -1;
    out->n_capped += n - f->cap;
    arena_rewind(a, mark);
    return OK;
}

/* Results of category k count in the image of that stamp. */
static void count_category(Federated *f, LvisResult *out, int64_t k, int32_t value)
{
    if (f->counts[k] != value)
        out->per_class[k].n_checked++;
    f->counts[k] = value;
}

static void read_lists(Federated *f, LvisResult *out, const CocoImage *im, int32_t value)
{
    for (int64_t i = 0; i < im->n_neg; i++) {
        int64_t k = coco_category_at(f->truth, f->truth->listed[im->neg_at + i]);
        if (k >= 0)
            count_category(f, out, k, value);
    }
    for (int64_t i = 0; i < im->n_unfinished; i++) {
        int64_t k = coco_category_at(f->truth, f->truth->listed[im->unfinished_at + i]);
        if (k >= 0)
            f->unfinished[k] = value;
    }
}

static void filter_image(Federated *f, LvisResult *out, int64_t image)
{
    int32_t value = (int32_t)image + 1;
    read_lists(f, out, &f->truth->image[image], value);
    for (int64_t i = f->truths.start[image]; i < f->truths.start[image + 1]; i++) {
        int32_t row = f->truths.row[i];
        if ((f->truth->rows.area[row] > 0 || f->is_chosen) && f->truth->rows.category[row] >= 0)
            count_category(f, out, f->truth->rows.category[row], value);
        else
            f->g_image[row] = -1;
    }
    for (int64_t i = f->results.start[image]; i < f->results.start[image + 1]; i++) {
        int32_t row = f->results.row[i], k = f->d_group[row];
        if (f->d_image[row] < 0 || k < 0)
            continue;
        if (!(f->found->rows.area[row] > 0) || f->counts[k] != value) {
            f->d_image[row] = -1;
            out->n_dropped++;
        } else {
            f->spare[row] = f->unfinished[k] == value;
        }
    }
}

static Status apply_rules(Arena *a, Federated *f, LvisResult *out)
{
    const CocoRows *g = &f->truth->rows, *d = &f->found->rows;
    int64_t         K = f->truth->n_categories;
    TRY(group_by_image(a, &f->truths, g, f->truth->n_images));
    TRY(group_by_image(a, &f->results, d, f->truth->n_images));
    f->counts = ARENA_ARRAY(a, int32_t, K);
    f->unfinished = ARENA_ARRAY(a, int32_t, K);
    f->d_image = ARENA_ARRAY(a, int32_t, d->n);
    f->d_group = ARENA_ARRAY(a, int32_t, d->n);
    f->g_image = ARENA_ARRAY(a, int32_t, g->n);
    f->spare = ARENA_ARRAY(a, uint8_t, d->n);
    if (!f->counts || !f->unfinished || !f->d_image || !f->d_group || !f->g_image || !f->spare)
        return status_no_memory("rows", d->n * 9);
    if (d->n > 0) {
        memcpy(f->d_image, d->image, (size_t)d->n * sizeof *f->d_image);
        memcpy(f->d_group, d->category, (size_t)d->n * sizeof *f->d_group);
    }
    if (g->n > 0)
        memcpy(f->g_image, g->image, (size_t)g->n * sizeof *f->g_image);
    for (int64_t i = 0; i < f->truth->n_images; i++) {
        TRY(cap_image(a, f, out, i));
        filter_image(f, out, i);
    }
    return OK;
}

/* Which part of precision or recall is averaged. */
typedef struct Slice {
    char    frequency; // 0: categories of every frequency
    int64_t category;  // -1: all
    int     threshold; // -1: all
    int     area;
    bool    is_recall;
} Slice;

static Status mean_of(Arena *a, double *value, const LvisResult *r, const CocoTruth *t, Slice s)
{
    const MatchResult *m = &r->match;
    ArenaMark          mark = arena_mark(a);
    int64_t            R = s.is_recall ? 1 : m->R, n = 0;
    int64_t            k0 = s.category < 0 ? 0 : s.category, k1 = s.category < 0 ? m->K : k0 + 1;
    int64_t            t0 = s.threshold < 0 ? 0 : s.threshold, t1 = s.threshold < 0 ? m->T : t0 + 1;
    double            *x = ARENA_ARRAY(a, double, (t1 - t0) * R * (k1 - k0));
    if (!x)
        return status_no_memory("mean", (t1 - t0) * R * (k1 - k0) * 8);
    for (int64_t i = t0; i < t1; i++)
        for (int64_t p = 0; p < R; p++)
            for (int64_t k = k0; k < k1; k++) {
                double v = s.is_recall ? m->recall[match_recall_at(m, i, k, s.area, 0)]
                                       : m->precision[match_at(m, i, p, k, s.area, 0)];
                if (v > -1 && (!s.frequency || t->category[k].frequency == s.frequency))
                    x[n++] = v;
            }
    *value = n == 0 ? -1 : numeric_mean(x, n);
    arena_rewind(a, mark);
    return OK;
}

static Status score_class(Arena *a, LvisResult *r, const CocoTruth *t, int64_t k)
{
    LvisClassScore *c = &r->per_class[k];
    const struct {
        double *value;
        Slice   slice;
    } part[] = {{&c->ap, {0, k, -1, 0, false}},        {&c->ap50, {0, k, 0, 0, false}},
                {&c->ap75, {0, k, 5, 0, false}},       {&c->ap_small, {0, k, -1, 1, false}},
                {&c->ap_medium, {0, k, -1, 2, false}}, {&c->ap_large, {0, k, -1, 3, false}},
                {&c->ar, {0, k, -1, 0, true}}};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        TRY(mean_of(a, part[i].value, r, t, part[i].slice));
    c->n_truth = r->match.n_positive[k * r->match.A];
    for (int64_t i = r->match.group_cell[k]; i < r->match.group_cell[k + 1]; i++)
        c->n_found += r->match.cell[i].n_found;
    return OK;
}

static Status summarize(Arena *a, LvisResult *r, const CocoTruth *t)
{
    static const struct {
        const char *name;
        Slice       slice;
    } ROW[13] = {{"AP", {0, -1, -1, 0, false}},    {"AP50", {0, -1, 0, 0, false}},
                 {"AP75", {0, -1, 5, 0, false}},   {"APs", {0, -1, -1, 1, false}},
                 {"APm", {0, -1, -1, 2, false}},   {"APl", {0, -1, -1, 3, false}},
                 {"APr", {'r', -1, -1, 0, false}}, {"APc", {'c', -1, -1, 0, false}},
                 {"APf", {'f', -1, -1, 0, false}}, {"AR", {0, -1, -1, 0, true}},
                 {"ARs", {0, -1, -1, 1, true}},    {"ARm", {0, -1, -1, 2, true}},
                 {"ARl", {0, -1, -1, 3, true}}};
    for (int i = 0; i < 13; i++) {
        r->stat[i].name =
            ROW[i].slice.is_recall // as lvis-api calls them: AR@300, without a cap AR@-1
                ? arena_printf(a, "%s@%lld", ROW[i].name, (long long)r->max_per_image)
                : ROW[i].name;
        if (!r->stat[i].name)
            return ERR_MEMORY;
        TRY(mean_of(a, &r->stat[i].value, r, t, ROW[i].slice));
    }
    r->n_stats = 13;
    for (int64_t k = 0; k < t->n_categories; k++) {
        TRY(score_class(a, r, t, k));
        r->n_rare += t->category[k].frequency == 'r';
        r->n_common += t->category[k].frequency == 'c';
        r->n_frequent += t->category[k].frequency == 'f';
    }
    for (int64_t i = 0; i < t->rows.n; i++)
        r->n_ignored += r->task->truth.image[i] >= 0 && t->rows.ignore[i];
    return OK;
}

/* *own = *truth with repeated ids as the reference sees them. */
static Status repeat_rows(Arena *a, CocoTruth *own, const CocoTruth *truth)
{
    const CocoRows *rows = &truth->rows;
    uint8_t        *chosen = ARENA_ARRAY(a, uint8_t, rows->n);
    if (!chosen)
        return status_no_memory("rows", rows->n);
    for (int64_t i = 0; i < rows->n; i++)
        chosen[i] = rows->image[i] >= 0 && rows->category[i] >= 0 && rows->area[i] > 0;
    *own = *truth;
    return coco_repeat(a, &own->rows, rows, chosen, truth->n_images);
}

/* What the match and its similarities read, kept with the result. */
typedef struct Kept {
    MatchTask task;
    CocoTruth own; // bug_compatible: the truth with repeated ids as the reference sees them
    CocoPair  pair, overlap;
    double    threshold[COCO_THRESHOLDS], recall[COCO_RECALLS];
} Kept;

static Status make_task(Arena *a, Kept *kept, const LvisOptions *opt, const Federated *f)
{
    static const double  AREA[4][2] = {{0, 1e10}, {0, 1024}, {1024, 9216}, {9216, 1e10}};
    static const int64_t NO_CAP[1] = {INT32_MAX};
    const CocoRows      *truth = &f->truth->rows, *found = &f->found->rows;
    uint8_t             *miss = ARENA_ARRAY(a, uint8_t, truth->n);
    if (!miss)
        return status_no_memory("flags", truth->n);
    for (int64_t i = 0; i < truth->n; i++)
        miss[i] = truth->id[i] == 0;
    numeric_linspace(kept->threshold, .5, .95, COCO_THRESHOLDS);
    numeric_linspace(kept->recall, 0, 1, COCO_RECALLS);
    kept->pair = (CocoPair){.truth = f->truth, .found = f->found, .least = kept->threshold[0]};
    kept->overlap = kept->pair;
    kept->overlap.least = COCO_LEAST_OVERLAP;
    kept->task = (MatchTask){
        .n_images = f->truth->n_images,
        .n_groups = f->truth->n_categories,
        .truth = {.n = truth->n,
                  .image = f->g_image,
                  .group = truth->category,
                  .area = truth->area,
                  .ignore = truth->ignore,
                  .is_miss = opt->bug_compatible ? miss : NULL},
        .found = {.n = found->n,
                  .image = f->d_image,
                  .group = f->d_group,
                  .area = found->area,
                  .score = found->score,
                  .ignore = f->spare},
        .similarity = coco_similarity(&kept->pair, opt->iou),
        .n_thresholds = COCO_THRESHOLDS,
        .n_recalls = COCO_RECALLS,
        .n_areas = 4,
        .n_caps = 1,
        .threshold = kept->threshold,
        .recall = kept->recall,
        .area = AREA,
        .cap = NO_CAP,
    };
    return OK;
}

Status lvis_evaluate(Arena *a, const LvisOptions *opt, LvisResult *out, const CocoTruth *truth,
                     const CocoResults *found)
{
    Kept     *kept = ARENA_NEW(a, Kept);
    Federated f = {.truth = truth, .found = found, .cap = opt->max_per_image};
    memset(out, 0, sizeof *out);
    if (!kept)
        return status_no_memory("lvis", (long long)sizeof *kept);
    if (opt->iou == COCO_KEYPOINTS)
        return status_fail(ERR_USAGE, "lvis: boxes and masks are evaluated, keypoints are not");
    if (opt->max_per_image == 0 || opt->max_per_image < -1)
        return status_fail(ERR_USAGE, "lvis: the cap is at least 1, or -1 for none");
    if (opt->bug_compatible) {
        TRY(repeat_rows(a, &kept->own, truth));
        f.is_chosen = kept->own.rows.id != truth->rows.id;
        f.truth = truth = &kept->own;
    }
    out->iou = opt->iou;
    out->max_per_image = opt->max_per_image;
    out->n_images = truth->n_images;
    out->n_truth = truth->rows.n;
    out->n_found = found->rows.n;
    out->per_class = ARENA_ARRAY(a, LvisClassScore, truth->n_categories);
    if (!out->per_class)
        return status_no_memory("classes", truth->n_categories * (int64_t)sizeof(LvisClassScore));
    TRY(apply_rules(a, &f, out));
    TRY(make_task(a, kept, opt, &f));
    out->task = &kept->task;
    out->overlap = coco_similarity(&kept->overlap, opt->iou);
    TRY(match_run(a, &kept->task, &out->match));
    return summarize(a, out, truth);
}

void lvis_summary(Text *out, const LvisResult *r)
{
    for (int i = 0; i < r->n_stats; i++) {
        const char *name = r->stat[i].name; // AP AP50 APs APr AR@300 ARs@300 ...
        char        kind = name[2], iou[12], area[2] = {kind, 0}, group[2] = {kind, 0};
        bool        is_ap = name[1] == 'P', has_iou = kind >= '0' && kind <= '9';
        snprintf(iou, sizeof iou, "%s%s", has_iou ? "0." : "0.50:0.95", has_iou ? name + 2 : "");
        text_printf(out, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3lld catIds=%3s] = %0.3f\n",
                    is_ap ? "Average Precision" : "Average Recall", is_ap ? "(AP)" : "(AR)", iou,
                    kind && strchr("sml", kind) ? area : "all", (long long)r->max_per_image,
                    kind && strchr("rcf", kind) ? group : "all", r->stat[i].value);
    }
}

const char *lvis_cap_text(Arena *a, const LvisResult *r)
{
    return r->max_per_image < 0 ? "all results"
                                : arena_printf(a, "%lld results", (long long)r->max_per_image);
}

Status lvis_definition(Arena *a, const char **out, const LvisResult *r)
{
    const char *cap = lvis_cap_text(a, r), *what = r->iou == COCO_SEGM ? "mask" : "box";
    *out = cap ? arena_printf(a,
                              "LVIS %s AP: COCO's AP over %s IoU .50, .55 ... .95 under federated "
                              "rules (results count only in categories annotated or listed as "
                              "negative in their image); %s per image over all categories",
                              what, what, cap)
               : NULL;
    return *out ? OK : ERR_MEMORY;
}
