#include "pretrain/device_decoder.h"

#include <stdlib.h>

enum { TRIAL_SIDE = 256, TRIAL_LEVELS = 4 };

typedef struct DeviceDecoder {
    const Backend *be;
    void          *decoder;
} DeviceDecoder;

static Status decode(void *state, uint8_t *rgb, ImageRect window, const void *bytes,
                     int64_t n_bytes)
{
    const DeviceDecoder *d = state;
    return d->be->jpeg_decode(d->decoder, rgb, window.x, window.y, window.width, window.height,
                              bytes, n_bytes);
}

static Status open_one(void *ctx, JpegDecoder *out)
{
    DeviceDecoder *d = calloc(1, sizeof *d);
    if (!d)
        return status_no_memory("a JPEG decoder", sizeof *d);
    d->be = ctx;
    Status st = d->be->jpeg_open(&d->decoder);
    if (st == OK)
        *out = (JpegDecoder){.state = d, .decode = decode};
    else
        free(d);
    return st;
}

static void close_one(JpegDecoder *decoder)
{
    DeviceDecoder *d = decoder->state;
    d->be->jpeg_close(d->decoder);
    free(d);
}

/* Smooth, in every colour. */
static Status trial_picture(ImageBytes *jpeg)
{
    Image  im = {0};
    Status st = OK;
    TRY_OUT(image_resize_buffer(&im, TRIAL_SIDE, TRIAL_SIDE));
    for (int y = 0; y < TRIAL_SIDE; y++)
        for (int x = 0; x < TRIAL_SIDE; x++) {
            uint8_t *rgb = im.pixels + 3 * (y * TRIAL_SIDE + x);
            rgb[0] = (uint8_t)x;
            rgb[1] = (uint8_t)y;
            rgb[2] = (uint8_t)(255 - (x + y) / 2);
        }
    TRY_OUT(image_encode_jpeg(jpeg, &im, 90, JPEG_420));
out:
    image_release(&im);
    return st;
}

static double mean_distance(const Image *a, const Image *b)
{
    int64_t n = 3 * a->width * a->height, sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += abs(a->pixels[i] - b->pixels[i]);
    return (double)sum / (double)n;
}

/* Engines can be there and not serve: decodes a photograph in both ways. */
static Status try_decoder(JpegDecoder *d)
{
    Image         by_device = {0}, by_host = {0};
    ImageBytes    jpeg = {0};
    DecodeOptions o = {.jpeg = d};
    Status        st = OK;
    TRY_OUT(trial_picture(&jpeg));
    TRY_OUT(image_decode(&by_device, &o, jpeg.data, jpeg.n_bytes, "a trial picture"));
    TRY_OUT(image_decode(&by_host, NULL, jpeg.data, jpeg.n_bytes, "a trial picture"));
    double off = mean_distance(&by_device, &by_host);
    if (d->n_served == 0)
        st = status_fail(ERR_UNSUPPORTED, "%s", d->why);
    else if (off > TRIAL_LEVELS)
        st = status_fail(
            ERR_UNSUPPORTED,
            "JPEG on the device: a picture came out %.1f of 255 levels off on the mean, "
            "at most %d expected; use data.decode=host",
            off, TRIAL_LEVELS);
out:
    image_release(&by_device);
    image_release(&by_host);
    image_bytes_release(&jpeg);
    return st;
}

Status device_decoders(JpegDecoders *out, const Backend *be)
{
    JpegDecoder d = {0};
    if (!be->jpeg_open)
        return status_fail(ERR_UNSUPPORTED,
                           "data.decode=device: device %s decodes no JPEG files; use "
                           "data.decode=host, or --device cuda",
                           be->name);
    TRY(open_one((void *)be, &d));
    Status st = try_decoder(&d);
    close_one(&d);
    TRY(st);
    *out = (JpegDecoders){.open = open_one, .close = close_one, .ctx = (void *)be};
    return OK;
}
