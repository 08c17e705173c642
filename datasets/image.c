/* image.c -- which format is it, is it acceptable, which way is up */
#include "datasets/image.h"
#include "base/size.h"
#include "datasets/exif.h"
#include "datasets/image_format.h"
#include <stdio.h>
#include <string.h>

typedef struct Magic {
    const char *bytes;
    int         n, at;
    const char *what;
} Magic;

/* Formats that are met in place of pictures and named in the refusal. */
static const Magic FOREIGN[] = {
    {"GIF8", 4, 0, "a GIF"},
    {"BM", 2, 0, "a BMP"},
    {"RIFF", 4, 0, "a RIFF (WebP?)"},
    {"II*\0", 4, 0, "a TIFF"},
    {"MM\0*", 4, 0, "a TIFF"},
    {"ftyp", 4, 4, "an ISO media file (HEIC, AVIF?)"},
    {"<", 1, 0, "HTML or XML"},
    {"P5", 2, 0, "a PGM"},
    {"P6", 2, 0, "a PPM"},
    {"\x1f\x8b", 2, 0, "gzip data"},
};

static Status image_format(ImageFormat *out, const uint8_t *b, int64_t n, const char *name)
{
    if (n >= 3 && memcmp(b, "\xff\xd8\xff", 3) == 0) {
        *out = IMAGE_JPEG;
        return OK;
    }
    if (n >= 8 && memcmp(b, "\x89PNG\r\n\x1a\n", 8) == 0) {
        *out = IMAGE_PNG;
        return OK;
    }
    if (n == 0)
        return status_fail(ERR_FORMAT, "%s: the file is empty; expected a JPEG or PNG", name);
    for (size_t i = 0; i < sizeof FOREIGN / sizeof *FOREIGN; i++) {
        const Magic *m = &FOREIGN[i];
        if (n >= m->at + m->n && memcmp(b + m->at, m->bytes, (size_t)m->n) == 0)
            return status_fail(ERR_FORMAT, "%s: this is %s; expected a JPEG or PNG", name, m->what);
    }
    return status_fail(ERR_FORMAT, "%s: neither a JPEG nor a PNG (first byte %02x)", name, b[0]);
}

Status image_probe(ImageInfo *out, const DecodeOptions *options, const void *bytes, int64_t n_bytes,
                   const char *name)
{
    static const DecodeOptions defaults;
    const DecodeOptions       *o = options != NULL ? options : &defaults;
    int64_t                    max = o->max_pixels > 0 ? o->max_pixels : IMAGE_MAX_PIXELS;
    int64_t                    n_pixels;

    *out = (ImageInfo){0};
    TRY(image_format(&out->format, bytes, n_bytes, name));
    bool is_jpeg = out->format == IMAGE_JPEG;
    TRY(is_jpeg ? jpeg_probe(out, bytes, n_bytes, name) : png_probe(out, bytes, n_bytes, name));
    if (!size_mul(&n_pixels, out->stored_width, out->stored_height) || n_pixels > max)
        return status_fail(
            ERR_FORMAT, "%s: the header says %lld x %lld pixels, the limit is %lld in all", name,
            (long long)out->stored_width, (long long)out->stored_height, (long long)max);
    int found =
        is_jpeg ? exif_orientation_jpeg(bytes, n_bytes) : exif_orientation_png(bytes, n_bytes);
    if (o->exif == EXIF_ERROR && found != 1)
        return status_fail(ERR_FORMAT, "%s: EXIF orientation %d, and the policy is to refuse it",
                           name, found);
    bool swaps = o->exif == EXIF_APPLY && exif_swaps_sides(found);
    out->orientation = found;
    out->width = swaps ? out->stored_height : out->stored_width;
    out->height = swaps ? out->stored_width : out->stored_height;
    return OK;
}

/* out = the part r of im; out and im may be the same picture. */
static Status crop_image(Image *out, const Image *im, ImageRect r)
{
    int64_t from = im->width;
    if (out != im)
        TRY(image_resize_buffer(out, r.width, r.height));
    for (int64_t y = 0; y < r.height; y++)
        memmove(out->pixels + 3 * y * r.width, im->pixels + 3 * ((r.y + y) * from + r.x),
                (size_t)(3 * r.width));
    out->width = r.width;
    out->height = r.height;
    return OK;
}

static bool is_whole(ImageRect r, int64_t width, int64_t height)
{
    return r.x == 0 && r.y == 0 && r.width == width && r.height == height;
}

/* True when the last bytes end the picture. A file without that mark is cut somewhere, and only a
 * full decode tells whether a crop's pixels are affected, so crops of such files are taken from
 * one. */
static bool jpeg_has_end(const uint8_t *bytes, int64_t n_bytes)
{
    while (n_bytes > 4 && bytes[n_bytes - 1] == 0)
        n_bytes--;
    return n_bytes > 4 && bytes[n_bytes - 2] == 0xFF && bytes[n_bytes - 1] == 0xD9;
}

/* The other decoder's turn; ERR_UNSUPPORTED when libjpeg has to do it. */
static Status decode_elsewhere(Image *out, JpegDecoder *d, const ImageInfo *info, ImageRect crop,
                               const void *bytes, int64_t n_bytes)
{
    Status st = ERR_UNSUPPORTED;
    if (info->is_usual) {
        TRY(image_resize_buffer(out, crop.width, crop.height));
        st = d->decode(d->state, out->pixels, crop, bytes, n_bytes);
        if (st == ERR_UNSUPPORTED)
            snprintf(d->why, sizeof d->why, "%s", status_text());
    }
    d->n_served += st == OK;
    d->n_left += st == ERR_UNSUPPORTED;
    return st;
}

/* The stored rectangle `crop`, in stored orientation. */
static Status decode_stored(Image *out, const DecodeOptions *o, const ImageInfo *info,
                            ImageRect crop, const void *bytes, int64_t n_bytes, const char *name)
{
    int       shrink = o->shrink > 0 ? o->shrink : 1;
    int       max_scans = o->max_scans > 0 ? o->max_scans : IMAGE_MAX_SCANS;
    ImageRect whole = {0, 0, info->stored_width, info->stored_height};
    bool      has_end = info->format == IMAGE_JPEG && jpeg_has_end(bytes, n_bytes);
    if (o->jpeg != NULL && has_end && shrink == 1) {
        Status st = decode_elsewhere(out, o->jpeg, info, crop, bytes, n_bytes);
        if (st != ERR_UNSUPPORTED)
            return st;
    }
    if (info->format == IMAGE_JPEG && (shrink > 1 || has_end))
        return jpeg_decode(out, crop, shrink, max_scans, bytes, n_bytes, name);
    if (info->format == IMAGE_JPEG)
        TRY(jpeg_decode(out, whole, 1, max_scans, bytes, n_bytes, name));
    else
        TRY(png_decode(out, bytes, n_bytes, name));
    if (!is_whole(crop, whole.width, whole.height))
        return crop_image(out, out, crop);
    return OK;
}

static Status decode_rect(Image *out, const DecodeOptions *o, const ImageInfo *info, ImageRect crop,
                          const void *bytes, int64_t n_bytes, const char *name)
{
    if (o->exif != EXIF_APPLY || info->orientation == 1)
        return decode_stored(out, o, info, crop, bytes, n_bytes, name);
    Image     stored = {0};
    ImageRect r =
        exif_stored_rect(info->orientation, crop, info->stored_width, info->stored_height);
    Status st = decode_stored(&stored, o, info, r, bytes, n_bytes, name);
    if (st == OK)
        st = exif_turn(out, &stored, info->orientation);
    image_release(&stored);
    return st;
}

Status image_decode(Image *out, const DecodeOptions *options, const void *bytes, int64_t n_bytes,
                    const char *name)
{
    static const DecodeOptions defaults;
    const DecodeOptions       *o = options != NULL ? options : &defaults;
    ImageInfo                  info;
    TRY(image_probe(&info, o, bytes, n_bytes, name));
    return decode_rect(out, o, &info, (ImageRect){0, 0, info.width, info.height}, bytes, n_bytes,
                       name);
}

Status image_decode_crop(Image *out, const DecodeOptions *options, ImageRect crop,
                         const void *bytes, int64_t n_bytes, const char *name)
{
    static const DecodeOptions defaults;
    const DecodeOptions       *o = options != NULL ? options : &defaults;
    ImageInfo                  info;
    TRY(image_probe(&info, o, bytes, n_bytes, name));
    if (o->shrink > 1)
        return status_fail(ERR_SHAPE, "%s: a crop is decoded at full size, not at 1/%d", name,
                           o->shrink);
    if (crop.x < 0 || crop.y < 0 || crop.width < 1 || crop.height < 1 ||
        crop.width > info.width - crop.x || crop.height > info.height - crop.y)
        return status_fail(ERR_SHAPE,
                           "%s: crop %lldx%lld+%lld+%lld is outside its %lldx%lld pixels", name,
                           (long long)crop.width, (long long)crop.height, (long long)crop.x,
                           (long long)crop.y, (long long)info.width, (long long)info.height);
    return decode_rect(out, o, &info, crop, bytes, n_bytes, name);
}
