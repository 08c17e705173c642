/* lib_workspace.h -- the one piece of device memory that libraries scratch in
 *
 * All their calls run on one stream, so one piece serves them all. It is allocated once and never moves: a captured graph
 * holds its address.
 */
#pragma once
#include "base/status.h"
#include <stdint.h>

enum { LIB_WORKSPACE_BYTES = 256 << 20 };

/* LIB_WORKSPACE_BYTES at *memory. ERR_MEMORY. */
Status lib_workspace(void **memory);
