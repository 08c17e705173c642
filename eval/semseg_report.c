/* semseg_report.c -- see semseg_report.h */
#include "eval/semseg_report.h"
#include <math.h>

static void put_name(Text *out, const char *const *name, int64_t c)
{
    if (name)
        text_printf(out, "%-24.24s", name[c]);
    else
        text_printf(out, "%-24lld", (long long)c);
}

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

void semseg_report_text(Text *out, const SemsegResult *r, const char *const *class_name)
{
    text_printf(out, "%lld images, %lld pixels counted, %lld void\n\n", (long long)r->n_images,
                (long long)r->n_pixels, (long long)r->n_void);
    text_printf(out, "%-24s %6s %6s %6s %14s %14s\n", "class", "IoU", "devkit", "acc", "pixels",
                "predicted");
    for (int64_t c = 0; c < r->n_classes; c++) {
        const SemsegClass *k = &r->per_class[c];
        put_name(out, class_name, c);
        put_percent(out, k->iou);
        put_percent(out, k->iou_devkit);
        put_percent(out, k->accuracy);
        text_printf(out, " %14lld %14lld\n", (long long)k->n_truth, (long long)k->n_found);
    }
    text_printf(out, "%-24s", "mean");
    put_percent(out, r->mean_iou);
    put_percent(out, r->mean_iou_devkit);
    put_percent(out, r->mean_accuracy);
    text_puts(out, "\n\nfrequency-weighted IoU");
    put_percent(out, r->frequency_weighted_iou);
    text_puts(out, ", pixel accuracy");
    put_percent(out, r->pixel_accuracy);
    text_printf(out, "\n\n* %s\n* %s\n", semseg_definition(), semseg_definition_devkit());
}

void semseg_report_csv(Text *out, const SemsegResult *r, const char *const *class_name)
{
    text_puts(out, "class,IoU,IoU_devkit,accuracy,truth_pixels,found_pixels,both_pixels\n");
    for (int64_t c = 0; c < r->n_classes; c++) {
        const SemsegClass *k = &r->per_class[c];
        if (class_name)
            text_csv(out, class_name[c]);
        else
            text_int(out, c);
        put_fraction(out, k->iou);
        put_fraction(out, k->iou_devkit);
        put_fraction(out, k->accuracy);
        text_printf(out, ",%lld,%lld,%lld\n", (long long)k->n_truth, (long long)k->n_found,
                    (long long)k->n_both);
    }
}

static void put_class(JsonWriter *w, const SemsegResult *r, const char *const *name, int64_t c)
{
    const SemsegClass *k = &r->per_class[c];
    json_open_object(w, NULL);
    json_put_int(w, "label", c);
    if (name)
        json_put_string(w, "name", name[c]);
    json_put_number(w, "IoU", k->iou);
    json_put_number(w, "IoU_devkit", k->iou_devkit);
    json_put_number(w, "accuracy", k->accuracy);
    json_put_int(w, "truth_pixels", k->n_truth);
    json_put_int(w, "found_pixels", k->n_found);
    json_close_object(w);
}

Status semseg_report_json(Text *out, const SemsegResult *r, const char *const *class_name)
{
    JsonWriter w = json_writer(out, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "metric", "semantic segmentation");
    json_put_string(&w, "definition", semseg_definition());
    json_put_string(&w, "definition_devkit", semseg_definition_devkit());
    json_put_number(&w, "mIoU", r->mean_iou);
    json_put_number(&w, "mIoU_devkit", r->mean_iou_devkit);
    json_put_number(&w, "fwIoU", r->frequency_weighted_iou);
    json_put_number(&w, "mACC", r->mean_accuracy);
    json_put_number(&w, "pACC", r->pixel_accuracy);
    json_open_object(&w, "sizes");
    json_put_int(&w, "images", r->n_images);
    json_put_int(&w, "pixels", r->n_pixels);
    json_put_int(&w, "void_pixels", r->n_void);
    json_close_object(&w);
    json_open_array(&w, "per_class");
    for (int64_t c = 0; c < r->n_classes; c++)
        put_class(&w, r, class_name, c);
    json_close_array(&w);
    json_open_array(&w, "confusion");
    for (int64_t t = 0; t < r->n_classes; t++) {
        json_open_row(&w, NULL);
        for (int64_t p = 0; p <= r->n_classes; p++)
            json_put_int(&w, NULL, r->confusion[t * (r->n_classes + 1) + p]);
        json_close_array(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    text_putc(out, '\n');
    return text_status(out);
}
