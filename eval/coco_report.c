/* coco_report.c -- see coco_report.h */
#include "eval/coco_report.h"
#include "base/safetensors.h"
#include "eval/analysis_report.h"
#include <string.h>

static const char *class_name(const CocoTruth *t, int32_t category)
{
    return category < 0 ? "all categories" : t->category[category].name;
}

static void put_percent(Text *out, double x)
{
    if (x < 0)
        text_puts(out, "      -");
    else
        text_printf(out, " %6.1f", 100 * x);
}

void coco_report_text(Text *out, const CocoResult *r, const CocoTruth *t, const CocoExtras *extras)
{
    text_printf(out,
                "%lld images, %lld annotations (%lld crowd), %lld results, %lld categories\n\n",
                (long long)r->n_images, (long long)r->n_truth, (long long)r->n_crowd,
                (long long)r->n_found, (long long)r->n_classes);
    text_printf(out, "%-24s %6s %6s %6s %6s %6s %6s %6s %8s %8s\n", "category", "AP", "AP50",
                "AP75", "APs", "APm", "APl", "AR", "truths", "results");
    for (int64_t k = 0; k < r->n_classes; k++) {
        const CocoClassScore *c = &r->per_class[k];
        text_printf(out, "%-24.24s", class_name(t, c->category));
        put_percent(out, c->ap);
        put_percent(out, c->ap50);
        put_percent(out, c->ap75);
        put_percent(out, c->ap_small);
        put_percent(out, c->ap_medium);
        put_percent(out, c->ap_large);
        put_percent(out, c->ar);
        text_printf(out, " %8lld %8lld\n", (long long)c->n_truth, (long long)c->n_found);
    }
    text_putc(out, '\n');
    coco_summary(out, r);
    text_printf(out, "\n%s\n", coco_definition(r->iou));
    if (r->n_truth == r->n_crowd)
        text_puts(out, "undefined: no ground truth that counts\n");
    if (extras->analysis)
        analysis_text(out, extras->analysis, r, t);
    if (extras->against)
        against_text(out, extras->against, extras->against_name, r, t);
}

static void put_stat(JsonWriter *w, const char *key, double value, bool bug_compatible)
{
    if (value < 0 && !bug_compatible)
        json_put_null(w, key);
    else
        json_put_number(w, key, value);
}

Status coco_report_json(Text *out, const CocoResult *r, const CocoTruth *t, bool bug,
                        const CocoExtras *extras)
{
    static const char *const IOU[3] = {"bbox", "segm", "keypoints"};
    JsonWriter               w = json_writer(out, 1);
    json_open_object(&w, NULL);
    json_put_string(&w, "metric", "coco");
    json_put_string(&w, "iou", IOU[r->iou]);
    json_put_string(&w, "definition", coco_definition(r->iou));
    json_put_bool(&w, "bug_compatible", bug);
    json_open_row(&w, "stats");
    for (int i = 0; i < r->n_stats; i++)
        put_stat(&w, NULL, r->stat[i].value, bug);
    json_close_array(&w);
    json_open_row(&w, "stat_names");
    for (int i = 0; i < r->n_stats; i++)
        json_put_string(&w, NULL, r->stat[i].name);
    json_close_array(&w);
    json_open_object(&w, "sizes");
    json_put_int(&w, "images", r->n_images);
    json_put_int(&w, "annotations", r->n_truth);
    json_put_int(&w, "crowd", r->n_crowd);
    json_put_int(&w, "results", r->n_found);
    json_put_int(&w, "categories", r->n_classes);
    json_close_object(&w);
    json_open_array(&w, "per_class");
    for (int64_t k = 0; k < r->n_classes; k++) {
        const CocoClassScore *c = &r->per_class[k];
        json_open_object(&w, NULL);
        if (c->category >= 0)
            json_put_int(&w, "id", t->category[c->category].id);
        json_put_string(&w, "name", class_name(t, c->category));
        put_stat(&w, "AP", c->ap, bug);
        put_stat(&w, "AP50", c->ap50, bug);
        put_stat(&w, "AP75", c->ap75, bug);
        put_stat(&w, "APs", c->ap_small, bug);
        put_stat(&w, "APm", c->ap_medium, bug);
        put_stat(&w, "APl", c->ap_large, bug);
        put_stat(&w, "AR", c->ar, bug);
        json_put_int(&w, "annotations", c->n_truth);
        json_put_int(&w, "crowd", c->n_crowd);
        json_put_int(&w, "results", c->n_found);
        json_close_object(&w);
    }
    json_close_array(&w);
    if (extras->analysis)
        analysis_json(&w, extras->analysis, r, t);
    if (extras->against)
        against_json(&w, extras->against, extras->against_name, r, t);
    json_close_object(&w);
    return text_status(out);
}

static void put_field(Text *out, double x)
{
    text_putc(out, ',');
    if (x >= 0)
        text_number(out, x);
}

void coco_report_csv(Text *out, const CocoResult *r, const CocoTruth *t)
{
    text_puts(out, "category,id,AP,AP50,AP75,APs,APm,APl,AR,annotations,crowd,results\n");
    for (int64_t k = 0; k < r->n_classes; k++) {
        const CocoClassScore *c = &r->per_class[k];
        text_csv(out, class_name(t, c->category));
        text_putc(out, ',');
        if (c->category >= 0)
            text_int(out, t->category[c->category].id);
        put_field(out, c->ap);
        put_field(out, c->ap50);
        put_field(out, c->ap75);
        put_field(out, c->ap_small);
        put_field(out, c->ap_medium);
        put_field(out, c->ap_large);
        put_field(out, c->ar);
        text_printf(out, ",%lld,%lld,%lld\n", (long long)c->n_truth, (long long)c->n_crowd,
                    (long long)c->n_found);
    }
}

void lvis_report_text(Text *out, const LvisResult *r)
{
    text_printf(out,
                "%lld images, %lld annotations, %lld results (%lld beyond the cap, %lld left out "
                "by federated rules), "
                "%lld categories (%lld rare, %lld common, %lld frequent)\n\n",
                (long long)r->n_images, (long long)r->n_truth, (long long)r->n_found,
                (long long)r->n_capped, (long long)r->n_dropped, (long long)r->match.K,
                (long long)r->n_rare, (long long)r->n_common, (long long)r->n_frequent);
    for (int i = 0; i < r->n_stats; i++) {
        text_printf(out, " %-8s", r->stat[i].name);
        put_percent(out, r->stat[i].value);
        text_putc(out, '\n');
    }
    text_printf(out, "\n%s\n", lvis_definition(r->iou));
}

/* Mean of the defined precisions of category k: a handful of numbers, so the running order does not matter. */
static double class_ap(const LvisResult *r, int64_t k, Arena *scratch)
{
    double ap = -1;
    return coco_mean(scratch, &ap, &r->match, false, -1, k, 0, 0) == OK ? ap : -1;
}

Status lvis_report_json(Text *out, const LvisResult *r, const CocoTruth *t, bool bug)
{
    JsonWriter w = json_writer(out, 1);
    Arena      scratch = {0};
    json_open_object(&w, NULL);
    json_put_string(&w, "metric", "lvis");
    json_put_string(&w, "iou", r->iou == COCO_SEGM ? "segm" : "bbox");
    json_put_string(&w, "definition", lvis_definition(r->iou));
    json_put_bool(&w, "bug_compatible", bug);
    json_open_row(&w, "stats");
    for (int i = 0; i < r->n_stats; i++)
        put_stat(&w, NULL, r->stat[i].value, bug);
    json_close_array(&w);
    json_open_row(&w, "stat_names");
    for (int i = 0; i < r->n_stats; i++)
        json_put_string(&w, NULL, r->stat[i].name);
    json_close_array(&w);
    json_open_object(&w, "results");
    for (int i = 0; i < r->n_stats; i++)
        put_stat(&w, r->stat[i].name, r->stat[i].value, bug);
    json_close_object(&w);
    json_open_object(&w, "sizes");
    json_put_int(&w, "images", r->n_images);
    json_put_int(&w, "annotations", r->n_truth);
    json_put_int(&w, "results", r->n_found);
    json_put_int(&w, "capped", r->n_capped);
    json_put_int(&w, "dropped", r->n_dropped);
    json_put_int(&w, "categories", r->match.K);
    json_close_object(&w);
    json_open_array(&w, "per_class");
    for (int64_t k = 0; k < r->match.K; k++) {
        char frequency[2] = {t->category[k].frequency, 0};
        json_open_object(&w, NULL);
        json_put_int(&w, "id", t->category[k].id);
        json_put_string(&w, "name", t->category[k].name);
        json_put_string(&w, "frequency", frequency);
        put_stat(&w, "AP", class_ap(r, k, &scratch), bug);
        json_put_int(&w, "annotations", r->match.n_positive[k * r->match.A]);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    arena_release(&scratch);
    return text_status(out);
}

Status coco_report_arrays(const char *path, const MatchResult *m, bool has_caps)
{
    int        extra = has_caps ? 1 : 0;
    SafeTensor tensors[3] = {
        {.name = "precision",
         .type = SAFE_F64,
         .n_dims = 4 + extra,
         .dim = {m->T, m->R, m->K, m->A, m->M},
         .data = m->precision},
        {.name = "recall",
         .type = SAFE_F64,
         .n_dims = 3 + extra,
         .dim = {m->T, m->K, m->A, m->M},
         .data = m->recall},
        {.name = "scores",
         .type = SAFE_F64,
         .n_dims = 4 + extra,
         .dim = {m->T, m->R, m->K, m->A, m->M},
         .data = m->scores},
    };
    return safetensors_write(path, tensors, 3, NULL, 0);
}
