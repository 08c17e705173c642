/* rle.c -- runs checked, measured, encoded, decoded, written as strings */
#include "eval/rle.h"
#include "base/size.h"
#include <assert.h>
#include <string.h>

static Status check_size(int64_t h, int64_t w)
{
    int64_t pixels;
    if (!size_mul(&pixels, h, w) || pixels > RLE_MAX_PIXELS || h > RLE_MAX_PIXELS ||
        w > RLE_MAX_PIXELS)
        return status_fail(ERR_FORMAT,
                           "mask size [%lld, %lld]: expected two numbers >= 0 whose product is at "
                           "most %d",
                           (long long)h, (long long)w, RLE_MAX_PIXELS);
    return OK;
}

/* Area and box in one pass. The caller has checked that the runs fit the mask. */
static void measure(Rle *r)
{
    uint32_t h = r->h, pos = 0, area = 0;
    uint32_t x0 = r->w, y0 = r->h, x1 = 0, y1 = 0;
    uint32_t n = r->n & ~1u;

    memset(r->box, 0, sizeof r->box);
    r->area = 0;
    if (n == 0)
        return;
    for (uint32_t i = 0; i < n; i += 2) {
        uint32_t start = pos + r->counts[i], len = r->counts[i + 1];
        pos = start + len;
        if (len == 0)
            continue;
        area += len;
        uint32_t x = start / h, y = start - x * h;
        uint32_t last_x = x;
        if (len > h - y) { // reaches into the next column: rows run over the whole height
            last_x = (pos - 1) / h;
            y0 = 0;
            y1 = h - 1;
        } else {
            y0 = y < y0 ? y : y0;
            y1 = y + len - 1 > y1 ? y + len - 1 : y1;
        }
        x0 = x < x0 ? x : x0;
        x1 = last_x > x1 ? last_x : x1;
    }
    r->area = area;
    r->box[0] = x0;
    r->box[1] = y0;
    r->box[2] = x1 - x0 + 1;
    r->box[3] = y1 - y0 + 1;
}

Status rle_from_counts(Rle *out, const uint32_t *counts, int64_t n, int64_t h, int64_t w)
{
    TRY(check_size(h, w));
    uint64_t pixels = (uint64_t)(h * w), sum = 0;

    if (n == 0 && pixels > 0)
        return status_fail(ERR_FORMAT,
                           "mask of %lld x %lld has no run lengths; an empty mask is one run of "
                           "%llu",
                           (long long)h, (long long)w, (unsigned long long)pixels);
    if (n < 0 || (uint64_t)n > pixels + 1)
        return status_fail(ERR_FORMAT, "mask of %lld x %lld has %lld runs; expected at most %llu",
                           (long long)h, (long long)w, (long long)n,
                           (unsigned long long)pixels + 1);
    for (int64_t i = 0; i < n; i++) {
        sum += counts[i];
        if (sum > pixels)
            return status_fail(ERR_FORMAT,
                               "mask of %lld x %lld: run %lld ends at pixel %llu, beyond the %llu "
                               "of the mask",
                               (long long)h, (long long)w, (long long)i, (unsigned long long)sum,
                               (unsigned long long)pixels);
    }
    *out = (Rle){.h = (uint32_t)h, .w = (uint32_t)w, .n = (uint32_t)n, .counts = counts};
    measure(out);
    return OK;
}

bool rle_ends_early(const Rle *r)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < r->n; i++)
        sum += r->counts[i];
    return sum < (uint64_t)r->h * r->w;
}

/* ---- strings: groups of 5 bits, least significant first, bit 5 = more follows, plus 48 ---- */

int64_t rle_string_runs(const char *text, int64_t len)
{
    int64_t n = 0;
    for (int64_t i = 0; i < len; i++)
        n += ((uint8_t)(text[i] - 48) & 0x20) == 0;
    return n;
}

static Status bad_string(const char *text, int64_t at, const char *what)
{
    return status_fail(ERR_FORMAT, "mask string: byte %lld (0x%02x) %s", (long long)at,
                       (unsigned)(uint8_t)text[at], what);
}

Status rle_read_string(Rle *out, uint32_t *counts, const char *text, int64_t len, int64_t h,
                       int64_t w)
{
    TRY(check_size(h, w));
    int64_t n = 0;
    for (int64_t p = 0; p < len;) {
        int64_t value = 0;
        int     shift = 0;
        for (;;) {
            uint8_t c = (uint8_t)(text[p] - 48);
            if (c > 63)
                return bad_string(text, p, "is outside 48 .. 111");
            value |= (int64_t)(c & 0x1f) << shift;
            shift += 5;
            p++;
            if (!(c & 0x20)) {
                if (c & 0x10)
                    value -= (int64_t)1 << shift; // the top group's bit 4 is the sign
                break;
            }
            if (p == len)
                return bad_string(text, p - 1, "announces another byte, but the string ends");
            if (shift >= 35)
                return bad_string(text, p, "continues a number of more than 35 bits");
        }
        if (n > 2)
            value += counts[n - 2];
        if (value < 0 || value > RLE_MAX_PIXELS)
            return status_fail(ERR_FORMAT,
                               "mask string: run %lld is %lld long; expected 0 .. %lld (%lld x "
                               "%lld)",
                               (long long)n, (long long)value, (long long)(h * w), (long long)h,
                               (long long)w);
        counts[n++] = (uint32_t)value;
    }
    return rle_from_counts(out, counts, n, h, w);
}

Status rle_from_string(Arena *a, Rle *out, const char *text, int64_t len, int64_t h, int64_t w)
{
    uint32_t *counts = ARENA_ARRAY(a, uint32_t, rle_string_runs(text, len));
    if (!counts)
        return ERR_MEMORY;
    return rle_read_string(out, counts, text, len, h, w);
}

char *rle_to_string(Arena *a, const Rle *r, int64_t *len)
{
    char *text = arena_alloc(a, (int64_t)r->n * 7 + 1); // a delta has at most 33 bits: 7 groups
    if (!text)
        return NULL;
    char *p = text;
    for (uint32_t i = 0; i < r->n; i++) {
        int64_t x = r->counts[i];
        if (i > 2)
            x -= r->counts[i - 2];
        bool more = true;
        while (more) {
            int group = (int)(x & 0x1f);
            x >>= 5;
            more = group & 0x10 ? x != -1 : x != 0;
            *p++ = (char)((more ? group | 0x20 : group) + 48);
        }
    }
    *p = 0;
    if (len)
        *len = p - text;
    return text;
}

/* ---- pixels ---- */

enum { TILE = 32 };

/* out (w,h) = in (h,w) transposed, in tiles that fit the first cache. */
static void transpose(uint8_t *out, const uint8_t *in, int64_t h, int64_t w)
{
    for (int64_t y0 = 0; y0 < h; y0 += TILE)
        for (int64_t x0 = 0; x0 < w; x0 += TILE)
            for (int64_t x = x0; x < size_min(x0 + TILE, w); x++)
                for (int64_t y = y0; y < size_min(y0 + TILE, h); y++)
                    out[x * h + y] = in[y * w + x];
}

/* First i >= at with m[i] != value, n when there is none. */
static int64_t run_end(const uint8_t *m, int64_t at, int64_t n, uint8_t value)
{
    uint64_t eight = 0x0101010101010101u * value, word;
    while (at + 8 <= n) {
        memcpy(&word, m + at, 8);
        if (word != eight)
            break;
        at += 8;
    }
    while (at < n && m[at] == value)
        at++;
    return at;
}

static int64_t encode_columns(uint32_t *counts, const uint8_t *m, int64_t pixels)
{
    int64_t n = 0, at = 0;
    uint8_t value = 0;
    do {
        int64_t end = run_end(m, at, pixels, value);
        if (counts)
            counts[n] = (uint32_t)(end - at);
        n++;
        at = end;
        if (at < pixels)
            value = m[at];
    } while (at < pixels);
    return n;
}

Status rle_encode(Arena *a, Rle *out, const uint8_t *mask, int64_t h, int64_t w, RleLayout layout)
{
    TRY(check_size(h, w));
    if (layout == RLE_ROWS) {
        uint8_t *columns = arena_alloc(a, h * w);
        if (!columns)
            return ERR_MEMORY;
        transpose(columns, mask, h, w);
        mask = columns;
    }
    int64_t   n = encode_columns(NULL, mask, h * w);
    uint32_t *counts = ARENA_ARRAY(a, uint32_t, n);
    if (!counts)
        return ERR_MEMORY;
    encode_columns(counts, mask, h * w);
    return rle_from_counts(out, counts, n, h, w);
}

void rle_decode(uint8_t *mask, const Rle *r, RleLayout layout)
{
    int64_t h = r->h, w = r->w, pos = 0;

    memset(mask, 0, (size_t)(h * w));
    for (uint32_t i = 0; i < r->n; i++) {
        int64_t end = pos + r->counts[i];
        assert(end <= h * w);
        if (i & 1) {
            if (layout == RLE_COLUMNS) {
                memset(mask + pos, 1, (size_t)(end - pos));
            } else {
                int64_t x = pos / h, y = pos % h;
                for (int64_t p = pos; p < end; p++) {
                    mask[y * w + x] = 1;
                    if (++y == h) {
                        y = 0;
                        x++;
                    }
                }
            }
        }
        pos = end;
    }
}
