/* losses.c -- cross entropies, box regression, weighted sums; sums in double, in the order of the rows */
#include "kernels/body/losses.h"
#include "kernels/body/softmax.h"
#include "kernels/ref/ref_losses.h"

static float *f32(Tensor *x)
{
    return x->data;
}

static const float *value(const Tensor *x)
{
    return x->data;
}

/* dx = beta dx + contribution, where a blank dx may hold anything. */
static void put(float *dx, float beta, float contribution)
{
    *dx = beta == 0 ? contribution : beta * *dx + contribution;
}

static float divisor(const Tensor *label, float norm)
{
    const int32_t *l = label->data;
    int64_t        n = 0;
    if (norm > 0)
        return norm;
    for (int64_t i = 0; i < tensor_count(label); i++)
        n += l[i] >= 0;
    return n > 0 ? (float)n : 1.0f;
}

Status ref_softmax_cross_entropy_forward(Tensor *loss, Tensor *prob, const Tensor *x,
                                         const Tensor *label, float norm)
{
    int64_t        R = x->dim[0], K = x->dim[1];
    const int32_t *l = label->data;
    double         sum = 0;
    for (int64_t r = 0; r < R; r++) {
        const float *row = value(x) + r * K;
        float       *p = f32(prob) + r * K, most = row[0];
        double       total = 0;
        for (int64_t k = 1; k < K; k++)
            most = row[k] > most ? row[k] : most;
        for (int64_t k = 0; k < K; k++)
            total += (double)(p[k] = softmax_term(row[k], most));
        for (int64_t k = 0; k < K; k++)
            p[k] = (float)((double)p[k] / total);
        if (l[r] >= 0)
            sum += softmax_loss(total, most, row[l[r]]);
    }
    f32(loss)[0] = (float)(sum / (double)divisor(label, norm));
    return OK;
}

Status ref_softmax_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *prob,
                                          const Tensor *label, float norm)
{
    int64_t        R = prob->dim[0], K = prob->dim[1];
    const int32_t *l = label->data;
    float          beta = tensor_beta(dx), scale = value(dloss)[0] / divisor(label, norm);
    for (int64_t r = 0; r < R; r++)
        for (int64_t k = 0; k < K; k++) {
            float slope = l[r] < 0 ? 0 : softmax_slope(value(prob)[r * K + k], k == l[r]);
            put(f32(dx) + r * K + k, beta, scale * slope);
        }
    return OK;
}

Status ref_sigmoid_cross_entropy_forward(Tensor *loss, const Tensor *x, const Tensor *label,
                                         float norm)
{
    const int32_t *l = label->data;
    double         sum = 0;
    for (int64_t i = 0; i < tensor_count(x); i++)
        if (l[i] >= 0)
            sum += (double)sigmoid_loss(value(x)[i], (float)l[i]);
    f32(loss)[0] = (float)(sum / (double)divisor(label, norm));
    return OK;
}

Status ref_sigmoid_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                          const Tensor *label, float norm)
{
    const int32_t *l = label->data;
    float          beta = tensor_beta(dx), scale = value(dloss)[0] / divisor(label, norm);
    for (int64_t i = 0; i < tensor_count(x); i++)
        put(f32(dx) + i, beta, l[i] < 0 ? 0 : scale * sigmoid_slope(value(x)[i], (float)l[i]));
    return OK;
}

Status ref_box_regression_forward(Tensor *loss, const Tensor *x, const Tensor *target,
                                  const Tensor *label, float beta, float norm)
{
    const int32_t *l = label->data;
    int64_t        R = x->dim[0], C = x->dim[1];
    double         sum = 0;
    for (int64_t r = 0; r < R; r++)
        for (int64_t j = 0; l[r] >= 0 && 4 * l[r] < C && j < 4; j++)
            sum +=
                (double)smooth_l1(value(x)[r * C + 4 * l[r] + j] - value(target)[4 * r + j], beta);
    f32(loss)[0] = (float)(sum / (double)divisor(label, norm));
    return OK;
}

Status ref_box_regression_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                   const Tensor *target, const Tensor *label, float beta,
                                   float norm)
{
    const int32_t *l = label->data;
    int64_t        R = x->dim[0], C = x->dim[1];
    float          keep = tensor_beta(dx), scale = value(dloss)[0] / divisor(label, norm);
    for (int64_t r = 0; r < R; r++)
        for (int64_t c = 0; c < C; c++) {
            bool  counts = l[r] >= 0 && c / 4 == l[r];
            float slope =
                counts ? smooth_l1_slope(value(x)[r * C + c] - value(target)[4 * r + c % 4], beta)
                       : 0;
            put(f32(dx) + r * C + c, keep, scale * slope);
        }
    return OK;
}

Status ref_weighted_sum_forward(Tensor *y, const Tensor *const *x, const float *weight, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)weight[i] * (double)value(x[i])[0];
    f32(y)[0] = (float)sum;
    return OK;
}
