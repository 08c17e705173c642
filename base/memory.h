/* memory.h -- what this process uses of the host's memory, in bytes (0 when the system does not
 * say) */
#pragma once
#include <stdint.h>

int64_t memory_rss(void);       // resident now
int64_t memory_peak_rss(void);  // the most that was resident since the start
int64_t memory_available(void); // free for new work on this machine, the cgroup's limit respected
