/* info_nce.c -- the queue as one matrix product, then one pass over each row; only prob (N,K+1) is stored */
#include "kernels/body/softmax.h"
#include "kernels/cpu/cpu_regions.h"
#include "kernels/cpu/onednn.h"

#include "base/arena.h"
#include "base/threads.h"
#include <math.h>
#include <string.h>

typedef struct Rows {
    float  *prob;   // holds logits on entry
    double *figure; // (N,4): loss, positive and mean negative logit, number of better negatives
    const float *q, *k;
    int64_t      C, K;
    float        temperature;
} Rows;

static void rows(void *ctx, int64_t begin, int64_t end)
{
    const Rows *j = ctx;
    for (int64_t n = begin; n < end; n++) {
        float  *p = j->prob + n * (j->K + 1), most, positive;
        double  cosine = 0, sum = 0, total = 0;
        int64_t n_better = 0;
        for (int64_t c = 0; c < j->C; c++)
            cosine += (double)j->q[n * j->C + c] * (double)j->k[n * j->C + c];
        most = p[0] = positive = (float)(cosine / (double)j->temperature);
        for (int64_t i = 1; i <= j->K; i++) {
            sum += (double)p[i];
            n_better += p[i] > positive;
            most = p[i] > most ? p[i] : most;
        }
        for (int64_t i = 0; i <= j->K; i++)
            total += (double)(p[i] = softmax_term(p[i], most));
        float share = (float)(1 / total);
        for (int64_t i = 0; i <= j->K; i++)
            p[i] *= share;
        double *f = j->figure + 4 * n;
        f[0] = softmax_loss(total, most, positive);
        f[1] = cosine;
        f[2] = j->K > 0 ? sum * (double)j->temperature / (double)j->K : 0;
        f[3] = (double)n_better;
    }
}

Status cpu_info_nce_forward(Tensor *loss, Tensor *stats, Tensor *prob, const Tensor *q,
                            const Tensor *k, const Tensor *queue, float temperature)
{
    Arena   a = {0};
    Status  st = OK;
    int64_t N = q->dim[0], C = q->dim[1], K = queue->dim[0];
    double  sum[5] = {0}, n = N > 0 ? (double)N : 1;
    float   out[5];
    Rows    j = {prob->data, ARENA_ARRAY(&a, double, 4 * N), q->data, k->data, C, K, temperature};
    if (j.figure == NULL) {
        st = ERR_MEMORY;
        goto out;
    }
    TRY_OUT(onednn_sgemm('N', 'T', N, K, C, 1 / temperature, q->data, C, queue->data, C, 0,
                         j.prob + 1, K + 1));
    threads_for(N, 1, rows, &j);
    for (int64_t i = 0; i < N; i++) {
        for (int f = 0; f < 3; f++)
            sum[f] += j.figure[4 * i + f];
        sum[3] += j.figure[4 * i + 3] < 1;
        sum[4] += j.figure[4 * i + 3] < 5;
    }
    for (int f = 0; f < 5; f++)
        out[f] = (float)(sum[f] / n);
    memcpy(stats->data, out, sizeof out);
    *(float *)loss->data = out[0];
out:
    arena_release(&a);
    return st;
}

Status cpu_info_nce_backward(Tensor *dq, float dloss_scale, const Tensor *dloss, const Tensor *prob,
                             const Tensor *k, const Tensor *queue, float temperature)
{
    int64_t      N = k->dim[0], C = k->dim[1], K = queue->dim[0];
    const float *p = prob->data, *ks = k->data;
    float       *out = dq->data, beta = tensor_beta(dq);
    float        scale = dloss_scale * *(const float *)dloss->data / temperature;
    for (int64_t n = 0; n < N; n++) {
        float pull = scale * softmax_slope(p[n * (K + 1)], true);
        for (int64_t c = 0; c < C; c++)
            out[n * C + c] = (beta == 0 ? 0 : beta * out[n * C + c]) + pull * ks[n * C + c];
    }
    return K > 0 ? onednn_sgemm('N', 'N', N, C, K, scale, p + 1, K + 1, queue->data, C, 1, out, C)
                 : OK;
}
