/* svg_interval.c -- dots with intervals about zero, and bars of parts */
#include "cli/svg_axis.h"
#include "cli/svg_parts.h"

#include <math.h>
#include <stdio.h>

static const double WIDTH = 1000;

static double names_width(const char *const *name, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fmax(most, svg_text_width(name[i]));
    return fmin(most, 190) + 16;
}

static void draw_ticks(Html *h, const Axis *x, double top, double bottom)
{
    char label[32];
    for (int i = 0; i < x->n_ticks; i++) {
        double at = axis_at(x, x->tick[i]);
        svg_line(h, at, top, at, bottom, x->tick[i] == 0 ? "axis" : "grid");
        axis_label(x, label, x->tick[i]);
        svg_text(h, at, bottom + 17, "middle", "tick", label);
    }
}

/* ---- intervals ---- */

static void interval(Html *h, const Axis *x, const IntervalRow *row, double y)
{
    char text[80];
    if (!isfinite(row->value)) {
        svg_text(h, axis_at(x, 0), y + 4, "middle", "tick halo", "\xE2\x80\x93");
        return;
    }
    bool is_apart = row->low > 0 || row->high < 0;
    int  colour = !is_apart ? 0 : row->value > 0 ? 3 : 2;
    html_raw(h, "<g class=\"c%d\">", colour);
    if (isfinite(row->low) && isfinite(row->high))
        html_raw(h,
                 "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"currentColor\" "
                 "stroke-width=\"3\" stroke-linecap=\"round\" opacity=\".55\" />",
                 axis_at(x, row->low), y, axis_at(x, row->high), y);
    html_raw(h, "<circle class=\"fill\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"><title>",
             axis_at(x, row->value), y);
    html_text(h, row->name);
    if (isfinite(row->low) && isfinite(row->high))
        html_raw(h, ": %+.2f (%+.2f to %+.2f)</title></circle>", row->value, row->low, row->high);
    else
        html_raw(h, ": %+.2f, without interval</title></circle>", row->value);
    snprintf(text, sizeof text, "%+.1f", row->value);
    html_raw(h, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" class=\"%s\">%s</text></g>\n",
             WIDTH, y + 4, is_apart ? "name" : "tick", text);
}

void svg_interval_chart(Html *h, const char *title, const char *x_label, const IntervalRow *row,
                        int n_rows)
{
    const double pitch = 22, top = 30;
    double       left = 0, bottom = top + n_rows * pitch + 6, lo = 0, hi = 0;
    for (int r = 0; r < n_rows; r++) {
        left = fmax(left, names_width(&row[r].name, 1));
        const double seen[3] = {row[r].value, row[r].low, row[r].high};
        for (int i = 0; i < 3; i++) {
            lo = isfinite(seen[i]) ? fmin(lo, seen[i]) : lo;
            hi = isfinite(seen[i]) ? fmax(hi, seen[i]) : hi;
        }
    }
    double       room = hi > lo ? .06 * (hi - lo) : 1;
    const double ends[2] = {lo - room, hi + room};
    Axis         x;
    axis_init(&x, left, WIDTH - 52, false);
    axis_see(&x, ends, 2);
    axis_lay(&x, ends[0], ends[1], 9, false);
    svg_open(h, WIDTH, bottom + 42, title);
    svg_text(h, 0, 14, "start", "title", title);
    draw_ticks(h, &x, top, bottom);
    svg_line(h, axis_at(&x, 0), top, axis_at(&x, 0), bottom, "axis");
    svg_text(h, WIDTH - 52, bottom + 36, "end", "label", x_label);
    for (int r = 0; r < n_rows; r++) {
        double y = top + (r + .5) * pitch + 3;
        svg_text(h, left - 12, y + 4, "end", r == 0 ? "value" : "tick", row[r].name);
        interval(h, &x, &row[r], y);
    }
    html_literal(h, "</svg>\n");
}

/* ---- stacks ---- */

static double stack_sum(const StackChart *c, int r)
{
    double sum = 0;
    for (int p = 0; p < c->n_parts; p++)
        sum += c->value[r * c->n_parts + p];
    return sum;
}

static void stack(Html *h, const StackChart *c, const Axis *x, int r, double y)
{
    double sum = stack_sum(c, r), from = 0, scale = c->is_share && sum > 0 ? 100 / sum : 1;
    char   label[32];
    for (int p = 0; p < c->n_parts; p++) {
        double v = c->value[r * c->n_parts + p], to = from + v * scale;
        if (v > 0) {
            html_raw(h,
                     "<g class=\"c%d\"><rect class=\"fill\" x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" "
                     "height=\"15\"><title>",
                     svg_colour(c->colour[p]), axis_at(x, from), y,
                     fmax(axis_at(x, to) - axis_at(x, from) - 1, .4));
            html_text(h, c->part[p]);
            html_raw(h, ": %.0f (%.1f %%)</title></rect>", v, 100 * v / sum);
            if (axis_at(x, to) - axis_at(x, from) > 42)
                html_raw(
                    h,
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" class=\"inverse\">%.0f "
                    "%%</text>",
                    (axis_at(x, from) + axis_at(x, to)) / 2, y + 12, 100 * v / sum);
            html_literal(h, "</g>\n");
        }
        from = to;
    }
    snprintf(label, sizeof label, "%.0f", sum);
    svg_text(h, c->is_share ? WIDTH : axis_at(x, from) + 6, y + 12, c->is_share ? "end" : "start",
             "tick", label);
}

void svg_stack_chart(Html *h, const StackChart *c)
{
    const double pitch = 25, top = 30;
    double left = names_width(c->row, c->n_rows), bottom = top + c->n_rows * pitch + 4, most = 0;
    for (int r = 0; r < c->n_rows; r++)
        most = fmax(most, c->is_share ? 100 : stack_sum(c, r));
    Axis         x;
    const double ends[2] = {0, most};
    axis_init(&x, left, WIDTH - 62, false);
    axis_see(&x, ends, 2);
    axis_lay(&x, 0, most > 0 ? most : 1, 6, false);
    svg_open(h, WIDTH, bottom + 42, c->title);
    svg_text(h, 0, 14, "start", "title", c->title);
    draw_ticks(h, &x, top, bottom);
    svg_text(h, WIDTH - 62, bottom + 36, "end", "label", c->unit);
    for (int r = 0; r < c->n_rows; r++) {
        double y = top + r * pitch + 5;
        svg_text(h, left - 12, y + 12, "end", "tick", c->row[r]);
        stack(h, c, &x, r, y);
    }
    html_literal(h, "</svg>\n");
}
