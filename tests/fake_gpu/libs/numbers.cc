/* numbers.cc -- the fakes' numbers, calls and structs beside NVIDIA's: compiled, not run, where a toolkit is found */
#include <cublasLt.h>
#include <cudnn.h>

#include "fake_gpu/libs/cublaslt_calls.h"
#include "fake_gpu/libs/cublaslt_names.h"
#include "fake_gpu/libs/cudnn_calls.h"
#include "fake_gpu/libs/cudnn_names.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" // those that later versions want no more

#define SAME(name, number) static_assert((int)name == number, #name " is another number");

CUDNN_STATUSES(SAME)
CUDNN_DATA_TYPES(SAME)
CUDNN_CONVOLUTION_MODES(SAME)
CUDNN_DESCRIPTOR_TYPES(SAME)
CUDNN_ATTRIBUTES(SAME)
CUDNN_ATTRIBUTE_TYPES(SAME)
CUDNN_HEUR_MODES(SAME)
CUDNN_NUMERICAL_NOTES(SAME)
CUDNN_BEHAVIOR_NOTES(SAME)

CUBLAS_STATUSES(SAME)
CUDA_DATA_TYPES(SAME)
CUBLAS_COMPUTE_TYPES(SAME)
CUBLAS_OPERATIONS(SAME)
CUBLASLT_DESC_ATTRIBUTES(SAME)
CUBLASLT_PREF_ATTRIBUTES(SAME)
CUBLASLT_REDUCTION_SCHEMES(SAME)

static_assert(sizeof(cublasLtMatmulAlgo_t) == 64, "an algorithm has another size");
static_assert(sizeof(cublasLtMatmulHeuristicResult_t) == 96, "a result has another size");
static_assert(offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize) == 64 &&
                  offsetof(cublasLtMatmulHeuristicResult_t, state) == 72,
              "a result has another layout");
