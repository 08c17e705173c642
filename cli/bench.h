/* bench.h -- timings of whole steps; medians, because machines are noisy */
#pragma once
#include "cli/bench_step.h"
#include "cli/options.h"
#include "pretrain/resnet.h"

typedef struct BenchModel {
    const char *arch, *device;
    double      width;
    int64_t     batch, size, reps, bn_groups;
    const char *dtype; // "f32", "bf16", "tf32"
    bool        is_moco;
    const char *trace; // NULL, or a file: one more step, op by op, as a Chrome trace
} BenchModel;

typedef struct BenchModelResult {
    BenchTimes train, forward;
    BenchCost  cost;
} BenchModelResult;

Status bench_model(BenchModelResult *out, const BenchModel *b);
void   bench_model_print(const BenchModelResult *r, const BenchModel *b);
Status bench_model_save(const BenchModelResult *r, const BenchModel *b, const char *path);

/* Multiply-adds of one picture's forward pass. */
double bench_resnet_macs(const ResNet *net, int64_t size);
/* Of its stem with the pool behind it, and of one stage (1 .. 4); *h and *w become the output's. */
double bench_stem_macs(const ResNet *net, int64_t *h, int64_t *w);
double bench_stage_macs(const ResNet *net, int stage, int64_t *h, int64_t *w);

/* Faster R-CNN C4 as a recipe describes it, on synthetic pictures that lie on the device: a training step, and detection
 * picture by picture. */
typedef struct BenchDetect {
    const char        *recipe, *device; // recipe NULL: the defaults
    const char *const *overrides;
    int                n_overrides;
    int64_t            batch, height, width, objects, classes, reps;
    const char        *dtype; // "f32", "bf16", "tf32"
    const char        *trace;
} BenchDetect;

typedef struct BenchDetectResult {
    BenchTimes  train, test;
    BenchCost   cost;                   // every region that the recipe samples counts
    double      test_flops;             // of one picture, with the regions that it had
    int64_t     n_regions, n_proposals; // of a training step; of a picture in testing
    const char *dtype;                  // that was run: an override may have changed it
} BenchDetectResult;

Status bench_detect(BenchDetectResult *out, const BenchDetect *b);
void   bench_detect_print(const BenchDetectResult *r, const BenchDetect *b);
Status bench_detect_save(const BenchDetectResult *r, const BenchDetect *b, const char *path);
