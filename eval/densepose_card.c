/* densepose_card.c -- DensePose results as a card; see cards.h */
#include "eval/cards.h"
#include <stdio.h>
#include <string.h>

const char *densepose_definition(DenseposeMode mode)
{
    switch (mode) {
    case DENSEPOSE_GPS:
        return "AP over GPS = mean of exp(-d^2 / 2 kappa^2) over annotated points, d geodesic, "
               "kappa by body part; thresholds .50:.95, at most 20 results an image";
    case DENSEPOSE_GPSM:
        return "AP over GPSm = sqrt(GPS * mask IoU); thresholds .50:.95, at most 20 results an "
               "image";
    default:
        return "AP over the IoU of foreground masks; thresholds .50:.95, at most 20 results an "
               "image";
    }
}

static const char *mode_name(DenseposeMode mode)
{
    return mode == DENSEPOSE_GPS ? "GPS" : mode == DENSEPOSE_GPSM ? "GPSm" : "IoU";
}

/* "AP50" -> "average precision at GPS .50" */
static const char *meaning(Arena *a, const char *name, const char *similarity)
{
    const char *what = name[1] == 'P' ? "average precision" : "recall", *rest = name + 2;
    if (rest[0] >= '0' && rest[0] <= '9')
        return arena_printf(a, "%s at %s .%s", what, similarity, rest);
    return arena_printf(a, "%s, mean over the %s thresholds%s", what, similarity,
                        rest[0] == 'm'   ? ", persons of 32^2 to 96^2 pixels"
                        : rest[0] == 'l' ? ", persons of more than 96^2 pixels"
                                         : "");
}

static Status threshold_table(Arena *a, Card *card, const DenseposeResult *r)
{
    const char **name = ARENA_ARRAY(a, const char *, r->n_thresholds);
    if (!name)
        return status_no_memory("thresholds", r->n_thresholds * 8);
    for (int t = 0; t < r->n_thresholds; t++)
        if (!(name[t] = arena_printf(a, "%.2f", r->threshold[t])))
            return status_no_memory("thresholds", 8);
    CardTable *t =
        card_table(card, "per_threshold", "Thresholds", "threshold", name, r->n_thresholds);
    double *ap = card_column(a, t, "AP", CARD_PERCENT, "average precision at the threshold", 1);
    double *ar = card_column(a, t, "AR", CARD_PERCENT, "recall at the threshold", 1);
    if (!ap || !ar)
        return status_no_memory("thresholds", r->n_thresholds * 16);
    for (int i = 0; i < r->n_thresholds; i++) {
        ap[i] = card_defined(r->ap_at[i]);
        ar[i] = card_defined(r->ar_at[i]);
    }
    return OK;
}

/* The lines that the reference logs, in every mode by the name OGPS. */
static void densepose_summary(Text *out, const DenseposeResult *r)
{
    for (int i = 0; i < r->n_stats; i++) {
        const char *rest = r->name[i] + 2;
        bool        is_ap = r->name[i][1] == 'P', has_threshold = rest[0] >= '0' && rest[0] <= '9';
        char        threshold[24];
        if (has_threshold)
            snprintf(threshold, sizeof threshold, "0.%s", rest);
        else
            snprintf(threshold, sizeof threshold, "%0.2f:%0.2f", r->threshold[0],
                     r->threshold[r->n_thresholds - 1]);
        text_printf(out, " %-18s %s @[ OGPS=%-9s | area=%6s | maxDets=%3d ] = %0.3f\n",
                    is_ap ? "Average Precision" : "Average Recall", is_ap ? "(AP)" : "(AR)",
                    threshold,
                    rest[0] == 'm'   ? "medium"
                    : rest[0] == 'l' ? "large"
                                     : "all",
                    DENSEPOSE_CAP, r->stat[i]);
    }
}

static Status category_table(Arena *a, Card *card, const DenseposeResult *r, const DenseposeData *d)
{
    enum { AP, AP50, AP75, APM, APL, AR, SCORES };
    static const char *const NAME[SCORES] = {"AP", "AP50", "AP75", "APm", "APl", "AR"};
    int64_t                  K = d->n_categories;
    const char             **name = ARENA_ARRAY(a, const char *, K);
    int64_t                 *id = ARENA_ARRAY(a, int64_t, K);
    double                  *column[SCORES];
    if (!name || !id)
        return status_no_memory("categories", K * 16);
    CardTable *t = card_table(card, "per_class", "Categories", "category", name, K);
    for (int i = 0; i < SCORES; i++) {
        const char *text = meaning(a, NAME[i], card->similarity);
        column[i] = text ? card_column(a, t, NAME[i], CARD_PERCENT, text, 1) : NULL;
        if (!column[i])
            return status_no_memory("categories", K * 8);
    }
    double *persons = card_column(a, t, "persons", CARD_COUNT, "persons", 1);
    double *points = card_column(a, t, "with_points", CARD_COUNT, "of these with points", 1);
    double *found = card_column(a, t, "results", CARD_COUNT, "results read", 1);
    if (!persons || !points || !found)
        return status_no_memory("categories", K * 24);
    t->id = id;
    for (int64_t k = 0; k < K; k++) {
        const DenseposeClass *c = &r->per_class[k];
        const double value[SCORES] = {c->ap, c->ap50, c->ap75, c->ap_medium, c->ap_large, c->ar};
        name[k] = d->category[k].name;
        id[k] = d->category[k].id;
        for (int i = 0; i < SCORES; i++)
            column[i][k] = card_defined(value[i]);
        persons[k] = (double)c->n_truth;
        points[k] = (double)c->n_annotated;
        found[k] = (double)c->n_found;
    }
    return OK;
}

Status densepose_card(Arena *a, Card *card, const DenseposeOptions *options,
                      const DenseposeResult *r, const DenseposeData *data)
{
    *card = (Card){.metric = "densepose",
                   .variant_key = "mode",
                   .variant = mode_name(options->mode),
                   .title = "DensePose",
                   .definition = densepose_definition(options->mode),
                   .similarity = mode_name(options->mode),
                   .bug_compatible = options->bug_compatible};
    for (int i = 0; i < r->n_stats; i++) {
        const char *text = meaning(a, r->name[i], card->similarity);
        if (!text)
            return status_no_memory("stats", 80);
        card_stat(card, r->name[i], r->stat[i], text);
    }
    card_size(card, "images", "images", r->n_images);
    card_size(card, "persons", "persons", r->n_truth);
    card_size(card, "persons_with_points", "persons with points", r->n_annotated);
    card_size(card, "results", "results", r->n_found);
    TRY(category_table(a, card, r, data));
    TRY(threshold_table(a, card, r));
    Text summary = {0};
    densepose_summary(&summary, r);
    card->summary_is_all = true;
    return card_summary(a, card, &summary);
}
