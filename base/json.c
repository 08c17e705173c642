#include "base/json.h"
#include "base/file.h"
#include "base/number.h"
#include "base/size.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 1 << 20 };

/* ---- reading: events into a tree ---- */

typedef struct Builder {
    Arena      *arena;
    JsonValue  *root;
    JsonValue  *open; // the innermost array or object that is not closed
    JsonValue  *last; // its newest child
    const char *key;  // the key that waits for its value
    const char *name;
    int64_t     n_values, max_values;
    int64_t     line, counted; // newlines were counted up to this offset
    const char *bytes;
} Builder;

static int64_t line_now(Builder *b, JsonStream *s)
{
    int64_t at = json_stream_offset(s);
    for (; b->counted < at; b->counted++)
        b->line += b->bytes[b->counted] == '\n';
    return b->line;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(JsonValue *const *)a)->key, (*(JsonValue *const *)b)->key);
}

/* Sorts an object's members for json_find and refuses a key that is there twice. */
static Status close_object(Builder *b, JsonValue *object)
{
    if (object->n == 0)
        return OK;
    object->sorted = ARENA_ARRAY(b->arena, JsonValue *, object->n);
    if (!object->sorted)
        return ERR_MEMORY;
    int64_t n = 0;
    for (JsonValue *v = object->child; v; v = v->next)
        object->sorted[n++] = v;
    qsort(object->sorted, (size_t)n, sizeof *object->sorted, by_key);
    for (int64_t i = 1; i < n; i++) {
        const JsonValue *u = object->sorted[i - 1], *v = object->sorted[i];
        if (strcmp(u->key, v->key) == 0)
            return json_fail(u->line > v->line ? u : v, "the key stands twice, first in line %lld",
                             (long long)size_min(u->line, v->line));
    }
    return OK;
}

static Status add_value(Builder *b, const JsonEvent *e, JsonStream *s)
{
    if (++b->n_values > b->max_values)
        return json_stream_fail(s, ERR_FORMAT, "more than %lld values", (long long)b->max_values);
    JsonValue *v = ARENA_NEW(b->arena, JsonValue);
    if (!v)
        return ERR_MEMORY;
    v->kind = e->kind;
    v->boolean = e->boolean;
    v->integer = e->integer;
    v->unsigned_integer = e->unsigned_integer;
    v->number = e->number;
    v->line = line_now(b, s);
    v->key = b->open ? b->key : b->name;
    v->parent = b->open;
    b->key = NULL;
    if (e->kind == JSON_STRING) {
        char *text = arena_alloc(b->arena, e->len + 1);
        if (!text)
            return ERR_MEMORY;
        memcpy(text, e->text, (size_t)e->len);
        v->text = text;
        v->len = e->len;
    }
    if (!b->open)
        b->root = v;
    else {
        *(b->last ? &b->last->next : &b->open->child) = v;
        b->open->n++;
        b->last = v;
    }
    if (e->kind == JSON_ARRAY || e->kind == JSON_OBJECT) {
        b->open = v;
        b->last = NULL;
    }
    return OK;
}

static Status on_event(void *ctx, const JsonEvent *e, JsonStream *s)
{
    Builder *b = ctx;
    switch (e->kind) {
    case JSON_KEY:
        b->key = arena_strdup(b->arena, e->text);
        return b->key ? OK : ERR_MEMORY;
    case JSON_OBJECT_END:
        TRY(close_object(b, b->open));
        /* fall through */
    case JSON_ARRAY_END:
        b->last = b->open;
        b->open = b->open->parent;
        return OK;
    default:
        return add_value(b, e, s);
    }
}

Status json_parse(Arena *a, JsonValue **root, const char *bytes, int64_t n, const char *name,
                  const JsonLimits *limits)
{
    Builder b = {.arena = a,
                 .name = arena_strdup(a, name),
                 .bytes = bytes,
                 .line = 1,
                 .max_values = MOST_VALUES};
    if (!b.name)
        return ERR_MEMORY;
    if (limits && limits->max_values > 0)
        b.max_values = limits->max_values;
    JsonLimits strict = limits ? *limits : (JsonLimits){0};
    strict.allow_zero_bytes = false; // keys and texts are zero-terminated
    TRY(json_stream_bytes(bytes, n, name, &strict, on_event, &b));
    *root = b.root;
    return OK;
}

Status json_read(Arena *a, JsonValue **root, const char *path, int64_t max_bytes,
                 const JsonLimits *limits)
{
    char   *bytes;
    int64_t n;
    TRY(file_read(a, &bytes, &n, path, max_bytes));
    return json_parse(a, root, bytes, n, path, limits);
}

/* ---- looking things up ---- */

const char *json_kind_name(JsonKind kind)
{
    static const char *const NAME[] = {"null",
                                       "true or false",
                                       "an integer",
                                       "an integer above 2^63",
                                       "a number",
                                       "a string",
                                       "an array",
                                       "an object",
                                       "a key",
                                       "the end of an array",
                                       "the end of an object"};
    return NAME[kind];
}

/* "solver.milestones[2]" of a value, without the root's name. */
static void put_path(Text *t, const JsonValue *v)
{
    const JsonValue *chain[64];
    int              n = 0;
    for (; v && v->parent && n < 64; v = v->parent)
        chain[n++] = v;
    while (n-- > 0) {
        if (chain[n]->key)
            text_printf(t, "%s%s", t->len > 0 ? "." : "", chain[n]->key);
        else {
            int64_t i = 0;
            for (const JsonValue *u = chain[n]->parent->child; u != chain[n]; u = u->next)
                i++;
            text_printf(t, "[%lld]", (long long)i);
        }
    }
}

static const char *source_of(const JsonValue *v)
{
    while (v->parent)
        v = v->parent;
    return v->key;
}

Status json_fail(const JsonValue *v, const char *fmt, ...)
{
    Text path = {0}, what = {0};
    put_path(&path, v);
    va_list args;
    va_start(args, fmt);
    text_vprintf(&what, fmt, args);
    va_end(args);
    Status st = status_fail(ERR_FORMAT, "%s:%lld: %s%s%s", source_of(v), (long long)v->line,
                            text_cstr(&path), path.len > 0 ? ": " : "", text_cstr(&what));
    text_release(&path);
    text_release(&what);
    return st;
}

const JsonValue *json_find(const JsonValue *object, const char *key)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    int64_t lo = 0, hi = object->n;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        int     order = strcmp(object->sorted[mid]->key, key);
        if (order == 0)
            return object->sorted[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* The member, or the failure that it is missing. */
static Status need(const JsonValue **v, const JsonValue *object, const char *key)
{
    *v = json_find(object, key);
    if (*v)
        return OK;
    if (object->kind != JSON_OBJECT)
        return json_fail(object, "expected an object with \"%s\", found %s", key,
                         json_kind_name(object->kind));
    return json_fail(object, "\"%s\" is missing", key);
}

static Status wrong_kind(const JsonValue *v, const char *expected)
{
    return json_fail(v, "expected %s, found %s", expected, json_kind_name(v->kind));
}

static Status as_bool(const JsonValue *v, bool *out)
{
    if (v->kind != JSON_BOOL)
        return wrong_kind(v, "true or false");
    *out = v->boolean;
    return OK;
}

static Status as_int(const JsonValue *v, int64_t *out)
{
    if (v->kind != JSON_INT)
        return wrong_kind(v, "an integer");
    *out = v->integer;
    return OK;
}

static Status as_number(const JsonValue *v, double *out)
{
    if (v->kind != JSON_INT && v->kind != JSON_UINT && v->kind != JSON_DOUBLE)
        return wrong_kind(v, "a number");
    *out = v->number;
    return OK;
}

static Status as_string(const JsonValue *v, const char **out)
{
    if (v->kind != JSON_STRING)
        return wrong_kind(v, "a string");
    *out = v->text;
    return OK;
}

Status json_get_bool(const JsonValue *object, const char *key, bool *out)
{
    const JsonValue *v;
    TRY(need(&v, object, key));
    return as_bool(v, out);
}

Status json_get_int(const JsonValue *object, const char *key, int64_t *out)
{
    const JsonValue *v;
    TRY(need(&v, object, key));
    return as_int(v, out);
}

Status json_get_number(const JsonValue *object, const char *key, double *out)
{
    const JsonValue *v;
    TRY(need(&v, object, key));
    return as_number(v, out);
}

Status json_get_string(const JsonValue *object, const char *key, const char **out)
{
    const JsonValue *v;
    TRY(need(&v, object, key));
    return as_string(v, out);
}

Status json_get_array(const JsonValue *object, const char *key, const JsonValue **out)
{
    TRY(need(out, object, key));
    return (*out)->kind == JSON_ARRAY ? OK : wrong_kind(*out, "an array");
}

Status json_get_object(const JsonValue *object, const char *key, const JsonValue **out)
{
    TRY(need(out, object, key));
    return (*out)->kind == JSON_OBJECT ? OK : wrong_kind(*out, "an object");
}

/* The member when it is there and not null. */
static const JsonValue *present(const JsonValue *object, const char *key)
{
    const JsonValue *v = json_find(object, key);
    return v && v->kind != JSON_NULL ? v : NULL;
}

Status json_opt_bool(const JsonValue *object, const char *key, bool *out)
{
    const JsonValue *v = present(object, key);
    return v ? as_bool(v, out) : OK;
}

Status json_opt_int(const JsonValue *object, const char *key, int64_t *out)
{
    const JsonValue *v = present(object, key);
    return v ? as_int(v, out) : OK;
}

Status json_opt_number(const JsonValue *object, const char *key, double *out)
{
    const JsonValue *v = present(object, key);
    return v ? as_number(v, out) : OK;
}

Status json_opt_string(const JsonValue *object, const char *key, const char **out)
{
    const JsonValue *v = present(object, key);
    return v ? as_string(v, out) : OK;
}
