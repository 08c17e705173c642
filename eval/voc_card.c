/* voc_card.c -- VOC results as a card; see cards.h */
#include "eval/cards.h"
#include "eval/numeric.h"
#include <string.h>

static Status class_table(Arena *a, Card *card, const VocResult *r, const char *const *name,
                          bool uses_area)
{
    enum { T = VOC_THRESHOLDS };
    CardTable *t = card_table(card, "per_class", "Classes", "class", name, r->n_classes);
    double    *ap = card_column(a, t, "AP", CARD_PERCENT, "mean over overlaps .50, .55 ... .95", 1);
    double    *ap50 = card_column(a, t, "AP50", CARD_PERCENT, "AP at overlap .50", 1);
    double    *ap75 = card_column(a, t, "AP75", CARD_PERCENT, "AP at overlap .75", 1);
    double    *objects = card_column(a, t, "objects", CARD_COUNT, "objects, difficult ones too", 1);
    double    *difficult = card_column(a, t, "difficult", CARD_COUNT, "difficult objects", 1);
    double    *found = card_column(a, t, "detections", CARD_COUNT, "detections read", 1);
    double    *points = card_column(a, t, "AP_11_point", CARD_PERCENT, "11-point AP", T);
    double    *area = card_column(a, t, "AP_area", CARD_PERCENT, "area AP", T);
    double    *tp = card_column(a, t, "tp", CARD_COUNT, "true positives", T);
    double    *fp = card_column(a, t, "fp", CARD_COUNT, "false positives", T);
    if (!ap || !ap50 || !ap75 || !objects || !difficult || !found || !points || !area || !tp || !fp)
        return status_no_memory("voc card", r->n_classes * 46 * 8);
    for (int64_t c = 0; c < r->n_classes; c++) {
        const VocClass *k = &r->per_class[c];
        const double   *head = uses_area ? k->ap_area : k->ap_11_point;
        ap[c] = numeric_mean(head, T);
        ap50[c] = head[0];
        ap75[c] = head[5];
        objects[c] = (double)k->n_truth;
        difficult[c] = (double)k->n_difficult;
        found[c] = (double)k->n_found;
        for (int i = 0; i < T; i++) {
            points[c * T + i] = k->ap_11_point[i];
            area[c * T + i] = k->ap_area[i];
            tp[c * T + i] = (double)k->tp[i];
            fp[c * T + i] = (double)k->fp[i];
        }
    }
    return OK;
}

static Status threshold_table(Arena *a, Card *card, const VocResult *r)
{
    const char **name = ARENA_ARRAY(a, const char *, VOC_THRESHOLDS);
    if (!name)
        return status_no_memory("voc card", 80);
    for (int t = 0; t < VOC_THRESHOLDS; t++)
        if (!(name[t] = arena_printf(a, "%.2f", r->thresholds[t])))
            return status_no_memory("voc card", 8);
    CardTable *t = card_table(card, "per_threshold", "Thresholds", "overlap", name, VOC_THRESHOLDS);
    double    *points = card_column(a, t, "11-point", CARD_PERCENT, "mean 11-point AP", 1);
    double    *area = card_column(a, t, "area", CARD_PERCENT, "mean area AP", 1);
    if (!points || !area)
        return status_no_memory("voc card", 160);
    for (int i = 0; i < VOC_THRESHOLDS; i++) {
        points[i] = r->means_11_point.at[i];
        area[i] = r->means_area.at[i];
    }
    return OK;
}

static Status mean_table(Arena *a, Card *card, const VocResult *r)
{
    static const char *const NAME[2] = {"11_point", "area"};
    const VocMeans          *means[2] = {&r->means_11_point, &r->means_area};
    CardTable *t = card_table(card, "means", "Means over classes", "mean over classes", NAME, 2);
    double    *ap = card_column(a, t, "AP", CARD_PERCENT, "mean over overlaps .50, .55 ... .95", 1);
    double    *ap50 = card_column(a, t, "AP50", CARD_PERCENT, "at overlap .50", 1);
    double    *ap75 = card_column(a, t, "AP75", CARD_PERCENT, "at overlap .75", 1);
    double    *each =
        card_column(a, t, "per_threshold", CARD_PERCENT, "at each overlap", VOC_THRESHOLDS);
    if (!ap || !ap50 || !ap75 || !each)
        return status_no_memory("voc card", 208);
    for (int i = 0; i < 2; i++) {
        ap[i] = means[i]->ap;
        ap50[i] = means[i]->ap50;
        ap75[i] = means[i]->ap75;
        memcpy(each + (ptrdiff_t)i * VOC_THRESHOLDS, means[i]->at, sizeof means[i]->at);
    }
    t->is_keyed = true;
    return OK;
}

static Status add_points(Arena *a, Card *card, const VocResult *r)
{
    CardPoints *p = ARENA_ARRAY(a, CardPoints, r->n_classes);
    if (!p)
        return status_no_memory("voc card", r->n_classes * (int64_t)sizeof *p);
    for (int64_t c = 0; c < r->n_classes; c++)
        p[c] = (CardPoints){r->per_class[c].n_points, r->per_class[c].recall,
                            r->per_class[c].precision, r->per_class[c].score};
    card->points = p;
    return OK;
}

Status voc_card(Arena *a, Card *card, const VocResult *r, const char *const *class_name,
                bool uses_area)
{
    const VocMeans *head = uses_area ? &r->means_area : &r->means_11_point;
    *card = (Card){.metric = "voc",
                   .variant_key = "average",
                   .variant = uses_area ? "area" : "11-point",
                   .title = "VOC boxes",
                   .definition = uses_area ? voc_definition_area() : voc_definition_11_point(),
                   .similarity = "overlap",
                   .n_thresholds = VOC_THRESHOLDS,
                   .threshold = r->thresholds};
    card_stat(card, "AP", head->ap, "by the definition below, mean over overlaps .50, .55 ... .95");
    card_stat(card, "AP50", head->ap50, "the same at overlap .50");
    card_stat(card, "AP75", head->ap75, "the same at overlap .75");
    card_size(card, "images", "images", r->n_images);
    card_size(card, "classes", "classes", r->n_classes);
    card_size(card, "objects", "objects", r->n_truth);
    card_size(card, "difficult", "difficult", r->n_difficult);
    card_size(card, "detections", "detections read", r->n_found);
    TRY(class_table(a, card, r, class_name, uses_area));
    TRY(mean_table(a, card, r));
    TRY(threshold_table(a, card, r));
    return add_points(a, card, r);
}
