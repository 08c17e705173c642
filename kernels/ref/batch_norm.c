/* Ioffe and Szegedy 2015. Rows r are all places of all images; group g owns rows [g R/G, (g+1) R/G). */
#include "kernels/ref/ref_norm.h"

#include <math.h>

typedef struct Rows {
    int64_t C, G, per_group; // rows of one group
} Rows;

static Rows rows_of(const Tensor *x, int64_t groups)
{
    int64_t C = x->dim[x->ndim - 1];
    return (Rows){C, groups, C > 0 ? tensor_count(x) / C / groups : 0};
}

/* max(0, norm + residual) as asked for. */
static void finish(Tensor *y, int64_t at, float norm, const Tensor *residual, const Norm *op)
{
    if (residual)
        norm += ref_load(residual, at);
    ref_store(y, at, op->relu && !(norm > 0.0f) && !isnan(norm) ? 0.0f : norm);
}

/* Mean and biased variance of one channel of one group. */
static void moments(double *mean, double *var, const Tensor *x, const Rows *s, int64_t g, int64_t c)
{
    double sum = 0.0, squares = 0.0;
    for (int64_t r = g * s->per_group; r < (g + 1) * s->per_group; r++)
        sum += (double)ref_load(x, r * s->C + c);
    *mean = s->per_group > 0 ? sum / (double)s->per_group : 0.0;
    for (int64_t r = g * s->per_group; r < (g + 1) * s->per_group; r++) {
        double d = (double)ref_load(x, r * s->C + c) - *mean;
        squares += d * d;
    }
    *var = s->per_group > 0 ? squares / (double)s->per_group : 0.0;
}

Status ref_batch_norm_train_forward(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                                    Tensor *running_var, const Tensor *x, const Tensor *residual,
                                    const Tensor *gamma, const Tensor *beta, const Norm *op)
{
    if (op->count)
        return ref_counted_norm_forward(ref_batch_norm_train_forward, y, mean, rstd, running_mean,
                                        running_var, x, residual, gamma, beta, op);
    Rows s = rows_of(x, op->groups);
    for (int64_t c = 0; c < s.C; c++) {
        double mean_sum = 0.0, unbiased_sum = 0.0;
        for (int64_t g = 0; g < s.G; g++) {
            double m, v;
            moments(&m, &v, x, &s, g, c);
            double scale = 1.0 / sqrt(v + (double)op->eps);
            ref_store(mean, g * s.C + c, (float)m);
            ref_store(rstd, g * s.C + c, (float)scale);
            mean_sum += m;
            unbiased_sum +=
                s.per_group > 1 ? v * (double)s.per_group / (double)(s.per_group - 1) : v;
            for (int64_t r = g * s.per_group; r < (g + 1) * s.per_group; r++) {
                double xhat = ((double)ref_load(x, r * s.C + c) - m) * scale;
                finish(y, r * s.C + c,
                       (float)(xhat * (double)ref_load(gamma, c) + (double)ref_load(beta, c)),
                       residual, op);
            }
        }
        double momentum =
            s.per_group > 0 ? (double)op->momentum : 0.0; // nothing seen, nothing moves
        if (running_mean)
            ref_store(running_mean, c,
                      (float)((1.0 - momentum) * (double)ref_load(running_mean, c) +
                              momentum * mean_sum / (double)s.G));
        if (running_var)
            ref_store(running_var, c,
                      (float)((1.0 - momentum) * (double)ref_load(running_var, c) +
                              momentum * unbiased_sum / (double)s.G));
    }
    return OK;
}

Status ref_batch_norm_eval_forward(Tensor *y, const Tensor *x, const Tensor *residual,
                                   const Tensor *gamma, const Tensor *beta,
                                   const Tensor *running_mean, const Tensor *running_var,
                                   const Norm *op)
{
    Rows s = rows_of(x, 1);
    for (int64_t c = 0; c < s.C; c++) {
        double m = (double)ref_load(running_mean, c);
        double scale =
            (double)ref_load(gamma, c) / sqrt((double)ref_load(running_var, c) + (double)op->eps);
        for (int64_t r = 0; r < s.per_group; r++)
            finish(
                y, r * s.C + c,
                (float)(((double)ref_load(x, r * s.C + c) - m) * scale + (double)ref_load(beta, c)),
                residual, op);
    }
    return OK;
}

/* dy behind the ReLU: what arrives at the normalised value. */
static double arrived(const Tensor *dy, const Tensor *y, int64_t at, const Norm *op)
{
    return op->relu && !(ref_load(y, at) > 0.0f) ? 0.0 : (double)ref_load(dy, at);
}

static void residual_gradient(Tensor *dresidual, const Tensor *dy, const Tensor *y, const Norm *op)
{
    float   beta = tensor_beta(dresidual);
    int64_t n = tensor_count(dy);
    for (int64_t i = 0; i < n; i++)
        ref_add(dresidual, i, beta, arrived(dy, y, i, op));
}

static float beta_of(Tensor *x)
{
    return x ? tensor_beta(x) : 0.0f;
}

Status ref_batch_norm_train_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                     const Tensor *dy, const Tensor *y, const Tensor *x,
                                     const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                     const Norm *op)
{
    if (op->count)
        return ref_counted_norm_backward(ref_batch_norm_train_backward, dx, dresidual, dgamma,
                                         dbeta, dy, y, x, gamma, mean, rstd, op);
    Rows  s = rows_of(x, op->groups);
    float bx = beta_of(dx), bg = beta_of(dgamma), bb = beta_of(dbeta);
    if (dresidual)
        residual_gradient(dresidual, dy, y, op);
    for (int64_t c = 0; c < s.C; c++) {
        double gamma_sum = 0.0, beta_sum = 0.0;
        for (int64_t g = 0; g < s.G; g++) {
            double m = (double)ref_load(mean, g * s.C + c),
                   scale = (double)ref_load(rstd, g * s.C + c);
            double sum = 0.0, dot = 0.0; // of dy, and of dy times xhat
            for (int64_t r = g * s.per_group; r < (g + 1) * s.per_group; r++) {
                double d = arrived(dy, y, r * s.C + c, op);
                sum += d;
                dot += d * ((double)ref_load(x, r * s.C + c) - m) * scale;
            }
            gamma_sum += dot;
            beta_sum += sum;
            double n = (double)s.per_group, k = (double)ref_load(gamma, c) * scale;
            for (int64_t r = g * s.per_group; dx && r < (g + 1) * s.per_group; r++) {
                double xhat = ((double)ref_load(x, r * s.C + c) - m) * scale;
                ref_add(dx, r * s.C + c, bx,
                        k * (arrived(dy, y, r * s.C + c, op) - sum / n - xhat * dot / n));
            }
        }
        if (dgamma)
            ref_add(dgamma, c, bg, gamma_sum);
        if (dbeta)
            ref_add(dbeta, c, bb, beta_sum);
    }
    return OK;
}

Status ref_batch_norm_eval_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                    const Tensor *dy, const Tensor *y, const Tensor *x,
                                    const Tensor *gamma, const Tensor *running_mean,
                                    const Tensor *running_var, const Norm *op)
{
    Rows  s = rows_of(dy, 1);
    float bx = beta_of(dx), bg = beta_of(dgamma), bb = beta_of(dbeta);
    if (dresidual)
        residual_gradient(dresidual, dy, y, op);
    for (int64_t c = 0; c < s.C; c++) {
        double m = (double)ref_load(running_mean, c);
        double scale = 1.0 / sqrt((double)ref_load(running_var, c) + (double)op->eps);
        double sum = 0.0, dot = 0.0;
        for (int64_t r = 0; r < s.per_group; r++) {
            double d = arrived(dy, y, r * s.C + c, op);
            sum += d;
            if (dgamma)
                dot += d * ((double)ref_load(x, r * s.C + c) - m) * scale;
            if (dx)
                ref_add(dx, r * s.C + c, bx, d * (double)ref_load(gamma, c) * scale);
        }
        if (dgamma)
            ref_add(dgamma, c, bg, dot);
        if (dbeta)
            ref_add(dbeta, c, bb, sum);
    }
    return OK;
}
