/* safetensors.c -- the reader
 *
 * What must hold, or the file is refused: the header's length lies within the file and 100 MB; the
 * header starts with {, is strict JSON (json_stream.h), names every tensor once, and says dtype,
 * shape and data_offsets of each, nothing else; __metadata__ maps strings to strings, each key
 * once; product(shape) x size = end - begin without overflow; sorted by offset the tensors follow
 * each other without gap or overlap and end with the file (an empty tensor may sit at any joint);
 * at most 100,000 tensors of at most 8 dimensions; and the checksum is right where there is one.
 */
#include "base/safetensors.h"
#include "base/json_stream.h"
#include "base/safetensors_layout.h"
#include "base/size.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const struct {
    const char *name;
    int         size;
} TYPES[SAFE_TYPES] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                       {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};

int64_t safetensors_type_size(SafeType type)
{
    return TYPES[type].size;
}

const char *safetensors_type_name(SafeType type)
{
    return TYPES[type].name;
}

int64_t safetensors_count(const SafeTensor *t)
{
    int64_t count;
    bool    fits = size_product(&count, t->dim, t->n_dims);
    return fits ? count : -1;
}

/* ---- the header, event by event ---- */

enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4, HAS_ALL = 7, MOST_META = 100000 };

typedef enum Place { OUTSIDE, AT_TOP, IN_META, IN_TENSOR, IN_SHAPE, IN_OFFSETS } Place;

typedef struct Span {
    SafeTensor t;
    int64_t    begin, end;
} Span;

typedef struct Header {
    Arena    *arena;
    Span     *span;
    SafeMeta *meta;
    int64_t   n, room, n_meta, meta_room;
    Place     place;
    bool      has_meta;
    int       seen;   // HAS_* of the open tensor
    int       wanted; // the key that waits for its value, HAS_*; 0: none
    int       n_offsets;
} Header;

/* Doubles an array inside the arena; false when memory is short. */
static bool grow(Arena *a, void **array, int64_t n, int64_t *room, int64_t size)
{
    if (n < *room)
        return true;
    int64_t wider = *room ? *room * 2 : 64;
    void   *more = arena_array(a, wider, size);
    if (!more)
        return false;
    if (n > 0)
        memcpy(more, *array, (size_t)(n * size));
    *array = more;
    *room = wider;
    return true;
}

static Status on_top_key(Header *h, const JsonEvent *e, JsonStream *s)
{
    if (strcmp(e->text, "__metadata__") == 0) {
        if (h->has_meta)
            return json_stream_fail(s, ERR_FORMAT, "__metadata__ stands twice");
        h->has_meta = true;
        h->place = IN_META;
        return OK;
    }
    if (h->n >= SAFE_MAX_TENSORS)
        return json_stream_fail(s, ERR_FORMAT, "more than %d tensors", SAFE_MAX_TENSORS);
    if (!grow(h->arena, (void **)&h->span, h->n, &h->room, sizeof *h->span))
        return ERR_MEMORY;
    h->span[h->n] = (Span){.t.name = arena_strdup(h->arena, e->text)};
    if (!h->span[h->n].t.name)
        return ERR_MEMORY;
    h->n++;
    h->place = IN_TENSOR;
    h->seen = 0;
    h->wanted = 0;
    return OK;
}

static Status on_meta(Header *h, const JsonEvent *e, JsonStream *s)
{
    if (e->kind == JSON_OBJECT && e->depth == 1)
        return OK;
    if (e->kind == JSON_KEY) {
        if (h->n_meta >= MOST_META)
            return json_stream_fail(s, ERR_FORMAT, "more than %d metadata strings", MOST_META);
        if (!grow(h->arena, (void **)&h->meta, h->n_meta, &h->meta_room, sizeof *h->meta))
            return ERR_MEMORY;
        h->meta[h->n_meta] = (SafeMeta){.key = arena_strdup(h->arena, e->text)};
        return h->meta[h->n_meta].key ? OK : ERR_MEMORY;
    }
    if (e->kind == JSON_STRING && e->depth == 2) {
        h->meta[h->n_meta].value = arena_strdup(h->arena, e->text);
        return h->meta[h->n_meta++].value ? OK : ERR_MEMORY;
    }
    if (e->kind == JSON_OBJECT_END) {
        h->place = AT_TOP;
        return OK;
    }
    return json_stream_fail(s, ERR_FORMAT, "__metadata__ must map strings to strings");
}

static Status on_tensor_key(Header *h, const JsonEvent *e, JsonStream *s)
{
    const char *name = h->span[h->n - 1].t.name;
    h->wanted = strcmp(e->text, "dtype") == 0          ? HAS_DTYPE
                : strcmp(e->text, "shape") == 0        ? HAS_SHAPE
                : strcmp(e->text, "data_offsets") == 0 ? HAS_OFFSETS
                                                       : 0;
    if (h->wanted == 0)
        return json_stream_fail(s, ERR_FORMAT, "tensor \"%.200s\": unknown key \"%.200s\"", name,
                                e->text);
    if (h->seen & h->wanted)
        return json_stream_fail(s, ERR_FORMAT, "tensor \"%.200s\": \"%s\" stands twice", name,
                                e->text);
    h->seen |= h->wanted;
    return OK;
}

static Status on_dtype(Span *span, const JsonEvent *e, JsonStream *s)
{
    for (int type = 0; type < SAFE_TYPES; type++)
        if (strcmp(e->text, TYPES[type].name) == 0) {
            span->t.type = (SafeType)type;
            return OK;
        }
    return json_stream_fail(
        s, ERR_FORMAT,
        "tensor \"%.200s\": dtype \"%.20s\" is not known (F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL)",
        span->t.name, e->text);
}

static Status on_tensor(Header *h, const JsonEvent *e, JsonStream *s)
{
    Span *span = &h->span[h->n - 1];
    if (e->kind == JSON_OBJECT && e->depth == 1)
        return OK;
    if (e->kind == JSON_KEY)
        return on_tensor_key(h, e, s);
    if (e->kind == JSON_STRING && h->wanted == HAS_DTYPE)
        return on_dtype(span, e, s);
    if (e->kind == JSON_ARRAY && (h->wanted == HAS_SHAPE || h->wanted == HAS_OFFSETS)) {
        h->place = h->wanted == HAS_SHAPE ? IN_SHAPE : IN_OFFSETS;
        h->n_offsets = 0;
        return OK;
    }
    if (e->kind == JSON_OBJECT_END) {
        if (h->seen != HAS_ALL)
            return json_stream_fail(s, ERR_FORMAT,
                                    "tensor \"%.200s\": needs dtype, shape and data_offsets",
                                    span->t.name);
        h->place = AT_TOP;
        return OK;
    }
    return json_stream_fail(s, ERR_FORMAT, "tensor \"%.200s\": found %s where it does not belong",
                            span->t.name, e->kind == JSON_STRING ? "a string" : "a value");
}

static Status on_number(Header *h, const JsonEvent *e, JsonStream *s)
{
    Span *span = &h->span[h->n - 1];
    bool  shape = h->place == IN_SHAPE;
    if (e->kind == JSON_ARRAY_END) {
        if (!shape && h->n_offsets != 2)
            return json_stream_fail(
                s, ERR_FORMAT, "tensor \"%.200s\": data_offsets must be two numbers", span->t.name);
        h->place = IN_TENSOR;
        return OK;
    }
    if (e->kind != JSON_INT || e->integer < 0)
        return json_stream_fail(s, ERR_FORMAT,
                                "tensor \"%.200s\": %s must hold whole numbers from 0 to 2^63-1",
                                span->t.name, shape ? "shape" : "data_offsets");
    if (shape) {
        if (span->t.n_dims == SAFE_DIMS)
            return json_stream_fail(s, ERR_FORMAT, "tensor \"%.200s\": more than %d dimensions",
                                    span->t.name, SAFE_DIMS);
        span->t.dim[span->t.n_dims++] = e->integer;
        return OK;
    }
    if (h->n_offsets == 2)
        return json_stream_fail(
            s, ERR_FORMAT, "tensor \"%.200s\": data_offsets must be two numbers", span->t.name);
    *(h->n_offsets++ ? &span->end : &span->begin) = e->integer;
    return OK;
}

static Status on_header(void *ctx, const JsonEvent *e, JsonStream *s)
{
    Header *h = ctx;
    switch (h->place) {
    case OUTSIDE:
        h->place = AT_TOP; // the first byte was checked: this is the {
        return OK;
    case AT_TOP:
        return e->kind == JSON_KEY ? on_top_key(h, e, s) : OK; // else the closing }
    case IN_META:
        return on_meta(h, e, s);
    case IN_TENSOR:
        return on_tensor(h, e, s);
    default:
        return on_number(h, e, s);
    }
}

/* ---- what the header says against what the file holds ---- */

static int by_offset(const void *a, const void *b)
{
    const Span *u = a, *v = b;
    if (u->begin != v->begin)
        return u->begin < v->begin ? -1 : 1;
    return u->end < v->end ? -1 : u->end > v->end;
}

static Status check_spans(Span *span, int64_t n, int64_t data_bytes, const char *path)
{
    int64_t cursor = 0;
    if (n > 0)
        qsort(span, (size_t)n, sizeof *span, by_offset);
    for (int64_t i = 0; i < n; i++) {
        Span   *s = &span[i];
        int64_t count;
        if (!size_product(&count, s->t.dim, s->t.n_dims) ||
            !size_mul(&s->t.n_bytes, count, safetensors_type_size(s->t.type)))
            return status_fail(ERR_FORMAT, "%s: tensor \"%.200s\": its size overflows", path,
                               s->t.name);
        if (s->end < s->begin || s->end > data_bytes)
            return status_fail(ERR_FORMAT, "%s: tensor \"%.200s\": bytes %lld to %lld of %lld",
                               path, s->t.name, (long long)s->begin, (long long)s->end,
                               (long long)data_bytes);
        if (s->end - s->begin != s->t.n_bytes)
            return status_fail(
                ERR_FORMAT, "%s: tensor \"%.200s\": shape wants %lld bytes, data_offsets give %lld",
                path, s->t.name, (long long)s->t.n_bytes, (long long)(s->end - s->begin));
        if (s->begin != cursor)
            return status_fail(ERR_FORMAT,
                               "%s: tensor \"%.200s\": begins at byte %lld, expected %lld (%s)",
                               path, s->t.name, (long long)s->begin, (long long)cursor,
                               s->begin < cursor ? "overlap" : "gap");
        cursor = s->end;
    }
    if (cursor != data_bytes)
        return status_fail(ERR_FORMAT, "%s: %lld bytes of data, the tensors hold %lld", path,
                           (long long)data_bytes, (long long)cursor);
    return OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const SafeTensor *)a)->name, ((const SafeTensor *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const SafeMeta *)a)->key, ((const SafeMeta *)b)->key);
}

/* Fills f's sorted lists and refuses what stands twice. */
static Status index_header(SafeFile *f, const Header *h, const char *data)
{
    f->tensor = ARENA_ARRAY(&f->arena, SafeTensor, h->n);
    if (!f->tensor)
        return ERR_MEMORY;
    for (int64_t i = 0; i < h->n; i++) {
        f->tensor[i] = h->span[i].t;
        f->tensor[i].data = data + h->span[i].begin;
    }
    f->n = h->n;
    f->meta = h->meta;
    f->n_meta = h->n_meta;
    if (f->n > 0)
        qsort(f->tensor, (size_t)f->n, sizeof *f->tensor, by_name);
    if (f->n_meta > 0)
        qsort(f->meta, (size_t)f->n_meta, sizeof *f->meta, by_key);
    for (int64_t i = 1; i < f->n; i++)
        if (strcmp(f->tensor[i - 1].name, f->tensor[i].name) == 0)
            return status_fail(ERR_FORMAT, "%s: tensor \"%.200s\" stands twice", f->path,
                               f->tensor[i].name);
    for (int64_t i = 1; i < f->n_meta; i++)
        if (strcmp(f->meta[i - 1].key, f->meta[i].key) == 0)
            return status_fail(ERR_FORMAT, "%s: metadata \"%.200s\" stands twice", f->path,
                               f->meta[i].key);
    return OK;
}

/* ---- the checksum ---- */

/* XXH3-64 of the file with the 16 digits at DIGITS_AT counted as '0'. */
static Status file_hash(uint64_t *hash, const char *bytes, int64_t n)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return status_no_memory("checksum", 576);
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, bytes, SAFE_DIGITS_AT);
    XXH3_64bits_update(state, SAFE_ZERO_DIGITS, SAFE_DIGITS);
    XXH3_64bits_update(state, bytes + SAFE_DIGITS_AT + SAFE_DIGITS,
                       (size_t)(n - SAFE_DIGITS_AT - SAFE_DIGITS));
    *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return OK;
}

static Status check_hash(SafeFile *f, const char *bytes, int64_t n)
{
    const char *writer = safetensors_meta(f, "writer");
    bool        marked = n >= SAFE_DIGITS_AT + SAFE_DIGITS &&
                  memcmp(bytes + 8, SAFE_PREFIX, strlen(SAFE_PREFIX)) == 0;
    if (!marked) {
        if (writer && strcmp(writer, SAFE_WRITER) == 0)
            return status_fail(ERR_FORMAT, "%s: the checksum is missing; the file is damaged",
                               f->path);
        return OK;
    }
    uint64_t hash = 0;
    char     digits[SAFE_DIGITS + 1];
    TRY(file_hash(&hash, bytes, n));
    safetensors_digits(digits, hash);
    if (memcmp(digits, bytes + SAFE_DIGITS_AT, SAFE_DIGITS) != 0)
        return status_fail(ERR_FORMAT,
                           "%s: checksum %.16s stored, %s computed; the file is damaged", f->path,
                           bytes + SAFE_DIGITS_AT, digits);
    f->has_checksum = true;
    return OK;
}

/* ---- opening ---- */

static Status read_all(SafeFile *f, const char *bytes, int64_t n)
{
    uint64_t length = 0;
    if (n < 8 + 2)
        return status_fail(ERR_FORMAT, "%s: %lld bytes, too short for safetensors", f->path,
                           (long long)n);
    for (int i = 7; i >= 0; i--)
        length = length << 8 | (unsigned char)bytes[i];
    if (length > (uint64_t)SAFE_MAX_HEADER || length > (uint64_t)(n - 8))
        return status_fail(
            ERR_FORMAT, "%s: header of %llu bytes, expected at most %lld; not a safetensors file?",
            f->path, (unsigned long long)length, (long long)size_min(n - 8, SAFE_MAX_HEADER));
    if (bytes[8] != '{')
        return status_fail(
            ERR_FORMAT, "%s: the header does not start with {; not a safetensors file?", f->path);
    Header h = {.arena = &f->arena};
    TRY(json_stream_bytes(bytes + 8, (int64_t)length, f->path, &(JsonLimits){.max_depth = 4},
                          on_header, &h));
    int64_t data_at = 8 + (int64_t)length;
    TRY(check_spans(h.span, h.n, n - data_at, f->path));
    TRY(index_header(f, &h, bytes + data_at));
    return check_hash(f, bytes, n);
}

Status safetensors_open_bytes(SafeFile *f, const char *bytes, int64_t n, const char *name)
{
    *f = (SafeFile){0};
    f->path = arena_strdup(&f->arena, name);
    if (!f->path)
        return ERR_MEMORY;
    Status st = read_all(f, bytes, n);
    if (st != OK)
        safetensors_close(f);
    return st;
}

Status safetensors_open(SafeFile *f, const char *path)
{
    FileMap map;
    *f = (SafeFile){0};
    TRY(file_map(&map, path));
    Status st = safetensors_open_bytes(f, map.bytes, map.n, path);
    if (st == OK)
        f->map = map;
    else
        file_unmap(&map);
    return st;
}

void safetensors_close(SafeFile *f)
{
    file_unmap(&f->map);
    arena_release(&f->arena);
    *f = (SafeFile){0};
}

const SafeTensor *safetensors_find(const SafeFile *f, const char *name)
{
    SafeTensor wanted = {.name = name};
    return f->n > 0 ? bsearch(&wanted, f->tensor, (size_t)f->n, sizeof wanted, by_name) : NULL;
}

const char *safetensors_meta(const SafeFile *f, const char *key)
{
    SafeMeta        wanted = {.key = key};
    const SafeMeta *m =
        f->n_meta > 0 ? bsearch(&wanted, f->meta, (size_t)f->n_meta, sizeof wanted, by_key) : NULL;
    return m ? m->value : NULL;
}
