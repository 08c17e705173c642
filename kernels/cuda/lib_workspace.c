#include "kernels/cuda/lib_workspace.h"
#include "kernels/cuda/cuda.h"

static void *only;

Status lib_workspace_open(void)
{
    return cuda_scratch("workspace of cuDNN and cuBLASLt", &only, LIB_WORKSPACE_BYTES);
}

void *lib_workspace(void)
{
    return only;
}
