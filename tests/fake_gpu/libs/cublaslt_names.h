/* cublaslt_names.h -- cuBLASLt's constants and their numbers, as cudnn_names.h has cuDNN's */
#pragma once

#define CUBLAS_STATUSES(V)                                                                         \
    V(CUBLAS_STATUS_SUCCESS, 0)                                                                    \
    V(CUBLAS_STATUS_NOT_INITIALIZED, 1)                                                            \
    V(CUBLAS_STATUS_ALLOC_FAILED, 3)                                                               \
    V(CUBLAS_STATUS_INVALID_VALUE, 7)                                                              \
    V(CUBLAS_STATUS_EXECUTION_FAILED, 13)                                                          \
    V(CUBLAS_STATUS_NOT_SUPPORTED, 15)

#define CUDA_DATA_TYPES(V)                                                                         \
    V(CUDA_R_32F, 0)                                                                               \
    V(CUDA_R_64F, 1)                                                                               \
    V(CUDA_R_16BF, 14)

#define CUBLAS_COMPUTE_TYPES(V)                                                                    \
    V(CUBLAS_COMPUTE_32F, 68)                                                                      \
    V(CUBLAS_COMPUTE_32F_FAST_TF32, 77)

#define CUBLAS_OPERATIONS(V)                                                                       \
    V(CUBLAS_OP_N, 0)                                                                              \
    V(CUBLAS_OP_T, 1)

#define CUBLASLT_DESC_ATTRIBUTES(V)                                                                \
    V(CUBLASLT_MATMUL_DESC_TRANSA, 3)                                                              \
    V(CUBLASLT_MATMUL_DESC_TRANSB, 4)

#define CUBLASLT_PREF_ATTRIBUTES(V)                                                                \
    V(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, 1)                                                 \
    V(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, 3)                                               \
    V(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 5)                                               \
    V(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, 6)                                               \
    V(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, 7)                                               \
    V(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, 8)

#define CUBLASLT_REDUCTION_SCHEMES(V)                                                              \
    V(CUBLASLT_REDUCTION_SCHEME_NONE, 0)                                                           \
    V(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 2)
