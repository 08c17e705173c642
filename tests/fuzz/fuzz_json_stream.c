/* fuzz_json_stream.c -- events are balanced; whatever the tree reader accepts is written and read back the same. The
 * first byte picks the limits. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

typedef struct Balance {
    int     depth;
    int64_t events;
} Balance;

static Status count(void *ctx, const JsonEvent *e, JsonStream *s)
{
    Balance *b = ctx;
    b->events++;
    if (e->kind == JSON_ARRAY_END || e->kind == JSON_OBJECT_END)
        b->depth--;
    if (e->depth != b->depth)
        abort();
    if (e->kind == JSON_ARRAY || e->kind == JSON_OBJECT)
        b->depth++;
    if (e->text && (e->text[e->len] != 0 || e->len > 1000))
        abort();
    if (b->events % 64 == 0 && json_stream_line(s) < 1)
        abort();
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    JsonLimits  limits = {.max_depth = 40,
                          .max_string = 1000,
                          .max_values = 5000,
                          .allow_comments = bytes[0] & 1,
                          .allow_nan = bytes[0] & 2,
                          .allow_zero_bytes = bytes[0] & 4};
    const char *text = (const char *)bytes + 1;
    int64_t     n = (int64_t)size - 1;
    Balance     balance = {0};
    Status      st = json_stream_bytes(text, n, "fuzz", &limits, count, &balance);
    if ((st != OK && st != ERR_FORMAT) || (st == OK && balance.depth != 0))
        abort();

    Arena      arena = {0};
    JsonValue *root, *again;
    if (json_parse(&arena, &root, text, n, "fuzz", &limits) == OK) {
        Text       first = {0}, second = {0};
        JsonWriter w = json_writer(&first, 2);
        json_put_value(&w, NULL, root);
        if (json_parse(&arena, &again, text_cstr(&first), first.len, "back", NULL) != OK)
            abort();
        JsonWriter v = json_writer(&second, 2);
        json_put_value(&v, NULL, again);
        if (strcmp(text_cstr(&first), text_cstr(&second)) != 0)
            abort();
        text_release(&first);
        text_release(&second);
    }
    arena_release(&arena);
    return 0;
}
