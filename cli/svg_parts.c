/* svg_parts.c -- see svg_parts.h */
#include "cli/svg_parts.h"

int svg_colour(int colour)
{
    return colour < 0 || colour >= SVG_COLOURS ? 0 : colour;
}

void svg_open(Html *h, double width, double height, const char *title)
{
    html_raw(h, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", width, height);
    html_text(h, title);
    html_literal(h, "\">\n");
}

void svg_text(Html *h, double x, double y, const char *anchor, const char *class_name,
              const char *text)
{
    html_raw(h, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor,
             class_name);
    html_text(h, text);
    html_literal(h, "</text>\n");
}

void svg_line(Html *h, double x1, double y1, double x2, double y2, const char *class_name)
{
    html_raw(h, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\" />\n", x1, y1,
             x2, y2, class_name);
}

double svg_text_width(const char *text)
{
    int n = 0;
    for (const char *p = text; p && *p; p++)
        n += (*p & 0xC0) != 0x80;
    return 6.7 * n;
}
