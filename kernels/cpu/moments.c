/* moments.c -- the mean and squared deviations of a whole from those of its parts */
#include "kernels/cpu/moments.h"

#include "base/size.h"

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
        double  n = (double)(rows / fold), total = count + n;
        double  both = count * n / total, share = n / total;
        for (int64_t c = 0; c < C; c++) {
            double delta = (double)part_mean[c] - mean[c];
            m2[c] += (double)part_m2[c] + delta * delta * both;
            mean[c] += delta * share;
        }
        count = total;
    }
}
