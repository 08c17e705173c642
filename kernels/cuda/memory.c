/* memory.c -- device memory in stream order, and host memory on its way there and back
 *
 * Allocations come from CUDA's stream-ordered pool, which keeps what is freed: an alloc that repeats costs no call to the
 * driver. write copies through a ring of pinned buffers, so that the host may go on at once and the transfer runs at the
 * bus's speed; each buffer is reused when the copy out of it is done.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/memory.h"

#include "base/size.h"

#include <pthread.h>
#include <string.h>

enum { RING = 4, RING_BYTES = 4 << 20 };

static struct {
    void       *buffer; // pinned
    cudaEvent_t done;
} ring[RING];
static int             next_in_ring;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of the ring

Status cuda_memory_open(void)
{
    cudaMemPool_t      pool;
    unsigned long long keep = ~0ull; // nothing goes back to the driver
    TRY(gpu_check("opening the device", cudaDeviceGetDefaultMemPool(&pool, 0)));
    TRY(gpu_check("opening the device",
                  cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep)));
    for (int i = 0; i < RING; i++) {
        TRY(gpu_check("pinned memory",
                      cudaHostAlloc(&ring[i].buffer, RING_BYTES, cudaHostAllocDefault)));
        TRY(gpu_check("pinned memory",
                      cudaEventCreateWithFlags(&ring[i].done, cudaEventDisableTiming)));
    }
    return OK;
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

static Status write_piece(cudaStream_t s, char *device, const char *host, size_t bytes)
{
    int i = next_in_ring;
    next_in_ring = (i + 1) % RING;
    TRY(gpu_check("write", cudaEventSynchronize(ring[i].done)));
    memcpy(ring[i].buffer, host, bytes);
    TRY(gpu_check("write",
                  cudaMemcpyAsync(device, ring[i].buffer, bytes, cudaMemcpyHostToDevice, s)));
    return gpu_check("write", cudaEventRecord(ring[i].done, s));
}

Status cuda_write_on(cudaStream_t s, void *device, const void *host, int64_t bytes)
{
    Status st = OK;
    if (cuda_is_capturing())
        return status_fail(ERR_USAGE, "write: a graph that is captured cannot take host memory; "
                                      "inputs are written before");
    pthread_mutex_lock(&lock);
    for (int64_t at = 0; st == OK && at < bytes; at += RING_BYTES)
        st = write_piece(s, (char *)device + at, (const char *)host + at,
                         (size_t)size_min(bytes - at, RING_BYTES));
    pthread_mutex_unlock(&lock);
    return st;
}

Status cuda_write(void *device, const void *host, int64_t bytes)
{
    TRY(cuda_write_on(gpu_stream(), device, host, bytes));
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
