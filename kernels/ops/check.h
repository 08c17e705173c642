/* check.h -- what every op asks before it runs */
#pragma once
#include "kernels/tape.h"

/* The tensor that kernels read for a parameter: its bf16 copy when activations are bf16. */
static inline const Tensor *compute_copy(const Tensor *w, const Tensor *x)
{
    return x->dtype == BF16 && w->low ? w->low : w;
}

static inline bool is_float(const Tensor *x)
{
    return x->dtype == F32 || x->dtype == BF16;
}

/* The gradient to write into, or NULL when x is absent or wants none. */
#define GRAD_OF(t, x) ((x) && (x)->wants_grad ? tape_grad((t), (x)) : NULL)
