/* Ioffe and Szegedy 2015. Rows r are all places of all images; group g owns rows [g R/G, (g+1) R/G). */
#include "base/arena.h"
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

/* One channel of one group. */
static NormMoments moments(const Tensor *x, const Rows *s, int64_t g, int64_t c)
{
    NormMoments m = {(double)s->per_group, 0.0, 0.0};
    for (int64_t r = g * s->per_group; r < (g + 1) * s->per_group; r++)
        m.mean += (double)ref_load(x, r * s->C + c);
    m.mean = m.rows > 0 ? m.mean / m.rows : 0.0;
    for (int64_t r = g * s->per_group; r < (g + 1) * s->per_group; r++) {
        double d = (double)ref_load(x, r * s->C + c) - m.mean;
        m.m2 += d * d;
    }
    return m;
}

/* y of one channel of one group, and what backward will want. */
static void normalise(Tensor *y, Tensor *mean, Tensor *rstd, const Tensor *x,
                      const Tensor *residual, const Tensor *gamma, const Tensor *beta,
                      NormMoments m, const Rows *s, int64_t g, int64_t c, const Norm *op)
{
    double scale = 1.0 / sqrt(norm_variance(m) + (double)op->eps);
    ref_store(mean, g * s->C + c, (float)m.mean);
    ref_store(rstd, g * s->C + c, (float)scale);
    for (int64_t r = g * s->per_group; r < (g + 1) * s->per_group; r++) {
        double xhat = ((double)ref_load(x, r * s->C + c) - m.mean) * scale;
        finish(y, r * s->C + c,
               (float)(xhat * (double)ref_load(gamma, c) + (double)ref_load(beta, c)), residual,
               op);
    }
}

static void leave_mask(const Norm *op, const Tensor *y)
{
    int64_t n = op->mask ? tensor_count(y) / 8 : 0;
    for (int64_t i = 0; i < n; i++) {
        unsigned bits = 0;
        for (int j = 0; j < 8; j++)
            bits |= (unsigned)(ref_load(y, 8 * i + j) > 0.0f) << j;
        ((uint8_t *)op->mask->data)[i] = (uint8_t)bits;
    }
}

static void move_running(Tensor *running, int64_t c, double seen, const Norm *op)
{
    if (running)
        ref_store(running, c, norm_running(ref_load(running, c), seen, op->momentum));
}

Status ref_batch_norm_train_forward(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                                    Tensor *running_var, const Tensor *x, const Tensor *residual,
                                    const Tensor *gamma, const Tensor *beta, const Norm *op)
{
    if (op->count)
        return ref_counted_norm_forward(ref_batch_norm_train_forward, y, mean, rstd, running_mean,
                                        running_var, x, residual, gamma, beta, op);
    Rows    s = rows_of(x, op->groups);
    Status  st = OK;
    Arena   a = {0};
    double *table = ARENA_ARRAY(&a, double, norm_table(s.G, s.C));
    if (!table)
        return ERR_MEMORY;
    for (int64_t g = 0; g < s.G; g++)
        for (int64_t c = 0; c < s.C; c++) {
            NormMoments m = moments(x, &s, g, c);
            norm_put(table, g, s.C, c, m.rows, m.mean, m.m2);
        }
    TRY_OUT(ref_norm_share_moments(table, s.C, op));
    for (int64_t c = 0; c < s.C; c++) {
        double mean_sum = 0.0, unbiased_sum = 0.0;
        for (int64_t g = 0; g < s.G; g++) {
            NormMoments m = norm_moments(table, g, s.C, c);
            normalise(y, mean, rstd, x, residual, gamma, beta, m, &s, g, c, op);
            mean_sum += m.mean;
            unbiased_sum += norm_unbiased_variance(m);
        }
        if (table[0] == 0)
            continue; // nothing seen, nothing moves
        move_running(running_mean, c, mean_sum / (double)s.G, op);
        move_running(running_var, c, unbiased_sum / (double)s.G, op);
    }
    leave_mask(op, y);
out:
    arena_release(&a);
    return st;
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
    bool is_kept = !op->relu  ? true
                   : op->mask ? ((const uint8_t *)op->mask->data)[at / 8] >> at % 8 & 1
                              : ref_load(y, at) > 0.0f;
    return is_kept ? (double)ref_load(dy, at) : 0.0;
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

/* What one channel of one group leaves for the others of its group. */
static NormSums sums(const Tensor *dy, const Tensor *y, const Tensor *x, const Tensor *mean,
                     const Rows *s, int64_t g, int64_t c, const Norm *op)
{
    NormSums own = {(double)s->per_group, 0.0, 0.0};
    double   m = (double)ref_load(mean, g * s->C + c);
    for (int64_t r = g * s->per_group; r < (g + 1) * s->per_group; r++) {
        double d = arrived(dy, y, r * s->C + c, op);
        own.sum += d;
        own.dot += d * ((double)ref_load(x, r * s->C + c) - m);
    }
    return own;
}

/* dx = gamma rstd (d - mean of d - xhat * mean of d xhat), the means over the rows that the table counts. */
static void pull_back(Tensor *dx, const Tensor *dy, const Tensor *y, const Tensor *x,
                      const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                      const double *table, const Rows *s, const Norm *op)
{
    float beta = tensor_beta(dx);
    for (int64_t g = 0; g < s->G; g++)
        for (int64_t c = 0; c < s->C; c++) {
            NormSums all = norm_sums(table, g, s->C, c);
            double   m = (double)ref_load(mean, g * s->C + c),
                   scale = (double)ref_load(rstd, g * s->C + c);
            for (int64_t r = g * s->per_group; r < (g + 1) * s->per_group; r++) {
                double xhat = ((double)ref_load(x, r * s->C + c) - m) * scale;
                ref_add(dx, r * s->C + c, beta,
                        (double)ref_load(gamma, c) * scale *
                            (arrived(dy, y, r * s->C + c, op) - all.sum / all.rows -
                             xhat * all.dot * scale / all.rows));
            }
        }
}

Status ref_batch_norm_train_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                     const Tensor *dy, const Tensor *y, const Tensor *x,
                                     const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                     const Norm *op)
{
    if (op->count)
        return ref_counted_norm_backward(ref_batch_norm_train_backward, dx, dresidual, dgamma,
                                         dbeta, dy, y, x, gamma, mean, rstd, op);
    Rows    s = rows_of(x, op->groups);
    Status  st = OK;
    Arena   a = {0};
    float   bg = beta_of(dgamma), bb = beta_of(dbeta);
    double *table = ARENA_ARRAY(&a, double, norm_table(s.G, s.C));
    if (!table)
        return ERR_MEMORY;
    if (dresidual)
        residual_gradient(dresidual, dy, y, op);
    for (int64_t c = 0; c < s.C; c++) {
        double gamma_sum = 0.0, beta_sum = 0.0;
        for (int64_t g = 0; g < s.G; g++) {
            NormSums own = sums(dy, y, x, mean, &s, g, c, op);
            norm_put(table, g, s.C, c, own.rows, own.sum, own.dot);
            gamma_sum += own.dot * (double)ref_load(rstd, g * s.C + c);
            beta_sum += own.sum;
        }
        if (dgamma)
            ref_add(dgamma, c, bg, gamma_sum);
        if (dbeta)
            ref_add(dbeta, c, bb, beta_sum);
    }
    TRY_OUT(ref_norm_share_sums(table, s.C, op));
    if (dx)
        pull_back(dx, dy, y, x, gamma, mean, rstd, table, &s, op);
out:
    arena_release(&a);
    return st;
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
