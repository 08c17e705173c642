#include "cli/svg_axis.h"
#include "cli/svg_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_POINTS = 900, MOST_HITS = 60, MOST_LABELS = 16 };

/* ---- line charts ------------------------------------------------------------------------------------------------ */

typedef struct Frame {
    double width, height, left, right, top, bottom; // edges of the plot inside the picture
    Axis   x, y;
} Frame;

static Frame line_frame(const LineChart *c)
{
    Frame  f = {.width = c->is_small ? 190 : 500, .height = c->is_small ? 156 : 292};
    double name = 0;
    for (int s = 0; s < c->n_series && !c->is_small; s++)
        name = fmax(name, svg_text_width(c->series[s].name));
    f.left = c->is_small ? 24 : 40;
    f.right = f.width - (c->is_small ? 6 : fmin(name, 150) + 14);
    f.top = c->is_small ? 28 : c->y_label ? 46 : 32;
    f.bottom = f.height - (c->is_small ? 20 : 40);
    axis_init(&f.x, f.left, f.right, false);
    axis_init(&f.y, f.bottom, f.top, c->log_y);
    for (int s = 0; s < c->n_series; s++) {
        axis_see(&f.x, c->series[s].x, c->series[s].n);
        axis_see(&f.y, c->series[s].y, c->series[s].n);
    }
    if (c->mark_label)
        axis_see(&f.y, &c->mark, 1);
    axis_lay(&f.x, c->x_lo, c->x_hi, c->is_small ? 2 : 6, false);
    axis_lay(&f.y, c->y_lo, c->y_hi, c->is_small ? 2 : 5, true);
    return f;
}

static void draw_axes(Html *h, const LineChart *c, const Frame *f)
{
    char label[32];
    for (int i = 0; i < f->y.n_ticks; i++) {
        double y = axis_at(&f->y, f->y.tick[i]);
        svg_line(h, f->left, y, f->right, y, "grid");
        axis_label(&f->y, label, f->y.tick[i]);
        svg_text(h, f->left - 7, y + 4, "end", "tick", label);
    }
    svg_line(h, f->left, f->bottom, f->right, f->bottom, "axis");
    for (int i = 0; i < f->x.n_ticks; i++) {
        double x = axis_at(&f->x, f->x.tick[i]);
        svg_line(h, x, f->bottom, x, f->bottom + 4, "axis");
        axis_label(&f->x, label, f->x.tick[i]);
        svg_text(h, x, f->bottom + 17, "middle", "tick", label);
    }
    if (c->title)
        svg_text(h, 0, 14, "start", "title", c->title);
    if (c->y_label && !c->is_small)
        svg_text(h, 0, 32, "start", "label", c->y_label);
    if (c->x_label && !c->is_small)
        svg_text(h, f->right, f->height - 5, "end", "label", c->x_label);
    if (c->mark_label && axis_has(&f->y, c->mark)) {
        double y = axis_at(&f->y, c->mark);
        svg_line(h, f->left, y, f->right, y, "mark");
        svg_text(h, f->left + 6, y - 5, "start", "tick halo", c->mark_label);
    }
}

/* One path; a gap where a point cannot be drawn. `smooth` > 0 draws the running mean of the points so far. Long series
 * are thinned to MOST_POINTS, always keeping the last point. Returns the last y drawn in pixels, NaN if none. */
static double draw_path(Html *h, const Frame *f, const Series *s, double smooth,
                        const char *class_name)
{
    double  mean = 0, weight = 0, last = NAN;
    int64_t stride = s->n / MOST_POINTS + 1;
    bool    is_down = false;
    html_raw(h, "<path class=\"%s\" d=\"", class_name);
    for (int64_t i = 0; i < s->n; i++) {
        if (!axis_has(&f->x, s->x[i]) || !axis_has(&f->y, s->y[i])) {
            is_down = false;
            continue;
        }
        mean = smooth * mean + (1 - smooth) * s->y[i];
        weight = smooth * weight + (1 - smooth);
        if (i % stride != 0 && i != s->n - 1)
            continue;
        last = axis_at(&f->y, mean / weight);
        html_raw(h, "%s%.1f %.1f", is_down ? "L" : "M", axis_at(&f->x, s->x[i]), last);
        is_down = true;
    }
    html_literal(h, "\" />\n");
    return last;
}

/* Invisible dots that show their values under the pointer. */
static void draw_hits(Html *h, const Frame *f, const Series *s)
{
    int64_t stride = s->n / MOST_HITS + 1;
    for (int64_t i = s->n - 1; i >= 0; i -= stride) {
        if (!axis_has(&f->x, s->x[i]) || !axis_has(&f->y, s->y[i]))
            continue;
        html_raw(h, "<circle class=\"hit\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>",
                 axis_at(&f->x, s->x[i]), axis_at(&f->y, s->y[i]));
        html_text(h, s->name);
        html_raw(h, ": %.6g at %.6g</title></circle>\n", s->y[i], s->x[i]);
    }
}

/* Names at the ends of their lines, pushed apart to 14 px, in the order of the lines. */
static void draw_names(Html *h, const LineChart *c, const Frame *f, double *end)
{
    int order[MOST_LABELS], n = 0;
    for (int s = 0; s < c->n_series && s < MOST_LABELS; s++) {
        if (!isfinite(end[s]))
            continue;
        int at = n++;
        for (; at > 0 && end[order[at - 1]] > end[s]; at--)
            order[at] = order[at - 1];
        order[at] = s;
    }
    for (int i = 1; i < n; i++)
        end[order[i]] = fmax(end[order[i]], end[order[i - 1]] + 14);
    double limit = f->bottom;
    for (int i = n - 1; i >= 0; i--, limit -= 14) {
        end[order[i]] = fmin(end[order[i]], limit);
        const Series *s = &c->series[order[i]];
        html_raw(h, "<g class=\"c%d\">", svg_colour(s->colour));
        svg_text(h, f->right + 8, end[order[i]] + 4, "start", "name", s->name);
        html_literal(h, "</g>\n");
    }
}

void svg_line_chart(Html *h, const LineChart *c)
{
    Frame  f = line_frame(c);
    double end[MOST_LABELS];
    svg_open(h, f.width, f.height, c->title);
    draw_axes(h, c, &f);
    if (f.x.is_empty || f.y.is_empty)
        svg_text(h, (f.left + f.right) / 2, (f.top + f.bottom) / 2, "middle", "tick", "no data");
    for (int s = 0; s < c->n_series; s++) {
        const Series *one = &c->series[s];
        html_raw(h, "<g class=\"c%d\">\n", svg_colour(one->colour));
        if (one->smooth > 0)
            draw_path(h, &f, one, 0, "raw");
        double last = draw_path(h, &f, one, one->smooth, one->is_dashed ? "line dash" : "line");
        if (s < MOST_LABELS)
            end[s] = last;
        if (!c->is_small)
            draw_hits(h, &f, one);
        html_literal(h, "</g>\n");
    }
    if (!c->is_small)
        draw_names(h, c, &f, end);
    html_literal(h, "</svg>\n");
}

/* ---- bars ------------------------------------------------------------------------------------------------------- */

void svg_bar_chart(Html *h, const BarChart *c)
{
    const double bar = 9, gap = 2, between = 11, width = 500;
    double       group = c->n_series * (bar + gap) + between, left = 0;
    for (int g = 0; g < c->n_groups; g++)
        left = fmax(left, svg_text_width(c->group[g]));
    left = fmin(left, 170) + 12;
    double top = 44, bottom = top + c->n_groups * group, height = bottom + 26;
    Axis   x;
    axis_init(&x, left, width - 40, false);
    static const double zero = 0;
    axis_see(&x, &zero, 1);
    axis_see(&x, c->value, (int64_t)c->n_groups * c->n_series);
    axis_see(&x, &c->most, 1);
    axis_lay(&x, 0, 0, 6, true);

    svg_open(h, width, height, c->title);
    svg_text(h, 0, 14, "start", "title", c->title);
    svg_text(h, left, 32, "start", "label", c->unit);
    char label[32];
    for (int i = 0; i < x.n_ticks; i++) {
        double at = axis_at(&x, x.tick[i]);
        svg_line(h, at, top - 4, at, bottom, i == 0 ? "axis" : "grid");
        axis_label(&x, label, x.tick[i]);
        svg_text(h, at, bottom + 16, "middle", "tick", label);
    }
    for (int g = 0; g < c->n_groups; g++) {
        double y = top + g * group + between / 2 - 1;
        svg_text(h, left - 10, y + c->n_series * (bar + gap) / 2 + 3.5, "end", "tick", c->group[g]);
        for (int s = 0; s < c->n_series; s++, y += bar + gap) {
            double v = c->value[g * c->n_series + s];
            html_raw(h, "<g class=\"c%d\">", svg_colour(c->colour[s]));
            if (axis_has(&x, v)) {
                html_raw(h,
                         "<rect class=\"fill\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                         "height=\"%.1f\"><title>",
                         left, y, fmax(axis_at(&x, v) - left, 0.5), bar);
                html_text(h, c->series[s]);
                html_raw(h, ": %.*f</title></rect>", c->decimals, v);
                snprintf(label, sizeof label, "%.*f", c->decimals, v);
            } else {
                snprintf(label, sizeof label, "\xE2\x80\x93");
            }
            html_raw(h,
                     "<text x=\"%.1f\" y=\"%.1f\" style=\"font-size:9.5px\" "
                     "class=\"halo\">%s</text></g>\n",
                     (axis_has(&x, v) ? axis_at(&x, v) : left) + 4, y + bar - 1, label);
        }
    }
    html_literal(h, "</svg>\n");
}

/* ---- strips ----------------------------------------------------------------------------------------------------- */

void svg_strip_chart(Html *h, const char *title, const char *x_label, const StripRow *row,
                     int n_rows)
{
    const double width = 760, pitch = 46, top = 34;
    double       left = 0, bottom = top + n_rows * pitch;
    for (int r = 0; r < n_rows; r++)
        left = fmax(left, svg_text_width(row[r].name) * 1.45);
    left = fmin(left, 220) + 18;
    Axis x;
    axis_init(&x, left, width - 60, false);
    static const double zero = 0;
    axis_see(&x, &zero, 1);
    for (int r = 0; r < n_rows; r++)
        axis_see(&x, row[r].value, row[r].n);
    axis_lay(&x, 0, 0, 8, true);

    svg_open(h, width, bottom + 42, title);
    svg_text(h, 0, 14, "start", "title", title);
    char label[32];
    for (int i = 0; i < x.n_ticks; i++) {
        double at = axis_at(&x, x.tick[i]);
        svg_line(h, at, top, at, bottom, i == 0 ? "axis" : "grid");
        axis_label(&x, label, x.tick[i]);
        svg_text(h, at, bottom + 17, "middle", "tick", label);
    }
    svg_text(h, width - 60, bottom + 36, "end", "label", x_label);
    for (int r = 0; r < n_rows; r++) {
        double y = top + (r + 0.5) * pitch, sum = 0;
        int    n = 0;
        html_raw(h, "<g class=\"c%d\">\n", svg_colour(row[r].colour));
        html_raw(h,
                 "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" class=\"name\" "
                 "style=\"font-size:14.5px\">",
                 left - 14, y + 5);
        html_text(h, row[r].name);
        html_literal(h, "</text>\n");
        for (int i = 0; i < row[r].n; i++) {
            if (!axis_has(&x, row[r].value[i]))
                continue;
            sum += row[r].value[i];
            n++;
            html_raw(h,
                     "<circle class=\"fill\" fill-opacity=\"0.55\" cx=\"%.1f\" cy=\"%.1f\" "
                     "r=\"5.5\"><title>trial %d: %.2f</title>"
                     "</circle>\n",
                     axis_at(&x, row[r].value[i]), y, i + 1, row[r].value[i]);
        }
        if (n > 0) {
            double at = axis_at(&x, sum / n);
            html_raw(h,
                     "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
                     "stroke=\"currentColor\" stroke-width=\"3\" />\n",
                     at, y - 14, at, y + 14);
            html_raw(h,
                     "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" class=\"value\" "
                     "style=\"font-size:17px\">%.1f</text>\n",
                     width, y + 6, sum / n);
        } else {
            svg_text(h, left + 8, y + 4, "start", "tick", "no trial");
        }
        html_literal(h, "</g>\n");
    }
    html_literal(h, "</svg>\n");
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static void format_seconds(char text[32], double s)
{
    if (s < 100)
        snprintf(text, 32, "%.*f s", s < 10 ? 1 : 0, s);
    else
        snprintf(text, 32, "%.0f min %02.0f s", floor(s / 60), floor(fmod(s, 60)));
}

void svg_timeline(Html *h, const char *title, const Phase *phase, int n_phases)
{
    const double width = 1000, pitch = 25, top = 34;
    double       left = 0, bottom = top + n_phases * pitch;
    for (int p = 0; p < n_phases; p++)
        left = fmax(left, svg_text_width(phase[p].name));
    left = fmin(left, 260) + 14;
    Axis x;
    axis_init(&x, left, width - 96, false);
    static const double zero = 0;
    axis_see(&x, &zero, 1);
    for (int p = 0; p < n_phases; p++) {
        double end = phase[p].start_s + phase[p].duration_s;
        axis_see(&x, &end, 1);
    }
    axis_lay(&x, 0, 0, 8, false);

    svg_open(h, width, bottom + 40, title);
    svg_text(h, 0, 14, "start", "title", title);
    char label[32];
    for (int i = 0; i < x.n_ticks; i++) {
        double at = axis_at(&x, x.tick[i]);
        svg_line(h, at, top, at, bottom, "grid");
        axis_label(&x, label, x.tick[i]);
        svg_text(h, at, bottom + 17, "middle", "tick", label);
    }
    svg_text(h, width - 96, bottom + 35, "end", "label", "seconds since the start");
    for (int p = 0; p < n_phases; p++) {
        double y = top + p * pitch;
        svg_text(h, left - 12, y + 16, "end", "tick", phase[p].name);
        double end = phase[p].start_s + phase[p].duration_s;
        if (!axis_has(&x, phase[p].start_s) || !axis_has(&x, end))
            continue;
        double x1 = axis_at(&x, phase[p].start_s), x2 = axis_at(&x, end);
        format_seconds(label, phase[p].duration_s);
        html_raw(h,
                 "<g class=\"c%d\"><rect class=\"fill\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                 "height=\"13\" rx=\"2\">"
                 "<title>%s</title></rect></g>\n",
                 svg_colour(phase[p].colour), x1, y + 5, fmax(x2 - x1, 1.5), label);
        svg_text(h, x2 + 7, y + 16, "start", "tick halo", label);
    }
    html_literal(h, "</svg>\n");
}

void svg_legend(Html *h, const char *const *name, const int *colour, int n)
{
    html_literal(h, "<div class=\"legend\">");
    for (int i = 0; i < n; i++) {
        html_raw(h, "<span><span class=\"dot c%d\"></span>", svg_colour(colour[i]));
        html_text(h, name[i]);
        html_literal(h, "</span>");
    }
    html_literal(h, "</div>\n");
}
