/* densepose_report.c -- the numbers as the reference prints them, and as JSON */
#include "eval/densepose.h"
#include <math.h>
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

void densepose_report_text(Text *out, const DenseposeOptions *options, const DenseposeResult *r)
{
    text_printf(out, "%lld images, %lld persons (%lld with points), %lld results\n\n",
                (long long)r->n_images, (long long)r->n_truth, (long long)r->n_annotated,
                (long long)r->n_found);
    for (int i = 0; i < r->n_stats; i++)
        text_printf(out, "%-5s", r->name[i]);
    text_printf(out, " (%s, per cent)\n", mode_name(options->mode));
    for (int i = 0; i < r->n_stats; i++)
        if (r->stat[i] < 0)
            text_puts(out, "-    ");
        else
            text_printf(out, "%-5.1f", 100 * r->stat[i]);
    text_printf(out, "\n\n* %s\n", densepose_definition(options->mode));
}

Status densepose_report_json(Text *out, const DenseposeOptions *options, const DenseposeResult *r)
{
    JsonWriter w = json_writer(out, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "metric", "densepose");
    json_put_string(&w, "mode", mode_name(options->mode));
    json_put_string(&w, "definition", densepose_definition(options->mode));
    json_open_row(&w, "stats");
    for (int i = 0; i < r->n_stats; i++)
        json_put_number(&w, NULL,
                        r->stat[i] < 0 && !options->bug_compatible ? (double)NAN : r->stat[i]);
    json_close_array(&w);
    json_open_row(&w, "names");
    for (int i = 0; i < r->n_stats; i++)
        json_put_string(&w, NULL, r->name[i]);
    json_close_array(&w);
    json_open_object(&w, "sizes");
    json_put_int(&w, "images", r->n_images);
    json_put_int(&w, "persons", r->n_truth);
    json_put_int(&w, "persons_with_points", r->n_annotated);
    json_put_int(&w, "results", r->n_found);
    json_close_object(&w);
    json_close_object(&w);
    text_putc(out, '\n');
    return text_status(out);
}
