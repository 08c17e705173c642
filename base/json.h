/* json.h -- small JSON as a tree, read strictly and written plainly
 *
 * Read: json_stream.h with all its rules, and duplicate keys are refused too. Trees live in an
 * arena. Every value knows its key, parent and line, so a failed getter says FILE:LINE: solver.lr:
 * expected a number, found a string. Keys are case-sensitive. 64-bit integers are exact. For files
 * of some MB; larger ones are streamed.
 *
 * Written: JsonWriter below, full-precision doubles, null for NaN and infinities, the same bytes in
 * every locale.
 */
#pragma once
#include "base/arena.h"
#include "base/json_stream.h"
#include "base/text.h"

typedef struct JsonValue JsonValue;
struct JsonValue {
    JsonKind    kind;             // NULL .. OBJECT
    bool        boolean;          // BOOL
    int64_t     integer;          // INT
    uint64_t    unsigned_integer; // UINT
    double      number;           // INT, UINT, DOUBLE
    const char *text;             // STRING: zero-terminated
    int64_t     len;              // STRING: bytes
    const char *key;              // in an object: the key; at the root: the name of the source
    int64_t     line;             // where the value stands, from 1
    int64_t     n;                // ARRAY, OBJECT: children
    JsonValue  *child;            // ARRAY, OBJECT: the first, in the order of the file
    JsonValue  *next;
    JsonValue  *parent;
    JsonValue **sorted; // OBJECT: children by key
};

/* name: shown in sentences. limits may be NULL. */
Status json_parse(Arena *a, JsonValue **root, const char *bytes, int64_t n, const char *name,
                  const JsonLimits *limits) STATUS_MUST_USE;

/* max_bytes: ERR_FORMAT for larger files. */
Status json_read(Arena *a, JsonValue **root, const char *path, int64_t max_bytes,
                 const JsonLimits *limits) STATUS_MUST_USE;

#define JSON_EACH(item, parent_value)                                                              \
    (const JsonValue *item = (parent_value)->child; item; item = item->next)
/* for JSON_EACH(v, object) { ... v->key ... } */

/* The member, NULL when there is none or `object` is NULL or no object. */
const JsonValue *json_find(const JsonValue *object, const char *key);

/* json_get_*: the member must exist and have the type. json_opt_*: absent or null leaves *out as it
 * is. A number is any of INT, UINT, DOUBLE; an int must be INT. Strings are borrowed from the tree.
 */
Status json_get_bool(const JsonValue *object, const char *key, bool *out) STATUS_MUST_USE;
Status json_get_int(const JsonValue *object, const char *key, int64_t *out) STATUS_MUST_USE;
Status json_get_number(const JsonValue *object, const char *key, double *out) STATUS_MUST_USE;
Status json_get_string(const JsonValue *object, const char *key, const char **out) STATUS_MUST_USE;
Status json_get_array(const JsonValue *object, const char *key,
                      const JsonValue **out) STATUS_MUST_USE;
Status json_get_object(const JsonValue *object, const char *key,
                       const JsonValue **out) STATUS_MUST_USE;
Status json_opt_bool(const JsonValue *object, const char *key, bool *out) STATUS_MUST_USE;
Status json_opt_int(const JsonValue *object, const char *key, int64_t *out) STATUS_MUST_USE;
Status json_opt_number(const JsonValue *object, const char *key, double *out) STATUS_MUST_USE;
Status json_opt_string(const JsonValue *object, const char *key, const char **out) STATUS_MUST_USE;

/* ERR_FORMAT with the sentence "FILE:LINE: path.to.value: ...". */
Status json_fail(const JsonValue *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "an object", "a string", ... */
const char *json_kind_name(JsonKind kind);

/* ---- writing ---- */

typedef struct JsonWriter {
    Text *out;
    int   indent; // spaces a level; 0 writes one line
    int   depth;
    bool  has_members; // something stands in the innermost open array or object
    bool  in_row;      // inside json_open_row: no line breaks until it closes
    int   row_depth;
} JsonWriter;

JsonWriter json_writer(Text *out, int indent);

/* key is NULL inside arrays and at the root. */
void json_open_object(JsonWriter *w, const char *key);
void json_open_array(JsonWriter *w, const char *key);
void json_open_row(JsonWriter *w,
                   const char *key); // an array on one line; json_close_array closes it
void json_close_object(JsonWriter *w);
void json_close_array(JsonWriter *w);
void json_put_null(JsonWriter *w, const char *key);
void json_put_bool(JsonWriter *w, const char *key, bool value);
void json_put_int(JsonWriter *w, const char *key, int64_t value);
void json_put_number(JsonWriter *w, const char *key, double value);      // NaN and infinities: null
void json_put_string(JsonWriter *w, const char *key, const char *value); // NULL: null
void json_put_value(JsonWriter *w, const char *key, const JsonValue *tree);

/* The text and a newline, through file_replace. ERR_MEMORY when the text failed. */
Status json_save(const Text *text, const char *path) STATUS_MUST_USE;
