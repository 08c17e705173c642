#include "kernels/tensor.h"

#include <stdio.h>

int64_t tensor_count(const Tensor *x)
{
    int64_t n = 1;
    for (int i = 0; i < x->ndim; i++)
        n *= x->dim[i];
    return n;
}

int64_t dtype_bytes(DType d)
{
    switch (d) {
    case F32:
    case I32:
        return 4;
    case BF16:
        return 2;
    case I64:
        return 8;
    case U8:
        return 1;
    }
    return 0;
}

int64_t tensor_bytes(const Tensor *x)
{
    return tensor_count(x) * dtype_bytes(x->dtype);
}

const char *dtype_name(DType d)
{
    static const char *const NAME[] = {"f32", "bf16", "i32", "i64", "u8"};
    return (unsigned)d < 5 ? NAME[d] : "unknown";
}

const char *tensor_shape_text(const Tensor *x, char buf[64])
{
    int at = snprintf(buf, 64, "(");
    for (int i = 0; i < x->ndim && at < 64; i++)
        at += snprintf(buf + at, (size_t)(64 - at), i ? ",%lld" : "%lld", (long long)x->dim[i]);
    if (at < 64)
        snprintf(buf + at, (size_t)(64 - at), ")");
    return buf;
}

bool tensor_same_shape(const Tensor *a, const Tensor *b)
{
    if (a->ndim != b->ndim)
        return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}
