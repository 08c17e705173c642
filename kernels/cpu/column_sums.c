#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/scratch.h"

enum { ROWS = 1024 };

typedef struct Work {
    const Tensor *x;
    float        *partial; // a row a part
    int64_t       C;
} Work;

static void sum_part(void *ctx, int64_t begin, int64_t end)
{
    const Work *k = ctx;
    loops_of(k->x)->sum_rows(k->partial + begin / ROWS * k->C, at(k->x, begin * k->C), end - begin,
                             k->C);
}

Status cpu_column_sums(Tensor *sum, const Tensor *x)
{
    int64_t C = tensor_count(sum), rows = C > 0 ? tensor_count(x) / C : 0,
            parts = (rows + ROWS - 1) / ROWS;
    float  beta = tensor_beta(sum), *out = sum->data;
    float *partial = scratch_take(parts * C * (int64_t)sizeof *partial);
    if (!partial)
        return ERR_MEMORY;
    Work k = {x, partial, C};
    threads_for(rows, ROWS, sum_part, &k);
    for (int64_t c = 0; c < C; c++) {
        double s = 0.0;
        for (int64_t i = 0; i < parts; i++)
            s += (double)partial[i * C + c];
        out[c] = (float)((beta == 0.0f ? 0.0 : (double)out[c]) + s);
    }
    scratch_give(partial);
    return OK;
}
