/* box_sample.cuh -- random choices: every box has a ticket with its own number, the smallest numbers win */
#pragma once
#include "kernels/cuda/scratch.h"
#include "kernels/cuda/sort.cuh"

/* What was drawn for N images, on the device: segment 2 i holds foreground rows of image i, 2 i + 1 background. */
struct BoxSample {
    const SortKey     *key;     // (2 N,S), smallest ticket first
    const int32_t     *n_found; // (2 N), at most int(S fg_fraction) and S
    int64_t            S;
    __device__ int64_t n_fg(int64_t image) const
    {
        return n_found[2 * image];
    }
    __device__ int64_t n_bg(int64_t image) const
    {
        return min((int64_t)n_found[2 * image + 1], S - n_fg(image));
    }
    /* The row of slot s < n_fg + n_bg. */
    __device__ int64_t row(int64_t image, int64_t s) const
    {
        int64_t fg = n_fg(image);
        return sort_index(key[s < fg ? 2 * image * S + s : (2 * image + 1) * S + s - fg]);
    }
};

/* Of label (N,room): up to int(S fg_fraction) rows of label > 0, rows of label 0 until S. */
Status box_sample(const char *op_name, BoxSample *sample, Scratch *scratch, const int32_t *label,
                  int64_t N, int64_t room, int64_t S, double fg_fraction, const BoxRandom &random,
                  BoxStage stage);
