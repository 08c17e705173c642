/* onednn.h -- everything the cpu backend asks of oneDNN; no other file includes dnnl.h
 *
 * Row-major matrix product C (M,N) = alpha op(A) op(B) + beta C, f32; op is 'N' (as it is) or 'T' (transposed). M or N
 * may be 0. Inside a parallel loop it runs on the calling thread, outside on all. ERR_MEMORY, ERR_DEVICE.
 *
 * Only calls that oneDNN 2.x and 3.x share are used (the primitive descriptors are not among them), so there is nothing
 * to switch on DNNL_VERSION_MAJOR.
 */
#pragma once
#include "base/status.h"
#include <stdint.h>

Status onednn_sgemm(char op_a, char op_b, int64_t M, int64_t N, int64_t K, float alpha,
                    const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                    int64_t ldc);

/* "2.6.3". */
const char *onednn_version(void);
