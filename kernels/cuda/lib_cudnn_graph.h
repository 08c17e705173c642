/* lib_cudnn_graph.h -- one convolution as an operation graph of cuDNN's backend interface
 *
 * cuDNN describes an operation by descriptors: tensors (dims in the order N C H W, with strides that say NHWC), the
 * convolution (pads, strides, dilations), the operation that binds them, and a graph of operations. Groups need no
 * attribute: the weights' channels divide the input's.
 */
#pragma once
#include "kernels/cuda/lib.h"
#include <cudnn.h>

/* Everything that decides which plan runs a convolution, or which of several ways to it is taken (lib_conv2d_choose).
 * Zeroed before it is filled: compared byte by byte. */
typedef struct ConvKey {
    int32_t kind;
    int32_t type;        // of all tensors: F32 or BF16
    int32_t tf32;        // f32 operands may be rounded
    int32_t N, H, W, Ci; // x
    int32_t P, Q, Co;    // y (N,P,Q,Co)
    int32_t kh, kw, ci;  // w (Co,kh,kw,ci)
    int32_t stride, pad, dilation;
    int32_t is_choice; // of a way, not of a plan
    int32_t adds;      // to what is there, instead of overwriting it
} ConvKey;

/* The names under which a plan gets its addresses. */
enum { UID_X = 1, UID_W = 2, UID_Y = 3 };

typedef struct ConvGraph {
    cudnnBackendDescriptor_t tensor[3], convolution, operation, graph;
} ConvGraph;

/* OK, or a sentence with cuDNN's own. */
Status lib_cudnn_check(const char *op, cudnnStatus_t s);

/* `handle` NULL asks without a device. ERR_UNSUPPORTED where cuDNN refuses the combination. Release the graph in any case. */
Status conv_graph_make(const char *op, ConvGraph *g, cudnnHandle_t handle, const ConvKey *key);
void   conv_graph_release(ConvGraph *g);

/* Short hands for cuDNN's attributes. */
Status cudnn_make(const char *op, cudnnBackendDescriptor_t *d, cudnnBackendDescriptorType_t type);
Status cudnn_set(const char *op, cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
                 cudnnBackendAttributeType_t type, int64_t n, const void *values);
Status cudnn_finish(const char *op, cudnnBackendDescriptor_t d);
