/* pool.h -- device memory of a step, reused from step to step
 *
 * Blocks are kept in order of size. pool_take gives the smallest free block that fits without wasting more than an
 * eighth; only when there is none does it ask the backend. So a step that repeats the last one allocates nothing and
 * gets the same addresses. Blocks that no step used for a while go back to the backend (shapes that changed for good).
 * Under AddressSanitizer nothing is reused, so that use after release is seen.
 */
#pragma once
#include "kernels/backend.h"

Status pool_new(Pool **pool, const Backend *be);
void   pool_free(Pool *pool); // NULL is fine

/* n_bytes >= 0; 0 gives a valid address. ERR_MEMORY. */
Status pool_take(Pool *pool, void **memory, int64_t n_bytes);
void   pool_give(Pool *pool, void *memory); // NULL is fine

/* Everything taken returns: the end of a step. */
void pool_reset(Pool *pool);

int64_t pool_bytes(const Pool *pool); // held from the backend
int64_t pool_peak(const Pool *pool);  // most in use at once
