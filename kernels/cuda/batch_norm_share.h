/* batch_norm_share.h -- statistics over the rows of several processes (Norm.share): tables between the passes of batch norm
 *
 *      pass 1 --> parts --> own (G,1+2C) --gather--> all (n,G,1+2C) --> mean, rstd; backward what dx needs --> pass 3
 *
 * What a table holds, and how those of all are added up: body/norm.h. Without share nothing of this happens.
 */
#pragma once
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/scratch.h"
extern "C" {
#include "kernels/body/norm.h"
}

class NormTables {
  public:
    double *own = nullptr, *all = nullptr; // NULL without share

    explicit NormTables(const char *op) : scratch(op)
    {
    }
    Status take(const NormShare *with, int64_t G, int64_t C)
    {
        share = with;
        count = norm_table(G, C);
        if (!share)
            return OK;
        TRY(scratch.take(&own, count));
        return scratch.take(&all, share->n * count);
    }
    Status gather()
    {
        return share->gather(share->ctx, all, own, count * (int64_t)sizeof *own);
    }

  private:
    const NormShare *share = nullptr;
    int64_t          count = 0;
    Scratch          scratch;
};
