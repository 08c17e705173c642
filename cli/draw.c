#include "cli/draw.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { GLYPH_W = 5, GLYPH_H = 7, ADVANCE = 6 };

typedef struct Glyph {
    char        c;
    const char *dots; // rows of five, top to bottom
} Glyph;

static const Glyph font[] = {
    {'A', " ### #   ##   #######   ##   ##   #"}, {'B', "#### #   ##   ##### #   ##   ##### "},
    {'C', " ### #   ##    #    #    #   # ### "}, {'D', "#### #   ##   ##   ##   ##   ##### "},
    {'E', "######    #    #### #    #    #####"}, {'F', "######    #    #### #    #    #    "},
    {'G', " ### #   ##    # ####   ##   # ### "}, {'H', "#   ##   ##   #######   ##   ##   #"},
    {'I', " ###   #    #    #    #    #   ### "}, {'J', "  ###   #    #    #    # #  #  ##  "},
    {'K', "#   ##  # # #  ##   # #  #  # #   #"}, {'L', "#    #    #    #    #    #    #####"},
    {'M', "#   ### ### # ## # ##   ##   ##   #"}, {'N', "#   ###  ## # ##  ###   ##   ##   #"},
    {'O', " ### #   ##   ##   ##   ##   # ### "}, {'P', "#### #   ##   ##### #    #    #    "},
    {'Q', " ### #   ##   ##   ## # ##  #  ## #"}, {'R', "#### #   ##   ##### # #  #  # #   #"},
    {'S', " #####    #     ###     #    ##### "}, {'T', "#####  #    #    #    #    #    #  "},
    {'U', "#   ##   ##   ##   ##   ##   # ### "}, {'V', "#   ##   ##   ##   ##   # # #   #  "},
    {'W', "#   ##   ##   ## # ## # ### ###   #"}, {'X', "#   ##   # # #   #   # # #   ##   #"},
    {'Y', "#   ##   # # #   #    #    #    #  "}, {'Z', "#####    #   #   #   #   #    #####"},
    {'0', " ### #   ##  ### # ###  ##   # ### "}, {'1', "  #   ##    #    #    #    #   ### "},
    {'2', " ### #   #    #   #   #   #   #####"}, {'3', "####     #    # ###     #    ##### "},
    {'4', "   #   ##  # # #  # #####   #    # "}, {'5', "######    ####     #    ##   # ### "},
    {'6', " ### #    #    #### #   ##   # ### "}, {'7', "#####    #   #   #   #    #    #   "},
    {'8', " ### #   ##   # ### #   ##   # ### "}, {'9', " ### #   ##   # ####    #    # ### "},
    {' ', "                                   "}, {'.', "                              ##   "},
    {'-', "               #####               "}, {'_', "                              #####"},
    {'%', "##   ##  #   #   #   #   #  ##   ##"}, {'/', "    #    #   #   #   #   #    #    "},
    {':', "      ##   ##        ##   ##       "}, {'+', "       #    #  #####  #    #       "},
};

Colour draw_colour(int64_t class_index)
{
    static const Colour palette[] = {{230, 159, 0},   {86, 180, 233}, {0, 158, 115},
                                     {204, 121, 167}, {0, 114, 178},  {213, 94, 0},
                                     {120, 94, 240},  {220, 38, 127}, {100, 143, 30},
                                     {180, 130, 90},  {0, 170, 170},  {150, 150, 150}};
    return palette[class_index % (int64_t)(sizeof palette / sizeof *palette)];
}

static void fill(Image *im, int64_t x1, int64_t y1, int64_t x2, int64_t y2, Colour c)
{
    x1 = x1 < 0 ? 0 : x1;
    y1 = y1 < 0 ? 0 : y1;
    x2 = x2 > im->width ? im->width : x2;
    y2 = y2 > im->height ? im->height : y2;
    for (int64_t y = y1; y < y2; y++)
        for (int64_t x = x1; x < x2; x++)
            memcpy(im->pixels + (y * im->width + x) * 3, &c, 3);
}

/* Into the picture, so that hostile floats cannot overflow the conversion. */
static int64_t to_pixel(float v, int64_t side)
{
    if (!(v > 0))
        return 0;
    return v >= (float)side ? side : (int64_t)floorf(v);
}

void draw_box(Image *im, float x1, float y1, float x2, float y2, Colour colour, int64_t thickness)
{
    int64_t l = to_pixel(x1, im->width), t = to_pixel(y1, im->height);
    int64_t r = to_pixel(ceilf(x2), im->width), b = to_pixel(ceilf(y2), im->height);
    int64_t inner_l = l + thickness < r ? l + thickness : r,
            inner_t = t + thickness < b ? t + thickness : b;
    int64_t inner_r = r - thickness > l ? r - thickness : l,
            inner_b = b - thickness > t ? b - thickness : t;
    fill(im, l, t, r, inner_t, colour);
    fill(im, l, inner_b, r, b, colour);
    fill(im, l, t, inner_l, b, colour);
    fill(im, inner_r, t, r, b, colour);
}

static const char *glyph_dots(char c)
{
    for (size_t i = 0; i < sizeof font / sizeof *font; i++)
        if (font[i].c == toupper((unsigned char)c))
            return font[i].dots;
    return "          ######   ##   ######     ";
}

void draw_label(Image *im, float x, float y, const char *text, Colour plate, int64_t scale)
{
    int64_t n = (int64_t)strnlen(text, 64);
    int64_t w = (n * ADVANCE + 1) * scale, h = (GLYPH_H + 2) * scale;
    int64_t left = to_pixel(x, im->width), bottom = to_pixel(y, im->height);
    if (left + w > im->width)
        left = im->width > w ? im->width - w : 0;
    if (bottom < h)
        bottom = h;
    fill(im, left, bottom - h, left + w, bottom, plate);
    for (int64_t i = 0; i < n; i++) {
        const char *dots = glyph_dots(text[i]);
        for (int64_t d = 0; d < GLYPH_W * GLYPH_H; d++)
            if (dots[d] == '#') {
                int64_t px = left + (i * ADVANCE + 1 + d % GLYPH_W) * scale;
                int64_t py = bottom - h + (1 + d / GLYPH_W) * scale;
                fill(im, px, py, px + scale, py + scale, (Colour){255, 255, 255});
            }
    }
}
