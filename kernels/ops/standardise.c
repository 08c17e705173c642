#include "kernels/ops/standardise.h"

Tensor *standardise(Tape *t, const Tensor *bytes, const Tensor *size, const PixelStats *stats)
{
    char a[64], b[64];
    if (t->status != OK)
        return &t->nothing;
    if (bytes->dtype != U8 || bytes->ndim != 4 || bytes->dim[3] != 3 || size->dtype != F32 ||
        size->ndim != 2 || size->dim[0] != bytes->dim[0] || size->dim[1] != 2)
        return tape_fail(t, status_fail(ERR_SHAPE,
                                        "standardise: wants pictures (N,H,W,3) of u8 and sizes "
                                        "(N,2) of f32, found %s of %s and %s of %s",
                                        tensor_shape_text(bytes, a), dtype_name(bytes->dtype),
                                        tensor_shape_text(size, b), dtype_name(size->dtype)));
    Tensor *y = tape_tensor(t, t->dtype, 4, bytes->dim);
    if (t->status != OK)
        return y;
    Status st = t->be->standardise(y, bytes, size, stats);
    return st == OK ? y : tape_fail(t, st);
}
