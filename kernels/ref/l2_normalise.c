#include "kernels/ref/ref.h"

#include <math.h>

Status ref_l2_normalise_forward(Tensor *y, Tensor *norm, const Tensor *x)
{
    int64_t N = x->dim[0], C = x->dim[1];
    for (int64_t n = 0; n < N; n++) {
        double sum = 0.0;
        for (int64_t c = 0; c < C; c++)
            sum += (double)ref_load(x, n * C + c) * (double)ref_load(x, n * C + c);
        double length = fmax(sqrt(sum), 1e-12);
        ref_store(norm, n, (float)length);
        for (int64_t c = 0; c < C; c++)
            ref_store(y, n * C + c, (float)((double)ref_load(x, n * C + c) / length));
    }
    return OK;
}

/* dx = (dy - y (y . dy)) / |x| */
Status ref_l2_normalise_backward(Tensor *dx, const Tensor *dy, const Tensor *y, const Tensor *norm)
{
    int64_t N = dx->dim[0], C = dx->dim[1];
    float   beta = tensor_beta(dx);
    for (int64_t n = 0; n < N; n++) {
        double dot = 0.0, length = (double)ref_load(norm, n);
        for (int64_t c = 0; c < C; c++)
            dot += (double)ref_load(y, n * C + c) * (double)ref_load(dy, n * C + c);
        if (length <= 1e-12)
            dot = 0.0; // the clamped length is a constant
        for (int64_t c = 0; c < C; c++)
            ref_add(dx, n * C + c, beta,
                    ((double)ref_load(dy, n * C + c) - (double)ref_load(y, n * C + c) * dot) /
                        length);
    }
    return OK;
}
