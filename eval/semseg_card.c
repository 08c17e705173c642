/* semseg_card.c -- mean IoU as a card; see cards.h */
#include "eval/cards.h"
#include <math.h>

/* Names of all classes and, last, of the predicted void label. */
static Status class_names(Arena *a, const char ***out, const char *const *given, int64_t n)
{
    *out = ARENA_ARRAY(a, const char *, n + 1);
    if (!*out)
        return status_no_memory("classes", n * 8);
    for (int64_t c = 0; c < n; c++) {
        (*out)[c] = given ? given[c] : arena_printf(a, "%lld", (long long)c);
        if (!(*out)[c])
            return status_no_memory("classes", 8);
    }
    (*out)[n] = "void";
    return OK;
}

static Status class_table(Arena *a, Card *card, const SemsegResult *r, const char *const *name)
{
    CardTable *t = card_table(card, "per_class", "Classes", "class", name, r->n_classes);
    int64_t   *label = ARENA_ARRAY(a, int64_t, r->n_classes);
    double    *iou = card_column(a, t, "IoU", CARD_PERCENT,
                                 "intersection over union; undefined without ground truth", 1);
    double    *devkit = card_column(a, t, "IoU_devkit", CARD_PERCENT,
                                    "the same, 0 where predicted but absent (VOC devkit)", 1);
    double    *accuracy =
        card_column(a, t, "accuracy", CARD_PERCENT, "share of its pixels that are found", 1);
    double *truth = card_column(a, t, "truth_pixels", CARD_COUNT, "pixels of ground truth", 1);
    double *found = card_column(a, t, "found_pixels", CARD_COUNT, "pixels predicted", 1);
    double *both = card_column(a, t, "both_pixels", CARD_COUNT, "pixels of both", 1);
    if (!label || !iou || !devkit || !accuracy || !truth || !found || !both)
        return status_no_memory("semseg card", r->n_classes * 56);
    for (int64_t c = 0; c < r->n_classes; c++) {
        const SemsegClass *k = &r->per_class[c];
        label[c] = c;
        iou[c] = k->iou;
        devkit[c] = k->iou_devkit;
        accuracy[c] = k->accuracy;
        truth[c] = (double)k->n_truth;
        found[c] = (double)k->n_found;
        both[c] = (double)k->n_both;
    }
    t->id = label;
    return OK;
}

Status semseg_card(Arena *a, Card *card, const SemsegResult *r, const char *const *class_name)
{
    const char **name;
    TRY(class_names(a, &name, class_name, r->n_classes));
    *card = (Card){.metric = "semantic segmentation",
                   .title = "Semantic segmentation",
                   .definition = semseg_definition(),
                   .similarity = "IoU",
                   .confusion = {.counts = r->confusion,
                                 .n_rows = r->n_classes,
                                 .n_columns = r->n_classes + 1,
                                 .row = name,
                                 .column = name,
                                 .unit = "pixels",
                                 .score = NAN}};
    card_stat(card, "mIoU", r->mean_iou, semseg_definition());
    card_stat(card, "mIoU_devkit", r->mean_iou_devkit, semseg_definition_devkit());
    card_stat(card, "fwIoU", r->frequency_weighted_iou,
              "mean of the classes' IoU, weighted with their pixels");
    card_stat(card, "mACC", r->mean_accuracy, "mean over classes of the share of pixels found");
    card_stat(card, "pACC", r->pixel_accuracy, "share of all pixels that are right");
    card_size(card, "images", "images", r->n_images);
    card_size(card, "classes", "classes", r->n_classes);
    card_size(card, "pixels", "pixels counted", r->n_pixels);
    card_size(card, "void_pixels", "void pixels", r->n_void);
    return class_table(a, card, r, name);
}
