/* eval_charts.c -- see eval_charts.h
 *
 * LVIS has 1203 categories and COCO 80: a chart shows those that matter most to it and says how many it left out.
 */
#include "cli/eval_charts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_INTERVALS = 60, MOST_CURVES = 100, MOST_STACKS = 20, MOST_CELLS = 30 };

/* ---- which rows ---- */

typedef struct Weighted {
    double  weight;
    int64_t row;
} Weighted;

static int by_weight(const void *x, const void *y)
{
    const Weighted *a = (const Weighted *)x, *b = (const Weighted *)y;
    if (a->weight != b->weight)
        return a->weight < b->weight ? 1 : -1;
    return (a->row > b->row) - (a->row < b->row);
}

static int by_row(const void *x, const void *y)
{
    const Weighted *a = (const Weighted *)x, *b = (const Weighted *)y;
    return (a->row > b->row) - (a->row < b->row);
}

/* The rows with the largest weights > 0, at most `most`; in their own order unless is_ranked. */
static int heaviest(Weighted *w, int64_t n, int most, bool is_ranked)
{
    int kept = 0;
    qsort(w, (size_t)n, sizeof *w, by_weight);
    while (kept < most && kept < n && w[kept].weight > 0)
        kept++;
    if (!is_ranked)
        qsort(w, (size_t)kept, sizeof *w, by_row);
    return kept;
}

static Weighted *weights_new(Html *h, int64_t n)
{
    Weighted *w = (Weighted *)calloc((size_t)n + 1, sizeof *w);
    h->is_broken |= !w;
    for (int64_t i = 0; w && i < n; i++)
        w[i].row = i;
    return w;
}

static void say_left_out(Html *h, int64_t shown, int64_t of, const char *which)
{
    if (shown < of)
        html_raw(h, "<p>%lld of %lld are shown: %s.</p>\n", (long long)shown, (long long)of, which);
}

/* ---- against ---- */

static IntervalRow interval_row(const char *name, const Difference *d)
{
    return (IntervalRow){name, 100 * d->difference, 100 * d->low, 100 * d->high};
}

static void against_sentence(Html *h, const Card *card)
{
    const Difference *d = &card->against->all;
    if (isnan(d->difference))
        return;
    html_raw(h, "<p class=\"lede\"><b>%.1f</b> against <b>%.1f</b> %s: ", 100 * d->ours,
             100 * d->theirs, card->against->measure);
    html_signed(h, 100 * d->difference, 1);
    html_literal(h, " points, 95 % interval ");
    html_signed(h, 100 * d->low, 1);
    html_literal(h, " to ");
    html_signed(h, 100 * d->high, 1);
    html_literal(h, d->low > 0 || d->high < 0 ? ". The interval excludes zero.</p>\n"
                                              : ". The interval holds zero.</p>\n");
}

void eval_chart_against(Html *h, const Card *card)
{
    IntervalRow    row[MOST_INTERVALS + 1];
    const Against *x = card->against;
    Weighted      *w = x ? weights_new(h, x->K) : NULL;
    char           intro[200], title[48], unit[32];
    int64_t        defined = 0;
    if (!w)
        return;
    snprintf(intro, sizeof intro,
             "Difference of %s, these results minus the others. Lines hold the middle 95 per cent "
             "of %lld resamples of the images, drawn alike for both.",
             x->measure, (long long)x->resamples);
    snprintf(title, sizeof title, "Difference of %s by category", x->measure);
    snprintf(unit, sizeof unit, "points of %s", x->measure);
    for (int64_t k = 0; k < x->K; k++) {
        bool is_defined = !isnan(x->per_class[k].difference);
        defined += is_defined;
        w[k].weight = is_defined ? fabs(x->per_class[k].difference) + 1e-9 : 0;
    }
    int n = x->K > 1 ? heaviest(w, x->K, MOST_INTERVALS, false) : 0; // one category is all
    row[0] = interval_row("all", &x->all);
    for (int i = 0; i < n; i++)
        row[i + 1] = interval_row(card->table[0].row[w[i].row], &x->per_class[w[i].row]);
    html_section(h, "against", "Against the other results", intro);
    against_sentence(h, card);
    say_left_out(h, n, x->K > 1 ? defined : 0, "those with the largest differences");
    html_literal(h, "<figure class=\"wide\">\n");
    svg_interval_chart(h, title, unit, row, n + 1);
    html_literal(h,
                 "<figcaption>Green: these results are better, orange: worse, grey: the interval "
                 "holds zero, or there is none because one image holds all "
                 "annotations.</figcaption>\n</figure>\n");
    free(w);
}

/* ---- curves ---- */

/* mean[p] over the rows whose precision is defined; NaN where none is. */
static void mean_curve(double *mean, const double *precision, int64_t n_rows, int64_t n_points)
{
    for (int64_t p = 0; p < n_points; p++) {
        double  sum = 0;
        int64_t n = 0;
        for (int64_t k = 0; k < n_rows; k++)
            if (!isnan(precision[k * n_points + p])) {
                sum += precision[k * n_points + p];
                n++;
            }
        mean[p] = n ? sum / (double)n : (double)NAN;
    }
}

static void curve_chart(Html *h, const Card *card, const char *title, const double *ours,
                        const double *other, bool is_small)
{
    int64_t   n = card->curves.n_points;
    Series    series[2] = {{"this", card->curves.recall, ours, n, 1, 0, false},
                           {"other", card->curves.recall, other, n, 0, 0, true}};
    LineChart chart = {.title = title,
                       .x_label = "recall",
                       .y_label = "precision",
                       .series = series,
                       .n_series = other ? 2 : 1,
                       .x_hi = 1,
                       .y_hi = 1,
                       .is_small = is_small};
    html_literal(h, "<figure>\n");
    svg_line_chart(h, &chart);
}

/* The column of the first table that holds AP at overlap .5, -1. */
static int ap50_column(const Card *card)
{
    for (int c = 0; c < card->table[0].n_columns; c++)
        if (strcmp(card->table[0].column[c].name, "AP50") == 0)
            return c;
    return -1;
}

static double mean_precision(const double *precision, int64_t n)
{
    double sum = 0;
    for (int64_t p = 0; p < n; p++)
        sum += precision[p];
    return sum / (double)n;
}

static void small_curves(Html *h, const Card *card)
{
    const CardCurves *c = &card->curves;
    int64_t           K = card->table[0].n_rows, n = c->n_points, defined = 0;
    int               column = ap50_column(card);
    Weighted         *w = weights_new(h, K);
    if (!w)
        return;
    for (int64_t k = 0; k < K; k++) {
        w[k].weight = isnan(c->precision[k * n]) ? 0 : 1 + mean_precision(c->precision + k * n, n);
        defined += w[k].weight > 0;
    }
    int shown = heaviest(w, K, MOST_CURVES, false);
    say_left_out(h, shown, defined, "those with the highest curves");
    html_literal(h, "<div class=\"many\">\n");
    for (int i = 0; i < shown; i++) {
        int64_t k = w[i].row;
        curve_chart(h, card, card->table[0].row[k], c->precision + k * n,
                    c->other_precision ? c->other_precision + k * n : NULL, true);
        if (column >= 0) {
            html_literal(h, "<figcaption>AP50 ");
            html_number(h, 100 * card->table[0].column[column].value[k], 1);
            html_literal(h, "</figcaption>\n");
        }
        html_literal(h, "</figure>\n");
    }
    html_literal(h, "</div>\n");
    free(w);
}

void eval_chart_curves(Html *h, const Card *card)
{
    const CardCurves *c = &card->curves;
    int64_t           K = card->table[0].n_rows, n = c->n_points;
    double           *mean = c->recall ? (double *)calloc((size_t)(2 * n) + 1, sizeof *mean) : NULL;
    if (c->recall && !mean)
        h->is_broken = true;
    if (!mean)
        return;
    mean_curve(mean, c->precision, K, n);
    if (c->other_precision)
        mean_curve(mean + n, c->other_precision, K, n);
    html_section(h, "curves", "Precision over recall",
                 "At overlap .5, interpolated: the best precision at that recall or above. Both "
                 "axes run from 0 to 1.");
    html_literal(h, "<div class=\"half\">\n");
    curve_chart(h, card, K > 1 ? "Mean over categories" : card->table[0].row[0], mean,
                c->other_precision ? mean + n : NULL, false);
    html_literal(h, "</figure>\n</div>\n");
    if (K > 1)
        small_curves(h, card);
    free(mean);
}

/* ---- errors ---- */

static void error_stacks(Html *h, const Card *card, const int *colour)
{
    const Analysis *x = card->analysis;
    const char     *row[MOST_STACKS];
    double          value[MOST_STACKS * ERROR_KINDS];
    Weighted       *w = weights_new(h, x->K);
    int64_t         with_errors = 0;
    if (!w)
        return;
    for (int64_t k = 0; k < x->K; k++) {
        for (int e = 0; e < ERROR_KINDS; e++)
            w[k].weight += (double)x->class_errors[k * ERROR_KINDS + e];
        with_errors += w[k].weight > 0;
    }
    int n = heaviest(w, x->K, MOST_STACKS, true);
    for (int i = 0; i < n; i++) {
        row[i] = card->table[0].row[w[i].row];
        for (int e = 0; e < ERROR_KINDS; e++)
            value[i * ERROR_KINDS + e] = (double)x->class_errors[w[i].row * ERROR_KINDS + e];
    }
    say_left_out(h, n, with_errors, "those with the most errors");
    StackChart chart = {.title = "By category",
                        .unit = "errors",
                        .row = row,
                        .part = ERROR_NAME,
                        .colour = colour,
                        .value = value,
                        .n_rows = n,
                        .n_parts = ERROR_KINDS};
    html_literal(h, "<figure class=\"wide\">\n");
    svg_stack_chart(h, &chart);
    html_literal(h, "</figure>\n");
    free(w);
}

void eval_chart_errors(Html *h, const Card *card)
{
    static const int         COLOUR[ERROR_KINDS] = {1, 2, 5, 4, 0, 3};
    static const char *const ALL[1] = {"all"};
    const Analysis          *x = card->analysis;
    double                   value[ERROR_KINDS], sum = 0;
    if (!x)
        return;
    for (int e = 0; e < ERROR_KINDS; e++) {
        value[e] = (double)x->errors[e];
        sum += value[e];
    }
    html_section(h, "errors", "Where the precision goes", NULL);
    html_raw(h,
             "<p>%lld results are true at overlap .5, %lld are false, and %lld annotations were "
             "missed. Every false result has one kind.</p>\n",
             (long long)x->n_true, (long long)x->n_false, (long long)x->errors[ERROR_MISSED]);
    if (sum == 0)
        return;
    StackChart chart = {.title = "Share of every kind",
                        .unit = "per cent of all errors",
                        .row = ALL,
                        .part = ERROR_NAME,
                        .colour = COLOUR,
                        .value = value,
                        .n_rows = 1,
                        .n_parts = ERROR_KINDS,
                        .is_share = true};
    svg_legend(h, ERROR_NAME, COLOUR, ERROR_KINDS);
    html_literal(h, "<figure class=\"wide\">\n");
    svg_stack_chart(h, &chart);
    html_literal(h, "</figure>\n");
    if (x->K > 1)
        error_stacks(h, card, COLOUR);
}

/* ---- confusion ---- */

/* Rows and columns that are drawn: the classes with the most confusions, then what lies behind them (background, void). */
typedef struct Shown {
    int64_t row[MOST_CELLS + 1], column[MOST_CELLS + 1];
    int     n_rows, n_columns;
    int64_t of; // classes that occur
} Shown;

static bool choose_shown(Html *h, Shown *s, const CardMatrix *m)
{
    int64_t   K = isnan(m->score) ? m->n_rows : m->n_rows - 1, C = m->n_columns;
    Weighted *w = weights_new(h, K);
    if (!w)
        return false;
    *s = (Shown){0};
    for (int64_t i = 0; i < K; i++) {
        double own = 0;
        for (int64_t j = 0; j < K; j++) {
            own += (double)(m->counts[i * C + j] + m->counts[j * C + i]);
            if (i != j)
                w[i].weight += (double)(m->counts[i * C + j] + m->counts[j * C + i]);
        }
        for (int64_t j = K; j < C; j++)
            own += (double)m->counts[i * C + j];
        w[i].weight +=
            own > 0 ? 1e-3 : 0; // a class without confusions is better than an absent one
        s->of += own > 0;
    }
    int n = heaviest(w, K, MOST_CELLS, false);
    for (int i = 0; i < n; i++)
        s->row[s->n_rows++] = s->column[s->n_columns++] = w[i].row;
    if (m->n_rows > K)
        s->row[s->n_rows++] = K;
    if (m->n_columns > K)
        s->column[s->n_columns++] = K;
    free(w);
    return n > 0;
}

void eval_chart_confusion(Html *h, const Card *card)
{
    const CardMatrix *m = &card->confusion;
    const char       *row[MOST_CELLS + 1], *column[MOST_CELLS + 1];
    double            count[(MOST_CELLS + 1) * (MOST_CELLS + 1)];
    Shown             s;
    if (!m->counts || !choose_shown(h, &s, m))
        return;
    for (int j = 0; j < s.n_columns; j++)
        column[j] = m->column[s.column[j]];
    for (int i = 0; i < s.n_rows; i++) {
        row[i] = m->row[s.row[i]];
        for (int j = 0; j < s.n_columns; j++)
            count[i * s.n_columns + j] = (double)m->counts[s.row[i] * m->n_columns + s.column[j]];
    }
    MatrixChart chart = {.title = "Annotated (rows) and found as (columns)",
                         .row_label = "annotated",
                         .column_label = "found as",
                         .row = row,
                         .column = column,
                         .count = count,
                         .n_rows = s.n_rows,
                         .n_columns = s.n_columns,
                         .diagonal_colour = 1,
                         .other_colour = 2};
    html_section(h, "confusion", "Confusion", NULL);
    if (isnan(m->score))
        html_literal(h, "<p>Counted in pixels. ");
    else
        html_raw(h,
                 "<p>Results with a score of at least %.2f take, best first, the free annotation "
                 "that they overlap most, from .5 on and whatever its category. Background as a "
                 "row: results on nothing; as a column: annotations that nothing took. ",
                 m->score);
    html_literal(h, "Shades and numbers are shares of a row.</p>\n");
    say_left_out(h, s.n_rows - (isnan(m->score) ? 0 : 1), s.of, "those confused most often");
    html_literal(h, "<figure class=\"wide\">\n");
    svg_matrix_chart(h, &chart);
    html_literal(h, "</figure>\n");
}
