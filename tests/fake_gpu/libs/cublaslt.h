/* cublaslt.h -- the fake cuBLASLt's descriptors and its one check of a product
 *
 * Descriptors stay where they are when they are destroyed, so that one which is used afterwards is known for what it is.
 */
#pragma once
#include "fake_gpu/libs/fake_libs.h"

#include <cublasLt.h>

struct FakeLayout {
    cudaDataType_t type;
    int64_t        rows, columns, stride;
};

/* All that an algorithm is chosen for. */
struct FakeProblem {
    cublasComputeType_t sums;
    cublasOperation_t   of_a, of_b;
    FakeLayout          a, b, c, d;
};

struct FakeAlgorithm {
    FakeProblem problem;
    int64_t     aligned[4]; // a, b, c, d
    uint64_t    workspace, allowed;
};

/* The misuse said, the status given back. */
cublasStatus_t lt_misuse(cublasStatus_t s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

bool lt_is_handle(cublasLtHandle_t handle);

/* What the descriptors say together; a status where they are no descriptors, or do not fit together. */
cublasStatus_t lt_problem(FakeProblem *p, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                          cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                          cublasLtMatrixLayout_t d);

/* The algorithm that heuristics named; NULL when they named no such. */
const FakeAlgorithm *lt_algorithm(const cublasLtMatmulAlgo_t *a);
