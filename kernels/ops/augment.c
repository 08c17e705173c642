#include "kernels/ops/augment.h"

_Static_assert(sizeof(PixelPlan) == PIXEL_PLAN_WORDS * sizeof(int32_t), "rows of a tensor");

Tensor *augment(Tape *t, const Tensor *crops, const Tensor *plans, const PixelStats *stats)
{
    char a[64], b[64];
    if (t->status != OK)
        return &t->nothing;
    if (crops->dtype != U8 || crops->ndim != 4 || crops->dim[1] != 3 || plans->dtype != I32 ||
        plans->ndim != 2 || plans->dim[0] != crops->dim[0] || plans->dim[1] != PIXEL_PLAN_WORDS)
        return tape_fail(t, status_fail(ERR_SHAPE,
                                        "augment: wants crops (N,3,H,W) of u8 and plans (N,%d) of "
                                        "i32, found %s of %s and %s of %s",
                                        PIXEL_PLAN_WORDS, tensor_shape_text(crops, a),
                                        dtype_name(crops->dtype), tensor_shape_text(plans, b),
                                        dtype_name(plans->dtype)));
    Tensor *y = TAPE_TENSOR(t, t->dtype, crops->dim[0], crops->dim[2], crops->dim[3], 3);
    if (t->status != OK)
        return y;
    Status st = t->be->augment(y, crops, plans, stats);
    return st == OK ? y : tape_fail(t, st);
}
