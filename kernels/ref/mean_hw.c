#include "kernels/ref/ref.h"

Status ref_mean_hw_forward(Tensor *y, const Tensor *x)
{
    int64_t N = x->dim[0], places = x->dim[1] * x->dim[2], C = x->dim[3];
    for (int64_t n = 0; n < N; n++)
        for (int64_t c = 0; c < C; c++) {
            double sum = 0.0;
            for (int64_t i = 0; i < places; i++)
                sum += (double)ref_load(x, (n * places + i) * C + c);
            ref_store(y, n * C + c, (float)(sum / (double)places));
        }
    return OK;
}

Status ref_mean_hw_backward(Tensor *dx, const Tensor *dy)
{
    int64_t N = dx->dim[0], places = dx->dim[1] * dx->dim[2], C = dx->dim[3];
    float   beta = tensor_beta(dx);
    for (int64_t n = 0; n < N; n++)
        for (int64_t i = 0; i < places; i++)
            for (int64_t c = 0; c < C; c++)
                ref_add(dx, (n * places + i) * C + c, beta,
                        (double)ref_load(dy, n * C + c) / (double)places);
    return OK;
}
