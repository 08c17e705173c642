#include "kernels/cuda/lib_workspace.h"
#include "kernels/cuda/cuda.h"

static void *only;

Status lib_workspace_open(void)
{
    return cuda_alloc(&only, LIB_WORKSPACE_BYTES);
}

void *lib_workspace(void)
{
    return only;
}
