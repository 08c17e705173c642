/* box.c -- the shapes of anchors, on the host */
#include "kernels/box.h"
#include <math.h>

Status anchor_cell(AnchorGrid *grid, const double *side, int64_t n_sides, const double *ratio,
                   int64_t n_ratios)
{
    if (n_sides < 1 || n_ratios < 1 || n_sides > BOX_MAX_CELL || n_ratios > BOX_MAX_CELL ||
        n_sides * n_ratios > BOX_MAX_CELL)
        return status_fail(ERR_RECIPE,
                           "anchors: %lld sizes x %lld ratios; wanted 1 to %d shapes a cell",
                           (long long)n_sides, (long long)n_ratios, BOX_MAX_CELL);
    grid->A = n_sides * n_ratios;
    for (int64_t s = 0; s < n_sides; s++)
        for (int64_t r = 0; r < n_ratios; r++) {
            if (!(side[s] > 0) || !(ratio[r] > 0) || !isfinite(side[s]) || !isfinite(ratio[r]))
                return status_fail(ERR_RECIPE,
                                   "anchors: size %g with ratio %g; both must be positive", side[s],
                                   ratio[r]);
            double w = sqrt(side[s] * side[s] / ratio[r]), h = ratio[r] * w;
            float *cell = grid->cell[s * n_ratios + r];
            cell[0] = (float)(-w / 2);
            cell[1] = (float)(-h / 2);
            cell[2] = (float)(w / 2);
            cell[3] = (float)(h / 2);
        }
    return OK;
}
