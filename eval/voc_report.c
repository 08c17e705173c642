/* voc_report.c -- see voc_report.h */
#include "eval/voc_report.h"
#include "eval/numeric.h"
#include <math.h>

static void put_percent(Text *out, double x)
{
    if (isnan(x))
        text_puts(out, "      -");
    else
        text_printf(out, " %6.1f", 100 * x);
}

static void put_means(Text *out, const char *name, const VocMeans *m)
{
    text_printf(out, "%-24s", name);
    put_percent(out, m->ap);
    put_percent(out, m->ap50);
    put_percent(out, m->ap75);
    text_putc(out, '\n');
}

static const char *definition(const VocReport *p)
{
    return p->uses_area ? voc_definition_area() : voc_definition_11_point();
}

void voc_report_text(Text *out, const VocReport *p)
{
    const VocResult *r = p->result;
    text_printf(out,
                "%lld images, %lld objects (%lld difficult), %lld detections, %lld classes\n\n",
                (long long)r->n_images, (long long)r->n_truth, (long long)r->n_difficult,
                (long long)r->n_found, (long long)r->n_classes);
    text_printf(out, "%-24s %6s %6s %6s %8s %6s\n", "class", "AP", "AP50", "AP75", "objects",
                "found");
    for (int64_t c = 0; c < r->n_classes; c++) {
        const VocClass *k = &r->per_class[c];
        const double   *ap = p->uses_area ? k->ap_area : k->ap_11_point;
        text_printf(out, "%-24.24s", p->class_name[c]);
        put_percent(out, numeric_mean(ap, VOC_THRESHOLDS));
        put_percent(out, ap[0]);
        put_percent(out, ap[5]);
        text_printf(out, " %8lld %6lld\n", (long long)(k->n_truth - k->n_difficult),
                    (long long)k->n_found);
    }
    text_putc(out, '\n');
    text_printf(out, "%-24s %6s %6s %6s\n", "mean over classes", "AP", "AP50", "AP75");
    put_means(out, p->uses_area ? "area *" : "area", &r->means_area);
    put_means(out, p->uses_area ? "11-point" : "11-point *", &r->means_11_point);
    text_printf(
        out,
        "\n* %s\n  AP: mean over overlap thresholds .50, .55 ... .95; AP50, AP75: at .50, .75\n",
        definition(p));
    if (p->is_quantised)
        text_puts(
            out, "  boxes rounded to 0.1 and scores to 0.001 before scoring, as detectron2 does\n");
}

static void put_row(JsonWriter *w, const char *key, const double *x, int64_t n)
{
    json_open_row(w, key);
    for (int64_t i = 0; i < n; i++)
        json_put_number(w, NULL, x[i]);
    json_close_array(w);
}

static void put_json_means(JsonWriter *w, const char *key, const VocMeans *m, const char *meaning)
{
    json_open_object(w, key);
    json_put_number(w, "AP", m->ap);
    json_put_number(w, "AP50", m->ap50);
    json_put_number(w, "AP75", m->ap75);
    put_row(w, "per_threshold", m->at, VOC_THRESHOLDS);
    json_put_string(w, "definition", meaning);
    json_close_object(w);
}

static void put_class(JsonWriter *w, const VocReport *p, int64_t c)
{
    const VocClass *k = &p->result->per_class[c];
    const double   *ap = p->uses_area ? k->ap_area : k->ap_11_point;
    json_open_object(w, NULL);
    json_put_string(w, "name", p->class_name[c]);
    json_put_number(w, "AP", numeric_mean(ap, VOC_THRESHOLDS));
    json_put_number(w, "AP50", ap[0]);
    json_put_number(w, "AP75", ap[5]);
    put_row(w, "AP_11_point", k->ap_11_point, VOC_THRESHOLDS);
    put_row(w, "AP_area", k->ap_area, VOC_THRESHOLDS);
    json_put_int(w, "objects", k->n_truth);
    json_put_int(w, "difficult", k->n_difficult);
    json_put_int(w, "detections", k->n_found);
    json_open_row(w, "tp");
    for (int t = 0; t < VOC_THRESHOLDS; t++)
        json_put_int(w, NULL, k->tp[t]);
    json_close_array(w);
    json_open_row(w, "fp");
    for (int t = 0; t < VOC_THRESHOLDS; t++)
        json_put_int(w, NULL, k->fp[t]);
    json_close_array(w);
    json_open_object(w, "curve"); // at the lowest threshold
    put_row(w, "recall", k->recall, k->n_points);
    put_row(w, "precision", k->precision, k->n_points);
    put_row(w, "score", k->score, k->n_points);
    json_close_object(w);
    json_close_object(w);
}

Status voc_report_json(Text *out, const VocReport *p)
{
    const VocResult *r = p->result;
    const VocMeans  *head = p->uses_area ? &r->means_area : &r->means_11_point;
    JsonWriter       w = json_writer(out, 1);
    json_open_object(&w, NULL);
    json_put_string(&w, "metric", "voc");
    json_put_string(&w, "definition", definition(p));
    json_put_string(&w, "ground_truth", p->truth);
    json_put_string(&w, "detections", p->found);
    json_put_number(&w, "AP", head->ap);
    json_put_number(&w, "AP50", head->ap50);
    json_put_number(&w, "AP75", head->ap75);
    json_put_bool(&w, "quantised", p->is_quantised);
    json_open_object(&w, "sizes");
    json_put_int(&w, "images", r->n_images);
    json_put_int(&w, "objects", r->n_truth);
    json_put_int(&w, "difficult", r->n_difficult);
    json_put_int(&w, "detections", r->n_found);
    json_put_int(&w, "classes", r->n_classes);
    json_close_object(&w);
    put_row(&w, "thresholds", r->thresholds, VOC_THRESHOLDS);
    json_open_object(&w, "means");
    put_json_means(&w, "11_point", &r->means_11_point, voc_definition_11_point());
    put_json_means(&w, "area", &r->means_area, voc_definition_area());
    json_close_object(&w);
    json_open_array(&w, "per_class");
    for (int64_t c = 0; c < r->n_classes; c++)
        put_class(&w, p, c);
    json_close_array(&w);
    json_close_object(&w);
    return text_status(out);
}

void voc_report_csv(Text *out, const VocReport *p)
{
    text_puts(out, "class,threshold,AP_11_point,AP_area,objects,difficult,detections,TP,FP\n");
    for (int64_t c = 0; c < p->result->n_classes; c++)
        for (int t = 0; t < VOC_THRESHOLDS; t++) {
            const VocClass *k = &p->result->per_class[c];
            text_csv(out, p->class_name[c]);
            text_printf(out, ",%.2f,", p->result->thresholds[t]);
            text_number(out, k->ap_11_point[t]);
            text_putc(out, ',');
            if (!isnan(k->ap_area[t]))
                text_number(out, k->ap_area[t]);
            text_printf(out, ",%lld,%lld,%lld,%lld,%lld\n", (long long)k->n_truth,
                        (long long)k->n_difficult, (long long)k->n_found, (long long)k->tp[t],
                        (long long)k->fp[t]);
        }
}
