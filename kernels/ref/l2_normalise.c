#include "kernels/body/l2_normalise.h"
#include "kernels/ref/ref.h"

Status ref_l2_normalise_forward(Tensor *y, Tensor *norm, const Tensor *x)
{
    int64_t N = x->dim[0], C = x->dim[1];
    for (int64_t n = 0; n < N; n++) {
        double sum = 0.0;
        for (int64_t c = 0; c < C; c++)
            sum += (double)ref_load(x, n * C + c) * (double)ref_load(x, n * C + c);
        float length = l2_length(sum);
        ref_store(norm, n, length);
        for (int64_t c = 0; c < C; c++)
            ref_store(y, n * C + c, l2_value(ref_load(x, n * C + c), length));
    }
    return OK;
}

Status ref_l2_normalise_backward(Tensor *dx, const Tensor *dy, const Tensor *y, const Tensor *norm)
{
    int64_t N = dx->dim[0], C = dx->dim[1];
    float   beta = tensor_beta(dx);
    for (int64_t n = 0; n < N; n++) {
        double dot = 0.0;
        for (int64_t c = 0; c < C; c++)
            dot += (double)ref_load(y, n * C + c) * (double)ref_load(dy, n * C + c);
        for (int64_t c = 0; c < C; c++)
            ref_add(dx, n * C + c, beta,
                    (double)l2_slope(ref_load(dy, n * C + c), ref_load(y, n * C + c), (float)dot,
                                     ref_load(norm, n)));
    }
    return OK;
}
