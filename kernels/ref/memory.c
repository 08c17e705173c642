#include "kernels/ref/ref.h"
#include "base/size.h"

#include <stdlib.h>

enum { ALIGN = 64 };

Status ref_alloc(void **memory, int64_t bytes)
{
    *memory = NULL;
    if (bytes < 0 || bytes > INT64_MAX - ALIGN)
        return status_no_memory("tensor", bytes);
    *memory = aligned_alloc(ALIGN, (size_t)size_round_up(size_max(bytes, 1), ALIGN));
    return *memory ? OK : status_no_memory("tensor", bytes);
}

void ref_free(void *memory)
{
    free(memory);
}

Status ref_copy(void *to, const void *from, int64_t bytes)
{
    if (bytes > 0)
        memcpy(to, from, (size_t)bytes);
    return OK;
}

Status ref_fill(Tensor *x, float value)
{
    int64_t n = tensor_count(x);
    for (int64_t i = 0; i < n; i++)
        ref_store(x, i, value);
    return OK;
}

Status ref_cast(Tensor *y, const Tensor *x)
{
    int64_t n = tensor_count(x);
    for (int64_t i = 0; i < n; i++)
        ref_store(y, i, ref_load(x, i));
    return OK;
}

Status ref_sync(void)
{
    return OK;
}
