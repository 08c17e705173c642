/* text.h -- a string that grows
 *
 *      Text t = {0};
 *      text_printf(&t, "AP %.1f", ap);
 *      text_json(&t, class_name);            "<b>\"x\"" becomes  "<b>\"x\""  with quotes, escaped
 *      ... text_cstr(&t), t.len ...
 *      text_release(&t);
 *
 * Appending never fails at the call: when memory is short the text stops growing and text_status
 * says so once, at the end. Numbers print the same in every locale only through text_number and
 * text_int; text_printf uses the "C" locale too.
 */
#pragma once
#include "base/status.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Text {
    char   *data;   // zero-terminated once something was appended, NULL before
    int64_t len;    // bytes without the terminating zero
    int64_t cap;    // bytes allocated
    bool    failed; // an allocation failed; nothing was appended since
} Text;

void text_append(Text *t, const char *bytes, int64_t n);
void text_puts(Text *t, const char *text);
void text_putc(Text *t, char c);
void text_printf(Text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(Text *t, const char *fmt, va_list args);

/* Decimal digits; the shortest digits that read back as the same double ("nan", "inf", "-inf" for
 * those). */
void text_int(Text *t, int64_t value);
void text_number(Text *t, double value);

/* A JSON string with its quotes: control characters, quotes and backslashes escaped. Bytes that are
 * no UTF-8 become U+FFFD, so the result is always valid JSON. */
void text_json(Text *t, const char *text);
void text_json_n(Text *t, const char *bytes, int64_t n);

/* For HTML and SVG text and attribute values: & < > " ' become entities, control characters U+FFFD.
 */
void text_html(Text *t, const char *text);

/* One CSV field (RFC 4180), quoted when needed. A leading = + - @ gets a ' before it unless the
 * field is a number, so that a spreadsheet does not run it. */
void text_csv(Text *t, const char *text);

/* A file name made of a label: letters, digits, . _ - stay, everything else becomes _; never empty,
 * no leading dot. */
void text_file_name(Text *t, const char *label);

/* `text`, cut to `size` with its zero, in `out`, which may be `text`: control characters become ?, so that what a file's name or
 * content brings along moves no cursor and begins no line. */
const char *text_on_a_line(char *out, int64_t size, const char *text);

/* The text, "" when nothing was appended. */
const char *text_cstr(const Text *t);

/* ERR_MEMORY when an append failed. */
Status text_status(const Text *t) STATUS_MUST_USE;

void text_clear(Text *t);   // empty, memory kept
void text_release(Text *t); // empty, memory freed
