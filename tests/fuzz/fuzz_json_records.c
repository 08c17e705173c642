/* fuzz_json_records.c -- a text read in pieces gives the events of the same text read whole, or is left to that reader.
 * The first byte picks the size of a piece. */
#include "base/json_records.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 3 };

/* A hash of the events in their order; `n` of them. */
typedef struct Trace {
    uint64_t hash[1 << 14];
    int64_t  n;
} Trace;

typedef struct Owner {
    Trace whole, slot[SLOTS];
} Owner;

static Status note(void *ctx, const JsonEvent *e, JsonStream *s)
{
    Trace   *t = ctx;
    uint64_t h = (uint64_t)e->kind * 31 + (uint64_t)e->depth;
    uint64_t bits;
    (void)s;
    memcpy(&bits, &e->number, sizeof bits);
    for (int64_t i = 0; e->text && i < e->len; i++)
        h = h * 1099511628211u + (unsigned char)e->text[i];
    if (t->n == 1 << 14)
        return ERR_FORMAT;
    t->hash[t->n++] = h * 31 + bits;
    return OK;
}

static void *begin(void *owner, int64_t slot)
{
    Owner *o = owner;
    o->slot[slot].n = 0;
    return &o->slot[slot];
}

static Status join(void *owner, int64_t slot, int64_t end)
{
    Owner *o = owner;
    Trace *t = &o->slot[slot];
    (void)end;
    if (o->whole.n + t->n > 1 << 14)
        return ERR_FORMAT;
    memcpy(o->whole.hash + o->whole.n, t->hash, (size_t)t->n * sizeof *t->hash);
    o->whole.n += t->n;
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const JsonLimits LIMITS = {.max_depth = 40, .max_string = 1000};
    static Owner            owner;
    static Trace            strict;
    if (size < 1)
        return 0;
    const char *text = (const char *)bytes + 1;
    int64_t     n = (int64_t)size - 1;
    JsonRecords r = {.handler = note,
                     .ctx = &owner.whole,
                     .n_slots = SLOTS,
                     .piece = 1 + bytes[0] % 64,
                     .owner = &owner,
                     .begin = begin,
                     .join = join};
    owner.whole.n = strict.n = 0;
    bool   done = json_records_read(&r, text, n, &LIMITS);
    Status st = json_stream_bytes(text, n, "fuzz", &LIMITS, note, &strict);
    if (done &&
        (st != OK || strict.n != owner.whole.n ||
         memcmp(strict.hash, owner.whole.hash, (size_t)strict.n * sizeof *strict.hash) != 0))
        abort();
    return 0;
}
