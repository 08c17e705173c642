/* nvToolsExt.h -- NVTX's ranges, counted by nvtx.cc instead of shown to a profiler */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif
int nvtxRangePushA(const char *message);
int nvtxRangePop(void);
#ifdef __cplusplus
}
#endif
