#include "kernels/body/softmax.h"
#include "kernels/ref/ref.h"

Status ref_softmax_forward(Tensor *y, const Tensor *x)
{
    int64_t R = x->dim[0], K = x->dim[1];
    for (int64_t r = 0; r < R; r++) {
        float  most = -INFINITY;
        double sum = 0.0;
        for (int64_t k = 0; k < K; k++)
            most = fmaxf(most, ref_load(x, r * K + k));
        for (int64_t k = 0; k < K; k++)
            sum += (double)softmax_term(ref_load(x, r * K + k), most);
        for (int64_t k = 0; k < K; k++)
            ref_store(y, r * K + k,
                      (float)((double)softmax_term(ref_load(x, r * K + k), most) / sum));
    }
    return OK;
}
