/* measure.c -- the device: its name, its memory, and the two ceilings that kernels are measured against */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/body/bf16.h"
#include "kernels/cuda/lib.h"
#include "kernels/cuda/memory.h"

#include "base/rng.h"
#include "base/size.h"

#include <stdio.h>

enum {
    LEAST_SIDE = 256,
    MOST_SIDE = 8192,
    LEAST_COPY = 1 << 20,
    MOST_COPY = 1 << 30,
    RUNS = 5,
    NOISE = 5003
};
static const float ENOUGH_MS = 1.5f; // longer than launching takes by far

Status cuda_describe(DeviceFacts *facts)
{
    size_t    n_free = 0, total = 0;
    MemoryUse use;
    TRY(gpu_check("describe", cudaMemGetInfo(&n_free, &total)));
    TRY(cuda_memory_use(&use));
    snprintf(facts->name, sizeof facts->name, "%s", gpu_name());
    facts->total_bytes = (int64_t)total;
    facts->free_bytes = (int64_t)n_free;
    facts->peak_bytes = use.peak;
    return OK;
}

typedef struct Trial {
    void   *a, *b, *c;
    int64_t side, bytes;
    DType   dtype;
} Trial;

static Status product(void *trial)
{
    const Trial *t = trial;
    Product      p = {.m = t->side,
                      .n = t->side,
                      .k = t->side,
                      .is_b_transposed = true,
                      .in = t->dtype,
                      .out = t->dtype,
                      .alpha = 1};
    return lib_product("product", t->c, t->a, t->b, &p);
}

static Status copy(void *trial)
{
    const Trial *t = trial;
    return cuda_copy(t->c, t->a, t->bytes);
}

static Status time_of(float *best_ms, Status (*run)(void *), Trial *t)
{
    TRY(run(t));
    for (int i = 0; i < RUNS; i++) {
        float ms = 0;
        TRY(gpu_time(&ms, "measure", 1, run, t));
        *best_ms = i == 0 || ms < *best_ms ? ms : *best_ms;
    }
    return OK;
}

/* Numbers in -1 .. 1, a period of NOISE over and over: a product of zeros, or of one number, draws less power and runs
 * faster than any that trains a network. */
static Status fill_with_noise(void *to, DType dtype, int64_t bytes, uint64_t key)
{
    float    f32[NOISE];
    uint16_t bf16[NOISE];
    Rng      r = rng_at(0, RNG_BENCH, key, 0);
    for (int i = 0; i < NOISE; i++) {
        f32[i] = (float)rng_range(&r, -1, 1);
        bf16[i] = bf16_from_f32(f32[i]);
    }
    int64_t period = size_min(bytes, NOISE * dtype_bytes(dtype));
    TRY(cuda_write(to, dtype == BF16 ? (const void *)bf16 : f32, period));
    for (int64_t done = period; done < bytes; done *= 2)
        TRY(cuda_copy((char *)to + done, to, size_min(done, bytes - done)));
    return OK;
}

/* c from a, or from a and b. */
static Status trial_open(Trial *t, int64_t n, bool has_b)
{
    t->bytes = n * dtype_bytes(t->dtype);
    TRY(cuda_scratch("measure", &t->a, t->bytes));
    TRY(cuda_scratch("measure", &t->c, t->bytes));
    TRY(fill_with_noise(t->a, t->dtype, t->bytes, 0));
    if (!has_b)
        return OK;
    TRY(cuda_scratch("measure", &t->b, t->bytes));
    return fill_with_noise(t->b, t->dtype, t->bytes, 1);
}

static void trial_close(Trial *t)
{
    cuda_free(t->a);
    cuda_free(t->b);
    cuda_free(t->c);
    t->a = t->b = t->c = NULL;
}

Status cuda_measure(double *tflops, double *tb_per_s, DType dtype)
{
    Trial  t = {.dtype = dtype};
    float  ms = 0;
    double rate = 0; // of the largest so far: too low unless it took long enough
    Status st = OK;
    *tflops = *tb_per_s = 0;
    for (t.side = LEAST_SIDE; t.side <= MOST_SIDE && ms < ENOUGH_MS; t.side *= 2) {
        trial_close(&t);
        TRY_OUT(trial_open(&t, t.side * t.side, true));
        TRY_OUT(time_of(&ms, product, &t));
        rate = 2e-9 * (double)t.side * (double)t.side * (double)t.side / (double)ms;
    }
    *tflops = rate;
    ms = 0;
    for (int64_t bytes = LEAST_COPY; bytes <= MOST_COPY && ms < ENOUGH_MS; bytes *= 2) {
        trial_close(&t);
        TRY_OUT(trial_open(&t, bytes / dtype_bytes(dtype), false));
        TRY_OUT(time_of(&ms, copy, &t));
        rate = 2e-9 * (double)bytes / (double)ms; // read and written
    }
    *tb_per_s = rate;
out:
    trial_close(&t);
    return st;
}
