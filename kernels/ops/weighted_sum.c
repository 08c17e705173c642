#include "kernels/ops/loss.h"

#include <string.h>

typedef struct Weights {
    float weight[NODE_MAX_IN];
    int   n;
} Weights;

/* Each scalar's gradient gets its weight times the sum's. */
static Status backward(Tape *t, Node *n)
{
    const Weights *op = n->op;
    for (int i = 0; i < op->n; i++) {
        Tensor *dx = GRAD_OF(t, n->in[i]);
        TRY(t->status);
        if (dx == NULL)
            continue;
        bool          is_first = tensor_beta(dx) == 0;
        const Tensor *parts[] = {n->out->grad, dx};
        float         factors[] = {op->weight[i], 1};
        TRY(t->be->weighted_sum_forward(dx, parts, factors, is_first ? 1 : 2));
    }
    return OK;
}

Tensor *weighted_sum(Tape *t, Tensor *const *x, const float *weight, int n)
{
    Weights op = {.n = n};
    char    a[64];
    if (t->status != OK)
        return &t->nothing;
    if (n < 1 || n > NODE_MAX_IN)
        return tape_fail(
            t, status_fail(ERR_SHAPE, "weighted_sum: %d scalars; wants 1 to %d", n, NODE_MAX_IN));
    for (int i = 0; i < n; i++)
        if (x[i]->dtype != F32 || tensor_count(x[i]) != 1)
            return tape_fail(t, status_fail(ERR_SHAPE,
                                            "weighted_sum: term %d is %s %s; wants f32 scalars", i,
                                            dtype_name(x[i]->dtype), tensor_shape_text(x[i], a)));
    memcpy(op.weight, weight, (size_t)n * sizeof *weight);
    Tensor *y = loss_scalar(t);
    if (t->status != OK)
        return y;
    Status st = t->be->weighted_sum_forward(y, (const Tensor *const *)x, weight, n);
    return st != OK ? tape_fail(t, st)
                    : tape_keep(tape_record(t, "weighted_sum", y, backward, x, n, NULL, 0, &op,
                                            sizeof op));
}
