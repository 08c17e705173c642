/* lib_cublas.h -- the part of lib.h that cuBLASLt serves, for lib_open and lib_use_tf32 */
#pragma once
#include "base/status.h"
#include <stdbool.h>

Status lib_cublas_open(void);
void   lib_cublas_use_tf32(bool yes);
