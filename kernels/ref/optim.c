#include "kernels/ref/ref.h"

Status ref_sgd(float *w, float *v, const float *g, void *low, int64_t n, float lr, float momentum,
               float decay, bool is_first)
{
    uint16_t *narrow = low;
    for (int64_t i = 0; i < n; i++) {
        float step = g[i] + decay * w[i];
        v[i] = is_first ? step : momentum * v[i] + step;
        w[i] -= lr * v[i];
        if (narrow)
            narrow[i] = bf16_from_f32(w[i]);
    }
    return OK;
}

Status ref_ema(float *k, const float *q, void *low, int64_t n, float m)
{
    uint16_t *narrow = low;
    for (int64_t i = 0; i < n; i++) {
        k[i] = m * k[i] + (1.0f - m) * q[i];
        if (narrow)
            narrow[i] = bf16_from_f32(k[i]);
    }
    return OK;
}

Status ref_scale(float *x, int64_t n, float factor)
{
    for (int64_t i = 0; i < n; i++)
        x[i] *= factor;
    return OK;
}

Status ref_sum_squares(double *sum, const float *x, int64_t n)
{
    double s = 0.0;
    for (int64_t i = 0; i < n; i++)
        s += (double)x[i] * (double)x[i];
    *sum = s;
    return OK;
}
