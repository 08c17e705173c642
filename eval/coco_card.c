/* coco_card.c -- COCO and LVIS results as cards; see cards.h */
#include "eval/cards.h"
#include <string.h>

/* ---- what both share ---- */

static Status category_table(Arena *a, CardTable **out, Card *card, const CocoTruth *t,
                             const int32_t *category, int64_t n)
{
    const char **name = ARENA_ARRAY(a, const char *, n);
    int64_t     *id = ARENA_ARRAY(a, int64_t, n);
    if (!name || !id)
        return status_no_memory("categories", n * 16);
    for (int64_t k = 0; k < n; k++) {
        int64_t c = category ? category[k] : k;
        name[k] = t->category[c].name;
        id[k] = t->category[c].id;
    }
    *out = card_table(card, "per_class", "Categories", "category", name, n);
    (*out)->id = id;
    return OK;
}

/* The columns that COCO and LVIS have in common: AP, AP50, AP75, AP of every area range but the first, AR. */
enum { MOST_SCORES = 4 + MATCH_MAX_AREAS };

typedef struct Scores {
    int     n;
    double *column[MOST_SCORES];
} Scores;

static Status add_score(Arena *a, Scores *s, CardTable *t, const char *name, const char *meaning)
{
    if (!name || !meaning)
        return status_no_memory("columns", 80);
    s->column[s->n] = card_column(a, t, name, CARD_PERCENT, meaning, 1);
    return s->column[s->n++] ? OK : status_no_memory("columns", t->n_rows * 8);
}

static Status add_area(Arena *a, Scores *s, CardTable *t, const char *area, const double range[2])
{
    static const char *const KNOWN[3][3] = {
        {"small", "APs", "AP of annotations of at most 32^2 pixels"},
        {"medium", "APm", "AP of annotations between 32^2 and 96^2 pixels"},
        {"large", "APl", "AP of annotations of 96^2 pixels and more"}};
    static const double USUAL[3][2] = {{0, 1024}, {1024, 9216}, {9216, 1e10}};
    for (int i = 0; i < 3; i++)
        if (strcmp(area, KNOWN[i][0]) == 0)
            return add_score(a, s, t, KNOWN[i][1],
                             memcmp(range, USUAL[i], sizeof USUAL[i]) == 0
                                 ? KNOWN[i][2]
                                 : arena_printf(a, "AP of annotations of %g to %g square pixels",
                                                range[0], range[1]));
    return add_score(
        a, s, t, arena_printf(a, "AP_%s", area),
        arena_printf(a, "AP of annotations of %g to %g square pixels", range[0], range[1]));
}

static Status score_columns(Arena *a, Scores *s, CardTable *t, const char *similarity,
                            const char (*area)[16], const MatchTask *task)
{
    const char *which = coco_usual_thresholds(task) ? " .50, .55 ... .95" : " thresholds";
    s->n = 0;
    TRY(add_score(a, s, t, "AP",
                  arena_printf(a, "average precision, mean over %s%s", similarity, which)));
    TRY(add_score(a, s, t, "AP50", arena_printf(a, "average precision at %s .50", similarity)));
    TRY(add_score(a, s, t, "AP75", arena_printf(a, "average precision at %s .75", similarity)));
    for (int i = 1; i < task->n_areas; i++)
        TRY(add_area(a, s, t, area[i], task->area[i]));
    return add_score(a, s, t, "AR", arena_printf(a, "recall, mean over %s%s", similarity, which));
}

static void put_scores(const Scores *s, int64_t k, const double value[MOST_SCORES])
{
    for (int i = 0; i < s->n; i++)
        s->column[i][k] = card_defined(value[i]);
}

/* ---- COCO ---- */

static Status coco_stats(Arena *a, Card *card, const CocoResult *r)
{
    Text summary = {0};
    for (int i = 0; i < r->n_stats; i++) {
        const CocoStat *s = &r->stat[i];
        const char     *meaning =
            arena_printf(a, "%s at %s %s, area %s, %lld %s", s->title, card->similarity, s->iou,
                         s->area, (long long)s->cap, coco_cap_unit(r->task));
        if (!meaning)
            return status_no_memory("stats", 80);
        card_stat(card, s->name, s->value, meaning);
    }
    coco_summary(&summary, r);
    card->summary_is_all = true;
    return card_summary(a, card, &summary);
}

static Status coco_classes(Arena *a, Card *card, const CocoResult *r, const CocoTruth *t)
{
    static const char *const EVERY[1] = {"all categories"};
    CardTable               *table;
    Scores                   scores;
    bool                     is_one = r->n_classes == 1 && r->per_class[0].category < 0;
    if (is_one)
        table = card_table(card, "per_class", "Categories", "category", EVERY, 1);
    else
        TRY(category_table(a, &table, card, t, r->class_category, r->n_classes));
    TRY(score_columns(a, &scores, table, card->similarity, r->area_name, r->task));
    double *truth = card_column(a, table, "annotations", CARD_COUNT, "annotations", 1);
    double *crowd = card_column(a, table, "crowd", CARD_COUNT, "of these crowds", 1);
    double *found = card_column(a, table, "results", CARD_COUNT, "results read", 1);
    if (!truth || !crowd || !found)
        return status_no_memory("columns", r->n_classes * 24);
    for (int64_t k = 0; k < r->n_classes; k++) {
        const CocoClassScore *c = &r->per_class[k];
        double                value[MOST_SCORES] = {c->ap, c->ap50, c->ap75};
        memcpy(value + 3, c->ap_area + 1, (size_t)(r->task->n_areas - 1) * sizeof *value);
        value[scores.n - 1] = c->ar;
        put_scores(&scores, k, value);
        truth[k] = (double)c->n_truth;
        crowd[k] = (double)c->n_crowd;
        found[k] = (double)c->n_found;
    }
    return OK;
}

Status coco_card(Arena *a, Card *card, const CocoResult *r, const CocoTruth *t, bool bug_compatible)
{
    static const char *const IOU[3] = {"bbox", "segm", "keypoints"};
    static const char *const TITLE[3] = {"COCO boxes", "COCO masks", "COCO keypoints"};
    *card = (Card){.metric = "coco",
                   .variant_key = "iou",
                   .variant = IOU[r->iou],
                   .title = TITLE[r->iou],
                   .similarity = r->iou == COCO_KEYPOINTS ? "OKS" : "IoU",
                   .bug_compatible = bug_compatible,
                   .n_thresholds = r->task->n_thresholds,
                   .threshold = r->task->threshold};
    TRY(coco_result_definition(a, &card->definition, r));
    card_size(card, "images", "images", r->n_images);
    card_size(card, "categories", "categories", r->n_classes);
    card_size(card, "annotations", "annotations", r->n_truth);
    card_size(card, "crowd", "crowd", r->n_crowd);
    card_size(card, "ignored",
              r->iou == COCO_KEYPOINTS ? "ignored (crowd or without keypoints)" : "ignored",
              r->n_ignored);
    card_size(card, "results", "results read", r->n_found);
    card_size(card, "results_kept", "kept after maxDets", r->n_kept);
    if (r->n_truth == r->n_ignored)
        card->note = "undefined: no ground truth that counts";
    TRY(coco_classes(a, card, r, t));
    return coco_stats(a, card, r);
}

/* ---- LVIS ---- */

static Status lvis_classes(Arena *a, Card *card, const LvisResult *r, const CocoTruth *t)
{
    static const char AREA[4][16] = {"all", "small", "medium", "large"};
    int64_t           K = r->match.K;
    CardTable        *table;
    Scores            scores;
    TRY(category_table(a, &table, card, t, NULL, K));
    TRY(score_columns(a, &scores, table, card->similarity, AREA, r->task));
    const char **frequency = ARENA_ARRAY(a, const char *, K);
    double *truth = card_column(a, table, "annotations", CARD_COUNT, "annotations that count", 1);
    double *found =
        card_column(a, table, "results", CARD_COUNT, "results after cap and federated rules", 1);
    double *checked = card_column(a, table, "checked", CARD_COUNT,
                                  "images in which it is annotated or listed as absent", 1);
    if (!truth || !found || !checked || !frequency)
        return status_no_memory("columns", K * 32);
    for (int64_t k = 0; k < K; k++) {
        const LvisClassScore *c = &r->per_class[k];
        const double          value[MOST_SCORES] = {c->ap,        c->ap50,     c->ap75, c->ap_small,
                                                    c->ap_medium, c->ap_large, c->ar};
        char                  f = t->category[k].frequency;
        put_scores(&scores, k, value);
        frequency[k] = f == 'r' ? "r" : f == 'c' ? "c" : f == 'f' ? "f" : "";
        truth[k] = (double)c->n_truth;
        found[k] = (double)c->n_found;
        checked[k] = (double)c->n_checked;
    }
    table->column[table->n_columns++] =
        (CardColumn){.name = "frequency",
                     .kind = CARD_WORD,
                     .per_row = 1,
                     .word = frequency,
                     .meaning = "rare, common or frequent, by the training images that hold it"};
    return OK;
}

/* "AP of rare categories" and the like, in the order of lvis-api's numbers. */
static const char *lvis_meaning(Arena *a, const LvisResult *r, int i)
{
    static const char *const PRECISION[9] = {
        "mean over IoU .50, .55 ... .95 and categories with annotations",
        "AP at IoU .50",
        "AP at IoU .75",
        "AP of annotations of at most 32^2 pixels",
        "AP of annotations between 32^2 and 96^2 pixels",
        "AP of annotations of 96^2 pixels and more",
        "AP of rare categories",
        "AP of common categories",
        "AP of frequent categories"};
    static const char *const SIZE[3] = {"at most 32^2 pixels", "between 32^2 and 96^2 pixels",
                                        "96^2 pixels and more"};
    if (i < 9)
        return PRECISION[i];
    if (i > 9)
        return arena_printf(a, "%s of annotations %s%s", r->stat[9].name, i == 11 ? "" : "of ",
                            SIZE[i - 10]);
    const char *cap = lvis_cap_text(a, r);
    return cap ? arena_printf(a, "recall with %s per image, mean over IoU .50, .55 ... .95", cap)
               : NULL;
}

Status lvis_card(Arena *a, Card *card, const LvisResult *r, const CocoTruth *t, bool bug_compatible)
{
    *card = (Card){.metric = "lvis",
                   .variant_key = "iou",
                   .variant = r->iou == COCO_SEGM ? "segm" : "bbox",
                   .title = r->iou == COCO_SEGM ? "LVIS masks" : "LVIS boxes",
                   .similarity = "IoU",
                   .bug_compatible = bug_compatible,
                   .n_thresholds = r->task->n_thresholds,
                   .threshold = r->task->threshold};
    TRY(lvis_definition(a, &card->definition, r));
    for (int i = 0; i < r->n_stats; i++) {
        const char *meaning = lvis_meaning(a, r, i);
        if (!meaning)
            return ERR_MEMORY;
        card_stat(card, r->stat[i].name, r->stat[i].value, meaning);
    }
    card_size(card, "images", "images", r->n_images);
    card_size(card, "categories", "categories", r->match.K);
    card_size(card, "rare", "rare", r->n_rare);
    card_size(card, "common", "common", r->n_common);
    card_size(card, "frequent", "frequent", r->n_frequent);
    card_size(card, "annotations", "annotations", r->n_truth);
    card_size(card, "ignored", "ignored", r->n_ignored);
    card_size(card, "results", "results read", r->n_found);
    card_size(card, "capped", "beyond the cap", r->n_capped);
    card_size(card, "dropped", "left out by federated rules", r->n_dropped);
    Text summary = {0};
    TRY(lvis_classes(a, card, r, t));
    lvis_summary(&summary, r);
    card->summary_is_all = true;
    return card_summary(a, card, &summary);
}
