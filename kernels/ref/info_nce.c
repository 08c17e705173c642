/* info_nce.c -- one positive against a queue of negatives (He et al. 2020, eq. 1) */
#include "kernels/body/softmax.h"
#include "kernels/ref/ref_losses.h"
#include <math.h>
#include <string.h>

static double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

Status ref_info_nce_forward(Tensor *loss, Tensor *stats, Tensor *prob, const Tensor *q,
                            const Tensor *k, const Tensor *queue, float temperature)
{
    int64_t      N = q->dim[0], C = q->dim[1], K = queue->dim[0];
    const float *qs = q->data, *ks = k->data, *negative = queue->data;
    double       sum = 0, positives = 0, negatives = 0, top1 = 0, top5 = 0;
    for (int64_t n = 0; n < N; n++) {
        float  *p = (float *)prob->data + n * (K + 1);
        int64_t n_better = 0;
        float   most = -INFINITY;
        double  total = 0;
        for (int64_t j = 0; j <= K; j++) {
            double cosine = dot(qs + n * C, j == 0 ? ks + n * C : negative + (j - 1) * C, C);
            p[j] = (float)(cosine / (double)temperature);
            *(j == 0 ? &positives : &negatives) += cosine;
            n_better += p[j] > p[0];
            most = fmaxf(most, p[j]);
        }
        float positive = p[0];
        for (int64_t j = 0; j <= K; j++)
            total += (double)(p[j] = softmax_term(p[j], most));
        for (int64_t j = 0; j <= K; j++)
            p[j] = (float)((double)p[j] / total);
        sum += softmax_loss(total, most, positive);
        top1 += n_better < 1;
        top5 += n_better < 5;
    }
    double rows = N > 0 ? (double)N : 1, pairs = K > 0 ? rows * (double)K : 1;
    float  out[5] = {(float)(sum / rows), (float)(positives / rows), (float)(negatives / pairs),
                     (float)(top1 / rows), (float)(top5 / rows)};
    memcpy(stats->data, out, sizeof out);
    *(float *)loss->data = out[0];
    return OK;
}

/* dq = dloss_scale dloss / T * ((p0 - 1) k + sum_i p_i queue_i); the caller's scale holds 1/N. */
Status ref_info_nce_backward(Tensor *dq, float dloss_scale, const Tensor *dloss, const Tensor *prob,
                             const Tensor *k, const Tensor *queue, float temperature)
{
    int64_t      N = k->dim[0], C = k->dim[1], K = queue->dim[0];
    const float *ks = k->data, *negative = queue->data;
    float        beta = tensor_beta(dq), *out = dq->data;
    double scale = (double)dloss_scale * (double)*(const float *)dloss->data / (double)temperature;
    for (int64_t n = 0; n < N; n++) {
        const float *p = (const float *)prob->data + n * (K + 1);
        for (int64_t c = 0; c < C; c++) {
            double sum = (double)softmax_slope(p[0], true) * (double)ks[n * C + c];
            for (int64_t j = 0; j < K; j++)
                sum += (double)p[j + 1] * (double)negative[j * C + c];
            float contribution = (float)(scale * sum);
            out[n * C + c] = beta == 0 ? contribution : beta * out[n * C + c] + contribution;
        }
    }
    return OK;
}
