/* cityscapes_card.c -- Cityscapes results as cards; see cards.h */
#include "eval/cards.h"
#include <math.h>

enum { T = CITYSCAPES_THRESHOLDS, THINGS = CITYSCAPES_THINGS, LABELS = CITYSCAPES_LABELS };

/* ---- instances ---- */

static Status thing_table(Arena *a, Card *card, const CityscapesInstances *r)
{
    const char **name = ARENA_ARRAY(a, const char *, THINGS);
    if (!name)
        return status_no_memory("classes", THINGS * 8);
    for (int k = 0; k < THINGS; k++)
        name[k] = cityscapes_label(cityscapes_thing(k))->name;
    CardTable *t = card_table(card, "per_class", "Classes", "class", name, THINGS);
    double    *ap = card_column(a, t, "AP", CARD_PERCENT, "mean over overlaps .50, .55 ... .95", 1);
    double    *ap50 = card_column(a, t, "AP50", CARD_PERCENT, "AP at overlap .50", 1);
    double    *truth =
        card_column(a, t, "instances", CARD_COUNT, "numbered instances of at least 100 pixels", 1);
    double *found =
        card_column(a, t, "predictions", CARD_COUNT, "predictions that are not empty", 1);
    double *each = card_column(a, t, "ap", CARD_PERCENT, "AP at each overlap", T);
    if (!ap || !ap50 || !truth || !found || !each)
        return status_no_memory("cityscapes card", THINGS * (T + 4) * 8);
    for (int k = 0; k < THINGS; k++) {
        ap[k] = r->class_ap[k];
        ap50[k] = r->class_ap50[k];
        truth[k] = (double)r->n_truth[k];
        found[k] = (double)r->n_found[k];
        for (int i = 0; i < T; i++)
            each[k * T + i] = r->ap[k][i];
    }
    return OK;
}

static Status overlap_table(Arena *a, Card *card, const CityscapesInstances *r)
{
    const char **name = ARENA_ARRAY(a, const char *, T);
    if (!name)
        return status_no_memory("overlaps", T * 8);
    for (int i = 0; i < T; i++)
        if (!(name[i] = arena_printf(a, "%.2f", r->thresholds[i])))
            return status_no_memory("overlaps", 8);
    CardTable *t = card_table(card, "per_threshold", "Thresholds", "overlap", name, T);
    double    *ap = card_column(a, t, "AP", CARD_PERCENT, "mean over classes that are defined", 1);
    if (!ap)
        return status_no_memory("overlaps", T * 8);
    for (int i = 0; i < T; i++) {
        double sum = 0;
        int    n = 0;
        for (int k = 0; k < THINGS; k++)
            if (!isnan(r->ap[k][i])) {
                sum += r->ap[k][i];
                n++;
            }
        ap[i] = n ? sum / n : (double)NAN;
    }
    return OK;
}

/* "%*.3f" with Python's nan. */
static void put_fixed(Text *out, double x, int width)
{
    if (isnan(x))
        text_printf(out, "%*s", width, "nan");
    else
        text_printf(out, "%*.3f", width, x);
}

static void instance_line(Text *out, const char *name, double ap, double ap50)
{
    text_printf(out, "%-15s:", name);
    put_fixed(out, ap, 15);
    put_fixed(out, ap50, 15);
    text_putc(out, '\n');
}

/* The table that evalInstanceLevelSemanticLabeling.py prints. */
static void instance_summary(Text *out, const CityscapesInstances *r)
{
    static const char RULE[] = "##################################################";
    static const char LINE[] = "--------------------------------------------------";
    text_printf(out, "%s\n%-15s:%15s%15s\n%s\n", RULE, "what", "AP", "AP_50%", RULE);
    for (int k = 0; k < THINGS; k++)
        instance_line(out, cityscapes_label(cityscapes_thing(k))->name, r->class_ap[k],
                      r->class_ap50[k]);
    text_printf(out, "%s\n", LINE);
    instance_line(out, "average", r->all_ap, r->all_ap50);
}

Status cityscapes_instances_card(Arena *a, Card *card, const CityscapesInstances *r)
{
    int64_t truths = 0, found = 0;
    for (int k = 0; k < THINGS; k++) {
        truths += r->n_truth[k];
        found += r->n_found[k];
    }
    *card = (Card){.metric = "cityscapes instance",
                   .title = "Cityscapes instances",
                   .definition = cityscapes_instance_definition(),
                   .similarity = "IoU",
                   .n_thresholds = T,
                   .threshold = r->thresholds};
    card_stat(card, "AP", r->all_ap, "mean over overlaps .50, .55 ... .95 and classes");
    card_stat(card, "AP50", r->all_ap50, "AP at overlap .50");
    card_size(card, "images", "images", r->n_images);
    card_size(card, "instances", "instances", truths);
    card_size(card, "predictions", "predictions", found);
    TRY(thing_table(a, card, r));
    TRY(overlap_table(a, card, r));
    Text summary = {0};
    instance_summary(&summary, r);
    return card_summary(a, card, &summary);
}

/* ---- pixels ---- */

static int64_t pixels_of(const CityscapesPixels *r, int label, bool is_found)
{
    int64_t n = 0;
    for (int i = 0; i < LABELS; i++)
        if (is_found ? !cityscapes_label(i)->is_ignored : true)
            n += is_found ? r->confusion[i][label] : r->confusion[label][i];
    return n;
}

static Status class_table(Arena *a, Card *card, const CityscapesPixels *r)
{
    const char **name = ARENA_ARRAY(a, const char *, LABELS);
    int64_t     *id = ARENA_ARRAY(a, int64_t, LABELS), n = 0;
    if (!name || !id)
        return status_no_memory("classes", LABELS * 16);
    for (int c = 0; c < LABELS; c++)
        if (!cityscapes_label(c)->is_ignored) {
            name[n] = cityscapes_label(c)->name;
            id[n++] = c;
        }
    CardTable *t = card_table(card, "per_class", "Classes", "class", name, n);
    double    *iou = card_column(a, t, "IoU", CARD_PERCENT, "intersection over union", 1);
    double    *iiou = card_column(a, t, "iIoU", CARD_PERCENT,
                                  "the same with pixels weighted by their instance's size", 1);
    double    *truth = card_column(a, t, "pixels", CARD_COUNT, "pixels of ground truth", 1);
    double *found = card_column(a, t, "predicted", CARD_COUNT, "pixels predicted outside void", 1);
    if (!iou || !iiou || !truth || !found)
        return status_no_memory("classes", n * 32);
    for (int64_t k = 0; k < n; k++) {
        iou[k] = r->class_iou[id[k]];
        iiou[k] = r->class_iiou[id[k]];
        truth[k] = (double)pixels_of(r, (int)id[k], false);
        found[k] = (double)pixels_of(r, (int)id[k], true);
    }
    t->id = id;
    return OK;
}

static Status category_table(Arena *a, Card *card, const CityscapesPixels *r)
{
    enum { N = CITYSCAPES_CATEGORIES - 1 }; // without void
    const char **name = ARENA_ARRAY(a, const char *, N);
    if (!name)
        return status_no_memory("categories", N * 8);
    for (int k = 0; k < N; k++)
        name[k] = cityscapes_category(k + 1);
    CardTable *t = card_table(card, "per_category", "Categories", "category", name, N);
    double    *iou = card_column(a, t, "IoU", CARD_PERCENT, "intersection over union", 1);
    double    *iiou = card_column(a, t, "iIoU", CARD_PERCENT,
                                  "the same with pixels weighted by their instance's size", 1);
    if (!iou || !iiou)
        return status_no_memory("categories", N * 16);
    for (int k = 0; k < N; k++) {
        iou[k] = r->category_iou[k + 1];
        iiou[k] = r->category_iiou[k + 1];
    }
    return OK;
}

static const char PIXEL_LINE[] = "--------------------------------\n";

static void pixel_line(Text *out, const char *name, double iou, double iiou)
{
    text_printf(out, "%-14s: ", name);
    put_fixed(out, iou, 5);
    text_puts(out, "    ");
    put_fixed(out, iiou, 5);
    text_putc(out, '\n');
}

/* The tables that evalPixelLevelSemanticLabeling.py prints. */
static void pixel_summary(Text *out, const CityscapesPixels *r)
{
    text_printf(out, "classes          IoU      nIoU\n%s", PIXEL_LINE);
    for (int c = 0; c < LABELS; c++)
        if (!cityscapes_label(c)->is_ignored)
            pixel_line(out, cityscapes_label(c)->name, r->class_iou[c], r->class_iiou[c]);
    text_puts(out, PIXEL_LINE);
    pixel_line(out, "Score Average ", r->mean_iou, r->mean_iiou);
    text_printf(out, "%s\n\ncategories       IoU      nIoU\n%s", PIXEL_LINE, PIXEL_LINE);
    for (int k = 1; k < CITYSCAPES_CATEGORIES; k++)
        pixel_line(out, cityscapes_category(k), r->category_iou[k], r->category_iiou[k]);
    text_puts(out, PIXEL_LINE);
    pixel_line(out, "Score Average ", r->mean_category_iou, r->mean_category_iiou);
    text_puts(out, PIXEL_LINE);
}

Status cityscapes_pixels_card(Arena *a, Card *card, const CityscapesPixels *r)
{
    const char **name = ARENA_ARRAY(a, const char *, LABELS);
    int64_t      pixels = 0, counted = 0;
    if (!name)
        return status_no_memory("classes", LABELS * 8);
    for (int c = 0; c < LABELS; c++) {
        int64_t n = pixels_of(r, c, false);
        name[c] = cityscapes_label(c)->name;
        pixels += n;
        counted += cityscapes_label(c)->is_ignored ? 0 : n;
    }
    *card = (Card){.metric = "cityscapes pixel",
                   .title = "Cityscapes pixels",
                   .definition = cityscapes_pixel_definition(),
                   .similarity = "IoU",
                   .confusion = {.counts = &r->confusion[0][0],
                                 .n_rows = LABELS,
                                 .n_columns = LABELS,
                                 .row = name,
                                 .column = name,
                                 .unit = "pixels",
                                 .score = NAN}};
    card_stat(card, "mIoU", r->mean_iou, "mean IoU over classes");
    card_stat(card, "miIoU", r->mean_iiou, "mean iIoU over classes with instances");
    card_stat(card, "mIoU_category", r->mean_category_iou, "mean IoU over categories");
    card_stat(card, "miIoU_category", r->mean_category_iiou,
              "mean iIoU over categories with instances");
    card_size(card, "images", "images", r->n_images);
    card_size(card, "pixels", "pixels counted", counted);
    card_size(card, "void_pixels", "void pixels", pixels - counted);
    TRY(class_table(a, card, r));
    TRY(category_table(a, card, r));
    Text summary = {0};
    pixel_summary(&summary, r);
    return card_summary(a, card, &summary);
}
