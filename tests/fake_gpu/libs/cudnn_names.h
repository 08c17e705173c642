/* cudnn_names.h -- cuDNN's constants and their numbers, as far as the backend and the fake use them
 *
 * Each list is read as V(NAME, number): by cudnn.h as an enumeration, by cudnn_text.cc as text, by numbers.cc beside
 * NVIDIA's header where a toolkit is found. The numbers are those of cuDNN 9.
 */
#pragma once

#define CUDNN_STATUSES(V)                                                                          \
    V(CUDNN_STATUS_SUCCESS, 0)                                                                     \
    V(CUDNN_STATUS_NOT_INITIALIZED, 1001)                                                          \
    V(CUDNN_STATUS_BAD_PARAM, 2000)                                                                \
    V(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, 2002)                                                   \
    V(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, 2003)                                             \
    V(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, 2004)                                                  \
    V(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND, 2005)                                                   \
    V(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, 2007)                                                \
    V(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, 2008)                                                 \
    V(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, 2009)                                             \
    V(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, 2010)                                                 \
    V(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, 2012)                                                \
    V(CUDNN_STATUS_NOT_SUPPORTED, 3000)                                                            \
    V(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, 3004)                                                     \
    V(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, 3003)                                                  \
    V(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, 4004)                                  \
    V(CUDNN_STATUS_EXECUTION_FAILED, 5000)                                                         \
    V(CUDNN_STATUS_EXECUTION_FAILED_CUDART, 5003)

#define CUDNN_DATA_TYPES(V)                                                                        \
    V(CUDNN_DATA_FLOAT, 0)                                                                         \
    V(CUDNN_DATA_DOUBLE, 1)                                                                        \
    V(CUDNN_DATA_BFLOAT16, 9)

#define CUDNN_CONVOLUTION_MODES(V)                                                                 \
    V(CUDNN_CONVOLUTION, 0)                                                                        \
    V(CUDNN_CROSS_CORRELATION, 1)

#define CUDNN_DESCRIPTOR_TYPES(V)                                                                  \
    V(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, 1)                                                     \
    V(CUDNN_BACKEND_ENGINE_DESCRIPTOR, 2)                                                          \
    V(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, 3)                                                       \
    V(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, 4)                                                      \
    V(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, 5)                                                  \
    V(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, 10)                                  \
    V(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, 11)                          \
    V(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, 12)                            \
    V(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, 15)                                                 \
    V(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, 16)                                                   \
    V(CUDNN_BACKEND_TENSOR_DESCRIPTOR, 17)

#define CUDNN_ATTRIBUTES(V)                                                                        \
    V(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, 100)                                                       \
    V(CUDNN_ATTR_CONVOLUTION_CONV_MODE, 101)                                                       \
    V(CUDNN_ATTR_CONVOLUTION_DILATIONS, 102)                                                       \
    V(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 103)                                                  \
    V(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, 104)                                                   \
    V(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 105)                                                    \
    V(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 106)                                                    \
    V(CUDNN_ATTR_ENGINEHEUR_MODE, 200)                                                             \
    V(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, 201)                                                  \
    V(CUDNN_ATTR_ENGINEHEUR_RESULTS, 202)                                                          \
    V(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, 204)                                                       \
    V(CUDNN_ATTR_ENGINECFG_ENGINE, 300)                                                            \
    V(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, 400)                                                       \
    V(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, 401)                                                \
    V(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 402)                                               \
    V(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, 407)                                                   \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 700)                                         \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 701)                                          \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, 702)                                     \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, 703)                                             \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, 704)                                             \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, 705)                                             \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, 706)                                        \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, 707)                                         \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, 708)                                    \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, 709)                                            \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, 710)                                           \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, 711)                                           \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, 712)                                      \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, 713)                                       \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, 714)                                  \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, 715)                                         \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, 716)                                          \
    V(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, 717)                                         \
    V(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, 800)                                                       \
    V(CUDNN_ATTR_OPERATIONGRAPH_OPS, 801)                                                          \
    V(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 900)                                                       \
    V(CUDNN_ATTR_TENSOR_DATA_TYPE, 901)                                                            \
    V(CUDNN_ATTR_TENSOR_DIMENSIONS, 902)                                                           \
    V(CUDNN_ATTR_TENSOR_STRIDES, 903)                                                              \
    V(CUDNN_ATTR_TENSOR_UNIQUE_ID, 906)                                                            \
    V(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, 1000)                                                    \
    V(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, 1001)                                                 \
    V(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, 1003)                                                     \
    V(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, 1303)                                                      \
    V(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, 1305)

#define CUDNN_ATTRIBUTE_TYPES(V)                                                                   \
    V(CUDNN_TYPE_HANDLE, 0)                                                                        \
    V(CUDNN_TYPE_DATA_TYPE, 1)                                                                     \
    V(CUDNN_TYPE_INT64, 3)                                                                         \
    V(CUDNN_TYPE_FLOAT, 4)                                                                         \
    V(CUDNN_TYPE_DOUBLE, 5)                                                                        \
    V(CUDNN_TYPE_VOID_PTR, 6)                                                                      \
    V(CUDNN_TYPE_CONVOLUTION_MODE, 7)                                                              \
    V(CUDNN_TYPE_HEUR_MODE, 8)                                                                     \
    V(CUDNN_TYPE_NUMERICAL_NOTE, 11)                                                               \
    V(CUDNN_TYPE_BACKEND_DESCRIPTOR, 15)                                                           \
    V(CUDNN_TYPE_BEHAVIOR_NOTE, 19)

#define CUDNN_HEUR_MODES(V)                                                                        \
    V(CUDNN_HEUR_MODE_FALLBACK, 2)                                                                 \
    V(CUDNN_HEUR_MODE_A, 3)

#define CUDNN_NUMERICAL_NOTES(V)                                                                   \
    V(CUDNN_NUMERICAL_NOTE_TENSOR_CORE, 0)                                                         \
    V(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS, 1)                                                 \
    V(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION, 2)                                         \
    V(CUDNN_NUMERICAL_NOTE_FFT, 3)                                                                 \
    V(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, 4)                                                    \
    V(CUDNN_NUMERICAL_NOTE_WINOGRAD, 5)                                                            \
    V(CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4, 6)                                                   \
    V(CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6, 7)                                                   \
    V(CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13, 8)                                                 \
    V(CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP, 9)

#define CUDNN_BEHAVIOR_NOTES(V)                                                                    \
    V(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION, 0)                                                  \
    V(CUDNN_BEHAVIOR_NOTE_SUPPORTS_CUDA_GRAPH_NATIVE_API, 3)
