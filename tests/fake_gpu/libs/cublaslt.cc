#include "fake_gpu/libs/cublaslt.h"
#include "fake_gpu/libs/misuse.h"

#include <deque>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct cublasLtContext {
    char unused;
};

enum : uint32_t { ANY_SCHEME = 7 }; // of adding up parts of a sum

struct Preference {
    uint64_t workspace;
    uint32_t aligned[4];
    uint32_t schemes;
};

struct Desc {
    cublasComputeType_t sums;
    cublasOperation_t   op[2];
};

/* Descriptors of one kind by the address that stands for them outside. */
template <typename Outside, typename Inside>
struct Kind {
    struct Item {
        Outside outside;
        Inside  inside;
        bool    is_live;
    };
    std::deque<Item> all;

    Outside *make(const Inside &with)
    {
        all.push_back({Outside(), with, true});
        fake_libs()->n_live_lt++;
        return &all.back().outside;
    }
    Inside *find(Outside *p)
    {
        for (auto i = all.rbegin(); i != all.rend(); ++i)
            if (&i->outside == p && i->is_live)
                return &i->inside;
        (void)lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "%p is no such descriptor, or destroyed",
                        (void *)p);
        return nullptr;
    }
    cublasStatus_t destroy(Outside *p)
    {
        if (!find(p))
            return CUBLAS_STATUS_INVALID_VALUE;
        for (Item &i : all)
            if (&i.outside == p)
                i.is_live = false;
        fake_libs()->n_live_lt--;
        return CUBLAS_STATUS_SUCCESS;
    }
};

static Kind<cublasLtMatmulDescOpaque_t, Desc>             descs;
static Kind<cublasLtMatrixLayoutOpaque_t, FakeLayout>     layouts;
static Kind<cublasLtMatmulPreferenceOpaque_t, Preference> preferences;
static std::deque<FakeAlgorithm>                          algorithms;
static std::deque<cublasLtContext>                        handles;

cublasStatus_t lt_misuse(cublasStatus_t s, const char *fmt, ...)
{
    char    text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fake_misuse("cuBLASLt", "%s", text);
    return s;
}

const char *cublasLtGetStatusName(cublasStatus_t status)
{
#define CASE(name, number)                                                                         \
    case name:                                                                                     \
        return #name;
    switch (status) {
        CUBLAS_STATUSES(CASE)
    }
    return "unknown";
}

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    return cublasLtGetStatusName(status);
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    handles.emplace_back();
    *handle = &handles.back();
    return CUBLAS_STATUS_SUCCESS;
}

bool lt_is_handle(cublasLtHandle_t handle)
{
    for (const cublasLtContext &h : handles)
        if (&h == handle)
            return true;
    return false;
}

/* ---- descriptors ---- */

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *desc, cublasComputeType_t sums,
                                        cudaDataType_t factors)
{
    if (factors != CUDA_R_32F)
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "alpha and beta are not float32");
    *desc = descs.make({sums, {CUBLAS_OP_N, CUBLAS_OP_N}});
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t           desc,
                                              cublasLtMatmulDescAttributes_t name,
                                              const void *value, size_t bytes)
{
    Desc *d = descs.find(desc);
    if (!d)
        return CUBLAS_STATUS_INVALID_VALUE;
    if ((name != CUBLASLT_MATMUL_DESC_TRANSA && name != CUBLASLT_MATMUL_DESC_TRANSB) || !value ||
        bytes != sizeof(int32_t))
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "attribute %d of a product in %zu bytes",
                         (int)name, bytes);
    memcpy(&d->op[name - CUBLASLT_MATMUL_DESC_TRANSA], value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc)
{
    return descs.destroy(desc);
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t stride)
{
    if (rows < 1 || columns < 1 || stride < (int64_t)rows)
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE,
                         "a matrix of %llu rows and %llu columns, columns %lld apart",
                         (unsigned long long)rows, (unsigned long long)columns, (long long)stride);
    *layout = layouts.make({type, (int64_t)rows, (int64_t)columns, stride});
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    return layouts.destroy(layout);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
    *preference = preferences.make({0, {256, 256, 256, 256}, ANY_SCHEME});
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t           preference,
                                                    cublasLtMatmulPreferenceAttributes_t name,
                                                    const void *value, size_t bytes)
{
    Preference *p = preferences.find(preference);
    if (!p)
        return CUBLAS_STATUS_INVALID_VALUE;
    bool   is_size = name == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
    size_t want = is_size ? sizeof p->workspace : sizeof *p->aligned;
    if (!value || bytes != want)
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "attribute %d of a preference in %zu bytes",
                         (int)name, bytes);
    void *to = is_size ? (void *)&p->workspace
               : name == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK
                   ? &p->schemes
                   : &p->aligned[name - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES];
    memcpy(to, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    return preferences.destroy(preference);
}

/* ---- what they say together ---- */

static cublasStatus_t check(const FakeProblem &p)
{
    bool    ta = p.of_a == CUBLAS_OP_T, tb = p.of_b == CUBLAS_OP_T;
    int64_t m = ta ? p.a.columns : p.a.rows, k = ta ? p.a.rows : p.a.columns;
    int64_t n = tb ? p.b.rows : p.b.columns;
    if (m != p.d.rows || n != p.d.columns || k != (tb ? p.b.columns : p.b.rows) ||
        p.c.rows != p.d.rows || p.c.columns != p.d.columns)
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "the matrices' sizes do not fit together");
    if (p.a.type != p.b.type || p.c.type != p.d.type || p.a.type == CUDA_R_64F ||
        (p.d.type != p.a.type && p.d.type != CUDA_R_32F) ||
        (p.sums == CUBLAS_COMPUTE_32F_FAST_TF32 && p.a.type != CUDA_R_32F))
        return lt_misuse(CUBLAS_STATUS_NOT_SUPPORTED, "no product of types %d, %d to %d by %d",
                         (int)p.a.type, (int)p.b.type, (int)p.d.type, (int)p.sums);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t lt_problem(FakeProblem *p, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                          cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                          cublasLtMatrixLayout_t d)
{
    const Desc       *x = descs.find(desc);
    const FakeLayout *l[] = {layouts.find(a), layouts.find(b), layouts.find(c), layouts.find(d)};
    if (!x || !l[0] || !l[1] || !l[2] || !l[3])
        return CUBLAS_STATUS_INVALID_VALUE;
    *p = {x->sums, x->op[0], x->op[1], *l[0], *l[1], *l[2], *l[3]};
    return check(*p);
}

/* One algorithm for each question. It wants a workspace where there may be one. */
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int most,
                                              cublasLtMatmulHeuristicResult_t results[], int *n)
{
    const uint64_t    some = 1 << 16;
    const Preference *want = preferences.find(preference);
    FakeAlgorithm     found = {};
    *n = 0;
    if (!lt_is_handle(handle) || !want || most < 1)
        return lt_misuse(CUBLAS_STATUS_INVALID_VALUE, "heuristics without handle or preference");
    cublasStatus_t s = lt_problem(&found.problem, desc, a, b, c, d);
    if (s != CUBLAS_STATUS_SUCCESS)
        return s;
    if (found.problem.d.type != CUDA_R_32F &&
        (want->schemes & ~(uint32_t)CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE))
        return lt_misuse(CUBLAS_STATUS_NOT_SUPPORTED,
                         "parts of a sum may be rounded to the type of the result");
    if (fake_libs()->has_no_product)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    found.allowed = want->workspace;
    found.workspace = want->workspace < some ? want->workspace : some;
    for (int i = 0; i < 4; i++)
        found.aligned[i] = want->aligned[i];
    algorithms.push_back(found);
    results[0] = {};
    results[0].state =
        fake_libs()->product_is_invalid ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
    results[0].algo.data[0] = algorithms.size();
    results[0].workspaceSize = found.workspace;
    *n = 1;
    return CUBLAS_STATUS_SUCCESS;
}

const FakeAlgorithm *lt_algorithm(const cublasLtMatmulAlgo_t *a)
{
    return a && a->data[0] >= 1 && a->data[0] <= algorithms.size()
               ? &algorithms[(size_t)a->data[0] - 1]
               : nullptr;
}
