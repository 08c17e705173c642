/* report_pictures.c -- pictures with boxes on top, and the crops that MoCo saw
 *
 * The switches are radio buttons and a check box; style rules (html_style.c) show the layers they name, so that they work without a script.
 */
#include "cli/report_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *media_of(const uint8_t *bytes, int64_t n)
{
    return n > 0 && bytes[0] == 0x89 ? "image/png" : "image/jpeg";
}

static double clamp(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static bool is_drawable(const ReportBox *b)
{
    return isfinite(b->x1) && isfinite(b->y1) && isfinite(b->x2) && isfinite(b->y2) &&
           b->x1 <= b->x2 && b->y1 <= b->y2;
}

static void draw_rect(Html *h, const ReportBox *b, double w, double height, const char *class_name)
{
    double x1 = clamp(b->x1, 0, w), y1 = clamp(b->y1, 0, height), x2 = clamp(b->x2, 0, w),
           y2 = clamp(b->y2, 0, height);
    html_raw(h, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">",
             class_name, x1, y1, x2 - x1, y2 - y1);
    html_literal(h, "<title>");
    html_text(h, b->name);
    if (isfinite(b->score) && b->score > 0)
        html_raw(h, " %.3f", (double)b->score);
    html_literal(h, "</title></rect>\n");
}

/* "striped_disc .82" on a ground of the row's colour, above the box where there is room, inside it otherwise. */
static void draw_tag(Html *h, const ReportBox *b, double w, double height)
{
    double size = w / 24, line = size * 1.25;
    size_t n = b->name ? strlen(b->name) : 0;
    double width = fmin(w, size * (0.6 * ((double)n + 4) + 0.4));
    double x = clamp(b->x1, 0, w - width), y = b->y1 - line < 0 ? clamp(b->y1, 0, height - line)
                                                                : fmin(b->y1 - line, height - line);
    html_raw(h, "<rect class=\"tag\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" />", x, y,
             width, line);
    html_raw(h, "<text x=\"%.2f\" y=\"%.2f\" style=\"font-size:%.2fpx\">", x + size * 0.2,
             y + size * 0.96, size);
    html_text(h, b->name);
    if (isfinite(b->score)) {
        char score[16];
        snprintf(score, sizeof score, "%.2f", clamp(b->score, 0, 1));
        html_raw(h, " %s", score[0] == '0' ? score + 1 : score);
    }
    html_literal(h, "</text>\n");
}

static void one_picture(Html *h, const Report *r, const ReportPicture *p, int n_rows)
{
    double w = (double)p->width, height = (double)p->height;
    if (p->width < 1 || p->height < 1 || p->n_bytes < 1)
        return;
    html_raw(h, "<figure><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", w, height);
    html_text(h, p->name);
    html_raw(h, "\"><image width=\"%.0f\" height=\"%.0f\" href=\"", w, height);
    html_data_uri(h, media_of(p->jpeg, p->n_bytes), p->jpeg, p->n_bytes);
    html_literal(h, "\" />\n<g class=\"layer truth\">\n");
    for (int i = 0; i < p->truth.n; i++)
        if (is_drawable(&p->truth.box[i])) {
            draw_rect(h, &p->truth.box[i], w, height, "under");
            draw_rect(h, &p->truth.box[i], w, height, "box");
        }
    html_literal(h, "</g>\n");
    for (int row = 0; row < n_rows; row++) {
        const ReportBoxes *boxes = &p->predicted[row];
        html_raw(h, "<g class=\"layer p%d c%d\">\n", row, report_colour(r->row[row].colour));
        for (int i = boxes->n - 1; i >= 0; i--) // the highest score comes first and lies on top
            if (is_drawable(&boxes->box[i])) {
                draw_rect(h, &boxes->box[i], w, height,
                          boxes->box[i].is_right ? "box" : "box wrong");
                draw_tag(h, &boxes->box[i], w, height);
            }
        html_literal(h, "</g>\n");
    }
    html_literal(h, "</svg><figcaption>");
    html_text(h, p->name);
    html_literal(h, "</figcaption></figure>\n");
}

void report_pictures(Html *h, const Report *r)
{
    int n_rows = r->n_rows < 0 ? 0 : r->n_rows > REPORT_MAX_ROWS ? REPORT_MAX_ROWS : r->n_rows;
    if (r->n_pictures <= 0)
        return;
    html_section(h, "pictures", "Test pictures",
                 "None of these was seen in training. A solid box is right (class, and IoU of at "
                 "least 0.5), a dashed one in colour is wrong; "
                 "white dashes are the ground truth.");
    html_literal(
        h, "<fieldset class=\"layers\">\n<input type=\"checkbox\" id=\"layer-truth\" "
           "checked=\"checked\" />"
           "<label for=\"layer-truth\"><span class=\"truthdot\"></span>ground truth</label>\n");
    for (int row = n_rows - 1; row >= 0; row--) {
        html_raw(h,
                 "<input type=\"radio\" name=\"layer\" id=\"layer-%d\"%s /><label "
                 "for=\"layer-%d\"><span class=\"dot c%d\"></span>",
                 row, row == n_rows - 1 ? " checked=\"checked\"" : "", row,
                 report_colour(r->row[row].colour));
        html_text(h, r->row[row].init);
        html_literal(h, "</label>\n");
    }
    html_literal(h, "<div class=\"pictures\">\n");
    for (int i = 0; i < r->n_pictures; i++)
        one_picture(h, r, &r->picture[i], n_rows);
    html_literal(h, "</div>\n</fieldset>\n");
}

static void one_view(Html *h, const ReportView *v, const char *name)
{
    html_literal(h, "<div>");
    if (v->jpeg && v->n_bytes > 0) {
        html_raw(h, "<img alt=\"%s\" src=\"", name);
        html_data_uri(h, media_of(v->jpeg, v->n_bytes), v->jpeg, v->n_bytes);
        html_literal(h, "\" />");
    }
    html_raw(h, "<span>%s</span></div>", name);
}

void report_pairs(Html *h, const Report *r)
{
    if (r->n_pairs <= 0)
        return;
    html_section(h, "views", "What MoCo sees",
                 "No label, no box: two random crops of one picture, recoloured and blurred at "
                 "random. The network learns that "
                 "the query belongs to its key and to none of the others in the queue.");
    html_literal(h, "<div class=\"pairs\">\n");
    for (int i = 0; i < r->n_pairs; i++) {
        html_literal(h, "<div class=\"pair\">");
        one_view(h, &r->pair[i].source, "picture");
        html_literal(h, "<div class=\"arrow\">&#8594;</div>");
        one_view(h, &r->pair[i].query, "query");
        one_view(h, &r->pair[i].key, "key");
        html_literal(h, "</div>\n");
    }
    html_literal(h, "</div>\n");
}
