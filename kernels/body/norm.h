/* norm.h -- the statistics of a channel in batch norm, and the table of them that processes exchange (NormShare)
 *
 *      table (G,1+2C) f64:   | rows | C numbers | C numbers |   of group 0, then of group 1 ...
 *
 * Forward: means, and squared deviations from them. Backward: sums of d, the gradient behind the ReLU, and of d (x - mean).
 * The tables of n processes lie one after the other. They are added up in that order, so every process has the same bits.
 */
#pragma once
#include "base/rng.h"

/* Of `rows` numbers; all 0 where there are none. */
typedef struct NormMoments {
    double rows, mean, m2; // m2: sum of squared deviations
} NormMoments;

typedef struct NormSums {
    double rows, sum, dot;
} NormSums;

/* Chan et al. 1979: loses nothing to large means. */
static inline GW_HD NormMoments norm_join(NormMoments a, NormMoments b)
{
    double rows = a.rows + b.rows, delta = b.mean - a.mean;
    if (b.rows == 0)
        return a;
    a.m2 += b.m2 + delta * delta * (a.rows * b.rows / rows);
    a.mean += delta * (b.rows / rows);
    a.rows = rows;
    return a;
}

static inline GW_HD double norm_variance(NormMoments s)
{
    return s.rows > 0 ? s.m2 / s.rows : 0.0;
}

static inline GW_HD double norm_unbiased_variance(NormMoments s)
{
    return s.rows > 1 ? s.m2 / (s.rows - 1) : norm_variance(s);
}

static inline GW_HD float norm_running(float running, double seen, float momentum)
{
    return (float)((1.0 - (double)momentum) * (double)running + (double)momentum * seen);
}

/* Numbers of a table of G groups; a group's begin at table + norm_table(g, C). */
static inline GW_HD int64_t norm_table(int64_t G, int64_t C)
{
    return G * (1 + 2 * C);
}

/* Channel c of group g; the first one writes the rows. */
static inline GW_HD void norm_put(double *table, int64_t g, int64_t C, int64_t c, double rows,
                                  double first, double second)
{
    double *group = table + norm_table(g, C);
    if (c == 0)
        group[0] = rows;
    group[1 + c] = first;
    group[1 + C + c] = second;
}

static inline GW_HD NormMoments norm_moments(const double *table, int64_t g, int64_t C, int64_t c)
{
    const double *group = table + norm_table(g, C);
    NormMoments   s = {group[0], group[1 + c], group[1 + C + c]};
    return s;
}

static inline GW_HD NormSums norm_sums(const double *table, int64_t g, int64_t C, int64_t c)
{
    const double *group = table + norm_table(g, C);
    NormSums      s = {group[0], group[1 + c], group[1 + C + c]};
    return s;
}

/* Channel c of group g over n tables. */
static inline GW_HD NormMoments norm_moments_of_all(const double *tables, int64_t n, int64_t G,
                                                    int64_t g, int64_t C, int64_t c)
{
    NormMoments all = {0, 0, 0};
    for (int64_t i = 0; i < n; i++)
        all = norm_join(all, norm_moments(tables + i * norm_table(G, C), g, C, c));
    return all;
}

static inline GW_HD NormSums norm_sums_of_all(const double *tables, int64_t n, int64_t G, int64_t g,
                                              int64_t C, int64_t c)
{
    NormSums all = {0, 0, 0};
    for (int64_t i = 0; i < n; i++) {
        NormSums s = norm_sums(tables + i * norm_table(G, C), g, C, c);
        all.rows += s.rows;
        all.sum += s.sum;
        all.dot += s.dot;
    }
    return all;
}
