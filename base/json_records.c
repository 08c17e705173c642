/* json_records.c -- see json_records.h */
#include "base/json_records.h"
#include "base/size.h"
#include "base/threads.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_GAP = 4096
}; // white space between tokens of the root; more is left to the serial reader

typedef struct Piece {
    int64_t begin, until, end; // end: where reading stopped
    void   *ctx;
    bool    is_read;
} Piece;

typedef struct Split {
    const JsonRecords *r;
    const JsonLimits  *limits;
    const char        *bytes;
    int64_t            n, at;
    Piece             *piece; // (n_slots)
} Split;

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int64_t skip_space(const Split *s, int64_t at)
{
    int64_t most = size_min(s->n, at + MOST_GAP);
    while (at < most && is_space(s->bytes[at]))
        at++;
    return at;
}

/* The next byte that is not white space, without taking it; 0 at the end. */
static char peek(Split *s)
{
    s->at = skip_space(s, s->at);
    return s->at < s->n ? s->bytes[s->at] : 0;
}

static bool take(Split *s, char c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

static bool send(const Split *s, JsonKind kind, int depth)
{
    JsonEvent e = {.kind = kind, .depth = depth};
    return s->r->handler(s->r->ctx, &e, NULL) == OK;
}

/* One value at s->at, for the caller's own context. */
static bool read_value(Split *s, int depth, JsonHandler *handler, void *ctx)
{
    return json_stream_elements(s->bytes, s->n, &s->at, s->at, depth, "", s->limits, handler,
                                ctx) == OK;
}

/* ---- pieces ---- */

/* The byte behind the brace of a "}, {" at or after `from`, *next that of its second brace; -1 when there is none
 * within the size of a piece. */
static int64_t find_cut(const Split *s, int64_t from, int64_t *next)
{
    int64_t most = size_min(s->n, from + s->r->piece);
    for (int64_t at = from; at < most; at++) {
        const char *brace = memchr(s->bytes + at, '}', (size_t)(most - at));
        if (!brace)
            return -1;
        at = brace - s->bytes;
        int64_t comma = skip_space(s, at + 1);
        if (comma >= s->n || s->bytes[comma] != ',')
            continue;
        *next = skip_space(s, comma + 1);
        if (*next < s->n && s->bytes[*next] == '{')
            return at + 1;
    }
    return -1;
}

/* Pieces from `begin` on, each until where the next one seems to begin; how many, or -1 when memory is short. */
static int64_t cut(Split *s, int64_t begin)
{
    int64_t k = 0, until = 0;
    for (; k < s->r->n_slots && until >= 0; k++) {
        int64_t next = begin, most = begin + s->r->piece;
        void   *ctx = s->r->begin(s->r->owner, k);
        if (!ctx)
            return -1;
        until = most < s->n ? find_cut(s, most, &next) : -1;
        s->piece[k] = (Piece){.begin = begin, .until = until >= 0 ? until : most, .ctx = ctx};
        begin = next;
    }
    return k;
}

typedef struct PieceWork {
    const Split *split;
    int          depth;
} PieceWork;

static void read_pieces(void *ctx, int64_t begin, int64_t end)
{
    const PieceWork *w = (const PieceWork *)ctx;
    const Split     *s = w->split;
    for (int64_t k = begin; k < end; k++) {
        Piece  *p = &s->piece[k];
        int64_t at = 0; // from the piece: a refusal counts the lines before it
        p->is_read =
            json_stream_elements(s->bytes + p->begin, s->n - p->begin, &at, p->until - p->begin,
                                 w->depth, "", s->limits, s->r->handler, p->ctx) == OK;
        p->end = p->begin + at;
    }
}

/* A round of pieces behind the comma at s->at, which then is behind the last that joined. */
static bool read_round(Split *s, int depth)
{
    PieceWork work = {s, depth};
    int64_t   n = cut(s, skip_space(s, s->at + 1));
    if (n < 0)
        return false;
    threads_for(n, 1, read_pieces, &work);
    for (int64_t k = 0; k < n; k++) {
        const Piece *p = &s->piece[k];
        bool         is_next = s->at < s->n && s->bytes[s->at] == ',';
        if (!is_next || p->begin != skip_space(s, s->at + 1))
            return true; // the array has ended, or the cut was wrong
        if (!p->is_read || s->r->join(s->r->owner, k, p->end) != OK)
            return false;
        s->at = p->end;
    }
    return true;
}

/* ---- the root ---- */

static bool read_array(Split *s, int depth)
{
    if (!take(s, '[') || !send(s, JSON_ARRAY, depth))
        return false;
    if (peek(s) != ']' && !read_value(s, depth + 1, s->r->handler, s->r->ctx))
        return false;
    while (peek(s) == ',')
        if (!read_round(s, depth + 1))
            return false;
    return take(s, ']') && send(s, JSON_ARRAY_END, depth);
}

/* A key is read as the string that it is. */
static Status pass_key(void *records, const JsonEvent *e, JsonStream *stream)
{
    const JsonRecords *r = (const JsonRecords *)records;
    JsonEvent          key = *e;
    if (e->kind != JSON_STRING)
        return ERR_FORMAT;
    key.kind = JSON_KEY;
    return r->handler(r->ctx, &key, stream);
}

static bool read_member(Split *s)
{
    JsonRecords r = *s->r;
    if (!read_value(s, 1, pass_key, &r) || !take(s, ':'))
        return false;
    return peek(s) == '[' ? read_array(s, 1) : read_value(s, 1, s->r->handler, s->r->ctx);
}

static bool read_object(Split *s)
{
    if (!take(s, '{') || !send(s, JSON_OBJECT, 0))
        return false;
    if (peek(s) != '}' && !read_member(s))
        return false;
    while (peek(s) == ',') {
        s->at++;
        if (!read_member(s))
            return false;
    }
    return take(s, '}') && send(s, JSON_OBJECT_END, 0);
}

bool json_records_read(const JsonRecords *r, const char *bytes, int64_t n, const JsonLimits *limits)
{
    Split s = {.r = r, .limits = limits, .bytes = bytes, .n = n};
    s.piece = (Piece *)calloc((size_t)r->n_slots, sizeof *s.piece);
    if (!s.piece)
        return false;
    if (n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        s.at = 3;
    bool done = peek(&s) == '[' ? read_array(&s, 0) : read_object(&s);
    done = done && peek(&s) == 0 && s.at == n;
    free(s.piece);
    return done;
}
