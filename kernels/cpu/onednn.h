/* onednn.h -- everything the cpu backend asks of oneDNN; no other file includes dnnl.h
 *
 * Row-major matrix product C (M,N) = op(A) op(B) + beta * C, f32; op is 'N' (as it is) or 'T' (transposed). Inside a
 * parallel loop it runs on the calling thread, outside on all.
 */
#pragma once
#include "base/status.h"
#include <stdint.h>

Status onednn_sgemm(char op_a, char op_b, int64_t M, int64_t N, int64_t K, const float *a,
                    int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/* "2.6.3". */
const char *onednn_version(void);
