/* svg_matrix.c -- a matrix as shaded cells */
#include "cli/svg_parts.h"

#include <math.h>

enum { MOST_LABELLED = 14 }; // columns up to which cells carry their share

static double longest(const char *const *name, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fmax(most, svg_text_width(name[i]));
    return fmin(most, 150);
}

static double row_sum(const MatrixChart *c, int r)
{
    double sum = 0;
    for (int k = 0; k < c->n_columns; k++)
        sum += c->count[r * c->n_columns + k];
    return sum;
}

static void cell(Html *h, const MatrixChart *c, int r, int k, double x, double y, double side)
{
    double n = c->count[r * c->n_columns + k], sum = row_sum(c, r), share = sum > 0 ? n / sum : 0;
    int    colour = svg_colour(r == k ? c->diagonal_colour : c->other_colour);
    if (n <= 0)
        return;
    html_raw(h,
             "<g class=\"c%d\"><rect class=\"fill\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
             "height=\"%.1f\" fill-opacity=\"%.3f\"><title>",
             colour, x + .5, y + .5, side - 1, side - 1, .06 + .94 * sqrt(share));
    html_text(h, c->row[r]);
    html_literal(h, " found as ");
    html_text(h, c->column[k]);
    html_raw(h, ": %.0f (%.1f %%)</title></rect>", n, 100 * share);
    if (c->n_columns <= MOST_LABELLED && share >= .005)
        html_raw(h, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" class=\"%s\">%.0f</text>",
                 x + side / 2, y + side / 2 + 4, share > .3 ? "inverse" : "value", 100 * share);
    html_literal(h, "</g>\n");
}

void svg_matrix_chart(Html *h, const MatrixChart *c)
{
    double left = longest(c->row, c->n_rows) + 16, above = longest(c->column, c->n_columns);
    double side = fmin(40, (1000 - left - .72 * above) / c->n_columns), top = 40 + above * .72;
    double right = left + side * c->n_columns, bottom = top + side * c->n_rows;
    svg_open(h, 1000, bottom + 30, c->title);
    svg_text(h, 0, 14, "start", "title", c->title);
    for (int k = 0; k < c->n_columns; k++) {
        double x = left + (k + .5) * side;
        html_raw(h, "<g transform=\"translate(%.1f %.1f) rotate(-45)\">", x + 3, top - 7);
        svg_text(h, 0, 0, "start", "tick", c->column[k]);
        html_literal(h, "</g>\n");
    }
    for (int r = 0; r < c->n_rows; r++) {
        double y = top + r * side;
        svg_text(h, left - 8, y + side / 2 + 4, "end", "tick", c->row[r]);
        svg_line(h, left, y, right, y, "grid");
        for (int k = 0; k < c->n_columns; k++)
            cell(h, c, r, k, left + k * side, y, side);
    }
    svg_line(h, left, bottom, right, bottom, "grid");
    svg_text(h, left - 8, bottom + 20, "end", "label", c->row_label);
    svg_text(h, left, bottom + 20, "start", "label", c->column_label);
    html_literal(h, "</svg>\n");
}
