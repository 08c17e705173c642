#include "kernels/cuda/lib_cudnn_graph.h"

#include <stdbool.h>
#include <string.h>

Status lib_cudnn_check(const char *op, cudnnStatus_t s)
{
    if (s == CUDNN_STATUS_SUCCESS)
        return OK;
    char detail[400] = "";
    cudnnGetLastErrorString(detail, sizeof detail);
    bool   is_refused = s >= CUDNN_STATUS_NOT_SUPPORTED && s < CUDNN_STATUS_NOT_SUPPORTED + 1000;
    Status st = s == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ? ERR_MEMORY
                : is_refused                                              ? ERR_UNSUPPORTED
                                                                          : ERR_DEVICE;
    return status_fail(st, "%s: cuDNN: %s%s%s", op, cudnnGetErrorString(s), detail[0] ? ": " : "",
                       detail);
}

Status cudnn_make(const char *op, cudnnBackendDescriptor_t *d, cudnnBackendDescriptorType_t type)
{
    return lib_cudnn_check(op, cudnnBackendCreateDescriptor(type, d));
}

Status cudnn_set(const char *op, cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
                 cudnnBackendAttributeType_t type, int64_t n, const void *values)
{
    return lib_cudnn_check(op, cudnnBackendSetAttribute(d, name, type, n, values));
}

Status cudnn_finish(const char *op, cudnnBackendDescriptor_t d)
{
    return lib_cudnn_check(op, cudnnBackendFinalize(d));
}

/* dim in the order N C H W of a tensor that lies in memory as N H W C. */
static Status tensor(const char *op, cudnnBackendDescriptor_t *t, int64_t uid, int32_t type,
                     const int64_t dim[4])
{
    cudnnDataType_t data_type = type == BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    int64_t         stride[4] = {dim[1] * dim[2] * dim[3], 1, dim[1] * dim[3], dim[1]};
    int64_t         alignment = 16;
    TRY(cudnn_make(op, t, CUDNN_BACKEND_TENSOR_DESCRIPTOR));
    TRY(cudnn_set(op, *t, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &data_type));
    TRY(cudnn_set(op, *t, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dim));
    TRY(cudnn_set(op, *t, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, stride));
    TRY(cudnn_set(op, *t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &uid));
    TRY(cudnn_set(op, *t, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment));
    return cudnn_finish(op, *t);
}

static Status convolution(const char *op, cudnnBackendDescriptor_t *c, const ConvKey *k)
{
    int64_t         spatial = 2, pad[2] = {k->pad, k->pad}, stride[2] = {k->stride, k->stride};
    int64_t         dilation[2] = {k->dilation, k->dilation};
    cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    TRY(cudnn_make(op, c, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR));
    TRY(cudnn_set(op, *c, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &spatial));
    TRY(cudnn_set(op, *c, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums));
    TRY(cudnn_set(op, *c, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode));
    TRY(cudnn_set(op, *c, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pad));
    TRY(cudnn_set(op, *c, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pad));
    TRY(cudnn_set(op, *c, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilation));
    TRY(cudnn_set(op, *c, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride));
    return cudnn_finish(op, *c);
}

/* The attributes of the three operations, by ConvKind. */
static const struct {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t  convolution, x, w, y, alpha, beta;
} OPERATION[] = {
    [CONV_FORWARD] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    [CONV_DATA] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    [CONV_WEIGHTS] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

static Status bind(const char *op, ConvGraph *g, const ConvKey *k)
{
    float alpha = 1, beta = (float)k->adds; // doubles are read as if they were floats (cuDNN 9.14)
    cudnnBackendDescriptor_t *o = &g->operation;
    TRY(cudnn_make(op, o, OPERATION[k->kind].type));
    TRY(cudnn_set(op, *o, OPERATION[k->kind].convolution, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                  &g->convolution));
    TRY(cudnn_set(op, *o, OPERATION[k->kind].x, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->tensor[0]));
    TRY(cudnn_set(op, *o, OPERATION[k->kind].w, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->tensor[1]));
    TRY(cudnn_set(op, *o, OPERATION[k->kind].y, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->tensor[2]));
    TRY(cudnn_set(op, *o, OPERATION[k->kind].alpha, CUDNN_TYPE_FLOAT, 1, &alpha));
    TRY(cudnn_set(op, *o, OPERATION[k->kind].beta, CUDNN_TYPE_FLOAT, 1, &beta));
    return cudnn_finish(op, *o);
}

Status conv_graph_make(const char *op, ConvGraph *g, cudnnHandle_t handle, const ConvKey *k)
{
    int64_t x[4] = {k->N, k->Ci, k->H, k->W}, w[4] = {k->Co, k->ci, k->kh, k->kw};
    int64_t y[4] = {k->N, k->Co, k->P, k->Q};
    memset(g, 0, sizeof *g);
    TRY(tensor(op, &g->tensor[0], UID_X, k->type, x));
    TRY(tensor(op, &g->tensor[1], UID_W, k->type, w));
    TRY(tensor(op, &g->tensor[2], UID_Y, k->type, y));
    TRY(convolution(op, &g->convolution, k));
    TRY(bind(op, g, k));
    TRY(cudnn_make(op, &g->graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR));
    TRY(cudnn_set(op, g->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                  &g->operation));
    if (handle)
        TRY(cudnn_set(op, g->graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1,
                      &handle));
    return cudnn_finish(op, g->graph);
}

static void destroy(cudnnBackendDescriptor_t d)
{
    if (d)
        cudnnBackendDestroyDescriptor(d);
}

void conv_graph_release(ConvGraph *g)
{
    destroy(g->graph);
    destroy(g->operation);
    destroy(g->convolution);
    for (int i = 0; i < 3; i++)
        destroy(g->tensor[i]);
}
