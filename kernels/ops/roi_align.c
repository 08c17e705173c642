#include "kernels/ops/roi_align.h"
#include "kernels/ops/check.h"
#include "kernels/ops/nn.h"

static Status backward(Tape *t, Node *n)
{
    Tensor *dx = tape_grad(t, n->in[0]);
    TRY(t->status);
    return t->be->roi_align_backward(dx, n->out->grad, n->in[1], n->op);
}

Tensor *roi_align(Tape *t, const RoiAlign *op, Tensor *x, const Tensor *rois)
{
    char a[64], b[64];
    if (t->status != OK)
        return &t->nothing;
    if (x->ndim != 4 || !is_float(x) || rois->ndim != 2 || rois->dim[1] != 5 || rois->dtype != F32)
        return tape_fail(
            t, status_fail(ERR_SHAPE,
                           "roi_align: wants x (N,H,W,C) and rois (R,5) f32, found %s and %s",
                           tensor_shape_text(x, a), tensor_shape_text(rois, b)));
    if (op->P < 1 || op->S < 0 || !(op->scale > 0) || tensor_count(x) == 0)
        return tape_fail(t, status_fail(ERR_SHAPE, "roi_align: P %lld, S %lld, scale %g on x %s",
                                        (long long)op->P, (long long)op->S, (double)op->scale,
                                        tensor_shape_text(x, a)));
    Tensor *y = TAPE_TENSOR(t, x->dtype, rois->dim[0], op->P, op->P, x->dim[3]);
    if (t->status != OK)
        return &t->nothing;
    Tensor *in[] = {x, (Tensor *)rois};
    Status  st = t->be->roi_align_forward(y, x, rois, op);
    if (st != OK)
        return tape_fail(t, st);
    return tape_record(t, "roi_align", y, backward, in, 2, NULL, 0, op, sizeof *op);
}
