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

Status cuda_alloc(void **memory, int64_t bytes)
{
    *memory = NULL;
    cudaError_t e = cudaMallocAsync(memory, (size_t)size_max(bytes, 1), gpu_stream());
    if (e == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError(); // an allocation that failed is no failure of the device
        size_t n_free = 0, total = 0;
        TRY(gpu_check("alloc", cudaMemGetInfo(&n_free, &total)));
        return status_fail(ERR_MEMORY,
                           "the GPU has no room for %lld bytes: %.2f of %.2f GB are free",
                           (long long)bytes, (double)n_free / 1e9, (double)total / 1e9);
    }
    return gpu_check("alloc", e);
}

void cuda_free(void *memory)
{
    if (memory)
        (void)cudaFreeAsync(memory, gpu_stream());
}

Status cuda_write(void *device, const void *host, int64_t bytes)
{
    return pinned_ring_copy(&writes, gpu_stream(), device, host, bytes);
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
    return gpu_check(
        "copy", cudaMemcpyAsync(to, from, (size_t)bytes, cudaMemcpyDeviceToDevice, gpu_stream()));
}

Status cuda_sync(void)
{
    return gpu_wait("sync");
}
