/* lib_jpeg.cc -- the JPEG engines of the emulated device: libjpeg-turbo in their place, whole pictures, sequential ones only */
extern "C" {
#include "kernels/cuda/lib.h"
}
#include <atomic>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <vector>

namespace {

/* Two threads in one decoder are a fault of the caller. */
struct Decoder {
    tjhandle             handle = tjInitDecompress();
    std::vector<uint8_t> pixels;
    std::atomic_flag     is_busy = ATOMIC_FLAG_INIT;
};

Status refuse(const char *why)
{
    return status_fail(ERR_UNSUPPORTED, "JPEG on the device: %s; use data.decode=host", why);
}

bool is_progressive(const uint8_t *bytes, int64_t n)
{
    for (int64_t i = 0; i + 1 < n; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc2)
            return true;
    return false;
}

} // namespace

Status lib_jpeg_open(void **decoder)
{
    *decoder = nullptr;
    if (getenv("FAKE_GPU_NO_JPEG"))
        return refuse("this GPU has no decoding engine");
    *decoder = new Decoder;
    return OK;
}

Status lib_jpeg_decode(void *decoder, uint8_t *rgb, int64_t x, int64_t y, int64_t width,
                       int64_t height, const void *bytes, int64_t n_bytes)
{
    Decoder       *d = (Decoder *)decoder;
    const uint8_t *data = (const uint8_t *)bytes;
    int            w = 0, h = 0, sampling = 0, colours = 0;
    if (d->is_busy.test_and_set())
        abort();
    bool can = !is_progressive(data, n_bytes) &&
               tjDecompressHeader3(d->handle, data, (unsigned long)n_bytes, &w, &h, &sampling,
                                   &colours) == 0 &&
               x + width <= w && y + height <= h;
    if (can) {
        d->pixels.resize((size_t)w * (size_t)h * 3);
        can = tjDecompress2(d->handle, data, (unsigned long)n_bytes, d->pixels.data(), w, 0, h,
                            TJPF_RGB, TJFLAG_ACCURATEDCT) == 0;
    }
    for (int64_t row = 0; can && row < height; row++)
        memcpy(rgb + 3 * row * width, d->pixels.data() + 3 * ((y + row) * w + x),
               (size_t)(3 * width));
    d->is_busy.clear();
    return can ? OK : refuse("not a kind that the engines take");
}

void lib_jpeg_close(void *decoder)
{
    Decoder *d = (Decoder *)decoder;
    if (d)
        tjDestroy(d->handle);
    delete d;
}
