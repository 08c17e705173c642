#include "cli/report_parts.h"

#include <math.h>
#include <stdio.h>

/* ---- numbers of a row --------------------------------------------------------------------------------------------- */

Spread report_spread(const double *value, int n)
{
    Spread s = {.mean = NAN, .deviation = NAN, .lo = INFINITY, .hi = -INFINITY};
    double sum = 0, squares = 0;
    for (int i = 0; value && i < n; i++) {
        if (!isfinite(value[i]))
            continue;
        sum += value[i];
        s.lo = fmin(s.lo, value[i]);
        s.hi = fmax(s.hi, value[i]);
        s.n++;
    }
    if (s.n == 0)
        return s;
    s.mean = sum / s.n;
    for (int i = 0; i < n; i++)
        if (isfinite(value[i]))
            squares += (value[i] - s.mean) * (value[i] - s.mean);
    if (s.n > 1)
        s.deviation = sqrt(squares / (s.n - 1));
    return s;
}

static int row_count(const Report *r)
{
    return r->n_rows < 0 ? 0 : r->n_rows > REPORT_MAX_ROWS ? REPORT_MAX_ROWS : r->n_rows;
}

static const ReportRow *baseline(const Report *r)
{
    for (int i = 0; i < row_count(r); i++)
        if (r->row[i].is_baseline)
            return &r->row[i];
    return NULL;
}

/* ---- result ------------------------------------------------------------------------------------------------------- */

/* Rows in the order of their mean AP, highest first; rows without a number are left out. */
static int rank_rows(const Report *r, int order[REPORT_MAX_ROWS], Spread spread[REPORT_MAX_ROWS])
{
    int n = 0;
    for (int i = 0; i < row_count(r); i++) {
        spread[i] = report_spread(r->row[i].ap, r->row[i].n_trials);
        if (spread[i].n == 0)
            continue;
        int at = n++;
        for (; at > 0 && spread[order[at - 1]].mean < spread[i].mean; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return n;
}

/* "14.9 AP with supervised initialisation, 8.6 with MoCo and 4.1 with random." and whether every trial bears it out. */
static void result_sentence(Html *h, const Report *r)
{
    int    order[REPORT_MAX_ROWS];
    Spread spread[REPORT_MAX_ROWS];
    int    n = rank_rows(r, order, spread);
    if (n == 0)
        return;
    html_literal(h, "<p class=\"lede\">");
    for (int i = 0; i < n; i++) {
        html_literal(h, i == 0 ? "" : i == n - 1 ? " and " : ", ");
        html_raw(h, "<b>%.1f</b>%s with ", spread[order[i]].mean, i == 0 ? " AP" : "");
        html_text(h, r->row[order[i]].init);
        html_literal(h, i == 0 ? " initialisation" : "");
    }
    html_literal(h, ".");
    for (int i = n - 1; i > 0; i--) {
        const Spread *low = &spread[order[i]], *high = &spread[order[i - 1]];
        bool          is_apart = high->lo > low->hi;
        if (low->n < 2 && high->n < 2)
            continue;
        html_literal(h, is_apart ? " Every trial of " : " The trials of ");
        html_text(h, r->row[order[i - 1]].init);
        html_literal(h, is_apart ? " lies above every trial of " : " overlap with those of ");
        html_text(h, r->row[order[i]].init);
        html_literal(h, ".");
    }
    html_literal(h, "</p>\n");
}

static void result_cells(Html *h, const double *value, int n, const double *base, int n_base)
{
    Spread own = report_spread(value, n), other = report_spread(base, n_base);
    html_cell_number(h, own.mean, own.deviation, 1);
    if (!base || value == base)
        html_literal(h, "<td></td>");
    else
        html_cell_delta(h, own.mean - other.mean, 1);
}

static void result_table(Html *h, const Report *r)
{
    static const char *const column[] = {"initialisation", "#AP50", "#",      "#AP", "#",
                                         "#AP75",          "#",     "#trials"};
    int                      order[REPORT_MAX_ROWS];
    Spread                   spread[REPORT_MAX_ROWS];
    int                      n = rank_rows(r, order, spread);
    const ReportRow         *b = baseline(r);
    bool                     has_trials = false;
    for (int i = 0; i < row_count(r); i++)
        has_trials |= r->row[i].n_trials > 1;
    char caption[160];
    snprintf(caption, sizeof caption, "%s%s",
             has_trials ? "Mean over the trials \xC2\xB1 sample deviation. " : "One trial each. ",
             b ? "Beside each number, the difference to the baseline row." : "");
    html_table_begin(h, caption, column, 8);
    for (int i = 0; i < row_count(r); i++) {
        const ReportRow *row = &r->row[i];
        html_row_begin(h, n > 0 && order[0] == i ? "best" : NULL);
        html_cell_swatch(h, row->init, row->colour);
        result_cells(h, row->ap50, row->n_trials, b ? b->ap50 : NULL, b ? b->n_trials : 0);
        result_cells(h, row->ap, row->n_trials, b ? b->ap : NULL, b ? b->n_trials : 0);
        result_cells(h, row->ap75, row->n_trials, b ? b->ap75 : NULL, b ? b->n_trials : 0);
        html_cell_number(h, row->n_trials, NAN, 0);
        html_row_end(h);
    }
    html_table_end(h);
}

static void section_result(Html *h, const Report *r)
{
    int n = row_count(r);
    if (n == 0)
        return;
    StripRow strip[REPORT_MAX_ROWS];
    for (int i = 0; i < n; i++)
        strip[i] = (StripRow){r->row[i].init, r->row[i].ap, r->row[i].ap ? r->row[i].n_trials : 0,
                              r->row[i].colour};
    html_section(h, "result", "Result", NULL);
    result_sentence(h, r);
    html_literal(h, "<figure class=\"wide\">\n");
    svg_strip_chart(h, "AP by initialisation", "AP, points (mean over IoU 0.50 to 0.95)", strip, n);
    html_literal(
        h, "<figcaption>One dot for each trial; the tick is their mean.</figcaption>\n</figure>\n");
    result_table(h, r);
    if (r->remark) {
        html_literal(h, "<p class=\"remark\">");
        html_text(h, r->remark);
        html_literal(h, "</p>\n");
    }
}

static void section_facts(Html *h, const Report *r)
{
    if (r->n_facts <= 0)
        return;
    html_literal(h, "<dl class=\"facts\">\n");
    for (int i = 0; i < r->n_facts; i++) {
        html_literal(h, "<div><dt>");
        html_text(h, r->fact[i].name);
        html_literal(h, "</dt><dd>");
        html_text(h, r->fact[i].value);
        html_literal(h, "</dd></div>\n");
    }
    html_literal(h, "</dl>\n");
}

/* ---- curves --------------------------------------------------------------------------------------------------------- */

static void section_training(Html *h, const Report *r)
{
    if (r->n_charts <= 0)
        return;
    html_section(h, "training", "Training", NULL);
    html_literal(h, "<div class=\"duo\">\n");
    for (int i = 0; i < r->n_charts; i++) {
        html_literal(h, "<figure>\n");
        svg_line_chart(h, &r->chart[i].chart);
        if (r->chart[i].caption) {
            html_literal(h, "<figcaption>");
            html_text(h, r->chart[i].caption);
            html_literal(h, "</figcaption>\n");
        }
        html_literal(h, "</figure>\n");
    }
    html_literal(h, "</div>\n");
}

/* Bars of both columns share their scale. */
static double most_ap(const Report *r)
{
    double most = 0;
    for (int c = 0; c < r->n_classes; c++)
        for (int i = 0; i < row_count(r); i++)
            most = isfinite(r->class_[c].ap[i]) ? fmax(most, r->class_[c].ap[i]) : most;
    return most;
}

enum { MOST_CLASSES = 256 }; // shown; a page of more would not be read

static int class_count(const Report *r)
{
    return r->n_classes < MOST_CLASSES ? r->n_classes : MOST_CLASSES;
}

static void class_bars(Html *h, const Report *r)
{
    static const char *const unit = "AP, points";
    const char              *group[MOST_CLASSES], *series[REPORT_MAX_ROWS];
    double                   value[MOST_CLASSES * REPORT_MAX_ROWS];
    int                      colour[REPORT_MAX_ROWS], n_rows = row_count(r), n = class_count(r);
    for (int i = 0; i < n_rows; i++) {
        series[i] = r->row[i].init;
        colour[i] = r->row[i].colour;
    }
    int half = n > 5 ? (n + 1) / 2 : n; // two columns of bars where there are many classes
    html_literal(h, "<div class=\"duo\">\n");
    for (int begin = 0; begin < n; begin += half) {
        int here = n - begin < half ? n - begin : half;
        for (int c = 0; c < here; c++) {
            group[c] = r->class_[begin + c].name;
            for (int i = 0; i < n_rows; i++)
                value[c * n_rows + i] = r->class_[begin + c].ap[i];
        }
        BarChart bars = {.title = begin == 0 ? "AP by class" : "",
                         .unit = unit,
                         .group = group,
                         .series = series,
                         .colour = colour,
                         .value = value,
                         .n_groups = here,
                         .n_series = n_rows,
                         .decimals = 1,
                         .most = most_ap(r)};
        html_literal(h, "<figure>\n");
        svg_bar_chart(h, &bars);
        html_literal(h, "</figure>\n");
    }
    html_literal(h, "</div>\n");
}

static void class_curve(Html *h, const Report *r, const ReportClass *one)
{
    Series series[REPORT_MAX_ROWS];
    int    n_rows = row_count(r);
    for (int i = 0; i < n_rows; i++)
        series[i] = (Series){.name = r->row[i].init,
                             .x = one->curve[i].recall,
                             .y = one->curve[i].precision,
                             .n = one->curve[i].n,
                             .colour = r->row[i].colour};
    LineChart chart = {.title = one->name,
                       .series = series,
                       .n_series = n_rows,
                       .x_hi = 1,
                       .y_hi = 1,
                       .is_small = true};
    html_literal(h, "<figure>\n");
    svg_line_chart(h, &chart);
    html_literal(h, "<figcaption>AP50 ");
    for (int i = 0; i < n_rows; i++) {
        html_raw(h, "<b class=\"c%d\">", report_colour(r->row[i].colour));
        html_number(h, one->curve[i].ap50, 1);
        html_literal(h, "</b> ");
    }
    html_literal(h, "</figcaption>\n</figure>\n");
}

static void section_classes(Html *h, const Report *r)
{
    const char *name[REPORT_MAX_ROWS];
    int         colour[REPORT_MAX_ROWS], n_rows = row_count(r);
    if (r->n_classes <= 0 || n_rows == 0)
        return;
    for (int i = 0; i < n_rows; i++) {
        name[i] = r->row[i].init;
        colour[i] = r->row[i].colour;
    }
    html_section(h, "classes", "Class by class", NULL);
    if (r->n_classes > MOST_CLASSES)
        html_raw(h, "<p>The first %d of %d classes.</p>\n", MOST_CLASSES, r->n_classes);
    svg_legend(h, name, colour, n_rows);
    class_bars(h, r);
    html_literal(h, "<h3>Precision over recall at IoU 0.5</h3>\n<p>Both axes run from 0 to 1. A "
                    "curve that stays high to the right "
                    "finds most objects with few false alarms.</p>\n<div class=\"many\">\n");
    for (int c = 0; c < class_count(r); c++)
        class_curve(h, r, &r->class_[c]);
    html_literal(h, "</div>\n");
}

/* ---- time, terms, commands ------------------------------------------------------------------------------------------ */

static void section_time(Html *h, const Report *r)
{
    if (r->n_phases <= 0)
        return;
    html_section(h, "time", "Where the time went", NULL);
    html_literal(h, "<figure class=\"wide\">\n");
    svg_timeline(h, "Phases of the run", r->phase, r->n_phases);
    html_literal(h, "</figure>\n");
}

static void section_terms(Html *h, const Report *r)
{
    const ReportTerm *term = r->term ? r->term : REPORT_TERMS;
    int               n = r->term ? r->n_terms : REPORT_N_TERMS;
    html_section(h, "definitions", "What the numbers mean", NULL);
    html_literal(h, "<dl class=\"terms\">\n");
    for (int i = 0; i < n; i++) {
        html_literal(h, "<dt>");
        html_text(h, term[i].term);
        html_literal(h, "</dt><dd>");
        html_text(h, term[i].meaning);
        html_literal(h, "</dd>\n");
    }
    html_literal(h, "</dl>\n");
}

static void section_commands(Html *h, const Report *r)
{
    if (r->n_commands <= 0)
        return;
    html_section(h, "reproduce", "Do it again",
                 "The same seed, version and number of pictures give the same data; the "
                 "commands below give this page.");
    html_literal(h, "<pre>");
    for (int i = 0; i < r->n_commands; i++) {
        html_text(h, r->command[i]);
        html_literal(h, "\n");
    }
    html_literal(h, "</pre>\n");
}

/* ---- the page ------------------------------------------------------------------------------------------------------- */

void report_sections(Html *h, const Report *r)
{
    section_facts(h, r);
    section_result(h, r);
    report_published(h, r);
    section_training(h, r);
    section_classes(h, r);
    report_pictures(h, r);
    report_pairs(h, r);
    section_time(h, r);
    section_terms(h, r);
    section_commands(h, r);
}

Status report_write(const Report *r, const char *path)
{
    Html h = {0};
    html_page_open(&h, r->title, r->subtitle);
    report_sections(&h, r);
    html_page_close(&h);
    Status st = html_save(&h, path);
    html_release(&h);
    return st;
}
