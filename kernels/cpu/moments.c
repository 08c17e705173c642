/* moments.c -- the mean and squared deviations of a whole from those of its parts */
#include "kernels/cpu/moments.h"

#include "base/size.h"
#include "kernels/body/norm.h"

#include <string.h>

void moments_merge(double *restrict mean, double *restrict m2, const Moments *parts, int64_t g)
{
    int64_t C = parts->C, fold = parts->fold;
    double  count = 0.0;
    memset(mean, 0, (size_t)C * sizeof *mean);
    memset(m2, 0, (size_t)C * sizeof *m2);
    for (int64_t i = 0; i < parts->n_parts * fold; i++) {
        const float *part_mean = parts->mean + (g * parts->n_parts * fold + i) * C,
                    *part_m2 = parts->m2 + (g * parts->n_parts * fold + i) * C;
        int64_t rows = size_min(parts->part, parts->rows - i / fold * parts->part);
        double  n = (double)(rows / fold);
        for (int64_t c = 0; c < C; c++) {
            NormMoments whole = {count, mean[c], m2[c]},
                        part = {n, (double)part_mean[c], (double)part_m2[c]};
            whole = norm_join(whole, part);
            mean[c] = whole.mean;
            m2[c] = whole.m2;
        }
        count += n;
    }
}
