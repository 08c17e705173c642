/* html.h -- pages that carry everything they need: frame, text, tables
 *
 * A page is one file: its own style, its own script, pictures as data: URIs. It asks the network for nothing (its content
 * policy forbids it), reads well without the script, follows the reader's light or dark theme and prints. Charts come from cli/svg.h.
 *
 *      Html h = {0};
 *      html_page_open(&h, "title", "one sentence");
 *      html_section(&h, "result", "Result", NULL);
 *      ...
 *      html_page_close(&h);
 *      TRY(html_save(&h, "report.html"));       // reports whatever failed on the way
 *
 * What is written is well-formed XML as well (tests parse it with expat). Text that comes from outside (class names,
 * paths, captions) goes through html_text alone, which escapes it.
 */
#pragma once
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

/* The growing page. After a failed allocation it stays as it was and html_save says so. */
typedef struct Html {
    char   *data; // n_bytes of UTF-8, then a zero
    int64_t n_bytes, capacity;
    bool    is_broken;
} Html;

void html_release(Html *h);

/* Markup of our own, printf-formatted: never text from outside. Doubles must be finite. */
void html_raw(Html *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Markup of our own as it is. */
void html_literal(Html *h, const char *markup);

/* Text, escaped for content and for quoted attributes alike. Bytes that are not UTF-8 and control characters become
 * U+FFFD. NULL writes nothing. */
void html_text(Html *h, const char *text);

/* "12.3"; a dash for NaN and infinities. */
void html_number(Html *h, double value, int decimals);

/* "+1.2", a true minus sign, a dash for NaN. */
void html_signed(Html *h, double value, int decimals);

/* src="data:..." content of a picture; media is "image/jpeg" or "image/png". */
void html_data_uri(Html *h, const char *media, const uint8_t *bytes, int64_t n_bytes);

/* Frame: doctype, style, header with the theme switch; then footer and script. `subtitle` may be NULL. */
void html_page_open(Html *h, const char *title, const char *subtitle);
void html_page_close(Html *h);

/* A heading with an anchor `id` (letters of our own) and an optional paragraph. Closes the section before it. */
void html_section(Html *h, const char *id, const char *title, const char *intro);
void html_paragraph(Html *h, const char *text);

/* Tables: numbers align right with equal-width digits. Begin, then rows of cells, then end. A column whose name
 * starts with '#' holds numbers (the '#' is not shown). */
void html_table_begin(Html *h, const char *caption, const char *const *column, int n_columns);
void html_row_begin(Html *h, const char *class_name); // class of our own or NULL
void html_cell(Html *h, const char *text);
void html_cell_swatch(Html *h, const char *text,
                      int colour); // with the series' colour dot, see svg.h
void html_cell_number(Html *h, double value, double deviation,
                      int decimals); // deviation NaN: not shown
void html_cell_delta(Html *h, double value, int decimals);
void html_row_end(Html *h);
void html_table_end(Html *h);

/* The page's style sheet and script (html_style.c): plain text without '<' or '&', so that the page stays XML. */
extern const char HTML_STYLE[], HTML_SCRIPT[];

/* Writes the page aside and renames it over `path`. ERR_MEMORY, ERR_CREATE, ERR_IO. */
Status html_save(const Html *h, const char *path) STATUS_MUST_USE;
