/* The fake cuBLASLt itself: what it must catch */
#include "fake_gpu/libs/conv_case.h"

#include <cublasLt.h>

#define CALL(f) d.call<decltype(f)>(#f)

class MisuseLt : public OnFakeLibs {
  protected:
    FreshDevice                d;
    cublasLtHandle_t           handle = nullptr;
    /* d (2,3) = a (2,4) b (4,3), all by columns */
    cublasLtMatmulDesc_t       desc = nullptr;
    cublasLtMatrixLayout_t     la = nullptr, lb = nullptr, ld = nullptr;
    cublasLtMatmulPreference_t preference = nullptr;
    uint64_t                   workspace = 1000;
    float                      one = 1, zero = 0;

    void SetUp() override
    {
        OnFakeLibs::SetUp();
        d.allow_misuse();
        ASSERT_EQ(0, CALL(cublasLtCreate)(&handle));
        ASSERT_EQ(0, CALL(cublasLtMatmulDescCreate)(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F));
        la = layout(CUDA_R_32F, 2, 4);
        lb = layout(CUDA_R_32F, 4, 3);
        ld = layout(CUDA_R_32F, 2, 3);
        ASSERT_EQ(0, CALL(cublasLtMatmulPreferenceCreate)(&preference));
        ASSERT_EQ(0, set_preference(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, 8));
    }
    cublasLtMatrixLayout_t layout(cudaDataType_t type, uint64_t rows, uint64_t columns)
    {
        cublasLtMatrixLayout_t l = nullptr;
        EXPECT_EQ(0, CALL(cublasLtMatrixLayoutCreate)(&l, type, rows, columns, (int64_t)rows));
        return l;
    }
    cublasStatus_t set_preference(cublasLtMatmulPreferenceAttributes_t name, const void *v,
                                  size_t bytes)
    {
        return CALL(cublasLtMatmulPreferenceSetAttribute)(preference, name, v, bytes);
    }
    cublasStatus_t choose(cublasLtMatmulHeuristicResult_t *result)
    {
        int n = 0;
        return CALL(cublasLtMatmulAlgoGetHeuristic)(handle, desc, la, lb, ld, ld, preference, 1,
                                                    result, &n);
    }
    cublasStatus_t run(const void *a, const void *b, void *c, const cublasLtMatmulAlgo_t *algorithm,
                       void *scratch, size_t bytes, const float *alpha = nullptr)
    {
        return CALL(cublasLtMatmul)(handle, desc, alpha ? alpha : &one, a, la, b, lb, &zero, c, ld,
                                    c, ld, algorithm, scratch, bytes, d.fake->stream());
    }
    void expect(cublasStatus_t want, cublasStatus_t got, const char *sentence)
    {
        EXPECT_EQ(want, got);
        EXPECT_NE(std::string::npos, d.fake->last_misuse.find(sentence)) << d.fake->last_misuse;
        EXPECT_LT(0, d.fake->n_misuses);
        d.fake->n_misuses = 0;
        d.fake->last_misuse.clear();
    }
};

TEST_F(MisuseLt, OfDescriptorsIsSeen)
{
    cublasLtMatrixLayout_t l = nullptr;
    cublasLtMatmulDesc_t   other = nullptr;
    int64_t                wide = 1;
    expect(CUBLAS_STATUS_INVALID_VALUE,
           CALL(cublasLtMatmulDescCreate)(&other, CUBLAS_COMPUTE_32F, CUDA_R_64F), "not float32");
    expect(CUBLAS_STATUS_INVALID_VALUE,
           CALL(cublasLtMatmulDescSetAttribute)(desc, CUBLASLT_MATMUL_DESC_TRANSA, &wide, 8),
           "in 8 bytes");
    expect(CUBLAS_STATUS_INVALID_VALUE, CALL(cublasLtMatrixLayoutCreate)(&l, CUDA_R_32F, 4, 3, 3),
           "columns 3 apart");
    expect(CUBLAS_STATUS_INVALID_VALUE,
           set_preference(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &wide, 4), "in 4 bytes");
    expect(CUBLAS_STATUS_INVALID_VALUE,
           set_preference(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &wide, 8), "in 8 bytes");
    ASSERT_EQ(0, CALL(cublasLtMatmulDescDestroy)(desc));
    expect(CUBLAS_STATUS_INVALID_VALUE, CALL(cublasLtMatmulDescDestroy)(desc), "destroyed");
}

TEST_F(MisuseLt, OfSumsThatMayBeRoundedOnTheWayIsSeen)
{
    cublasLtMatmulHeuristicResult_t result;
    la = layout(CUDA_R_16BF, 2, 4);
    lb = layout(CUDA_R_16BF, 4, 3);
    EXPECT_EQ(0, choose(&result)); // into float32
    ld = layout(CUDA_R_16BF, 2, 3);
    expect(CUBLAS_STATUS_NOT_SUPPORTED, choose(&result), "rounded to the type of the result");
    uint32_t exact = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    ASSERT_EQ(0, set_preference(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &exact, 4));
    EXPECT_EQ(0, choose(&result));
}

TEST_F(MisuseLt, OfMatricesThatDoNotFitIsSeen)
{
    cublasLtMatmulHeuristicResult_t result;
    cublasLtMatrixLayout_t          right = lb;
    lb = layout(CUDA_R_32F, 5, 3);
    expect(CUBLAS_STATUS_INVALID_VALUE, choose(&result), "do not fit together");
    lb = layout(CUDA_R_16BF, 4, 3);
    expect(CUBLAS_STATUS_NOT_SUPPORTED, choose(&result), "no product of types");
    lb = right;
    EXPECT_EQ(CUBLAS_STATUS_SUCCESS, choose(&result));
    cublasOperation_t turned = CUBLAS_OP_T;
    ASSERT_EQ(0, CALL(cublasLtMatmulDescSetAttribute)(desc, CUBLASLT_MATMUL_DESC_TRANSA, &turned,
                                                      sizeof turned));
    expect(CUBLAS_STATUS_INVALID_VALUE, choose(&result), "do not fit together");
}

TEST_F(MisuseLt, OfProductsIsSeen)
{
    OnDevice a(d.be, F32, {64}, Floats(64, 1)), b(d.be, F32, {64}, Floats(64, 1)),
        c(d.be, F32, {6}, Floats(6, 1)), scratch(d.be, F32, {250}, Floats(250, 1));
    cublasLtMatmulHeuristicResult_t result;
    ASSERT_EQ(CUBLAS_STATUS_SUCCESS, choose(&result));
    const cublasLtMatmulAlgo_t *algorithm = &result.algo;
    void                       *pa = a.t.data, *pb = b.t.data, *pc = c.t.data, *ws = scratch.t.data;
    EXPECT_EQ(CUBLAS_STATUS_SUCCESS, run(pa, pb, pc, algorithm, ws, 1000));
    expect(CUBLAS_STATUS_INVALID_VALUE, run((char *)pa + 4, pb, pc, algorithm, ws, 1000),
           "matrix a");
    expect(CUBLAS_STATUS_INVALID_VALUE, run(pa, pb, pc, algorithm, ws, 999), "999 bytes");
    expect(CUBLAS_STATUS_INVALID_VALUE, run(pa, pb, pc, algorithm, nullptr, 1000), "are wanted");
    expect(CUBLAS_STATUS_INVALID_VALUE, run(pa, pc, pc, algorithm, ws, 1000), "48 bytes at");
    expect(CUBLAS_STATUS_INVALID_VALUE, run(pa, pb, pa, algorithm, ws, 1000), "over an input");
    expect(CUBLAS_STATUS_INVALID_VALUE, run(pa, pb, pc, nullptr, ws, 1000), "nobody named");
    expect(CUBLAS_STATUS_INVALID_VALUE, run(pa, pb, pc, algorithm, ws, 1000, (const float *)pa),
           "not on the host");
    lb = layout(CUDA_R_32F, 4, 2);
    ld = layout(CUDA_R_32F, 2, 2);
    expect(CUBLAS_STATUS_INVALID_VALUE, run(pa, pb, pc, algorithm, ws, 1000), "another product's");
}
