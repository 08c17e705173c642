/* image_png.c -- libspng behind three functions. 16-bit values keep their high byte, alpha is
 * dropped (as Pillow) */
#include "datasets/image_format.h"
#include "base/size.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <spng.h>

#define CHUNK_LIMIT ((size_t)16 << 20) // of one text, profile or EXIF chunk

/* zlib refuses to begin only when memory is short. */
static Status png_fail(int code, const char *name)
{
    if (code == SPNG_EMEM || code == SPNG_EZLIB_INIT)
        return status_no_memory("a PNG", 0);
    return status_fail(ERR_FORMAT, "%s: broken PNG: %s", name, spng_strerror(code));
}

/* A context that has read the header. */
static Status png_open(spng_ctx **out, struct spng_ihdr *header, const void *bytes, int64_t n_bytes,
                       const char *name)
{
    spng_ctx *ctx = spng_ctx_new(0);
    *out = ctx;
    if (ctx == NULL)
        return status_no_memory("a PNG decoder", 0);
    int code = spng_set_crc_action(ctx, SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
    if (code == 0)
        code = spng_set_chunk_limits(ctx, CHUNK_LIMIT, 4 * CHUNK_LIMIT);
    if (code == 0)
        code = spng_set_png_buffer(ctx, bytes, (size_t)n_bytes);
    if (code == 0)
        code = spng_get_ihdr(ctx, header);
    return code == 0 ? OK : png_fail(code, name);
}

Status png_probe(ImageInfo *out, const void *bytes, int64_t n_bytes, const char *name)
{
    static const int CHANNELS[7] = {1, 0, 3, 1, 2, 0, 4};
    spng_ctx        *ctx = NULL;
    struct spng_ihdr header;
    Status           st = png_open(&ctx, &header, bytes, n_bytes, name);
    if (st == OK) {
        out->stored_width = header.width;
        out->stored_height = header.height;
        out->channels = CHANNELS[header.color_type];
        out->bits = header.bit_depth;
    }
    spng_ctx_free(ctx);
    return st;
}

Status png_decode(Image *out, const void *bytes, int64_t n_bytes, const char *name)
{
    spng_ctx        *ctx = NULL;
    struct spng_ihdr header;
    size_t           size = 0;
    int              code = 0;
    Status           st = OK;

    TRY_OUT(png_open(&ctx, &header, bytes, n_bytes, name));
    TRY_OUT(image_resize_buffer(out, header.width, header.height));
    code = spng_decoded_image_size(ctx, SPNG_FMT_RGB8, &size);
    if (code == 0 && (int64_t)size != 3 * out->width * out->height)
        TRY_OUT(
            status_fail(ERR_FORMAT, "%s: PNG of %zu bytes does not fit its header", name, size));
    if (code == 0)
        code = spng_decode_image(ctx, out->pixels, size, SPNG_FMT_RGB8, 0);
    if (code != 0)
        st = png_fail(code, name);
out:
    spng_ctx_free(ctx);
    return st;
}

Status image_encode_png(ImageBytes *out, const Image *im)
{
    struct spng_ihdr header = {.bit_depth = 8, .color_type = SPNG_COLOR_TYPE_TRUECOLOR};
    size_t           size = 0;
    uint8_t         *bytes = NULL;
    Status           st = OK;
    if (im->width > INT32_MAX || im->height > INT32_MAX)
        return status_fail(ERR_SHAPE, "PNG: a side holds at most 2^31-1 pixels");
    spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    if (ctx == NULL)
        return status_no_memory("a PNG encoder", 0);
    header.width = (uint32_t)im->width;
    header.height = (uint32_t)im->height;
    int code = spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);
    if (code == 0)
        code = spng_set_ihdr(ctx, &header);
    if (code == 0)
        code = spng_encode_image(ctx, im->pixels, (size_t)(3 * im->width * im->height),
                                 SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    if (code == 0)
        bytes = spng_get_png_buffer(ctx, &size, &code);
    if (code != 0)
        st = png_fail(code, "encoding");
    if (st == OK)
        st = image_bytes_reserve(out, (int64_t)size);
    if (st == OK) {
        memcpy(out->data, bytes, size);
        out->n_bytes = (int64_t)size;
    }
    free(bytes);
    spng_ctx_free(ctx);
    return st;
}
