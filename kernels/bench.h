/* bench.h -- what this machine can do, and what single ops reach of it (`godwit bench op`, `godwit doctor`)
 *
 * Every figure is the best of several runs: other work on the machine only makes runs slower. For time inside a whole
 * step see profile.h.
 */
#pragma once
#include "kernels/backend.h"

/* f32 multiply-adds of all threads on the widest registers, in GFLOP/s (two operations each). */
Status bench_peak_flops(double *gflops);

/* a[i] = b[i] + s * c[i] over arrays far larger than caches: GB/s counting three transfers of 4 bytes. ERR_MEMORY. */
Status bench_triad(double *gb_per_s);

/* The cpu backend's instruction set ("x86-64-v4 + avx512bf16") and oneDNN's version ("2.6.3"). */
const char *bench_cpu_level(void);
const char *bench_onednn_version(void);

typedef struct OpBench {
    char   name[64];                // "conv2d 3x3 64 -> 64, 56 x 56"
    double forward_ms, backward_ms; // best of the runs; backward: of both gradients
    double gflop;                   // of forward; 0 where memory is the limit
    double mbytes;                  // that forward must move
} OpBench;

/* The convolutions and batch norms of ResNet-50 at `batch` images of 224 x 224: fills rows[0 .. *n), *n <= most.
 * runs >= 1. */
Status bench_ops(OpBench *rows, int *n, int most, const Backend *be, DType dtype, int64_t batch,
                 int runs);
