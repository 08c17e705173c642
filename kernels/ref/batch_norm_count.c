/* batch_norm_count.c -- batch norm over the first *count images: the host's entries on shorter tensors, zeros behind */
#include "kernels/ref/ref_norm.h"
#include <string.h>

/* x cut to its first n images; the memory is shared. */
static Tensor leading(const Tensor *x, int64_t n)
{
    Tensor cut = *x;
    cut.dim[0] = n;
    return cut;
}

static Norm without_count(const Norm *op)
{
    Norm all = *op;
    all.count = NULL;
    return all;
}

static int64_t count_of(const Norm *op, const Tensor *x)
{
    int64_t n = *(const int32_t *)op->count->data;
    return n < x->dim[0] ? n : x->dim[0];
}

static void zero_behind(Tensor *x, const Tensor *cut)
{
    int64_t used = tensor_bytes(cut);
    memset((char *)x->data + used, 0, (size_t)(tensor_bytes(x) - used));
}

Status ref_counted_norm_forward(NormForward *run, Tensor *y, Tensor *mean, Tensor *rstd,
                                Tensor *running_mean, Tensor *running_var, const Tensor *x,
                                const Tensor *residual, const Tensor *gamma, const Tensor *beta,
                                const Norm *op)
{
    int64_t n = count_of(op, x);
    Norm    all = without_count(op);
    Tensor  xs = leading(x, n), ys = leading(y, n), rs = residual ? leading(residual, n) : xs;
    TRY(run(&ys, mean, rstd, running_mean, running_var, &xs, residual ? &rs : NULL, gamma, beta,
            &all));
    zero_behind(y, &ys);
    if (op->mask) {
        Tensor masks = leading(op->mask, n);
        zero_behind(op->mask, &masks);
    }
    return OK;
}

/* The leading part of a gradient, blank if the whole was; what lies behind it is final. */
static Tensor leading_gradient(Tensor *dx, int64_t n)
{
    bool   is_blank = tensor_beta(dx) == 0;
    Tensor cut = leading(dx, n);
    cut.view_of = NULL;
    cut.is_blank = is_blank;
    if (is_blank)
        zero_behind(dx, &cut);
    return cut;
}

Status ref_counted_norm_backward(NormBackward *run, Tensor *dx, Tensor *dresidual, Tensor *dgamma,
                                 Tensor *dbeta, const Tensor *dy, const Tensor *y, const Tensor *x,
                                 const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                 const Norm *op)
{
    int64_t n = count_of(op, x);
    Norm    all = without_count(op);
    Tensor  dys = leading(dy, n), xs = leading(x, n), ys = y ? leading(y, n) : xs;
    Tensor  dxs = dx ? leading_gradient(dx, n) : xs;
    Tensor  drs = dresidual ? leading_gradient(dresidual, n) : xs;
    return run(dx ? &dxs : NULL, dresidual ? &drs : NULL, dgamma, dbeta, &dys, y ? &ys : NULL, &xs,
               gamma, mean, rstd, &all);
}
