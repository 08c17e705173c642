/* memory.h -- pinned buffers and the allocation pool of the device */
#pragma once
#include "base/status.h"

/* Once, after gpu_open. ERR_DEVICE, ERR_MEMORY. */
Status cuda_memory_open(void);
