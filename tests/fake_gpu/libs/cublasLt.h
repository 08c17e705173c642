/* cublasLt.h -- the part of cuBLASLt that kernels/cuda uses, served by the fake of this folder
 *
 * Stands in the include path in the place of NVIDIA's when lib_cublas.c is built for the emulated device.
 */
#pragma once
#include "fake_gpu/libs/cublaslt_names.h"

#include <cuda_runtime_api.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_ENUMERATOR(name, number) name = number,
typedef enum cublasStatus_t { CUBLAS_STATUSES(FAKE_ENUMERATOR) } cublasStatus_t;
typedef enum cudaDataType_t { CUDA_DATA_TYPES(FAKE_ENUMERATOR) } cudaDataType_t;
typedef enum cublasComputeType_t { CUBLAS_COMPUTE_TYPES(FAKE_ENUMERATOR) } cublasComputeType_t;
typedef enum cublasOperation_t { CUBLAS_OPERATIONS(FAKE_ENUMERATOR) } cublasOperation_t;
typedef enum cublasLtMatmulDescAttributes_t {
    CUBLASLT_DESC_ATTRIBUTES(FAKE_ENUMERATOR)
} cublasLtMatmulDescAttributes_t;
typedef enum cublasLtMatmulPreferenceAttributes_t {
    CUBLASLT_PREF_ATTRIBUTES(FAKE_ENUMERATOR)
} cublasLtMatmulPreferenceAttributes_t;
typedef enum cublasLtReductionScheme_t {
    CUBLASLT_REDUCTION_SCHEMES(FAKE_ENUMERATOR)
} cublasLtReductionScheme_t;
#undef FAKE_ENUMERATOR

typedef cudaDataType_t cudaDataType;

typedef struct cublasLtContext *cublasLtHandle_t;

typedef struct cublasLtMatmulDescOpaque_t {
    uint64_t data[32];
} cublasLtMatmulDescOpaque_t, *cublasLtMatmulDesc_t;
typedef struct cublasLtMatrixLayoutOpaque_t {
    uint64_t data[8];
} cublasLtMatrixLayoutOpaque_t, *cublasLtMatrixLayout_t;
typedef struct cublasLtMatmulPreferenceOpaque_t {
    uint64_t data[8];
} cublasLtMatmulPreferenceOpaque_t, *cublasLtMatmulPreference_t;
typedef struct cublasLtMatmulAlgo_t {
    uint64_t data[8];
} cublasLtMatmulAlgo_t;

typedef struct cublasLtMatmulHeuristicResult_t {
    cublasLtMatmulAlgo_t algo;
    size_t               workspaceSize;
    cublasStatus_t       state; // the rest means nothing where this is not success
    float                wavesCount;
    int                  reserved[4];
} cublasLtMatmulHeuristicResult_t;

#include "fake_gpu/libs/cublaslt_calls.h"
