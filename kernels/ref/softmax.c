#include "kernels/ref/ref.h"

#include <math.h>

Status ref_softmax_forward(Tensor *y, const Tensor *x)
{
    int64_t R = x->dim[0], K = x->dim[1];
    for (int64_t r = 0; r < R; r++) {
        float  most = -INFINITY;
        double sum = 0.0;
        for (int64_t k = 0; k < K; k++)
            most = fmaxf(most, ref_load(x, r * K + k));
        for (int64_t k = 0; k < K; k++)
            sum += exp((double)ref_load(x, r * K + k) - (double)most);
        for (int64_t k = 0; k < K; k++)
            ref_store(y, r * K + k,
                      (float)(exp((double)ref_load(x, r * K + k) - (double)most) / sum));
    }
    return OK;
}
