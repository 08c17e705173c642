/* nvjpeg.cc -- nvJPEG as kernels/cuda/lib_nvjpeg.c asks for it: batches of one picture on the GPU's engines
 *
 * lib_nvjpeg.c finds these functions by name in the library that GODWIT_NVJPEG names: a test names the plug-in itself. Pixels are
 * libjpeg-turbo's. They come at once, before what is queued on the stream, as an H100's engines write them.
 */
#include "fake_gpu/libs/fake_libs.h"
#include "fake_gpu/libs/misuse.h"
#include "fake_gpu/memory.h"
#include "fake_gpu/stream.h"

#include <memory>
#include <string.h>
#include <turbojpeg.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum {
    SUCCESS,
    NOT_INITIALIZED,
    INVALID,
    BAD_JPEG,
    ALLOCATOR_FAILURE = 5,
    EXECUTION_FAILED,
    ARCH_MISMATCH
};
enum { HARDWARE = 3, RGBI = 5 };

struct DeviceAllocator {
    int (*take)(void **memory, size_t bytes);
    int (*give)(void *memory);
};
struct PinnedAllocator {
    int (*take)(void **memory, size_t bytes, unsigned flags);
    int (*give)(void *memory);
};
struct Handle {
    tjhandle        turbo = tjInitDecompress();
    DeviceAllocator device;
    PinnedAllocator pinned;
    int             n_states = 0;
    Handle(const DeviceAllocator &d, const PinnedAllocator &p) : device(d), pinned(p)
    {
    }
    ~Handle()
    {
        tjDestroy(turbo);
    }
};
/* Has memory of its own from the first picture on. */
struct State {
    Handle *of;
    bool    is_ready = false;
    void   *device = nullptr, *pinned = nullptr;
};
struct Header {
    int  width = 0, height = 0;
    bool is_progressive = false, is_parsed = false;
};
struct Picture {
    unsigned char *channel[4];
    size_t         pitch[4];
};

int misuse(int status, const char *what)
{
    fake_misuse("nvJPEG", "%s", what);
    return status;
}

/* What the driver is asked in a thread without a device fails. */
int outside()
{
    return misuse(NOT_INITIALIZED, "a call in a thread that has not set its device");
}

bool has_marker(const unsigned char *bytes, size_t n, unsigned char marker)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == marker)
            return true;
    return false;
}

} // namespace

EXPORT int nvjpegCreateEx(int backend, DeviceAllocator *device, PinnedAllocator *pinned,
                          unsigned flags, Handle **h)
{
    if (!fake_gpu_is_entered())
        return outside();
    if (backend != HARDWARE || flags != 0)
        return misuse(INVALID, "a handle of another backend, or with flags");
    if (fake_libs()->has_no_jpeg_engine)
        return ARCH_MISMATCH;
    *h = new Handle(*device, *pinned);
    fake_libs()->n_live_jpeg++;
    return SUCCESS;
}

EXPORT int nvjpegDestroy(Handle *h)
{
    if (!fake_gpu_is_entered())
        return outside();
    if (h->n_states > 0)
        return misuse(INVALID, "the end of a handle that has states");
    delete h;
    fake_libs()->n_live_jpeg--;
    return SUCCESS;
}

/* Virtual machines may keep the engines to themselves. */
EXPORT int nvjpegGetHardwareDecoderInfo(Handle *, unsigned *engines, unsigned *cores)
{
    *engines = fake_libs()->hides_jpeg_engines ? 0 : 7;
    *cores = 1;
    return SUCCESS;
}

EXPORT int nvjpegJpegStateCreate(Handle *h, State **s)
{
    if (++h->n_states > 1)
        return misuse(ALLOCATOR_FAILURE, "a second decoder on a handle, which an H200 refused");
    *s = new State;
    (*s)->of = h;
    fake_libs()->n_live_jpeg++;
    return SUCCESS;
}

EXPORT int nvjpegJpegStateDestroy(State *s)
{
    s->of->n_states--;
    if (s->device)
        s->of->device.give(s->device);
    if (s->pinned)
        s->of->pinned.give(s->pinned);
    delete s;
    fake_libs()->n_live_jpeg--;
    return SUCCESS;
}

EXPORT int nvjpegJpegStreamCreate(Handle *, Header **header)
{
    *header = new Header;
    fake_libs()->n_live_jpeg++;
    return SUCCESS;
}

EXPORT int nvjpegJpegStreamDestroy(Header *header)
{
    delete header;
    fake_libs()->n_live_jpeg--;
    return SUCCESS;
}

EXPORT int nvjpegJpegStreamParseHeader(Handle *h, const unsigned char *bytes, size_t n,
                                       Header *header)
{
    int sampling = 0, colours = 0;
    header->is_parsed = tjDecompressHeader3(h->turbo, bytes, (unsigned long)n, &header->width,
                                            &header->height, &sampling, &colours) == 0;
    header->is_progressive = has_marker(bytes, n, 0xc2);
    return header->is_parsed ? SUCCESS : BAD_JPEG;
}

EXPORT int nvjpegJpegStreamGetFrameDimensions(Header *header, unsigned *width, unsigned *height)
{
    if (!header->is_parsed)
        return misuse(INVALID, "the sizes of a header that was not parsed");
    *width = (unsigned)header->width;
    *height = (unsigned)header->height;
    return SUCCESS;
}

EXPORT int nvjpegDecodeBatchedInitialize(Handle *, State *s, int batch, int threads, int format)
{
    if (batch != 1 || threads < 1 || format != RGBI)
        return misuse(INVALID, "a batch of other than one picture, or into other than RGB");
    s->is_ready = true;
    return SUCCESS;
}

EXPORT int nvjpegDecodeBatchedSupported(Handle *, Header *header, int *is_refused)
{
    if (!fake_gpu_is_entered())
        return outside();
    if (!header->is_parsed)
        return misuse(INVALID, "whether a header is supported that was not parsed");
    *is_refused = header->is_progressive;
    return SUCCESS;
}

EXPORT int nvjpegDecodeBatched(Handle *h, State *s, const unsigned char *const *bytes,
                               const size_t *n, Picture *to, cudaStream_t)
{
    int w = 0, height = 0, sampling = 0, colours = 0;
    if (!fake_gpu_is_entered())
        return outside();
    if (!s->is_ready)
        return misuse(NOT_INITIALIZED, "a batch that was not begun");
    s->is_ready = false;
    if (s->of != h)
        return misuse(INVALID, "a state of another handle");
    if ((!s->device && h->device.take(&s->device, 1 << 20) != 0) ||
        (!s->pinned && h->pinned.take(&s->pinned, 4096, 0) != 0))
        return ALLOCATOR_FAILURE;
    if (fake_libs()->jpeg_fails || tjDecompressHeader3(h->turbo, bytes[0], (unsigned long)n[0], &w,
                                                       &height, &sampling, &colours) != 0)
        return EXECUTION_FAILED;
    size_t pitch = to->pitch[0], row = 3 * (size_t)w;
    if (pitch < row || !memory_is_device(to->channel[0], pitch * (size_t)height))
        return misuse(INVALID, "a picture into less memory of the device than it takes");
    auto pixels = std::make_shared<std::vector<unsigned char>>(row * (size_t)height);
    if (tjDecompress2(h->turbo, bytes[0], (unsigned long)n[0], pixels->data(), w, 0, height,
                      TJPF_RGB, TJFLAG_ACCURATEDCT) != 0)
        return EXECUTION_FAILED;
    fake_libs()->n_decoded++;
    unsigned char *out = to->channel[0];
    cudaStream_t   engine = nullptr;
    bool           is_written =
        cudaStreamCreateWithFlags(&engine, cudaStreamNonBlocking) == cudaSuccess &&
        fake_gpu_enqueue(engine,
                         [=] {
                             for (size_t y = 0; y < (size_t)height; y++)
                                 memcpy(out + y * pitch, pixels->data() + y * row, row);
                             return true;
                         }) == cudaSuccess &&
        cudaStreamDestroy(engine) == cudaSuccess; // runs what is queued
    return is_written ? SUCCESS : EXECUTION_FAILED;
}
