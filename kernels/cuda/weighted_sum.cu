/* weighted_sum.cu -- the loss terms' sum: a handful of scalars, one thread */
#include "kernels/cuda/gpu.h"

enum { WEIGHTED_TERMS = 16 }; // of one launch; a launch's arguments hold at most 4 kB

struct WeightedTerms {
    const float *x[WEIGHTED_TERMS];
    float        weight[WEIGHTED_TERMS];
    int          n;
};

__global__ void weighted_sum_kernel(float *y, WeightedTerms t, bool is_first)
{
    double sum = is_first ? 0.0 : (double)*y;
    for (int i = 0; i < t.n; i++)
        sum += (double)t.weight[i] * (double)*t.x[i];
    *y = (float)sum;
}

Status cuda_weighted_sum_forward(Tensor *y, const Tensor *const *x, const float *weight, int n)
{
    int first = 0;
    do {
        WeightedTerms t = {};
        for (t.n = 0; t.n < WEIGHTED_TERMS && first + t.n < n; t.n++) {
            t.x[t.n] = (const float *)x[first + t.n]->data;
            t.weight[t.n] = weight[first + t.n];
        }
        TRY(gpu_launch("weighted_sum", weighted_sum_kernel, 1, 1, 0, (float *)y->data, t,
                       first == 0));
        first += WEIGHTED_TERMS;
    } while (first < n);
    return OK;
}
