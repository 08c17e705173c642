/* lib_workspace.h -- the one piece of device memory that libraries scratch in
 *
 * All their calls run on one stream, so one piece serves them all. It is allocated once and never moves: a captured graph
 * holds its address.
 */
#pragma once
#include "base/status.h"
#include <stdint.h>

enum { LIB_WORKSPACE_BYTES = 256 << 20 };

/* Once, before all others: what is allocated inside a capture is the graph's, and gone with it. ERR_MEMORY. */
Status lib_workspace_open(void);

/* LIB_WORKSPACE_BYTES. */
void *lib_workspace(void);
