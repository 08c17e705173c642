#include "cli/html.h"
#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PAGE_BYTES = 512 << 20 };

/* ---- the growing text ------------------------------------------------------------------------------------------- */

static char *reserve(Html *h, int64_t more)
{
    if (h->is_broken)
        return NULL;
    if (more > MAX_PAGE_BYTES - h->n_bytes - 1) {
        h->is_broken = true;
        return NULL;
    }
    if (h->n_bytes + more + 1 > h->capacity) {
        int64_t capacity = (h->n_bytes + more + 1) * 3 / 2 + 4096;
        char   *data = realloc(h->data, (size_t)capacity);
        if (!data) {
            h->is_broken = true;
            return NULL;
        }
        h->data = data;
        h->capacity = capacity;
    }
    return h->data + h->n_bytes;
}

static void append(Html *h, const char *bytes, int64_t n)
{
    char *at = reserve(h, n);
    if (!at)
        return;
    memcpy(at, bytes, (size_t)n);
    at[n] = 0;
    h->n_bytes += n;
}

void html_release(Html *h)
{
    free(h->data);
    *h = (Html){0};
}

void html_literal(Html *h, const char *markup)
{
    append(h, markup, (int64_t)strlen(markup));
}

void html_raw(Html *h, const char *fmt, ...)
{
    char    line[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof line)
        h->is_broken = true; // markup pieces are short; a longer one is a mistake of ours
    else
        append(h, line, n);
}

/* Length of the UTF-8 sequence at p (1..4), 0 if it is none: overlong, surrogate, past U+10FFFF or cut short. */
static int utf8_length(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    int n = p[0] >= 0xC2 && p[0] <= 0xDF   ? 2
            : (p[0] & 0xF0) == 0xE0        ? 3
            : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                           : 0;
    for (int i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

void html_text(Html *h, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    while (p && *p) {
        int         n = utf8_length(p);
        const char *safe = NULL;
        switch (*p) {
        case '&':
            safe = "&amp;";
            break;
        case '<':
            safe = "&lt;";
            break;
        case '>':
            safe = "&gt;";
            break;
        case '"':
            safe = "&quot;";
            break;
        case '\'':
            safe = "&#39;";
            break;
        default: // XML knows no control characters but these, and neither U+FFFE nor U+FFFF
            if (n == 0 || (*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7F ||
                (n == 3 && p[0] == 0xEF && p[1] == 0xBF && p[2] >= 0xBE))
                safe = "&#xFFFD;";
        }
        if (safe)
            html_literal(h, safe);
        else
            append(h, (const char *)p, n);
        p += n ? n : 1;
    }
}

void html_number(Html *h, double value, int decimals)
{
    if (!isfinite(value))
        html_literal(h, "<span class=\"none\">&#8211;</span>");
    else
        html_raw(h, "%s%.*f", value < 0 && round(value * pow(10, decimals)) != 0 ? "&#8722;" : "",
                 decimals, fabs(value));
}

void html_signed(Html *h, double value, int decimals)
{
    if (isfinite(value) && round(value * pow(10, decimals)) > 0)
        html_literal(h, "+");
    html_number(h, value, decimals);
}

void html_data_uri(Html *h, const char *media, const uint8_t *bytes, int64_t n_bytes)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    html_raw(h, "data:%s;base64,", media);
    if (n_bytes < 0 || n_bytes > MAX_PAGE_BYTES) {
        h->is_broken = true;
        return;
    }
    char *out = reserve(h, (n_bytes + 2) / 3 * 4);
    if (!out)
        return;
    for (int64_t i = 0; i < n_bytes; i += 3) {
        int64_t  left = n_bytes - i;
        uint32_t w = (uint32_t)bytes[i] << 16;
        w |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        w |= left > 2 ? bytes[i + 2] : 0;
        *out++ = digit[w >> 18];
        *out++ = digit[w >> 12 & 63];
        *out++ = left > 1 ? digit[w >> 6 & 63] : '=';
        *out++ = left > 2 ? digit[w & 63] : '=';
    }
    *out = 0;
    h->n_bytes = out - h->data;
}

/* ---- frame ------------------------------------------------------------------------------------------------------ */

void html_page_open(Html *h, const char *title, const char *subtitle)
{
    html_literal(
        h,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
        "<meta name=\"color-scheme\" content=\"light dark\" />\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\" />\n<title>");
    html_text(h, title);
    html_literal(h, "</title>\n<style>\n");
    html_literal(h, HTML_STYLE);
    html_literal(h, "</style>\n</head>\n<body>\n<header>\n<button id=\"theme\" type=\"button\" "
                    "title=\"light, dark, or as the system says\">theme: system</button>\n<h1>");
    html_text(h, title);
    html_literal(h, "</h1>\n");
    if (subtitle) {
        html_literal(h, "<p class=\"subtitle\">");
        html_text(h, subtitle);
        html_literal(h, "</p>\n");
    }
    html_literal(h, "</header>\n<main>\n<section>\n");
}

void html_page_close(Html *h)
{
    html_literal(h, "</section>\n</main>\n<footer>Written by godwit. This file is complete: it "
                    "needs no network "
                    "and no other file.</footer>\n<script>\n");
    html_literal(h, HTML_SCRIPT);
    html_literal(h, "</script>\n</body>\n</html>\n");
}

void html_section(Html *h, const char *id, const char *title, const char *intro)
{
    html_raw(h, "</section>\n<section id=\"%s\">\n<h2>", id);
    html_text(h, title);
    html_literal(h, "</h2>\n");
    html_paragraph(h, intro);
}

void html_paragraph(Html *h, const char *text)
{
    if (!text)
        return;
    html_literal(h, "<p>");
    html_text(h, text);
    html_literal(h, "</p>\n");
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

void html_table_begin(Html *h, const char *caption, const char *const *column, int n_columns)
{
    html_literal(h, "<div class=\"scroll\"><table>\n");
    if (caption) {
        html_literal(h, "<caption>");
        html_text(h, caption);
        html_literal(h, "</caption>\n");
    }
    html_literal(h, "<thead><tr>");
    for (int c = 0; c < n_columns; c++) {
        bool is_number = column[c][0] == '#';
        html_raw(h, "<th scope=\"col\"%s>", is_number ? " class=\"num\"" : "");
        html_text(h, column[c] + is_number);
        html_literal(h, "</th>");
    }
    html_literal(h, "</tr></thead>\n<tbody>\n");
}

void html_row_begin(Html *h, const char *class_name)
{
    if (class_name)
        html_raw(h, "<tr class=\"%s\">", class_name);
    else
        html_literal(h, "<tr>");
}

void html_cell(Html *h, const char *text)
{
    html_literal(h, "<td>");
    html_text(h, text);
    html_literal(h, "</td>");
}

void html_cell_swatch(Html *h, const char *text, int colour)
{
    html_raw(h, "<th scope=\"row\"><span class=\"dot c%d\"></span>", colour);
    html_text(h, text);
    html_literal(h, "</th>");
}

void html_cell_number(Html *h, double value, double deviation, int decimals)
{
    html_literal(h, "<td class=\"num\">");
    html_number(h, value, decimals);
    if (isfinite(value) && isfinite(deviation))
        html_raw(h, "<span class=\"dev\"> &#177;&#8239;%.*f</span>", decimals, deviation);
    html_literal(h, "</td>");
}

void html_cell_delta(Html *h, double value, int decimals)
{
    double shown = isfinite(value) ? round(value * pow(10, decimals)) : 0;
    html_raw(h, "<td class=\"num delta %s\">", shown > 0 ? "up" : shown < 0 ? "down" : "");
    html_signed(h, value, decimals);
    html_literal(h, "</td>");
}

void html_row_end(Html *h)
{
    html_literal(h, "</tr>\n");
}

void html_table_end(Html *h)
{
    html_literal(h, "</tbody>\n</table></div>\n");
}

/* ---- file ------------------------------------------------------------------------------------------------------- */

Status html_save(const Html *h, const char *path)
{
    if (h->is_broken)
        return status_fail(ERR_MEMORY,
                           "%s: the page grew past what memory or its limit of %d MB allows", path,
                           MAX_PAGE_BYTES >> 20);
    return file_write(path, h->data, h->n_bytes);
}
