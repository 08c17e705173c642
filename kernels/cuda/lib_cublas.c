/* lib_cublas.c -- matrix products of lib.h by cuBLASLt
 *
 * cuBLASLt counts columns first. A row-major matrix (m,n) is the column-major (n,m), so c = a b is asked for as
 * c' = b' a': the operands change places and nothing moves. The algorithm of a shape is the first that cuBLASLt's
 * heuristics name for it; the table remembers it.
 */
#include "kernels/cuda/device.h"
#include "kernels/cuda/lib.h"
#include "kernels/cuda/lib_cublas.h"
#include "kernels/cuda/lib_workspace.h"

#include <cublasLt.h>
#include <stdlib.h>
#include <string.h>

static cublasLtHandle_t handle;
static bool             uses_tf32;

/* What decides the algorithm. Zeroed before it is filled: compared byte by byte. */
typedef struct Key {
    int64_t m, n, k;
    int32_t is_a_transposed, is_b_transposed, in, out, tf32, accumulates;
    int32_t align_a, align_b, align_c;
} Key;

typedef struct Entry {
    Key                    key;
    cublasLtMatmulDesc_t   desc;
    cublasLtMatrixLayout_t a, b, c; // as cuBLASLt sees them: a is our b
    cublasLtMatmulAlgo_t   algorithm;
} Entry;

static Entry *entries;
static int    n_entries, capacity;

static Status check(const char *op, cublasStatus_t s)
{
    if (s == CUBLAS_STATUS_SUCCESS)
        return OK;
    Status st = s == CUBLAS_STATUS_ALLOC_FAILED    ? ERR_MEMORY
                : s == CUBLAS_STATUS_NOT_SUPPORTED ? ERR_UNSUPPORTED
                                                   : ERR_DEVICE;
    return status_fail(st, "%s: cuBLASLt: %s (%s)", op, cublasLtGetStatusString(s),
                       cublasLtGetStatusName(s));
}

Status lib_cublas_open(void)
{
    return check("opening the device", cublasLtCreate(&handle));
}

void lib_cublas_use_tf32(bool yes)
{
    uses_tf32 = yes;
}

static cudaDataType_t cuda_type(DType d)
{
    return d == BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

/* The largest power of two up to 256 that divides the address. */
static int32_t alignment(const void *p)
{
    uintptr_t a = (uintptr_t)p, low = a & (~a + 1);
    return low == 0 || low > 256 ? 256 : (int32_t)low;
}

/* A row-major matrix of the given stored rows and columns. */
static Status layout(const char *op, cublasLtMatrixLayout_t *l, DType type, int64_t rows,
                     int64_t columns)
{
    return check(op, cublasLtMatrixLayoutCreate(l, cuda_type(type), (uint64_t)columns,
                                                (uint64_t)rows, columns));
}

static Status describe(const char *op, Entry *e)
{
    const Key          *k = &e->key;
    DType               in = (DType)k->in;
    cublasComputeType_t sums =
        in == F32 && k->tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    cublasOperation_t of_a = k->is_b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasOperation_t of_b = k->is_a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    TRY(check(op, cublasLtMatmulDescCreate(&e->desc, sums, CUDA_R_32F)));
    TRY(check(op, cublasLtMatmulDescSetAttribute(e->desc, CUBLASLT_MATMUL_DESC_TRANSA, &of_a,
                                                 sizeof of_a)));
    TRY(check(op, cublasLtMatmulDescSetAttribute(e->desc, CUBLASLT_MATMUL_DESC_TRANSB, &of_b,
                                                 sizeof of_b)));
    TRY(k->is_b_transposed ? layout(op, &e->a, in, k->n, k->k) : layout(op, &e->a, in, k->k, k->n));
    TRY(k->is_a_transposed ? layout(op, &e->b, in, k->k, k->m) : layout(op, &e->b, in, k->m, k->k));
    return layout(op, &e->c, (DType)k->out, k->m, k->n);
}

static Status choose(const char *op, Entry *e)
{
    cublasLtMatmulPreference_t      preference;
    cublasLtMatmulHeuristicResult_t best;
    int                             n = 0;
    uint64_t                        workspace = LIB_WORKSPACE_BYTES;
    uint32_t                        parts_in_f32 = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    uint32_t                        aligned[] = {(uint32_t)e->key.align_b, (uint32_t)e->key.align_a,
                                                 (uint32_t)e->key.align_c};
    cublasLtMatmulPreferenceAttributes_t name[] = {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                                                   CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                                   CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES};
    TRY(check(op, cublasLtMatmulPreferenceCreate(&preference)));
    Status st = check(op, cublasLtMatmulPreferenceSetAttribute(
                              preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                              sizeof workspace));
    for (int i = 0; st == OK && i < 3; i++)
        st = check(op, cublasLtMatmulPreferenceSetAttribute(preference, name[i], &aligned[i],
                                                            sizeof aligned[i]));
    if (st == OK) // c is also d, whose alignment is told apart
        st = check(op, cublasLtMatmulPreferenceSetAttribute(
                           preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &aligned[2],
                           sizeof aligned[2]));
    if (st == OK) // parts of a sum are never rounded to the type of c
        st = check(op, cublasLtMatmulPreferenceSetAttribute(
                           preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &parts_in_f32,
                           sizeof parts_in_f32));
    if (st == OK)
        st = check(op, cublasLtMatmulAlgoGetHeuristic(handle, e->desc, e->a, e->b, e->c, e->c,
                                                      preference, 1, &best, &n));
    cublasLtMatmulPreferenceDestroy(preference);
    TRY(st);
    if (n < 1 || best.state != CUBLAS_STATUS_SUCCESS)
        return status_fail(ERR_UNSUPPORTED,
                           "%s: cuBLASLt has no algorithm for (%lld,%lld) x (%lld)", op,
                           (long long)e->key.m, (long long)e->key.n, (long long)e->key.k);
    e->algorithm = best.algo;
    return OK;
}

static void drop(Entry *e)
{
    if (e->desc)
        cublasLtMatmulDescDestroy(e->desc);
    for (int i = 0; i < 3; i++) {
        cublasLtMatrixLayout_t l = i == 0 ? e->a : i == 1 ? e->b : e->c;
        if (l)
            cublasLtMatrixLayoutDestroy(l);
    }
}

static Status find(const char *op, const Entry **found, const Key *key)
{
    for (int i = 0; i < n_entries; i++)
        if (memcmp(&entries[i].key, key, sizeof *key) == 0) {
            *found = &entries[i];
            return OK;
        }
    if (n_entries == capacity) {
        int    grown = capacity ? 2 * capacity : 64;
        Entry *e = realloc(entries, (size_t)grown * sizeof *e);
        if (!e)
            return status_no_memory(op, (long long)grown);
        entries = e;
        capacity = grown;
    }
    Entry  e = {.key = *key};
    Status st = describe(op, &e);
    if (st == OK)
        st = choose(op, &e);
    if (st != OK) {
        drop(&e);
        return st;
    }
    entries[n_entries] = e;
    *found = &entries[n_entries++];
    return OK;
}

Status lib_product(const char *op, void *c, const void *a, const void *b, const Product *p)
{
    Key key;
    memset(&key, 0, sizeof key);
    key.m = p->m;
    key.n = p->n;
    key.k = p->k;
    key.is_a_transposed = p->is_a_transposed;
    key.is_b_transposed = p->is_b_transposed;
    key.in = (int32_t)p->in;
    key.out = (int32_t)p->out;
    key.tf32 = uses_tf32;
    key.accumulates = p->beta != 0;
    key.align_a = alignment(a);
    key.align_b = alignment(b);
    key.align_c = alignment(c);
    const Entry *e = NULL;
    TRY(find(op, &e, &key));
    gpu_launching(op);
    Status st = check(op, cublasLtMatmul(handle, e->desc, &p->alpha, b, e->a, a, e->b, &p->beta, c,
                                         e->c, c, e->c, &e->algorithm, lib_workspace(),
                                         LIB_WORKSPACE_BYTES, gpu_stream()));
    Status launched = gpu_launched(op);
    return st == OK ? launched : st;
}
