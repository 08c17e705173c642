#include "base/text.h"
#include "base/number.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

/* Room for n more bytes and the zero; false when memory is short. */
static bool reserve(Text *t, int64_t n)
{
    int64_t need;
    if (t->failed)
        return false;
    if (size_add(&need, t->len, n) && size_add(&need, need, 1)) {
        if (need <= t->cap)
            return true;
        int64_t cap = size_max(need, size_min(t->cap * 2, INT64_MAX / 2));
        char   *data = realloc(t->data, (size_t)size_max(cap, 64));
        if (data) {
            t->data = data;
            t->cap = size_max(cap, 64);
            return true;
        }
    }
    t->failed = true;
    return false;
}

void text_append(Text *t, const char *bytes, int64_t n)
{
    if (!reserve(t, n))
        return;
    memcpy(t->data + t->len, bytes, (size_t)n);
    t->len += n;
    t->data[t->len] = 0;
}

void text_puts(Text *t, const char *text)
{
    text_append(t, text, (int64_t)strlen(text));
}

void text_putc(Text *t, char c)
{
    text_append(t, &c, 1);
}

void text_vprintf(Text *t, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = number_vsnprintf(NULL, 0, fmt, args);
    if (n < 0)
        t->failed = true;
    else if (reserve(t, n)) {
        number_vsnprintf(t->data + t->len, n + 1, fmt, again);
        t->len += n;
    }
    va_end(again);
}

void text_printf(Text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    text_vprintf(t, fmt, args);
    va_end(args);
}

void text_int(Text *t, int64_t value)
{
    text_printf(t, "%lld", (long long)value);
}

void text_number(Text *t, double value)
{
    char digits[NUMBER_CHARS];
    text_append(t, digits, number_print(digits, value));
}

/* Escapes bytes[0..n), which are valid UTF-8. */
static void json_run(Text *t, const char *bytes, int64_t n)
{
    int64_t start = 0; // of what is not copied yet
    for (int64_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F)
            continue;
        text_append(t, bytes + start, i - start);
        start = i + 1;
        if (c == '"' || c == '\\')
            text_printf(t, "\\%c", c);
        else if (c == '\n')
            text_puts(t, "\\n");
        else if (c == '\t')
            text_puts(t, "\\t");
        else
            text_printf(t, "\\u%04x", c);
    }
    text_append(t, bytes + start, n - start);
}

void text_json_n(Text *t, const char *bytes, int64_t n)
{
    text_putc(t, '"');
    for (int64_t i = 0; i < n;) {
        int64_t good = n - i;
        bool    all = utf8_check(bytes + i, n - i, &good);
        json_run(t, bytes + i, good);
        i += good;
        if (!all) {
            text_puts(t, "\xEF\xBF\xBD");
            i++;
        }
    }
    text_putc(t, '"');
}

void text_json(Text *t, const char *text)
{
    text_json_n(t, text, (int64_t)strlen(text));
}

void text_html(Text *t, const char *text)
{
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case '&':
            text_puts(t, "&amp;");
            break;
        case '<':
            text_puts(t, "&lt;");
            break;
        case '>':
            text_puts(t, "&gt;");
            break;
        case '"':
            text_puts(t, "&quot;");
            break;
        case '\'':
            text_puts(t, "&#39;");
            break;
        default:
            if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t')
                text_puts(t, "\xEF\xBF\xBD");
            else
                text_putc(t, *c);
        }
    }
}

void text_csv(Text *t, const char *text)
{
    double number;
    bool   formula = *text && strchr("=+-@\t\r", *text) &&
                   !number_parse_double(&number, text, (int64_t)strlen(text));
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;
    if (quoted)
        text_putc(t, '"');
    if (formula)
        text_putc(t, '\'');
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            text_putc(t, '"');
        text_putc(t, *c);
    }
    if (quoted)
        text_putc(t, '"');
}

void text_file_name(Text *t, const char *label)
{
    for (const char *c = label; *c; c++) {
        bool stays = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || *c == '_' || *c == '-' ||
                     (*c == '.' && c != label);
        text_putc(t, stays ? *c : '_');
    }
    if (!*label)
        text_putc(t, '_');
}

const char *text_on_a_line(char *out, int64_t size, const char *text)
{
    int64_t n = 0;
    for (; n + 1 < size && text[n]; n++) {
        unsigned char c = (unsigned char)text[n];
        out[n] = c < 0x20 || c == 0x7F ? '?' : text[n];
    }
    if (size > 0)
        out[n] = 0;
    return out;
}

const char *text_cstr(const Text *t)
{
    return t->data ? t->data : "";
}

Status text_status(const Text *t)
{
    return t->failed ? status_no_memory("text", (long long)t->len) : OK;
}

void text_clear(Text *t)
{
    t->len = 0;
    t->failed = false;
    if (t->data)
        t->data[0] = 0;
}

void text_release(Text *t)
{
    free(t->data);
    *t = (Text){0};
}
