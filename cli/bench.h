/* bench.h -- timings of whole steps; medians, because machines are noisy */
#pragma once
#include "cli/options.h"
#include "pretrain/resnet.h"

typedef struct BenchModel {
    const char *arch, *device;
    double      width;
    int64_t     batch, size, reps, bn_groups;
    DType       dtype;
    bool        is_moco;
    const char *trace; // NULL, or a file: one more step, op by op, as a Chrome trace
} BenchModel;

typedef struct BenchModelResult {
    double  train_ms_median, train_ms_best, forward_ms_median, forward_ms_best;
    double  step_flops; // of convolutions, one training step
    char    device[256];                 // its name; "" for the host
    double  peak_gflops, triad_gb_per_s; // of this machine, measured in the same call: on the host f32 multiply-adds and a
                                         // triad, on a device a large product of the step's type and a large copy
    int64_t pool_peak_bytes, rss_peak_bytes;
    int64_t device_peak_bytes; // 0 on the host
} BenchModelResult;

Status bench_model(BenchModelResult *out, const BenchModel *b);
void   bench_model_print(const BenchModelResult *r, const BenchModel *b);
Status bench_model_save(const BenchModelResult *r, const BenchModel *b, const char *path);

/* Multiply-adds of one picture's forward pass. */
double bench_resnet_macs(const ResNet *net, int64_t size);
