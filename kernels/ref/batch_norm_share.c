/* batch_norm_share.c -- the statistics of this process's rows become those of all processes */
#include "base/arena.h"
#include "kernels/ref/ref_norm.h"

/* *all (n, a table each), from the arena. */
static Status gather(Arena *a, double **all, const double *table, int64_t C, const Norm *op)
{
    const NormShare *share = op->share;
    int64_t          count = norm_table(op->groups, C);
    *all = ARENA_ARRAY(a, double, share->n *count);
    if (!*all)
        return ERR_MEMORY;
    return share->gather(share->ctx, *all, table, count * (int64_t)sizeof **all);
}

Status ref_norm_share_moments(double *table, int64_t C, const Norm *op)
{
    Arena   a = {0};
    double *all = NULL;
    if (!op->share)
        return OK;
    Status st = gather(&a, &all, table, C, op);
    for (int64_t g = 0; st == OK && g < op->groups; g++)
        for (int64_t c = 0; c < C; c++) {
            NormMoments s = norm_moments_of_all(all, op->share->n, op->groups, g, C, c);
            norm_put(table, g, C, c, s.rows, s.mean, s.m2);
        }
    arena_release(&a);
    return st;
}

Status ref_norm_share_sums(double *table, int64_t C, const Norm *op)
{
    Arena   a = {0};
    double *all = NULL;
    if (!op->share)
        return OK;
    Status st = gather(&a, &all, table, C, op);
    for (int64_t g = 0; st == OK && g < op->groups; g++)
        for (int64_t c = 0; c < C; c++) {
            NormSums s = norm_sums_of_all(all, op->share->n, op->groups, g, C, c);
            norm_put(table, g, C, c, s.rows, s.sum, s.dot);
        }
    arena_release(&a);
    return st;
}
