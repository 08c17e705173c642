/* memory.h -- the allocation pool of the device */
#pragma once
#include "base/status.h"

/* Once, after gpu_open. ERR_DEVICE. */
Status cuda_memory_open(void);
