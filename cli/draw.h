/* draw.h -- boxes and names on pictures */
#pragma once
#include "datasets/image.h"

typedef struct Colour {
    uint8_t r, g, b;
} Colour;

/* One of twelve colours that stay apart on photographs, by class index >= 0. */
Colour draw_colour(int64_t class_index);

/* A frame of `thickness` pixels along the inside of x1 y1 x2 y2 (pixel edges); cut at the picture's borders. */
void draw_box(Image *im, float x1, float y1, float x2, float y2, Colour colour, int64_t thickness);

/* Text in white on a filled plate whose lower left corner is (x, y), moved inside the picture where it would stick out. Capital
 * letters, digits and common signs, 5x7 dots times `scale`; other characters show as a dot. */
void draw_label(Image *im, float x, float y, const char *text, Colour plate, int64_t scale);
