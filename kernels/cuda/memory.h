/* memory.h -- the allocation pool of the device */
#pragma once
#include "base/status.h"

/* Bytes of this process: of the pool and of captured graphs, whose scratch memory is counted apart from the pool's. The two
 * peaks are added, though they need not have come together. */
typedef struct MemoryUse {
    int64_t now, peak;
} MemoryUse;
Status cuda_memory_use(MemoryUse *use);

/* Once, after gpu_open. ERR_DEVICE. */
Status cuda_memory_open(void);
