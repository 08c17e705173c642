/* svg_parts.h -- what the charts are drawn with. Internal to cli/svg*.c. */
#pragma once
#include "cli/svg.h"

/* A colour of the page; 0 for those it has not. */
int svg_colour(int colour);

void svg_open(Html *h, double width, double height, const char *title);

/* anchor: "start", "middle", "end"; class_name: of html_style.c. */
void svg_text(Html *h, double x, double y, const char *anchor, const char *class_name,
              const char *text);
void svg_line(Html *h, double x1, double y1, double x2, double y2, const char *class_name);

/* The width a label will need at 12 px; glyphs of UTF-8 count once. */
double svg_text_width(const char *text);
