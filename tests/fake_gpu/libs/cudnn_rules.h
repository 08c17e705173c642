/* cudnn_rules.h -- which attributes a descriptor of cuDNN's has, and what each may hold */
#pragma once
#include <cudnn.h>

enum { ANY_OPERATION = -1 };

struct Rule {
    cudnnBackendDescriptorType_t of;
    cudnnBackendAttributeName_t  name;
    cudnnBackendAttributeType_t  type;
    int64_t                      least, most;   // elements
    bool                         is_wanted;     // finalizing demands it
    int                          refers_to = 0; // the type of descriptor that it names
};

/* NULL: the descriptor has no such attribute to be set. */
const Rule *cudnn_rule(cudnnBackendDescriptorType_t of, cudnnBackendAttributeName_t name);

/* All of them. */
const Rule *cudnn_rules(int *n);

size_t cudnn_bytes(cudnnBackendAttributeType_t type);

inline bool cudnn_is_operation(cudnnBackendDescriptorType_t type)
{
    return type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ||
           type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ||
           type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR;
}
