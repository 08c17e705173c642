/* device.h -- the one GPU of this process: its streams, and how its failures become sentences
 *
 * Everything runs in order on the compute stream. A kernel that fails is noticed at the next wait, by then in the name
 * of an innocent op; with `waits` (--sync) every op waits for itself, so the sentence names the guilty one.
 */
#pragma once
#include "base/status.h"
#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

/* Opens device 0 and its streams once. ERR_DEVICE when no device answers or it is older than compute capability 8.0. */
Status gpu_open(bool waits);

/* Makes the device that of the calling thread, for libraries that ask the driver. */
Status gpu_enter(const char *op);

/* Everything is open: from now on a failure may be an earlier op's, and the sentence says so. */
void gpu_works_now(void);

cudaStream_t gpu_stream(void);       // of computation
cudaStream_t gpu_copy_stream(void);  // of copies that overlap with it
int          gpu_n_processors(void); // multiprocessors
bool         gpu_waits(void);        // every op waits for itself (--sync)
const char  *gpu_name(void);         // "NVIDIA H200"

/* OK, or a sentence that names the op, CUDA's error and what to do. */
Status gpu_check(const char *op, cudaError_t e);

/* Around what queues the work of `op`: a range for profilers, then its own error, and with --sync that of its
 * execution. */
void   gpu_launching(const char *op);
Status gpu_launched(const char *op);

/* Of what an op queued on `s` and is no kernel: its own error, and with --sync that of its execution. */
Status gpu_queued(const char *op, cudaStream_t s, cudaError_t e);

/* Waits for the compute stream. */
Status gpu_wait(const char *op);

/* *ms: the mean time that one of n runs takes on the device. Waits for the last. */
Status gpu_time(float *ms, const char *op, int n, Status (*run)(void *ctx), void *ctx);

/* From now on every successful gpu_wait asks `check` what kernels found wrong. One for all. */
void gpu_after_wait(Status (*check)(void));
