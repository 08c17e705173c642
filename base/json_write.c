/* json_write.c -- the part of json.h that writes */
#include "base/file.h"
#include "base/json.h"
#include "base/number.h"

#include <math.h>

JsonWriter json_writer(Text *out, int indent)
{
    return (JsonWriter){.out = out, .indent = indent};
}

static void new_line(JsonWriter *w)
{
    if (w->indent == 0 || w->in_row)
        return;
    text_putc(w->out, '\n');
    for (int i = 0; i < w->indent * w->depth; i++)
        text_putc(w->out, ' ');
}

/* Comma, line break and key before a value. */
static void before_value(JsonWriter *w, const char *key)
{
    bool spaced = w->indent > 0;
    if (w->has_members)
        text_puts(w->out, w->in_row && spaced ? ", " : ",");
    if (w->depth > 0)
        new_line(w);
    if (key) {
        text_json(w->out, key);
        text_puts(w->out, spaced ? ": " : ":");
    }
    w->has_members = true;
}

static void open_with(JsonWriter *w, const char *key, char bracket)
{
    before_value(w, key);
    text_putc(w->out, bracket);
    w->depth++;
    w->has_members = false;
}

static void close_with(JsonWriter *w, char bracket)
{
    bool had_members = w->has_members;
    w->depth--;
    if (had_members)
        new_line(w);
    if (w->in_row && w->depth == w->row_depth)
        w->in_row = false;
    text_putc(w->out, bracket);
    w->has_members = true;
}

void json_open_object(JsonWriter *w, const char *key)
{
    open_with(w, key, '{');
}

void json_open_array(JsonWriter *w, const char *key)
{
    open_with(w, key, '[');
}

void json_open_row(JsonWriter *w, const char *key)
{
    before_value(w, key);
    text_putc(w->out, '[');
    if (!w->in_row) {
        w->in_row = true;
        w->row_depth = w->depth;
    }
    w->depth++;
    w->has_members = false;
}

void json_close_object(JsonWriter *w)
{
    close_with(w, '}');
}

void json_close_array(JsonWriter *w)
{
    close_with(w, ']');
}

void json_put_null(JsonWriter *w, const char *key)
{
    before_value(w, key);
    text_puts(w->out, "null");
}

void json_put_bool(JsonWriter *w, const char *key, bool value)
{
    before_value(w, key);
    text_puts(w->out, value ? "true" : "false");
}

void json_put_int(JsonWriter *w, const char *key, int64_t value)
{
    before_value(w, key);
    text_int(w->out, value);
}

void json_put_number(JsonWriter *w, const char *key, double value)
{
    if (!isfinite(value)) {
        json_put_null(w, key);
        return;
    }
    before_value(w, key);
    text_number(w->out, value);
}

void json_put_string(JsonWriter *w, const char *key, const char *value)
{
    if (!value) {
        json_put_null(w, key);
        return;
    }
    before_value(w, key);
    text_json(w->out, value);
}

static void put_scalar(JsonWriter *w, const char *key, const JsonValue *v)
{
    if (v->kind == JSON_BOOL)
        json_put_bool(w, key, v->boolean);
    else if (v->kind == JSON_INT)
        json_put_int(w, key, v->integer);
    else if (v->kind == JSON_UINT) {
        before_value(w, key);
        text_printf(w->out, "%llu", (unsigned long long)v->unsigned_integer);
    } else if (v->kind == JSON_DOUBLE)
        json_put_number(w, key, v->number);
    else if (v->kind == JSON_STRING)
        json_put_string(w, key, v->text);
    else
        json_put_null(w, key);
}

void json_put_value(JsonWriter *w, const char *key, const JsonValue *tree)
{
    /* Walks without recursion: down to the child, else to the next, else up. */
    for (const JsonValue *v = tree; v;) {
        const char *name = v == tree ? key : v->key;
        bool        is_object = v->kind == JSON_OBJECT, is_array = v->kind == JSON_ARRAY;
        if (is_object)
            json_open_object(w, name);
        else if (is_array)
            json_open_array(w, name);
        else
            put_scalar(w, name, v);
        if (v->child) {
            v = v->child;
            continue;
        }
        if (is_object)
            json_close_object(w);
        else if (is_array)
            json_close_array(w);
        while (v != tree && !v->next) {
            v = v->parent;
            if (v->kind == JSON_OBJECT)
                json_close_object(w);
            else
                json_close_array(w);
        }
        v = v == tree ? NULL : v->next;
    }
}

Status json_save(const Text *text, const char *path)
{
    FileReplace r;
    TRY(text_status(text));
    TRY(file_replace_begin(&r, path));
    TRY(file_replace_write(&r, text_cstr(text), text->len));
    TRY(file_replace_write(&r, "\n", 1));
    return file_replace_commit(&r);
}
