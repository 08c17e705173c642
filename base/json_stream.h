/* json_stream.h -- JSON of any size as a stream of events, in constant memory
 *
 *      {"images": [{"id": 7}]}
 *
 *      OBJECT, KEY "images", ARRAY, OBJECT, KEY "id", INT 7, OBJECT_END, ARRAY_END, OBJECT_END
 *
 * Strict (RFC 8259): UTF-8 is checked, exactly one value, nothing behind it. A byte order mark at
 * the start is skipped. Doubles are correctly rounded. Duplicate keys are NOT seen here: who reads
 * an object notices them itself, or uses json.h, which refuses them. Refusals are ERR_FORMAT and
 * say NAME:LINE: (byte OFFSET); a handler's own failure is passed up untouched (json_stream_fail
 * adds the place to a handler's sentence).
 */
#pragma once
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum JsonKind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,    // fits int64: exact in `integer`
    JSON_UINT,   // above INT64_MAX, fits uint64: exact in `unsigned_integer`
    JSON_DOUBLE, // everything else
    JSON_STRING,
    JSON_ARRAY,  // events: opens
    JSON_OBJECT, // events: opens
    JSON_KEY,    // events only
    JSON_ARRAY_END,
    JSON_OBJECT_END,
} JsonKind;

typedef struct JsonEvent {
    JsonKind    kind;
    int         depth;            // open arrays and objects around this value or key; 0 at the root
    bool        boolean;          // BOOL
    int64_t     integer;          // INT
    uint64_t    unsigned_integer; // UINT
    double      number;           // INT, UINT, DOUBLE: the value as a double
    const char *text;             // STRING, KEY: zero-terminated, valid until the handler returns
    int64_t     len;              // STRING, KEY: bytes of text; *_END: members or elements seen
} JsonEvent;

typedef struct JsonLimits {
    int     max_depth;        // 0: 256
    int64_t max_string;       // bytes of one string, number, comment or gap; 0: 1 MB (1 << 20)
    int64_t max_values;       // json.h only: values in one tree; 0: 1 << 20
    bool    allow_comments;   // slash-slash and slash-star comments
    bool    allow_nan;        // the literals NaN, Infinity, -Infinity (Python writes them)
    bool    allow_zero_bytes; // \u0000 in strings; refused otherwise
} JsonLimits;

typedef struct JsonStream JsonStream;

/* Anything but OK stops the parse and is returned by it. `s` is for json_stream_offset and
 * json_stream_fail. */
typedef Status JsonHandler(void *ctx, const JsonEvent *event, JsonStream *s);

/* limits may be NULL. `name` is used in sentences only. */
Status json_stream_bytes(const char *bytes, int64_t n, const char *name, const JsonLimits *limits,
                         JsonHandler *handler, void *ctx) STATUS_MUST_USE;

/* The file is mapped, not read: memory stays flat whatever its size. */
Status json_stream_file(const char *path, const JsonLimits *limits, JsonHandler *handler,
                        void *ctx) STATUS_MUST_USE;

/* Elements of an array inside a longer text, for json_records.h: values separated by commas, from
 * *at, where the first starts, to the first element that ends at or behind `until`, or with no comma
 * after it. *at is then behind it and the white space that follows. `depth` is that of the elements.
 * Comments and NaN are refused here whatever the limits say. */
Status json_stream_elements(const char *bytes, int64_t n, int64_t *at, int64_t until, int depth,
                            const char *name, const JsonLimits *limits, JsonHandler *handler,
                            void *ctx) STATUS_MUST_USE;

/* Inside a handler: bytes read so far, and the line (1, 2, ...; counts newlines, so only for
 * messages). */
int64_t json_stream_offset(const JsonStream *s);
int64_t json_stream_line(const JsonStream *s);

/* status_fail with "NAME:LINE: " before the sentence; without it when s is NULL. */
Status json_stream_fail(JsonStream *s, Status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
