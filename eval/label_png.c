/* label_png.c -- libspng's rows to label values */
#include "eval/label_png.h"
#include "base/file.h"
#include "base/size.h"
#include <spng.h>
#include <string.h>

enum { MOST_DEFLATE_RATIO = 1040 }; // deflate reaches about 1032 to 1

/* libspng's code as a status; zlib refuses to begin only when memory is short. */
static Status bad(const char *name, int err)
{
    if (err == SPNG_EMEM || err == SPNG_EZLIB_INIT)
        return status_no_memory(name, 0);
    return status_fail(ERR_FORMAT, "%s: %s", name, spng_strerror(err));
}

/* Size and kind, before anything is allocated for the pixels. */
static Status read_header(spng_ctx *ctx, struct spng_ihdr *h, int64_t n_bytes, const char *name)
{
    int err = spng_get_ihdr(ctx, h);
    if (err)
        return err == SPNG_EMEM
                   ? bad(name, err)
                   : status_fail(ERR_FORMAT, "%s: not a PNG file (%s)", name, spng_strerror(err));
    int64_t pixels = (int64_t)h->width * h->height;
    if (pixels > LABEL_MAX_PIXELS)
        return status_fail(ERR_FORMAT, "%s: %u x %u pixels; at most %d are read", name, h->width,
                           h->height, LABEL_MAX_PIXELS);
    if (pixels / 8 * h->bit_depth > n_bytes * MOST_DEFLATE_RATIO)
        return status_fail(ERR_FORMAT,
                           "%s: claims %u x %u pixels, more than its %lld bytes can hold", name,
                           h->width, h->height, (long long)n_bytes);
    return OK;
}

/* (h,w) one byte a pixel from rows of packed 1-, 2- or 4-bit pixels. */
static void unpack(uint8_t *out, const uint8_t *rows, int64_t h, int64_t w, int bits)
{
    int64_t stride = (w * bits + 7) / 8;
    int     mask = (1 << bits) - 1;
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            int64_t bit = x * bits;
            out[y * w + x] = (uint8_t)(rows[y * stride + bit / 8] >> (8 - bits - bit % 8) & mask);
        }
}

/* Pixels without any conversion, *raw in the arena. */
static Status decode_raw(Arena *a, spng_ctx *ctx, uint8_t **raw, const char *name)
{
    size_t n = 0;
    int    err = spng_decoded_image_size(ctx, SPNG_FMT_PNG, &n);
    if (err)
        return bad(name, err);
    *raw = arena_alloc(a, (int64_t)n);
    if (!*raw)
        return ERR_MEMORY;
    err = spng_decode_image(ctx, *raw, n, SPNG_FMT_PNG, 0);
    if (!err)
        err = spng_decode_chunks(ctx); // to the end of the file: a cut tail is damage too
    return err ? bad(name, err) : OK;
}

static Status parse_labels(Arena *a, LabelImage *out, spng_ctx *ctx, int64_t n_bytes,
                           const char *name)
{
    struct spng_ihdr h;
    uint8_t         *raw = NULL;
    TRY(read_header(ctx, &h, n_bytes, name));
    if (h.color_type != SPNG_COLOR_TYPE_GRAYSCALE && h.color_type != SPNG_COLOR_TYPE_INDEXED)
        return status_fail(
            ERR_FORMAT, "%s: has colours or alpha; expected one channel (gray or palette indices)",
            name);
    TRY(decode_raw(a, ctx, &raw, name));
    *out = (LabelImage){.h = h.height, .w = h.width};
    if (h.bit_depth == 16) {
        out->wide = (uint16_t *)(void *)raw;
    } else if (h.bit_depth == 8) {
        out->narrow = raw;
    } else {
        out->narrow = arena_alloc(a, out->h * out->w);
        if (!out->narrow)
            return ERR_MEMORY;
        unpack(out->narrow, raw, out->h, out->w, h.bit_depth);
    }
    return OK;
}

/* Does the colour turn to something else than black? */
static bool shows(unsigned r, unsigned g, unsigned b)
{
    return (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16 != 0;
}

static Status decode_rgb(Arena *a, spng_ctx *ctx, uint8_t **rgb, const char *name)
{
    size_t n = 0;
    int    err = spng_decoded_image_size(ctx, SPNG_FMT_RGB8, &n);
    if (err)
        return bad(name, err);
    *rgb = arena_alloc(a, (int64_t)n);
    if (!*rgb)
        return ERR_MEMORY;
    err = spng_decode_image(ctx, *rgb, n, SPNG_FMT_RGB8, 0);
    if (!err)
        err = spng_decode_chunks(ctx);
    return err ? bad(name, err) : OK;
}

static Status parse_coloured(Arena *a, LabelImage *out, spng_ctx *ctx, const char *name)
{
    uint8_t *rgb = NULL;
    TRY(decode_rgb(a, ctx, &rgb, name));
    out->narrow = rgb; // in place: pixel i is written after its own bytes were read
    for (int64_t i = 0; i < out->h * out->w; i++)
        rgb[i] = shows(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
    return OK;
}

/* Palette indices to 0 or 1 by their colours. */
static Status apply_palette(LabelImage *m, spng_ctx *ctx, const char *name)
{
    struct spng_plte p;
    uint8_t          visible[256] = {0};
    int              err = spng_get_plte(ctx, &p);
    if (err)
        return bad(name, err);
    for (uint32_t i = 0; i < p.n_entries && i < 256; i++)
        visible[i] = shows(p.entries[i].red, p.entries[i].green, p.entries[i].blue);
    for (int64_t i = 0; i < m->h * m->w; i++)
        m->narrow[i] = visible[m->narrow[i]];
    return OK;
}

static Status parse_mask(Arena *a, LabelImage *out, spng_ctx *ctx, int64_t n_bytes,
                         const char *name)
{
    struct spng_ihdr h;
    TRY(read_header(ctx, &h, n_bytes, name));
    if (h.color_type == SPNG_COLOR_TYPE_GRAYSCALE) {
        TRY(parse_labels(a, out, ctx, n_bytes, name));
        if (out->wide) { // in place: byte i is written after value i was read
            uint16_t *wide = out->wide;
            out->narrow = (uint8_t *)wide;
            for (int64_t i = 0; i < out->h * out->w; i++) {
                uint8_t on = wide[i] != 0;
                out->narrow[i] = on;
            }
            out->wide = NULL;
        }
        return OK;
    }
    if (h.color_type == SPNG_COLOR_TYPE_INDEXED) {
        TRY(parse_labels(a, out, ctx, n_bytes, name));
        return apply_palette(out, ctx, name);
    }
    *out = (LabelImage){.h = h.height, .w = h.width};
    return parse_coloured(a, out, ctx, name);
}

/* narrow: three bytes a pixel; h and w come in. */
static Status parse_rgb(Arena *a, LabelImage *out, spng_ctx *ctx, int64_t n_bytes, const char *name)
{
    struct spng_ihdr h;
    TRY(read_header(ctx, &h, n_bytes, name));
    if (h.width != out->w || h.height != out->h || h.bit_depth != 8 ||
        h.color_type != SPNG_COLOR_TYPE_TRUECOLOR)
        return status_fail(ERR_FORMAT,
                           "%s: PNG of %u x %u, type %u, %u bit; expected 8-bit RGB of %lld x %lld",
                           name, h.width, h.height, h.color_type, h.bit_depth, (long long)out->w,
                           (long long)out->h);
    return decode_rgb(a, ctx, &out->narrow, name);
}

typedef Status Parser(Arena *, LabelImage *, spng_ctx *, int64_t, const char *);

static Status parse_with(Parser *parser, Arena *a, LabelImage *out, const uint8_t *bytes, int64_t n,
                         const char *name)
{
    out->narrow = NULL;
    out->wide = NULL;
    spng_ctx *ctx = spng_ctx_new(0);
    if (!ctx)
        return status_no_memory("PNG decoder", 0);
    Status st = OK;
    int    err = spng_set_png_buffer(ctx, bytes, (size_t)n);
    if (!err)
        err = spng_set_chunk_limits(ctx, 1 << 20, 4 << 20);
    st = err ? bad(name, err) : parser(a, out, ctx, n, name);
    spng_ctx_free(ctx);
    return st;
}

static Status read_with(Parser *parser, Arena *a, LabelImage *out, const char *path)
{
    FileMap m = {0};
    TRY(file_map(&m, path));
    Status st = parse_with(parser, a, out, (const uint8_t *)m.bytes, m.n, path);
    file_unmap(&m);
    return st;
}

Status label_png_parse(Arena *a, LabelImage *out, const uint8_t *bytes, int64_t n, const char *name)
{
    return parse_with(parse_labels, a, out, bytes, n, name);
}

Status label_png_read(Arena *a, LabelImage *out, const char *path)
{
    return read_with(parse_labels, a, out, path);
}

Status label_png_read_wide(Arena *a, LabelImage *out, const char *path)
{
    TRY(read_with(parse_labels, a, out, path));
    if (out->wide)
        return OK;
    out->wide = ARENA_ARRAY(a, uint16_t, out->h * out->w);
    if (!out->wide)
        return ERR_MEMORY;
    for (int64_t i = 0; i < out->h * out->w; i++)
        out->wide[i] = out->narrow[i];
    out->narrow = NULL;
    return OK;
}

Status mask_png_parse(Arena *a, LabelImage *out, const uint8_t *bytes, int64_t n, const char *name)
{
    return parse_with(parse_mask, a, out, bytes, n, name);
}

Status mask_png_read(Arena *a, LabelImage *out, const char *path)
{
    return read_with(parse_mask, a, out, path);
}

Status rgb_png_parse(Arena *a, uint8_t **rgb, int64_t h, int64_t w, const uint8_t *bytes, int64_t n,
                     const char *name)
{
    LabelImage image = {.h = h, .w = w};
    TRY(parse_with(parse_rgb, a, &image, bytes, n, name));
    *rgb = image.narrow;
    return OK;
}
