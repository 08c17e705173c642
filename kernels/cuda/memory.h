/* memory.h -- pinned buffers and the allocation pool of the device */
#pragma once
#include "base/status.h"
#include <cuda_runtime_api.h>
#include <stdint.h>

/* cuda_write on another stream. */
Status cuda_write_on(cudaStream_t s, void *device, const void *host, int64_t bytes);

/* Bytes of this process: of the pool and of captured graphs, whose scratch memory is counted apart from the pool's. The two
 * peaks are added, though they need not have come together. */
typedef struct MemoryUse {
    int64_t now, peak;
} MemoryUse;
Status cuda_memory_use(MemoryUse *use);

/* Once, after gpu_open. ERR_DEVICE, ERR_MEMORY. */
Status cuda_memory_open(void);
