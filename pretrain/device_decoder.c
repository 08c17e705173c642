#include "pretrain/device_decoder.h"

#include <stdlib.h>

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

Status device_decoders(JpegDecoders *out, const Backend *be)
{
    if (!be->jpeg_open)
        return status_fail(ERR_UNSUPPORTED,
                           "data.decode=device: device %s decodes no JPEG files; use "
                           "data.decode=host, or --device cuda",
                           be->name);
    *out = (JpegDecoders){.open = open_one, .close = close_one, .ctx = (void *)be};
    return OK;
}
