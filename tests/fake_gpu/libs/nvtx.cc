/* nvtx.cc -- a profiler that counts: every range that begins ends */
#include "fake_gpu/libs/fake_libs.h"
#include "fake_gpu/libs/misuse.h"

#include <nvtx3/nvToolsExt.h>

int nvtxRangePushA(const char *message)
{
    fake_libs()->ranges.push_back(message);
    return fake_libs()->range_depth++;
}

int nvtxRangePop(void)
{
    if (fake_libs()->range_depth == 0) {
        fake_misuse("NVTX", "a range ends that has not begun");
        return -1;
    }
    return --fake_libs()->range_depth;
}
