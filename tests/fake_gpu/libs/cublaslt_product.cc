/* cublaslt_product.cc -- a product of the fake cuBLASLt, in stream order */
#include "fake_gpu/libs/cublaslt.h"
#include "fake_gpu/libs/tf32.h"
#include "fake_gpu/memory.h"
#include "fake_gpu/stream.h"

extern "C" {
#include "kernels/body/bf16.h"
}
#include <string.h>

/* A product as it is queued. */
struct Job {
    FakeProblem problem;
    float       alpha, beta;
    const char *a, *b, *c;
    char       *d, *workspace;
    size_t      scratched; // bytes of the workspace
};

static double element(const char *p, const FakeLayout &l, int64_t row, int64_t column, bool rounds)
{
    int64_t at = row + column * l.stride;
    if (l.type == CUDA_R_16BF)
        return (double)bf16_to_f32(((const uint16_t *)p)[at]);
    float v = ((const float *)p)[at];
    return (double)(rounds ? round_to_tf32(v) : v);
}

static size_t bytes_of(const FakeLayout &l)
{
    return (size_t)((l.columns - 1) * l.stride + l.rows) * (l.type == CUDA_R_16BF ? 2 : 4);
}

static cublasStatus_t check_memory(const Job &j)
{
    const FakeProblem &p = j.problem;
    const struct {
        const char *at;
        size_t      bytes;
        bool        is_input;
    } all[] = {{j.a, bytes_of(p.a), true},
               {j.b, bytes_of(p.b), true},
               {j.c, bytes_of(p.c), j.c != j.d},
               {j.d, bytes_of(p.d), false},
               {j.workspace, j.scratched, false}};
    for (const auto &one : all) {
        if (one.bytes > 0 && !memory_is_device(one.at, one.bytes))
            return lt_misuse(CUBLAS_STATUS_INVALID_VALUE,
                             "%zu bytes at %p are not one allocation's of the device", one.bytes,
                             (const void *)one.at);
        for (const auto &other : all)
            if (one.is_input && !other.is_input && one.at < other.at + other.bytes &&
                other.at < one.at + one.bytes)
                return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "the output lies over an input");
    }
    return CUBLAS_STATUS_SUCCESS;
}

static bool run(const Job &j)
{
    const FakeProblem &p = j.problem;
    bool               rounds = p.sums == CUBLAS_COMPUTE_32F_FAST_TF32, ta = p.of_a == CUBLAS_OP_T,
         tb = p.of_b == CUBLAS_OP_T;
    int64_t inner = ta ? p.a.rows : p.a.columns;
    if (check_memory(j) != CUBLAS_STATUS_SUCCESS)
        return false;
    if (j.scratched > 0)
        memset(j.workspace, 0xff, j.scratched);
    for (int64_t column = 0; column < p.d.columns; column++)
        for (int64_t row = 0; row < p.d.rows; row++) {
            double sum = 0;
            for (int64_t i = 0; i < inner; i++)
                sum += element(j.a, p.a, ta ? i : row, ta ? row : i, rounds) *
                       element(j.b, p.b, tb ? column : i, tb ? i : column, rounds);
            sum *= (double)j.alpha;
            if (j.beta != 0)
                sum += (double)j.beta * element(j.c, p.c, row, column, false);
            int64_t at = row + column * p.d.stride;
            if (p.d.type == CUDA_R_16BF)
                ((uint16_t *)j.d)[at] = bf16_from_f32((float)sum);
            else
                ((float *)j.d)[at] = (float)sum;
        }
    fake_gpu_spend((double)fake_libs()->product_ms);
    return true;
}

static bool is_same(const FakeLayout &x, const FakeLayout &y)
{
    return x.type == y.type && x.rows == y.rows && x.columns == y.columns && x.stride == y.stride;
}

static bool is_same(const FakeProblem &x, const FakeProblem &y)
{
    return x.sums == y.sums && x.of_a == y.of_a && x.of_b == y.of_b && is_same(x.a, y.a) &&
           is_same(x.b, y.b) && is_same(x.c, y.c) && is_same(x.d, y.d);
}

static cublasStatus_t check_algorithm(const FakeAlgorithm *chosen, const Job &j, size_t bytes)
{
    const char *const at[] = {j.a, j.b, j.c, j.d};
    if (!chosen)
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "an algorithm that nobody named");
    if (!is_same(chosen->problem, j.problem))
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "an algorithm that is another product's");
    for (int i = 0; i < 4; i++)
        if ((uintptr_t)at[i] % (uintptr_t)chosen->aligned[i] != 0)
            return lt_misuse(CUBLAS_STATUS_INVALID_VALUE,
                             "matrix %c at %p is not aligned to the %lld bytes that its "
                             "algorithm was asked for",
                             'a' + i, (const void *)at[i], (long long)chosen->aligned[i]);
    if (bytes < chosen->workspace || (chosen->workspace > 0 && !j.workspace))
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "%zu bytes of workspace, %llu are wanted",
                         bytes, (unsigned long long)chosen->workspace);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t of_a, const void *b,
                              cublasLtMatrixLayout_t of_b, const void *beta, const void *c,
                              cublasLtMatrixLayout_t of_c, void *d, cublasLtMatrixLayout_t of_d,
                              const cublasLtMatmulAlgo_t *algorithm, void *workspace, size_t bytes,
                              cudaStream_t stream)
{
    Job j = {};
    if (!lt_is_handle(handle))
        return lt_misuse(CUBLAS_STATUS_NOT_INITIALIZED, "a product without a handle");
    cublasStatus_t s = lt_problem(&j.problem, desc, of_a, of_b, of_c, of_d);
    if (s != CUBLAS_STATUS_SUCCESS)
        return s;
    if (!alpha || !beta || memory_is_arena(alpha) || memory_is_arena(beta))
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "alpha or beta is not on the host");
    memcpy(&j.alpha, alpha, sizeof j.alpha);
    memcpy(&j.beta, beta, sizeof j.beta);
    j.a = (const char *)a;
    j.b = (const char *)b;
    j.c = (const char *)c;
    j.d = (char *)d;
    j.workspace = (char *)workspace;
    const FakeAlgorithm *chosen = lt_algorithm(algorithm);
    s = check_algorithm(chosen, j, bytes);
    if (s != CUBLAS_STATUS_SUCCESS)
        return s;
    j.scratched = (size_t)chosen->workspace;
    s = check_memory(j);
    if (s != CUBLAS_STATUS_SUCCESS)
        return s;
    const FakeProblem &p = j.problem;
    fake_libs()->products.push_back({p.d.rows, p.d.columns,
                                     p.of_a == CUBLAS_OP_T ? p.a.rows : p.a.columns,
                                     p.sums == CUBLAS_COMPUTE_32F_FAST_TF32, j.alpha, j.beta,
                                     (int)algorithm->data[0], (int64_t)chosen->allowed});
    return fake_gpu_enqueue(stream, [j] { return run(j); }) == cudaSuccess
               ? CUBLAS_STATUS_SUCCESS
               : CUBLAS_STATUS_EXECUTION_FAILED;
}
