#include "kernels/cuda/device.h"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/lib.h"

#include <stdio.h>

static struct {
    bool         is_open, is_working, waits;
    cudaStream_t compute, copy;
    int          n_processors;
    char         name[256];
    Status (*check)(void); // after a wait; may be NULL
} gpu;

enum { OLDEST_MAJOR = 8 }; // Ampere: bfloat16 arithmetic

/* CUDA has one error for a driver that is too old and for none at all. */
static Status no_driver(void)
{
    int driver = 0, runtime = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0 ||
        cudaRuntimeGetVersion(&runtime) != cudaSuccess)
        return status_fail(ERR_DEVICE,
                           "device cuda: no NVIDIA driver is installed; use --device cpu");
    return status_fail(ERR_DEVICE,
                       "device cuda: the driver is for CUDA %d.%d, this build needs one for %d.%d "
                       "or later; use --device cpu",
                       driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
}

static Status no_device(cudaError_t e)
{
    return e == cudaErrorInsufficientDriver
               ? no_driver()
               : status_fail(ERR_DEVICE,
                             "device cuda: no GPU answers (%s); is CUDA_VISIBLE_DEVICES empty? use "
                             "--device cpu",
                             cudaGetErrorString(e));
}

static Status open_streams(bool waits)
{
    int         n = 0;
    cudaError_t e = cudaGetDeviceCount(&n);
    if (e != cudaSuccess || n < 1)
        return no_device(e == cudaSuccess ? cudaErrorNoDevice : e);
    struct cudaDeviceProp prop;
    TRY(gpu_enter("opening the device"));
    TRY(gpu_check("opening the device", cudaGetDeviceProperties(&prop, 0)));
    if (prop.major < OLDEST_MAJOR)
        return status_fail(ERR_DEVICE,
                           "device cuda: %s has compute capability %d.%d; this build wants %d.0 "
                           "(A100 or later)",
                           prop.name, prop.major, prop.minor, OLDEST_MAJOR);
    gpu.n_processors = prop.multiProcessorCount;
    snprintf(gpu.name, sizeof gpu.name, "%s", prop.name);
    gpu.waits = waits;
    TRY(gpu_check("opening the device",
                  cudaStreamCreateWithFlags(&gpu.compute, cudaStreamNonBlocking)));
    TRY(gpu_check("opening the device",
                  cudaStreamCreateWithFlags(&gpu.copy, cudaStreamNonBlocking)));
    gpu.is_open = true;
    return OK;
}

Status gpu_open(bool waits)
{
    return gpu.is_open ? OK : open_streams(waits);
}

void gpu_works_now(void)
{
    gpu.is_working = true;
}

cudaStream_t gpu_stream(void)
{
    return gpu.compute;
}

cudaStream_t gpu_copy_stream(void)
{
    return gpu.copy;
}

bool gpu_waits(void)
{
    return gpu.waits;
}

int gpu_n_processors(void)
{
    return gpu.n_processors;
}

const char *gpu_name(void)
{
    return gpu.name;
}

Status gpu_enter(const char *op)
{
    return gpu_check(op, cudaSetDevice(0));
}

Status gpu_check(const char *op, cudaError_t e)
{
    if (e == cudaSuccess)
        return OK;
    (void)cudaGetLastError(); // told here, not by the next launch
    if (e == cudaErrorMemoryAllocation)
        return status_fail(ERR_MEMORY, "%s: the GPU's memory is full", op);
    return status_fail(ERR_DEVICE, "%s: %s (%s)%s", op, cudaGetErrorString(e), cudaGetErrorName(e),
                       gpu.is_working && !gpu.waits
                           ? "; an earlier op may have caused it: --sync finds the guilty one"
                           : "");
}

Status gpu_wait(const char *op)
{
    if (cuda_is_capturing())
        return status_fail(ERR_DEVICE, "%s: a graph that is captured cannot wait", op);
    TRY(gpu_check(op, cudaStreamSynchronize(gpu.compute)));
    return gpu.check ? gpu.check() : OK;
}

Status gpu_time(float *ms, const char *op, int n, Status (*run)(void *ctx), void *ctx)
{
    cudaEvent_t from = NULL, to = NULL;
    Status      st = OK;
    TRY(gpu_check(op, cudaEventCreateWithFlags(&from, cudaEventDefault)));
    TRY_OUT(gpu_check(op, cudaEventCreateWithFlags(&to, cudaEventDefault)));
    TRY_OUT(gpu_check(op, cudaEventRecord(from, gpu.compute)));
    for (int i = 0; i < n; i++)
        TRY_OUT(run(ctx));
    TRY_OUT(gpu_check(op, cudaEventRecord(to, gpu.compute)));
    TRY_OUT(gpu_check(op, cudaEventSynchronize(to)));
    TRY_OUT(gpu_check(op, cudaEventElapsedTime(ms, from, to)));
    *ms /= (float)n;
out:
    cudaEventDestroy(from);
    if (to)
        cudaEventDestroy(to);
    return st;
}

Status gpu_queued(const char *op, cudaStream_t s, cudaError_t e)
{
    TRY(gpu_check(op, e));
    return gpu.waits ? gpu_check(op, cudaStreamSynchronize(s)) : OK;
}

void gpu_after_wait(Status (*check)(void))
{
    gpu.check = check;
}

void gpu_launching(const char *op)
{
    lib_range_begin(op);
}

Status gpu_launched(const char *op)
{
    lib_range_end();
    TRY(gpu_check(op, cudaGetLastError()));
    return gpu.waits ? gpu_wait(op) : OK;
}
