/* demo.h -- what `godwit demo` made, for its report */
#pragma once
#include "cli/compare.h"
#include "cli/svg.h"

enum { DEMO_INITS = 3, DEMO_MAX_TRIALS = 16, DEMO_MAX_PHASES = 16 };

typedef struct Demo {
    const char *out; // DIR: data/, random-0 .. moco-N (runs), compare.json, report.html
    const char *device;
    int64_t     seed, trials;
    double      scale; // share of the pictures, (0, 1]
    Arena       arena;
    double      began; // clock_seconds
    Phase       phase[DEMO_MAX_PHASES];
    int         n_phases;
    double      knn[DEMO_INITS];      // share, NaN where not measured
    double      knn_pixels;           // raw pixels' share, NaN where not measured
    char       *run[DEMO_INITS];      // of the first trial
    char       *pretrain[DEMO_INITS]; // run folder of the backbone; NULL for random
    double      ap[DEMO_INITS][DEMO_MAX_TRIALS], ap50[DEMO_INITS][DEMO_MAX_TRIALS],
        ap75[DEMO_INITS][DEMO_MAX_TRIALS];
    const char *definition; // of AP
} Demo;

extern const char *const DEMO_INIT_NAME[DEMO_INITS]; // "random", "supervised", "moco"

/* DIR/report.html. */
Status demo_report(Demo *d);
