/* cudnn.h -- the part of cuDNN's backend interface that kernels/cuda uses, served by the fake of this folder
 *
 * Stands in the include path in the place of NVIDIA's when lib_cudnn*.c are built for the emulated device. Names, numbers
 * and meanings are cuDNN 9's; README.md says where the fake is stricter.
 */
#pragma once
#include "fake_gpu/libs/cudnn_names.h"

#include <cuda_runtime_api.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_ENUMERATOR(name, number) name = number,
typedef enum cudnnStatus_t { CUDNN_STATUSES(FAKE_ENUMERATOR) } cudnnStatus_t;
typedef enum cudnnDataType_t { CUDNN_DATA_TYPES(FAKE_ENUMERATOR) } cudnnDataType_t;
typedef enum cudnnConvolutionMode_t {
    CUDNN_CONVOLUTION_MODES(FAKE_ENUMERATOR)
} cudnnConvolutionMode_t;
typedef enum cudnnBackendDescriptorType_t {
    CUDNN_DESCRIPTOR_TYPES(FAKE_ENUMERATOR)
} cudnnBackendDescriptorType_t;
typedef enum cudnnBackendAttributeName_t {
    CUDNN_ATTRIBUTES(FAKE_ENUMERATOR)
} cudnnBackendAttributeName_t;
typedef enum cudnnBackendAttributeType_t {
    CUDNN_ATTRIBUTE_TYPES(FAKE_ENUMERATOR)
} cudnnBackendAttributeType_t;
typedef enum cudnnBackendHeurMode_t { CUDNN_HEUR_MODES(FAKE_ENUMERATOR) } cudnnBackendHeurMode_t;
typedef enum cudnnBackendNumericalNote_t {
    CUDNN_NUMERICAL_NOTES(FAKE_ENUMERATOR) CUDNN_NUMERICAL_NOTE_TYPE_COUNT
} cudnnBackendNumericalNote_t;
typedef enum cudnnBackendBehaviorNote_t {
    CUDNN_BEHAVIOR_NOTES(FAKE_ENUMERATOR) CUDNN_BEHAVIOR_NOTE_TYPE_COUNT
} cudnnBackendBehaviorNote_t;
#undef FAKE_ENUMERATOR

typedef struct cudnnContext *cudnnHandle_t;
typedef void                *cudnnBackendDescriptor_t;

#include "fake_gpu/libs/cudnn_calls.h"
