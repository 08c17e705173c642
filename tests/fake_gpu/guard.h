/* guard.h -- who may touch which memory: bounds, host against device, and races between threads
 *
 * Bounds come from AddressSanitizer where the build has it. Other builds compile kernels with -fsanitize=thread, whose
 * hooks (guard.cc) see every access of a kernel: it must lie in device memory, pinned memory, shared memory of the block
 * or the thread's own stack, and two threads may not touch one place without a barrier between them unless both read or
 * both are atomic.
 */
#pragma once
#include <stddef.h>

/* Marks memory as usable or not. */
void guard_open(void *p, size_t bytes);
void guard_close(void *p, size_t bytes);

/* The course of a launch, told by block.cc. */
void guard_begin_grid(void);
void guard_begin_block(const void *shared, size_t bytes);
void guard_block_barrier(void);
void guard_warp_barrier(unsigned warp);

/* An access of the thread that runs; a fault when it may not be. Host code's are let through. */
void guard_access(const void *p, size_t bytes, bool is_write, bool is_atomic);
