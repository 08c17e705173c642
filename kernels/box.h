/* box.h -- box work: anchors, matching, sampling, proposals; no gradients. See the entries below. */
#pragma once
#include "kernels/tensor.h"

typedef struct RoiAlign {
    int64_t P;          // bins per side: 7 or 14
    int64_t S;          // samples per bin side; 0 picks ceil(region / P)
    float   scale;      // 1 / stride of the feature map
    bool    is_aligned; // the half-pixel shift ("V2"); false raises region sides to >= 1 cell instead
} RoiAlign;

typedef struct BoxBackend {
    int placeholder;
} BoxBackend;
