#include "kernels/ref/ref.h"

Status ref_linear_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias)
{
    int64_t N = x->dim[0], I = x->dim[1], O = w->dim[0];
    for (int64_t n = 0; n < N; n++)
        for (int64_t o = 0; o < O; o++) {
            double sum = bias ? (double)ref_load(bias, o) : 0.0;
            for (int64_t i = 0; i < I; i++)
                sum += (double)ref_load(x, n * I + i) * (double)ref_load(w, o * I + i);
            ref_store(y, n * O + o, (float)sum);
        }
    return OK;
}

Status ref_linear_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w)
{
    int64_t N = dx->dim[0], I = dx->dim[1], O = w->dim[0];
    float   beta = tensor_beta(dx);
    for (int64_t n = 0; n < N; n++)
        for (int64_t i = 0; i < I; i++) {
            double sum = 0.0;
            for (int64_t o = 0; o < O; o++)
                sum += (double)ref_load(dy, n * O + o) * (double)ref_load(w, o * I + i);
            ref_add(dx, n * I + i, beta, sum);
        }
    return OK;
}

Status ref_linear_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy)
{
    int64_t N = x->dim[0], I = x->dim[1], O = dy->dim[1];
    float   bw = dw ? tensor_beta(dw) : 0.0f, bb = dbias ? tensor_beta(dbias) : 0.0f;
    for (int64_t o = 0; o < O; o++) {
        for (int64_t i = 0; dw && i < I; i++) {
            double sum = 0.0;
            for (int64_t n = 0; n < N; n++)
                sum += (double)ref_load(dy, n * O + o) * (double)ref_load(x, n * I + i);
            ref_add(dw, o * I + i, bw, sum);
        }
        double sum = 0.0;
        for (int64_t n = 0; dbias && n < N; n++)
            sum += (double)ref_load(dy, n * O + o);
        if (dbias)
            ref_add(dbias, o, bb, sum);
    }
    return OK;
}
