/* threads.h -- one loop over many cores
 *
 * Compute loops share OpenMP's team with oneDNN, so that two pools never fight for the cores. Built
 * without OpenMP (the thread-sanitizer preset) the same function runs on pthreads. Long-lived
 * workers (the data loader) use pthreads of their own.
 */
#pragma once
#include <stdint.h>

/* The number of threads that threads_for uses; n < 1 means every core this process may run on. */
void threads_set(int n);
int  threads_count(void);

/* body(ctx, begin, end) for disjoint ranges that cover [0, n). Every range starts at a multiple of
 * `grain` (>= 1) and is `grain` long (the last may be shorter), whatever the number of threads: a
 * reduction that keeps one partial per range (index begin / grain) and adds them in order gives the
 * same bits for any number of threads. Calls inside a body run serially. `body` must not fail by
 * returning: keep a status in ctx. */
typedef void ThreadsBody(void *ctx, int64_t begin, int64_t end);
void         threads_for(int64_t n, int64_t grain, ThreadsBody *body, void *ctx);

/* A grain that splits n into about four ranges a thread, at least `least` long. Depends on the
 * number of threads: use it where ranges are independent, never for reductions. */
int64_t threads_grain(int64_t n, int64_t least);
