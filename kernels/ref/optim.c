#include "kernels/body/optim.h"
#include "kernels/ref/ref.h"

Status ref_sgd(float *w, float *v, const float *g, void *low, int64_t n, float lr, float momentum,
               float decay, bool is_first, const double *squares)
{
    uint16_t *narrow = low;
    if (!isfinite(*squares))
        return OK;
    for (int64_t i = 0; i < n; i++) {
        sgd_value(w + i, v + i, g[i], lr, momentum, decay, is_first);
        if (narrow)
            narrow[i] = bf16_from_f32(w[i]);
    }
    return OK;
}

Status ref_ema(float *k, const float *q, void *low, int64_t n, float m)
{
    uint16_t *narrow = low;
    for (int64_t i = 0; i < n; i++) {
        k[i] = ema_value(k[i], q[i], m);
        if (narrow)
            narrow[i] = bf16_from_f32(k[i]);
    }
    return OK;
}

Status ref_sum_squares(double *squares, const float *x, int64_t n, bool is_first)
{
    double s = 0.0;
    for (int64_t i = 0; i < n; i++)
        s += (double)x[i] * (double)x[i];
    *squares = is_first ? s : *squares + s;
    return OK;
}

Status ref_clip(float *x, int64_t n, const double *squares, float max_norm)
{
    float factor = clip_factor(*squares, max_norm);
    for (int64_t i = 0; i < n && factor != 1.0f; i++)
        x[i] *= factor;
    return OK;
}
