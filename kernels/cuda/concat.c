/* concat.c -- rows below each other: one copy a part, every byte moved once */
#include "kernels/cuda/cuda.h"

Status cuda_concat_forward(Tensor *y, const Tensor *const *x, int n)
{
    char *to = y->data;
    for (int i = 0; i < n; i++) {
        TRY(cuda_copy(to, x[i]->data, tensor_bytes(x[i])));
        to += tensor_bytes(x[i]);
    }
    return OK;
}
