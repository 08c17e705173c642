/* bench_step.h -- what the benches of whole steps share: times, ceilings, a trace of one step */
#pragma once
#include "base/json.h"
#include "kernels/backend.h"
#include "kernels/profile.h"

typedef Status BenchStep(void *ctx); // one step; waits for the device at its end

typedef struct BenchTimes {
    double median_ms, best_ms;
    int64_t
        bytes; // that the operations of a step have to move, where `be` is metered (kernels/meter.h)
} BenchTimes;

/* The backend of --device, metered, and a line on the log that names the device. `dtype` is a word of bench_dtype. ERR_USAGE
 * where the device does not know the type. */
Status bench_backend(const Backend **be, const char *device, const char *dtype);

/* "f32", "bf16", or "tf32": f32 whose operands a GPU rounds to 11 bits. */
Status bench_dtype(DType *dtype, const char *word);

/* What the machine under a backend can do, measured now: on the host f32 multiply-adds and a triad, on a device a large
 * product of the type and a large copy; 0 where the device has no room for them. */
typedef struct BenchCeilings {
    char   device[256]; // its name; "" for the host
    double peak_gflops, triad_gb_per_s;
} BenchCeilings;
Status bench_ceilings(BenchCeilings *out, const Backend *be, DType dtype);

/* Untimed steps until memory, plans and a graph of the step have settled, then `reps` timed ones. */
Status bench_time(BenchTimes *out, const Backend *be, BenchStep *step, void *ctx, int64_t reps);

/* What a training step takes of a machine. */
typedef struct BenchCost {
    double        flops; // of convolutions
    int64_t       bytes; // BenchTimes.bytes
    BenchCeilings ceilings;
    int64_t       device_peak_bytes;               // of the device; 0 on the host
    int64_t       pool_peak_bytes, rss_peak_bytes; // activations and gradients; the process
} BenchCost;

/* All but the flops, after the steps that were timed: their peaks. */
Status bench_cost(BenchCost *out, const Tape *t, DType dtype, const BenchTimes *step);

/* One step op by op into a file of Chrome's trace format, and its longest ops on paper. */
Status bench_trace(Tape *t, BenchStep *step, void *ctx, const char *path);

/* "a GFLOP/s, b % of ...", bytes a second likewise, and memory, of a step that took `ms`; the same and the ceilings as members of an open object,
 * and `text` written to `path` and released. */
void   bench_print_cost(const BenchCost *c, double ms);
void   bench_put_cost(JsonWriter *w, const BenchCost *c, double ms);
Status bench_save(Text *text, const char *path);

/* Multiply-adds of a convolution on one picture of *h x *w, counted from its weights; *h and *w become the output's. */
double bench_conv_macs(const Tensor *weight, const Conv2d *op, int64_t *h, int64_t *w);
