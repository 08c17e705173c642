/* memory.h -- pinned buffers and the allocation pool of the device */
#pragma once
#include "base/status.h"
#include <cuda_runtime_api.h>
#include <stdint.h>

/* cuda_write on another stream. */
Status cuda_write_on(cudaStream_t s, void *device, const void *host, int64_t bytes);

/* Once, after gpu_open. ERR_DEVICE, ERR_MEMORY. */
Status cuda_memory_open(void);
