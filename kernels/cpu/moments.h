/* moments.h -- means and squared deviations of channels, taken part by part and merged
 *
 * The rows of a group are cut into parts; each part leaves its mean and its sum of squared deviations from that mean.
 * Merging in double (Chan et al. 1979) loses nothing to large means. Parts depend on the sizes alone, never on threads.
 */
#pragma once
#include "kernels/cpu/cpu.h"

typedef struct Moments {
    int64_t C;
    int64_t rows, part,
        n_parts;  // rows of a group; of a part (the last may have fewer); parts of a group
    int64_t fold; // a part leaves `fold` results, of every fold-th row each; divides part and rows
    float  *mean, *m2; // (G, n_parts, fold, C)
} Moments;

/* mean, m2 (C): of all rows of group g. */
void moments_merge(double *mean, double *m2, const Moments *parts, int64_t g);

/* conv2d.c: y = conv2d(x, w) with the moments of y, taken while it is in cache. Of `parts`, C, rows and fold = 1 are
 * given; conv2d_parts sets part and n_parts before the caller provides mean and m2. */
void   conv2d_parts(Moments *parts);
Status cpu_conv2d_forward_moments(Tensor *y, const Moments *parts, const Tensor *x, const Tensor *w,
                                  const Conv2d *op);

/* batch_norm.c: the train-mode forward pass of x, whose moments are known. */
Status cpu_norm_by_moments(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                           Tensor *running_var, const Tensor *x, const Moments *parts,
                           const Tensor *residual, const Tensor *gamma, const Tensor *beta,
                           const Norm *op);
