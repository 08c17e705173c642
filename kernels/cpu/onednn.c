#include "kernels/cpu/onednn.h"

#include <dnnl.h>
#include <stdio.h>

Status onednn_sgemm(char op_a, char op_b, int64_t M, int64_t N, int64_t K, float alpha,
                    const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                    int64_t ldc)
{
    if (M == 0 || N == 0)
        return OK;
    dnnl_status_t st = dnnl_sgemm(op_a, op_b, M, N, K, alpha, a, lda, b, ldb, beta, c, ldc);
    return st == dnnl_success
               ? OK
               : status_fail(
                     st == dnnl_out_of_memory ? ERR_MEMORY : ERR_DEVICE,
                     "oneDNN: matrix product of (%lld,%lld) and (%lld,%lld) failed with code %d",
                     (long long)M, (long long)K, (long long)K, (long long)N, (int)st);
}

const char *onednn_version(void)
{
    static char           text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}
