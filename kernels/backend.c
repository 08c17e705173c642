#include "kernels/backend.h"

#include <string.h>

Status backend_open(const Backend **be, const char *device)
{
    if (strcmp(device, "cpu") == 0 || strcmp(device, "auto") == 0) {
        *be = backend_cpu();
        return OK;
    }
    if (strcmp(device, "ref") == 0) {
        *be = backend_ref();
        return OK;
    }
    if (strcmp(device, "cuda") == 0)
        return status_fail(ERR_DEVICE,
                           "device cuda: this build has no CUDA plug-in; use --device cpu");
    return status_fail(ERR_USAGE, "device: expected cpu, cuda, ref or auto, found \"%s\"", device);
}
