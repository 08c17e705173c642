/* coco.c -- COCO's parameters, class choice and summary; see coco.h */
#include "eval/coco.h"
#include "eval/coco_repeat.h"
#include "eval/coco_similarity.h"
#include "eval/numeric.h"
#include <stdio.h>
#include <string.h>

static const double SIGMAS[17] = {.26, .25, .25,  .35,  .35, .79, .79, .72, .72,
                                  .62, .62, 1.07, 1.07, .87, .87, .89, .89};

/* ---- parameters ---- */

/* The arrays of a task; they live in the arena, so that the task may be kept. */
typedef struct Parameters {
    double  threshold[MATCH_MAX_THRESHOLDS], recall[COCO_RECALLS], area[MATCH_MAX_AREAS][2];
    int64_t cap[MATCH_MAX_CAPS];
} Parameters;

static Status set_caps(const CocoEvalOptions *opt, Parameters *p, MatchTask *task)
{
    static const int64_t USUAL[3] = {1, 10, 100}, POSES[1] = {20};
    bool                 pose = opt->iou == COCO_KEYPOINTS;
    task->n_caps = opt->n_caps ? opt->n_caps : pose ? 1 : 3;
    if (task->n_caps > MATCH_MAX_CAPS || (!pose && task->n_caps < 3))
        return status_fail(ERR_USAGE, "coco: %d values of maxDets, expected 3 to %d", task->n_caps,
                           MATCH_MAX_CAPS);
    memcpy(p->cap,
           opt->n_caps ? opt->cap
           : pose      ? POSES
                       : USUAL,
           (size_t)task->n_caps * sizeof *p->cap);
    for (int i = 0; i < task->n_caps; i++) // ascending, as the reference sorts them
        for (int j = i; j > 0 && p->cap[j] < p->cap[j - 1]; j--) {
            int64_t swap = p->cap[j];
            p->cap[j] = p->cap[j - 1];
            p->cap[j - 1] = swap;
        }
    if (p->cap[0] < 0 || p->cap[task->n_caps - 1] > INT32_MAX)
        return status_fail(ERR_USAGE, "coco: maxDets are 0 .. 2^31");
    return OK;
}

static Status own_areas(const CocoEvalOptions *opt, Parameters *p, CocoResult *r, MatchTask *task)
{
    for (int i = 0; i < opt->n_areas; i++) {
        if (!(opt->area[i][0] <= opt->area[i][1]))
            return status_fail(ERR_USAGE, "coco: area range \"%.15s\" goes from %g to %g",
                               opt->area_name[i], opt->area[i][0], opt->area[i][1]);
        memcpy(p->area[i], opt->area[i], sizeof p->area[i]);
        snprintf(r->area_name[i], sizeof r->area_name[i], "%s", opt->area_name[i]);
        for (int k = 0; k < i; k++)
            if (strcmp(r->area_name[i], r->area_name[k]) == 0)
                return status_fail(ERR_USAGE, "coco: two area ranges are called \"%s\"",
                                   r->area_name[i]);
    }
    if (strcmp(r->area_name[0], "all") != 0)
        return status_fail(ERR_USAGE, "coco: the first area range is called \"%s\", not \"all\"",
                           r->area_name[0]);
    task->n_areas = opt->n_areas;
    return OK;
}

static Status own_thresholds(const CocoEvalOptions *opt, Parameters *p, MatchTask *task)
{
    for (int i = 0; i < opt->n_thresholds; i++)
        if (!(opt->threshold[i] > (i > 0 ? opt->threshold[i - 1] : 0) && opt->threshold[i] <= 1))
            return status_fail(ERR_USAGE, "coco: thresholds ascend from above 0 to 1, unlike %g",
                               opt->threshold[i]);
    task->n_thresholds = opt->n_thresholds;
    memcpy(p->threshold, opt->threshold, (size_t)opt->n_thresholds * sizeof *p->threshold);
    return OK;
}

static Status set_parameters(Arena *a, const CocoEvalOptions *opt, CocoResult *r, MatchTask *task)
{
    static const double      AREA[4][2] = {{0, 1e10}, {0, 1024}, {1024, 9216}, {9216, 1e10}};
    static const char *const NAME[4] = {"all", "small", "medium", "large"};
    Parameters              *p = ARENA_NEW(a, Parameters);
    if (!p)
        return status_no_memory("parameters", (long long)sizeof *p);
    for (int i = 0; i < 4 && opt->n_areas == 0; i++) {
        if (opt->iou == COCO_KEYPOINTS && i == 1)
            continue;
        memcpy(p->area[task->n_areas], AREA[i], sizeof AREA[i]);
        snprintf(r->area_name[task->n_areas++], sizeof r->area_name[0], "%s", NAME[i]);
    }
    if (opt->n_areas > 0)
        TRY(own_areas(opt, p, r, task));
    TRY(set_caps(opt, p, task));
    numeric_linspace(p->recall, 0, 1, COCO_RECALLS);
    numeric_linspace(p->threshold, .5, .95, COCO_THRESHOLDS);
    task->n_thresholds = COCO_THRESHOLDS;
    if (opt->n_thresholds > 0)
        TRY(own_thresholds(opt, p, task));
    for (int t = 0; t < task->n_thresholds; t++)
        task->main = p->threshold[t] == .5 ? t : task->main;
    task->n_recalls = COCO_RECALLS;
    task->threshold = p->threshold;
    task->recall = p->recall;
    task->area = (const double(*)[2])p->area;
    task->cap = p->cap;
    return OK;
}

/* ---- subsets ---- */

static bool listed(const int64_t *ids, int64_t n, int64_t id)
{
    if (!ids)
        return true;
    for (int64_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* index -> index within the chosen ones, -1 for the others */
typedef struct Choice {
    int32_t *image, *group;
    int64_t  n_images, n_groups;
} Choice;

static Status choose(Arena *a, const CocoEvalOptions *opt, Choice *c, CocoResult *r,
                     const CocoTruth *t)
{
    c->image = ARENA_ARRAY(a, int32_t, t->n_images);
    c->group = ARENA_ARRAY(a, int32_t, t->n_categories);
    r->class_category = ARENA_ARRAY(a, int32_t, t->n_categories + 1);
    if (!c->image || !c->group || !r->class_category)
        return status_no_memory("subsets", t->n_images * 4);
    for (int64_t i = 0; i < t->n_images; i++)
        c->image[i] =
            listed(opt->image_id, opt->n_image_ids, t->image[i].id) ? (int32_t)c->n_images++ : -1;
    for (int64_t k = 0; k < t->n_categories; k++) {
        bool in = listed(opt->category_id, opt->n_category_ids, t->category[k].id);
        c->group[k] = in ? (int32_t)c->n_groups : -1;
        if (in)
            r->class_category[c->n_groups++] = (int32_t)k;
    }
    return OK;
}

static Status map_rows(Arena *a, MatchRows *to, const CocoRows *from, const Choice *c)
{
    int32_t *image = ARENA_ARRAY(a, int32_t, from->n), *group = ARENA_ARRAY(a, int32_t, from->n);
    if (!image || !group)
        return status_no_memory("rows", from->n * 8);
    for (int64_t i = 0; i < from->n; i++) {
        image[i] = from->image[i] < 0 ? -1 : c->image[from->image[i]];
        group[i] = from->category[i] < 0 ? -1 : c->group[from->category[i]];
    }
    *to = (MatchRows){
        .n = from->n, .image = image, .group = group, .area = from->area, .score = from->score};
    return OK;
}

/* ---- evaluation ---- */

/* *own = *truth with repeated ids as the reference sees them. */
static Status repeat_rows(Arena *a, CocoTruth *own, const CocoEvalOptions *opt, const Choice *c,
                          const CocoTruth *truth)
{
    const CocoRows *rows = &truth->rows;
    uint8_t        *chosen = ARENA_ARRAY(a, uint8_t, rows->n);
    if (!chosen)
        return status_no_memory("rows", rows->n);
    for (int64_t i = 0; i < rows->n; i++)
        chosen[i] = rows->image[i] >= 0 && c->image[rows->image[i]] >= 0 &&
                    (opt->ignore_categories ||
                     (rows->category[i] >= 0 && c->group[rows->category[i]] >= 0));
    *own = *truth;
    return coco_repeat(a, &own->rows, rows, chosen, truth->n_images);
}

static Status mark_truth(Arena *a, const CocoEvalOptions *opt, MatchTask *task,
                         const CocoRows *rows)
{
    uint8_t *ignore = ARENA_ARRAY(a, uint8_t, rows->n), *miss = ARENA_ARRAY(a, uint8_t, rows->n);
    if (!ignore || !miss)
        return status_no_memory("flags", rows->n * 2);
    for (int64_t i = 0; i < rows->n; i++) {
        ignore[i] = rows->is_crowd[i] || (opt->iou == COCO_KEYPOINTS && rows->n_visible[i] == 0);
        miss[i] = rows->id[i] == 0;
    }
    task->truth.ignore = ignore;
    task->truth.is_free = rows->is_crowd;
    task->truth.is_miss = opt->bug_compatible ? miss : NULL;
    return OK;
}

static Status check_keypoints(const CocoEvalOptions *opt, CocoPair *pair, double sigma[17])
{
    int n = pair->truth->rows.n_keypoints, m = pair->found->rows.n_keypoints;
    for (int i = 0; i < 17; i++)
        sigma[i] = SIGMAS[i] / 10.0;
    pair->sigma = opt->sigma ? opt->sigma : sigma;
    int n_sigmas = opt->sigma ? opt->n_sigmas : 17;
    if ((n && n != n_sigmas) || (m && m != n_sigmas))
        return status_fail(
            ERR_FORMAT,
            "coco: annotations have %d keypoints, results %d, sigmas %d; all three must agree", n,
            m, n_sigmas);
    return OK;
}

typedef struct StatRow {
    const char *name; // NULL: AR and its cap
    bool        is_recall;
    double      threshold; // 0: all
    const char *area;
    int         cap; // index into maxDets; -1: the one that is literally `literal`
    int64_t     literal;
} StatRow;

static int find_area(const CocoResult *r, const char *name)
{
    for (int i = 0; i < r->match.A; i++)
        if (strcmp(r->area_name[i], name) == 0)
            return i;
    return -1;
}

/* AR100; when two caps are equal, the later ones are AR100_2 and AR100_3: names are members of a JSON object. */
static const char *recall_name(Arena *a, const CocoResult *r, int cap)
{
    long long value = (long long)r->task->cap[cap];
    int       nth = 1;
    for (int i = 0; i < cap; i++)
        nth += r->task->cap[i] == r->task->cap[cap];
    return nth == 1 ? arena_printf(a, "AR%lld", value) : arena_printf(a, "AR%lld_%d", value, nth);
}

static Status fill_stat(Arena *a, CocoResult *r, const StatRow *row)
{
    CocoStat *s = &r->stat[r->n_stats++];
    int       t = -1, area = find_area(r, row->area), cap = row->cap;
    bool      gap = false;
    s->name = row->name ? row->name : recall_name(a, r, cap);
    if (!s->name)
        return ERR_MEMORY;
    s->value = -1;
    s->cap = cap >= 0 ? r->task->cap[cap] : row->literal;
    snprintf(s->title, sizeof s->title, "%s",
             row->is_recall ? "Average Recall" : "Average Precision");
    snprintf(s->area, sizeof s->area, "%s", row->area);
    if (row->threshold > 0) {
        snprintf(s->iou, sizeof s->iou, "%.2f", row->threshold);
        for (int i = 0; i < r->match.T; i++)
            if (r->task->threshold[i] == row->threshold)
                t = i;
        gap = t < 0;
    } else {
        snprintf(s->iou, sizeof s->iou, "%.2f:%.2f", r->task->threshold[0],
                 r->task->threshold[r->match.T - 1]);
    }
    int64_t value =
        s->cap; // the reference looks caps up by value: equal ones answer together, the same numbers
    for (int i = 0; i < r->match.M && cap < 0; i++)
        if (r->task->cap[i] == value)
            cap = i;
    if (gap || cap < 0 || area < 0)
        return OK;
    return match_mean(a, &s->value, &r->match, row->is_recall, t, -1, area, cap);
}

static Status summarize(Arena *a, CocoResult *r)
{
    static const StatRow BOXES[12] = {
        {"AP", false, 0, "all", -1, 100},  {"AP50", false, .5, "all", 2, 0},
        {"AP75", false, .75, "all", 2, 0}, {"APs", false, 0, "small", 2, 0},
        {"APm", false, 0, "medium", 2, 0}, {"APl", false, 0, "large", 2, 0},
        {NULL, true, 0, "all", 0, 0},      {NULL, true, 0, "all", 1, 0},
        {NULL, true, 0, "all", 2, 0},      {"ARs", true, 0, "small", 2, 0},
        {"ARm", true, 0, "medium", 2, 0},  {"ARl", true, 0, "large", 2, 0}};
    static const StatRow POSES[10] = {
        {"AP", false, 0, "all", -1, 20},     {"AP50", false, .5, "all", -1, 20},
        {"AP75", false, .75, "all", -1, 20}, {"APm", false, 0, "medium", -1, 20},
        {"APl", false, 0, "large", -1, 20},  {"AR", true, 0, "all", -1, 20},
        {"AR50", true, .5, "all", -1, 20},   {"AR75", true, .75, "all", -1, 20},
        {"ARm", true, 0, "medium", -1, 20},  {"ARl", true, 0, "large", -1, 20}};
    bool           pose = r->iou == COCO_KEYPOINTS;
    const StatRow *rows = pose ? POSES : BOXES;
    for (int i = 0; i < (pose ? 10 : 12); i++)
        TRY(fill_stat(a, r, &rows[i]));
    return OK;
}

static Status per_class(Arena *a, CocoResult *r, const MatchTask *task, const CocoRows *truth)
{
    const MatchResult *m = &r->match;
    int                last = (int)m->M - 1, t50 = -1, t75 = -1;
    r->n_classes = m->K;
    r->per_class = ARENA_ARRAY(a, CocoClassScore, m->K);
    if (!r->per_class)
        return status_no_memory("classes", m->K * (int64_t)sizeof(CocoClassScore));
    for (int t = 0; t < m->T; t++) {
        t50 = r->task->threshold[t] == .5 ? t : t50;
        t75 = r->task->threshold[t] == .75 ? t : t75;
    }
    for (int64_t i = 0; i < task->truth.n; i++)
        if (task->truth.image[i] >= 0 && task->truth.group[i] >= 0) {
            CocoClassScore *c = &r->per_class[task->one_group ? 0 : task->truth.group[i]];
            c->n_truth++;
            c->n_crowd += truth->is_crowd[i] != 0;
            r->n_ignored += task->truth.ignore[i];
        }
    for (int64_t i = 0; i < task->found.n; i++)
        if (task->found.image[i] >= 0 && task->found.group[i] >= 0)
            r->per_class[task->one_group ? 0 : task->found.group[i]].n_found++;
    for (int64_t k = 0; k < m->K; k++) {
        CocoClassScore *c = &r->per_class[k];
        c->category = task->one_group ? -1 : r->class_category[k];
        c->ap50 = c->ap75 = -1;
        TRY(match_mean(a, &c->ap, m, false, -1, k, 0, last));
        if (t50 >= 0)
            TRY(match_mean(a, &c->ap50, m, false, t50, k, 0, last));
        if (t75 >= 0)
            TRY(match_mean(a, &c->ap75, m, false, t75, k, 0, last));
        for (int i = 0; i < m->A; i++)
            TRY(match_mean(a, &c->ap_area[i], m, false, -1, k, i, last));
        TRY(match_mean(a, &c->ar, m, true, -1, k, 0, last));
        r->n_truth += c->n_truth;
        r->n_crowd += c->n_crowd;
        r->n_found += c->n_found;
    }
    return OK;
}

/* What the similarities read, kept with the result. */
typedef struct Kept {
    MatchTask task;
    CocoTruth own; // bug_compatible: the truth with repeated ids as the reference sees them
    CocoPair  pair, overlap;
    double    sigma[17];
} Kept;

static int64_t count_kept(const MatchResult *m)
{
    int64_t n = 0;
    for (int64_t c = 0; c < m->n_cells; c++)
        n += m->cell[c].n_found;
    return n;
}

Status coco_evaluate(Arena *a, const CocoEvalOptions *opt, CocoResult *out, const CocoTruth *truth,
                     const CocoResults *found)
{
    Choice choice = {0};
    Kept  *kept = ARENA_NEW(a, Kept);
    memset(out, 0, sizeof *out);
    if (!kept)
        return status_no_memory("coco", (long long)sizeof *kept);
    MatchTask *task = &kept->task;
    out->iou = opt->iou;
    out->task = task;
    TRY(set_parameters(a, opt, out, task));
    TRY(choose(a, opt, &choice, out, truth));
    if (opt->bug_compatible) {
        TRY(repeat_rows(a, &kept->own, opt, &choice, truth));
        truth = &kept->own;
    }
    kept->pair = (CocoPair){.truth = truth, .found = found};
    TRY(map_rows(a, &task->truth, &truth->rows, &choice));
    TRY(map_rows(a, &task->found, &found->rows, &choice));
    TRY(mark_truth(a, opt, task, &truth->rows));
    if (opt->iou == COCO_KEYPOINTS)
        TRY(check_keypoints(opt, &kept->pair, kept->sigma));
    kept->overlap = kept->pair;
    kept->overlap.least = COCO_LEAST_OVERLAP;
    kept->pair.least = task->threshold[0] < 1 - 1e-10 ? task->threshold[0] : 1 - 1e-10;
    task->n_images = choice.n_images;
    task->n_groups = choice.n_groups;
    task->one_group = opt->ignore_categories;
    task->similarity = coco_similarity(&kept->pair, opt->iou);
    out->overlap = coco_similarity(&kept->overlap, opt->iou);
    if (opt->ignore_categories && opt->iou == COCO_KEYPOINTS)
        task->similarity =
            (MatchSimilarity){0}; // the reference looks up category -1 and finds nothing
    TRY(match_run(a, task, &out->match));
    out->n_images = choice.n_images;
    out->n_kept = count_kept(&out->match);
    TRY(per_class(a, out, task, &truth->rows));
    return summarize(a, out);
}
