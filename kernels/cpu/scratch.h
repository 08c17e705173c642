/* scratch.h -- working memory of the cpu backend's loops, kept between calls
 *
 * A few blocks, at most one a thread and use, so that a step neither allocates nor touches fresh pages. 64-byte aligned,
 * contents undefined. SCRATCH_SLACK bytes behind a block are its own too. Safe from any thread.
 */
#pragma once
#include <stdint.h>

enum { SCRATCH_SLACK = 128 };

void *scratch_take(int64_t n_bytes); // NULL when memory is short; the sentence is set
void  scratch_give(void *memory);    // NULL is fine
