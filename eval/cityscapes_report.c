/* cityscapes_report.c -- see cityscapes_report.h */
#include "eval/cityscapes_report.h"
#include <math.h>

static void put_percent(Text *out, double x)
{
    if (isnan(x))
        text_puts(out, "      -");
    else
        text_printf(out, " %6.1f", 100 * x);
}

static void put_fraction(Text *out, double x)
{
    text_putc(out, ',');
    if (!isnan(x))
        text_number(out, x);
}

static const char *thing_name(int k)
{
    return cityscapes_label(cityscapes_thing(k))->name;
}

void cityscapes_instances_text(Text *out, const CityscapesInstances *r)
{
    int64_t truths = 0, found = 0;
    for (int k = 0; k < CITYSCAPES_THINGS; k++) {
        truths += r->n_truth[k];
        found += r->n_found[k];
    }
    text_printf(out, "%lld images, %lld instances, %lld predictions\n\n", (long long)r->n_images,
                (long long)truths, (long long)found);
    text_printf(out, "%-16s %6s %6s %9s %11s\n", "class", "AP", "AP50", "instances", "predictions");
    for (int k = 0; k < CITYSCAPES_THINGS; k++) {
        text_printf(out, "%-16s", thing_name(k));
        put_percent(out, r->class_ap[k]);
        put_percent(out, r->class_ap50[k]);
        text_printf(out, " %9lld %11lld\n", (long long)r->n_truth[k], (long long)r->n_found[k]);
    }
    text_printf(out, "%-16s", "average *");
    put_percent(out, r->all_ap);
    put_percent(out, r->all_ap50);
    text_printf(out, "\n\n* %s\n", cityscapes_instance_definition());
}

void cityscapes_instances_csv(Text *out, const CityscapesInstances *r)
{
    text_puts(out, "class,threshold,AP\n");
    for (int k = 0; k < CITYSCAPES_THINGS; k++)
        for (int t = 0; t < CITYSCAPES_THRESHOLDS; t++) {
            text_csv(out, thing_name(k));
            put_fraction(out, r->thresholds[t]);
            put_fraction(out, r->ap[k][t]);
            text_putc(out, '\n');
        }
}

static void put_row(JsonWriter *w, const char *key, const double *x, int n)
{
    json_open_row(w, key);
    for (int i = 0; i < n; i++)
        json_put_number(w, NULL, x[i]);
    json_close_array(w);
}

Status cityscapes_instances_json(Text *out, const CityscapesInstances *r)
{
    JsonWriter w = json_writer(out, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "metric", "cityscapes instance");
    json_put_string(&w, "definition", cityscapes_instance_definition());
    json_put_number(&w, "AP", r->all_ap);
    json_put_number(&w, "AP50", r->all_ap50);
    json_open_object(&w, "sizes");
    json_put_int(&w, "images", r->n_images);
    json_close_object(&w);
    put_row(&w, "thresholds", r->thresholds, CITYSCAPES_THRESHOLDS);
    json_open_array(&w, "per_class");
    for (int k = 0; k < CITYSCAPES_THINGS; k++) {
        json_open_object(&w, NULL);
        json_put_string(&w, "name", thing_name(k));
        json_put_number(&w, "AP", r->class_ap[k]);
        json_put_number(&w, "AP50", r->class_ap50[k]);
        put_row(&w, "ap", r->ap[k], CITYSCAPES_THRESHOLDS);
        json_put_int(&w, "instances", r->n_truth[k]);
        json_put_int(&w, "predictions", r->n_found[k]);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    text_putc(out, '\n');
    return text_status(out);
}

/* ---- pixels ---- */

static int64_t truth_pixels(const CityscapesPixels *r, int c)
{
    int64_t n = 0;
    for (int p = 0; p < CITYSCAPES_LABELS; p++)
        n += r->confusion[c][p];
    return n;
}

void cityscapes_pixels_text(Text *out, const CityscapesPixels *r)
{
    text_printf(out, "%lld images\n\n%-16s %6s %6s %14s\n", (long long)r->n_images, "class", "IoU",
                "iIoU", "pixels");
    for (int c = 0; c < CITYSCAPES_LABELS; c++) {
        if (cityscapes_label(c)->is_ignored)
            continue;
        text_printf(out, "%-16s", cityscapes_label(c)->name);
        put_percent(out, r->class_iou[c]);
        put_percent(out, r->class_iiou[c]);
        text_printf(out, " %14lld\n", (long long)truth_pixels(r, c));
    }
    text_printf(out, "%-16s", "mean *");
    put_percent(out, r->mean_iou);
    put_percent(out, r->mean_iiou);
    text_printf(out, "\n\n%-16s %6s %6s\n", "category", "IoU", "iIoU");
    for (int k = 1; k < CITYSCAPES_CATEGORIES; k++) { // 0 is void
        text_printf(out, "%-16s", cityscapes_category(k));
        put_percent(out, r->category_iou[k]);
        put_percent(out, r->category_iiou[k]);
        text_putc(out, '\n');
    }
    text_printf(out, "%-16s", "mean *");
    put_percent(out, r->mean_category_iou);
    put_percent(out, r->mean_category_iiou);
    text_printf(out, "\n\n* %s\n", cityscapes_pixel_definition());
}

void cityscapes_pixels_csv(Text *out, const CityscapesPixels *r)
{
    text_puts(out, "kind,name,IoU,iIoU\n");
    for (int c = 0; c < CITYSCAPES_LABELS; c++) {
        if (cityscapes_label(c)->is_ignored)
            continue;
        text_puts(out, "class,");
        text_csv(out, cityscapes_label(c)->name);
        put_fraction(out, r->class_iou[c]);
        put_fraction(out, r->class_iiou[c]);
        text_putc(out, '\n');
    }
    for (int k = 1; k < CITYSCAPES_CATEGORIES; k++) {
        text_puts(out, "category,");
        text_csv(out, cityscapes_category(k));
        put_fraction(out, r->category_iou[k]);
        put_fraction(out, r->category_iiou[k]);
        text_putc(out, '\n');
    }
}

static void put_pair(JsonWriter *w, const char *name, double iou, double iiou)
{
    json_open_object(w, NULL);
    json_put_string(w, "name", name);
    json_put_number(w, "IoU", iou);
    json_put_number(w, "iIoU", iiou);
    json_close_object(w);
}

Status cityscapes_pixels_json(Text *out, const CityscapesPixels *r)
{
    JsonWriter w = json_writer(out, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "metric", "cityscapes pixel");
    json_put_string(&w, "definition", cityscapes_pixel_definition());
    json_put_number(&w, "mIoU", r->mean_iou);
    json_put_number(&w, "miIoU", r->mean_iiou);
    json_put_number(&w, "mIoU_category", r->mean_category_iou);
    json_put_number(&w, "miIoU_category", r->mean_category_iiou);
    json_open_object(&w, "sizes");
    json_put_int(&w, "images", r->n_images);
    json_close_object(&w);
    json_open_array(&w, "per_class");
    for (int c = 0; c < CITYSCAPES_LABELS; c++)
        put_pair(&w, cityscapes_label(c)->name, r->class_iou[c], r->class_iiou[c]);
    json_close_array(&w);
    json_open_array(&w, "per_category");
    for (int k = 0; k < CITYSCAPES_CATEGORIES; k++)
        put_pair(&w, cityscapes_category(k), r->category_iou[k], r->category_iiou[k]);
    json_close_array(&w);
    json_open_array(&w, "confusion");
    for (int t = 0; t < CITYSCAPES_LABELS; t++) {
        json_open_row(&w, NULL);
        for (int p = 0; p < CITYSCAPES_LABELS; p++)
            json_put_int(&w, NULL, r->confusion[t][p]);
        json_close_array(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    text_putc(out, '\n');
    return text_status(out);
}
