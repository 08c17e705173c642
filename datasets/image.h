/* image.h -- pictures: JPEG and PNG bytes to RGB and back
 *
 *      bytes --probe--> format, size, orientation         (header only)
 *      bytes --decode-> Image: height rows of width RGB triples, 0..255, no padding between rows
 *      Image --encode-> bytes
 *
 * The format is found by content, never by name. Gray, palette, alpha (dropped), 16-bit (the high byte),
 * CMYK and YCCK come out as RGB like Pillow's `.convert("RGB")`. EXIF orientation 1-8 is read by a
 * bounded parser of our own; broken EXIF is ignored. Headers are judged against the limits before
 * anything is allocated.
 *
 * Errors: ERR_FORMAT (broken, too large, or another format; the sentence starts with `name`),
 * ERR_MEMORY.
 */
#pragma once
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

#define IMAGE_MAX_PIXELS 178956970 // where Pillow refuses as well
#define IMAGE_MAX_SCANS 200        // of a progressive JPEG

/* Owns its pixels. `Image im = {0};` is empty and valid; decoding into an image reuses its memory.
 */
typedef struct Image {
    int64_t  width, height;
    uint8_t *pixels;   // (height, width, 3); IMAGE_SLACK readable bytes follow
    int64_t  capacity; // bytes allocated
} Image;

#define IMAGE_SLACK 64

typedef enum ImageFormat { IMAGE_JPEG = 1, IMAGE_PNG } ImageFormat;

typedef enum ExifPolicy {
    EXIF_APPLY,  // turn the picture upright (default)
    EXIF_IGNORE, // as stored
    EXIF_ERROR,  // orientation other than 1 is ERR_FORMAT
} ExifPolicy;

typedef struct ImageInfo {
    ImageFormat format;
    int64_t     width, height; // upright, that is after orientation under EXIF_APPLY
    int64_t     stored_width, stored_height;
    int         channels;    // as stored: 1, 2, 3 or 4
    bool        is_usual;    // JPEG: gray, or luma and chroma, in 8 bits; not RGB, CMYK or others
    int         bits;        // as stored: 1..16
    int         orientation; // 1..8; 1 when absent or broken
} ImageInfo;

typedef struct ImageRect {
    int64_t x, y, width, height; // pixels, inside the picture
} ImageRect;

/* A JPEG decoder beside libjpeg, a device's say, for one thread at a time. decode: rgb (window.height, window.width, 3) of
 * the picture as it is stored. ERR_UNSUPPORTED leaves the file to libjpeg, which also judges broken ones. */
typedef struct JpegDecoder {
    void *state;
    Status (*decode)(void *state, uint8_t *rgb, ImageRect window, const void *bytes,
                     int64_t n_bytes);
    int64_t n_served, n_left; // files that it decoded, and that libjpeg did in its place
    char    why[200];         // it left the last of those
} JpegDecoder;

/* All zero means the defaults. */
typedef struct DecodeOptions {
    ExifPolicy exif;
    int64_t    max_pixels; // 0: IMAGE_MAX_PIXELS
    int        max_scans;  // 0: IMAGE_MAX_SCANS
    int shrink; // JPEG only: 1, 2, 4 or 8 decodes at 1/shrink (sides rounded up); 0: 1. PNG ignores
                // it
    JpegDecoder *jpeg; // asked first for usual JPEG files at full size; NULL: libjpeg
} DecodeOptions;

/* The header alone. `options` NULL means defaults; `name` is used in sentences. */
Status image_probe(ImageInfo *out, const DecodeOptions *options, const void *bytes, int64_t n_bytes,
                   const char *name);

Status image_decode(Image *out, const DecodeOptions *options, const void *bytes, int64_t n_bytes,
                    const char *name);

/* The same pixels as image_decode followed by a crop (of the upright picture); JPEG blocks outside the crop are not
 * transformed. `shrink` must be 0 or 1. A crop outside the picture is ERR_SHAPE. */
Status image_decode_crop(Image *out, const DecodeOptions *options, ImageRect crop,
                         const void *bytes, int64_t n_bytes, const char *name);

/* Whole file -> picture. ERR_MISSING when it cannot be opened. */
Status image_read(Image *out, const DecodeOptions *options, const char *path);

/* width x height, content undefined; keeps the memory it has when that is enough. */
Status image_resize_buffer(Image *im, int64_t width, int64_t height);
Status image_copy(Image *out, const Image *in);
void   image_release(Image *im);

/* A growing block of bytes that its user owns. */
typedef struct ImageBytes {
    uint8_t *data;
    int64_t  n_bytes;
    int64_t  capacity;
} ImageBytes;

void   image_bytes_release(ImageBytes *b);
Status image_bytes_reserve(ImageBytes *b, int64_t n_bytes);
/* A whole file; ERR_MISSING, ERR_IO; more than 1 GiB is ERR_FORMAT. */
Status image_bytes_read(ImageBytes *b, const char *path);

typedef enum JpegSubsampling { JPEG_444 = 0, JPEG_422, JPEG_420 } JpegSubsampling;

/* quality 1..100. */
Status image_encode_jpeg(ImageBytes *out, const Image *im, int quality, JpegSubsampling sampling);
Status image_encode_png(ImageBytes *out, const Image *im);

/* Writes a whole file; the form is chosen by the suffix .png or .jpg/.jpeg (quality 95, 4:4:4). */
Status image_write(const Image *im, const char *path);
