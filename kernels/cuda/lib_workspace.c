#include "kernels/cuda/lib_workspace.h"
#include "kernels/cuda/cuda.h"

Status lib_workspace(void **memory)
{
    static void *only;
    if (!only)
        TRY(cuda_scratch("workspace of cuDNN and cuBLASLt", &only, LIB_WORKSPACE_BYTES));
    *memory = only;
    return OK;
}
