/* voc_card.c -- VOC results as a card; see cards.h */
#include "eval/cards.h"
#include "eval/numeric.h"

static void put_means(Card *card, const char *const name[3], const char *average, const VocMeans *m)
{
    card_stat(card, name[0], m->ap, average);
    card_stat(card, name[1], m->ap50, "the same at overlap .50");
    card_stat(card, name[2], m->ap75, "the same at overlap .75");
}

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

Status voc_card(Arena *a, Card *card, const VocResult *r, const char *const *class_name,
                bool uses_area)
{
    static const char *const        HEAD[3] = {"AP", "AP50", "AP75"},
                             *const POINTS[3] = {"AP_11_point", "AP50_11_point", "AP75_11_point"},
                             *const AREA[3] = {"AP_area", "AP50_area", "AP75_area"};
    const VocMeans                 *head = uses_area ? &r->means_area : &r->means_11_point;
    *card = (Card){.metric = "voc",
                   .variant_key = "average",
                   .variant = uses_area ? "area" : "11-point",
                   .title = "VOC boxes",
                   .definition = uses_area ? voc_definition_area() : voc_definition_11_point(),
                   .similarity = "overlap",
                   .n_thresholds = VOC_THRESHOLDS,
                   .threshold = r->thresholds};
    put_means(card, HEAD, "by the definition below, mean over overlaps .50, .55 ... .95", head);
    put_means(card, POINTS, "11-point average (VOC2007), mean over overlaps .50 to .95",
              &r->means_11_point);
    put_means(card, AREA, "area under the precision envelope (VOC2010 on), mean over .50 to .95",
              &r->means_area);
    card_size(card, "images", "images", r->n_images);
    card_size(card, "classes", "classes", r->n_classes);
    card_size(card, "objects", "objects", r->n_truth);
    card_size(card, "difficult", "difficult", r->n_difficult);
    card_size(card, "detections", "detections read", r->n_found);
    TRY(class_table(a, card, r, class_name, uses_area));
    return threshold_table(a, card, r);
}
