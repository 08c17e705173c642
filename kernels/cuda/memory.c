/* memory.c -- device memory in stream order, and copies to and from it
 *
 * Allocations come from CUDA's stream-ordered pool, which keeps what is freed: an alloc that repeats costs no call to the
 * driver.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/pinned_ring.h"

#include "base/size.h"

static PinnedRing writes = {.lock = PTHREAD_MUTEX_INITIALIZER};

Status cuda_memory_open(void)
{
    cudaMemPool_t      pool;
    unsigned long long keep = ~0ull; // nothing goes back to the driver
    TRY(gpu_check("opening the device", cudaDeviceGetDefaultMemPool(&pool, 0)));
    return gpu_check("opening the device",
                     cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
}

Status cuda_memory_use(MemoryUse *use)
{
    cudaMemPool_t      pool;
    unsigned long long now = 0, peak = 0, graphs_now = 0, graphs_peak = 0;
    TRY(gpu_check("memory", cudaDeviceGetDefaultMemPool(&pool, 0)));
    TRY(gpu_check("memory", cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &now)));
    TRY(gpu_check("memory", cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &peak)));
    TRY(gpu_check("memory",
                  cudaDeviceGetGraphMemAttribute(0, cudaGraphMemAttrUsedMemCurrent, &graphs_now)));
    TRY(gpu_check("memory",
                  cudaDeviceGetGraphMemAttribute(0, cudaGraphMemAttrUsedMemHigh, &graphs_peak)));
    *use = (MemoryUse){(int64_t)(now + graphs_now), (int64_t)(peak + graphs_peak)};
    return OK;
}

static cudaError_t take(void **memory, int64_t bytes)
{
    cudaError_t e = cudaMallocAsync(memory, (size_t)size_max(bytes, 1), gpu_stream());
    if (e == cudaErrorMemoryAllocation)
        (void)cudaGetLastError(); // an allocation that failed is no failure of the device
    return e;
}

/* What was freed behind queued work may count as taken until the host has seen that work end. */
static cudaError_t take_after_a_wait(void **memory, int64_t bytes)
{
    cudaError_t e = cudaStreamSynchronize(gpu_stream());
    return e == cudaSuccess ? take(memory, bytes) : e;
}

/* The sentence names the op whose scratch memory it is; NULL: the caller knows a name. */
static Status alloc(const char *op, void **memory, int64_t bytes)
{
    *memory = NULL;
    cudaError_t e = take(memory, bytes);
    if (e == cudaErrorMemoryAllocation && !cuda_is_capturing())
        e = take_after_a_wait(memory, bytes);
    if (e != cudaErrorMemoryAllocation)
        return gpu_check(op ? op : "alloc", e);
    size_t    n_free = 0, total = 0;
    MemoryUse use;
    TRY(gpu_check("alloc", cudaMemGetInfo(&n_free, &total)));
    TRY(cuda_memory_use(&use));
    return status_fail(
        ERR_MEMORY,
        "%s%sthe GPU has no room for %lld bytes%s beside the %.2f GB of this run: %.2f of %.2f GB "
        "are free",
        op ? op : "", op ? ": " : "", (long long)bytes, op ? " of scratch memory" : "",
        (double)use.now / 1e9, (double)n_free / 1e9, (double)total / 1e9);
}

Status cuda_alloc(void **memory, int64_t bytes)
{
    return alloc(NULL, memory, bytes);
}

Status cuda_scratch(const char *op, void **memory, int64_t bytes)
{
    return alloc(op, memory, bytes);
}

void cuda_free(void *memory)
{
    if (memory)
        (void)cudaFreeAsync(memory, gpu_stream());
}

Status cuda_write(void *device, const void *host, int64_t bytes)
{
    TRY(pinned_ring_copy(&writes, gpu_stream(), device, host, bytes));
    return gpu_queued("write", gpu_stream(), cudaSuccess);
}

Status cuda_read(void *host, const void *device, int64_t bytes)
{
    if (bytes < 1)
        return OK;
    TRY(gpu_check("read", cudaMemcpyAsync(host, device, (size_t)bytes, cudaMemcpyDeviceToHost,
                                          gpu_stream())));
    return gpu_wait("read");
}

Status cuda_copy(void *to, const void *from, int64_t bytes)
{
    if (bytes < 1)
        return OK;
    return gpu_queued(
        "copy", gpu_stream(),
        cudaMemcpyAsync(to, from, (size_t)bytes, cudaMemcpyDeviceToDevice, gpu_stream()));
}

Status cuda_sync(void)
{
    return gpu_wait("sync");
}
