/* lib_nvjpeg.c -- JPEG of lib.h by the decoding engines that A100, H100 and their successors have beside their processors
 *
 *      bytes --engine--> RGB of the whole picture, device memory --copy of the window--> host
 *
 * nvJPEG is opened when the first decoder is, because many machines lack it; GODWIT_NVJPEG=FILE names a library elsewhere.
 * Its names, types and values are declared here as far as they are used (nvJPEG 12 and 13 agree in them), so that the
 * plug-in needs neither to be built. The engines are reached by the batched calls alone; a batch is one picture, since
 * each loader thread has a decoder of its own, handle and all: decoders on one handle were refused memory on an H200.
 * torchcodec's decoders are made alike (DecodeJpegCuda.cpp), and every batch is begun anew there too.
 *
 * PITFALL: an H100's engines write without waiting for the stream (meta-pytorch/torchcodec, pull request 1634), so the
 * memory that they write to is the decoder's alone, and is given back when nothing is under way.
 * PITFALL: nvJPEG also calls the driver, which knows the device of a thread only once it is set there.
 */
#include "kernels/cuda/device.h"
#include "kernels/cuda/lib.h"

#include "base/size.h"

#include <dlfcn.h>
#include <stdlib.h>

typedef struct nvjpegHandle     *Handle;
typedef struct nvjpegJpegState  *State;
typedef struct nvjpegJpegStream *Header;

enum {
    SUCCESS = 0,
    BACKEND_HARDWARE = 3,
    OUTPUT_RGBI = 5, // interleaved
    MOST_CHANNELS = 4,
    MOST_PIXELS = 1 << 26, // larger pictures are the host's
};

/* Where nvJPEG gets memory: its own ways, and what the device said when it had none. */
typedef struct DeviceAllocator {
    int (*take)(void **memory, size_t bytes);
    int (*give)(void *memory);
} DeviceAllocator;

typedef struct PinnedAllocator {
    int (*take)(void **memory, size_t bytes, unsigned flags);
    int (*give)(void *memory);
} PinnedAllocator;

typedef struct Picture {
    unsigned char *channel[MOST_CHANNELS];
    size_t         pitch[MOST_CHANNELS]; // bytes
} Picture;

/* The library's functions by their names without "nvjpeg"; each returns a status. */
static struct {
    int (*CreateEx)(int backend, DeviceAllocator *device, PinnedAllocator *pinned, unsigned flags,
                    Handle *h);
    int (*Destroy)(Handle h);
    int (*JpegStateCreate)(Handle h, State *s);
    int (*JpegStateDestroy)(State s);
    int (*JpegStreamCreate)(Handle h, Header *header);
    int (*JpegStreamDestroy)(Header header);
    int (*JpegStreamParseHeader)(Handle h, const unsigned char *bytes, size_t n, Header header);
    int (*JpegStreamGetFrameDimensions)(Header header, unsigned *width, unsigned *height);
    int (*DecodeBatchedInitialize)(Handle h, State s, int batch, int threads, int format);
    int (*DecodeBatchedSupported)(Handle h, Header header, int *is_refused);
    int (*DecodeBatched)(Handle h, State s, const unsigned char *const *bytes, const size_t *n,
                         Picture *to, cudaStream_t stream);
    int (*GetHardwareDecoderInfo)(Handle h, unsigned *engines, unsigned *cores); // from 11.9 on
} nvjpeg;
static bool is_loaded; // and has engines

static _Thread_local cudaError_t
    no_memory; // of the last allocation that failed in this thread's call

static const struct {
    const char *name;
    void       *function; // where its address goes
} FUNCTIONS[] = {
#define FUNCTION(name)                                                                             \
    {                                                                                              \
        "nvjpeg" #name, &nvjpeg.name                                                               \
    }
    FUNCTION(CreateEx),
    FUNCTION(Destroy),
    FUNCTION(JpegStateCreate),
    FUNCTION(JpegStateDestroy),
    FUNCTION(JpegStreamCreate),
    FUNCTION(JpegStreamDestroy),
    FUNCTION(JpegStreamParseHeader),
    FUNCTION(JpegStreamGetFrameDimensions),
    FUNCTION(DecodeBatchedInitialize),
    FUNCTION(DecodeBatchedSupported),
    FUNCTION(DecodeBatched),
};

typedef struct Decoder {
    Handle       handle;
    State        state;
    Header       header;
    cudaStream_t stream;
    uint8_t     *pixels; // of whole pictures, device memory
    int64_t      capacity;
} Decoder;

static Status refuse(const char *why)
{
    return status_fail(ERR_UNSUPPORTED, "JPEG on the device: %s; use data.decode=host", why);
}

static Status refuse_for(const char *why, int nvjpeg_status)
{
    if (no_memory != cudaSuccess)
        return status_fail(ERR_UNSUPPORTED,
                           "JPEG on the device: %s (nvJPEG status %d: %s); use data.decode=host",
                           why, nvjpeg_status, cudaGetErrorString(no_memory));
    return status_fail(ERR_UNSUPPORTED,
                       "JPEG on the device: %s (nvJPEG status %d); use data.decode=host", why,
                       nvjpeg_status);
}

/* The error is nvJPEG's to report, not the next launch's. */
static int noted(cudaError_t e)
{
    if (e != cudaSuccess) {
        (void)cudaGetLastError();
        no_memory = e;
    }
    return e != cudaSuccess;
}

static int take_device(void **memory, size_t bytes)
{
    return noted(cudaMalloc(memory, bytes));
}

static int give_device(void *memory)
{
    return noted(cudaFree(memory));
}

static int take_pinned(void **memory, size_t bytes, unsigned flags)
{
    return noted(cudaHostAlloc(memory, bytes, flags));
}

static int give_pinned(void *memory)
{
    return noted(cudaFreeHost(memory));
}

static Status load(void **library)
{
    static const char *const usual[] = {"libnvjpeg.so.13", "libnvjpeg.so.12"};
    const char              *named = getenv("GODWIT_NVJPEG");
    *library = named ? dlopen(named, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (named && !*library)
        return status_fail(ERR_UNSUPPORTED,
                           "JPEG on the device: GODWIT_NVJPEG=%s does not load (%s); use "
                           "data.decode=host",
                           named, dlerror());
    for (size_t i = 0; !*library && i < sizeof usual / sizeof *usual; i++)
        *library = dlopen(usual[i], RTLD_NOW | RTLD_LOCAL);
    return *library ? OK : refuse("nvJPEG (libnvjpeg.so.13 or .12) was not found");
}

static Status open_library(void)
{
    void *library = NULL;
    TRY(load(&library));
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
        *(void **)FUNCTIONS[i].function = dlsym(library, FUNCTIONS[i].name);
        if (!*(void **)FUNCTIONS[i].function)
            return refuse("the nvJPEG that was found is too old");
    }
    *(void **)&nvjpeg.GetHardwareDecoderInfo = dlsym(library, "nvjpegGetHardwareDecoderInfo");
    return OK;
}

static Status open_engines(Handle *handle)
{
    static DeviceAllocator device = {take_device, give_device};
    static PinnedAllocator pinned = {take_pinned, give_pinned};
    int                    made = nvjpeg.CreateEx(BACKEND_HARDWARE, &device, &pinned, 0, handle);
    unsigned               engines = 1, cores = 0;
    if (made == SUCCESS && nvjpeg.GetHardwareDecoderInfo)
        made = nvjpeg.GetHardwareDecoderInfo(*handle, &engines, &cores);
    return made == SUCCESS && engines > 0 ? OK
                                          : refuse_for("this GPU has no decoding engine", made);
}

/* In the thread that is about to call nvJPEG. */
static Status enter(void)
{
    no_memory = cudaSuccess;
    return gpu_enter("JPEG");
}

static Status open_decoder(Decoder *d)
{
    TRY(enter());
    TRY(gpu_check("JPEG", cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking)));
    TRY(open_engines(&d->handle));
    int made = nvjpeg.JpegStateCreate(d->handle, &d->state);
    if (made == SUCCESS)
        made = nvjpeg.JpegStreamCreate(d->handle, &d->header);
    return made == SUCCESS ? OK : refuse_for("nvJPEG does not start", made);
}

Status lib_jpeg_open(void **decoder)
{
    *decoder = NULL;
    bool is_first = !is_loaded; // the others may come from several threads at once
    if (is_first)
        TRY(open_library());
    Decoder *d = calloc(1, sizeof *d);
    if (!d)
        return status_no_memory("a JPEG decoder", sizeof *d);
    Status st = open_decoder(d);
    if (st != OK) {
        lib_jpeg_close(d);
        return st;
    }
    if (is_first)
        is_loaded = true;
    *decoder = d;
    return OK;
}

static Status reserve(Decoder *d, int64_t bytes)
{
    if (bytes <= d->capacity)
        return OK;
    if (d->pixels)
        (void)give_device(d->pixels);
    d->pixels = NULL;
    d->capacity = 0;
    if (take_device((void **)&d->pixels, (size_t)bytes))
        return no_memory == cudaErrorMemoryAllocation
                   ? refuse("the GPU has no room for the picture")
                   : gpu_check("JPEG", no_memory);
    d->capacity = bytes;
    return OK;
}

/* The sizes of a picture that the engines take. */
static Status look(Decoder *d, int64_t *width, int64_t *height, const void *bytes, int64_t n_bytes)
{
    unsigned w = 0, h = 0;
    int      is_refused = 1;
    int      read = nvjpeg.JpegStreamParseHeader(d->handle, bytes, (size_t)n_bytes, d->header);
    if (read == SUCCESS)
        read = nvjpeg.JpegStreamGetFrameDimensions(d->header, &w, &h);
    if (read == SUCCESS)
        read = nvjpeg.DecodeBatchedSupported(d->handle, d->header, &is_refused);
    if (read != SUCCESS)
        return refuse_for("nvJPEG cannot read the header", read);
    if (is_refused)
        return refuse("not a kind that the engines take");
    *width = w;
    *height = h;
    return OK;
}

Status lib_jpeg_decode(void *decoder, uint8_t *rgb, int64_t x, int64_t y, int64_t width,
                       int64_t height, const void *bytes, int64_t n_bytes)
{
    Decoder             *d = decoder;
    const unsigned char *data = bytes;
    size_t               n = (size_t)n_bytes;
    int64_t              w = 0, h = 0;
    TRY(enter());
    TRY(look(d, &w, &h, bytes, n_bytes));
    if (w > MOST_PIXELS / size_max(h, 1) || x + width > w || y + height > h)
        return refuse("not a size that the engines take");
    TRY(reserve(d, 3 * w * h));
    Picture to = {.channel = {d->pixels}, .pitch = {(size_t)(3 * w)}};
    int     done = nvjpeg.DecodeBatchedInitialize(d->handle, d->state, 1, 1, OUTPUT_RGBI);
    if (done == SUCCESS)
        done = nvjpeg.DecodeBatched(d->handle, d->state, &data, &n, &to, d->stream);
    if (done != SUCCESS) {
        TRY(gpu_check("JPEG", cudaStreamSynchronize(d->stream))); // some work may be under way
        return refuse_for("the engines could not read it", done);
    }
    TRY(gpu_check("JPEG", cudaMemcpy2DAsync(rgb, (size_t)(3 * width), d->pixels + 3 * (y * w + x),
                                            (size_t)(3 * w), (size_t)(3 * width), (size_t)height,
                                            cudaMemcpyDeviceToHost, d->stream)));
    return gpu_check("JPEG", cudaStreamSynchronize(d->stream));
}

void lib_jpeg_close(void *decoder)
{
    Decoder *d = decoder;
    if (!d)
        return;
    (void)enter();
    if (d->pixels)
        (void)give_device(d->pixels);
    if (d->header)
        nvjpeg.JpegStreamDestroy(d->header);
    if (d->state)
        nvjpeg.JpegStateDestroy(d->state);
    if (d->handle)
        nvjpeg.Destroy(d->handle);
    if (d->stream)
        cudaStreamDestroy(d->stream);
    free(d);
}
