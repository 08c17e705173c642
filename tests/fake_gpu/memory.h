/* memory.h -- the emulated device's memory: a range of addresses that only kernels and copies may touch
 *
 * Everything between two allocations is a guard zone. Fresh memory is garbage (all bits set: NaN), a large block at its
 * ends. Outside memory_unlock .. memory_lock, which the streams call around the work they run, the pages cannot be
 * touched at all: host code that follows a device pointer ends there with a sentence. What lies beside the range is
 * nobody's: host code that ends there left memory of its own, and is told so.
 */
#pragma once
#include <stddef.h>

/* CUDA counts what captured graphs allocate apart from its pool. */
typedef enum MemoryOwner { MEMORY_POOL, MEMORY_GRAPHS, MEMORY_OWNERS } MemoryOwner;

/* An address at once, contents later (memory_fill_garbage, in stream order); NULL when the device is full. */
void *memory_take(size_t bytes, MemoryOwner owner);
void  memory_fill_garbage(void *p);

/* false when p is not the start of an allocation. */
bool memory_give(void *p);

/* Whether [p, p + bytes) lies in one allocation of the device; in one pinned allocation of the host. */
bool memory_is_device(const void *p, size_t bytes);
bool memory_is_pinned(const void *p, size_t bytes);
bool memory_is_arena(const void *p); // guard zones included

void memory_unlock(void);
void memory_lock(void);

void *memory_pin(size_t bytes);
bool  memory_unpin(void *p);

size_t memory_total(void); // FAKE_GPU_MEMORY, 4 GiB without it
size_t memory_used(void);  // of both
size_t memory_used_by(MemoryOwner owner);
size_t memory_peak(MemoryOwner owner);
void   memory_reset_peak(MemoryOwner owner);
