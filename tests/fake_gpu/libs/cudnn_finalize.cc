/* cudnn_finalize.cc -- whether a descriptor's attributes make sense together, and what they mean */
#include "fake_gpu/libs/cudnn_descriptor.h"

#include <set>
#include <string.h>

typedef const int64_t Dims[4]; // N C H W, or K C R S

static cudnnStatus_t conclude_tensor(const Descriptor *d)
{
    int64_t dim[4], stride[4], alignment = d->get<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
    auto    type = d->get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
    for (int i = 0; i < 4; i++) {
        dim[i] = d->get<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, i);
        stride[i] = d->get<int64_t>(CUDNN_ATTR_TENSOR_STRIDES, i);
        if (dim[i] < 1)
            return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "dimension %d of a tensor is %lld", i,
                                (long long)dim[i]);
    }
    if (type != CUDNN_DATA_FLOAT && type != CUDNN_DATA_BFLOAT16)
        return cudnn_misuse(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "a tensor has type %d",
                            (int)type);
    Dims nhwc = {dim[1] * dim[2] * dim[3], 1, dim[1] * dim[3], dim[1]};
    if (memcmp(stride, nhwc, sizeof stride) != 0)
        return cudnn_misuse(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT,
                            "a tensor's strides are not those of NHWC");
    if (alignment < (type == CUDNN_DATA_FLOAT ? 4 : 2) || (alignment & (alignment - 1)) != 0)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "a tensor is aligned to %lld bytes",
                            (long long)alignment);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t conclude_convolution(const Descriptor *d)
{
    if (d->get<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) != 2)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "a convolution of pictures has 2 dimensions");
    if (d->get<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) != CUDNN_DATA_FLOAT)
        return cudnn_misuse(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "sums are not float32");
    if (d->get<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) != CUDNN_CROSS_CORRELATION)
        return cudnn_misuse(CUDNN_STATUS_NOT_SUPPORTED, "weights are mirrored");
    for (int i = 0; i < 2; i++) {
        int64_t pad = d->get<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, i);
        if (pad < 0 || d->get<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, i) != pad)
            return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "pads differ or are negative");
        for (auto name : {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_ATTR_CONVOLUTION_DILATIONS,
                          CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS}) {
            int64_t v = d->get<int64_t>(name, i);
            if ((v < 1 && name != CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS) ||
                v != d->get<int64_t>(name, 0))
                return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s is (%lld,%lld)", cudnn_name(name),
                                    (long long)d->get<int64_t>(name, 0), (long long)v);
        }
    }
    return CUDNN_STATUS_SUCCESS;
}

/* The names of the three operations' attributes: x, w, y, the convolution, alpha, beta. */
static const cudnnBackendAttributeName_t NAMES[][6] = {
    {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA}};

static ConvKind kind_of(const Descriptor *d)
{
    return d->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR         ? CONV_FORWARD
           : d->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ? CONV_DATA
                                                                                     : CONV_WEIGHTS;
}

static int64_t output_size(int64_t in, int64_t kernel, const FakeConv &c)
{
    return (in + 2 * c.pad - c.dilation * (kernel - 1) - 1) / c.stride + 1;
}

static cudnnStatus_t check_shapes(const FakeConv &c, const Descriptor *const part[3])
{
    auto type = part[0]->get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
    for (int i = 1; i < 3; i++)
        if (part[i]->get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE) != type)
            return cudnn_misuse(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "tensors of two types");
    if (part[0]->get<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS) !=
            part[2]->get<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS) ||
        part[1]->get<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS) != c.Co)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
                            "images or channels of x, w and y differ");
    if (c.Ci % c.ci != 0 || c.Co % (c.Ci / c.ci) != 0)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
                            "weights of %lld channels do not divide %lld into groups",
                            (long long)c.ci, (long long)c.Ci);
    if (c.P != output_size(c.H, c.kh, c) || c.Q != output_size(c.W, c.kw, c))
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
                            "an output of %lldx%lld, where %lldx%lld follow from x and w",
                            (long long)c.P, (long long)c.Q, (long long)output_size(c.H, c.kh, c),
                            (long long)output_size(c.W, c.kw, c));
    return CUDNN_STATUS_SUCCESS;
}

/* The sizes as the three tensors and the convolution have them; the factors, 1 and 0 where none were set. */
static FakeConv conv_of(const Descriptor *d, const Descriptor *const part[4])
{
    const auto *name = NAMES[kind_of(d)];
    FakeConv    c = {};
    auto        dim = [&](int tensor, int i) {
        return part[tensor]->get<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, i);
    };
    auto type = part[0]->get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
    c.kind = kind_of(d);
    c.dtype = type == CUDNN_DATA_BFLOAT16 ? BF16 : F32;
    c.N = dim(0, 0);
    c.Ci = dim(0, 1);
    c.H = dim(0, 2);
    c.W = dim(0, 3);
    c.ci = dim(1, 1);
    c.kh = dim(1, 2);
    c.kw = dim(1, 3);
    c.Co = dim(2, 1);
    c.P = dim(2, 2);
    c.Q = dim(2, 3);
    c.stride = part[3]->get<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
    c.pad = part[3]->get<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
    c.dilation = part[3]->get<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
    c.alpha = d->has(name[4]) ? d->get<float>(name[4]) : 1;
    c.beta = d->has(name[5]) ? d->get<float>(name[5]) : 0;
    return c;
}

static cudnnStatus_t conclude_operation(Descriptor *d)
{
    FakeOperation    *o = &d->operation;
    const Descriptor *part[4];
    for (int i = 0; i < 4; i++) {
        o->part[i] = d->get<cudnnBackendDescriptor_t>(NAMES[kind_of(d)][i]);
        part[i] = cudnn_descriptor(o->part[i]);
        if (!part[i])
            return CUDNN_STATUS_BAD_PARAM;
    }
    for (int i = 0; i < 3; i++) {
        o->uid[i] = part[i]->get<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
        o->alignment[i] = part[i]->get<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
    }
    if (o->uid[0] == o->uid[1] || o->uid[0] == o->uid[2] || o->uid[1] == o->uid[2])
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "two tensors have one id");
    o->conv = conv_of(d, part);
    cudnnStatus_t s = check_shapes(o->conv, part);
    return s == CUDNN_STATUS_SUCCESS && fake_libs()->has_no_operation
               ? cudnn_refuse("an operation that is not supported")
               : s;
}

static cudnnStatus_t conclude_heuristics(Descriptor *d)
{
    auto          graph = d->get<cudnnBackendDescriptor_t>(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    int           mode = d->get<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE);
    cudnnStatus_t s;
    const Descriptor *g = cudnn_final(&s, graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    if (!g)
        return s;
    if (mode != CUDNN_HEUR_MODE_A && mode != CUDNN_HEUR_MODE_FALLBACK)
        return cudnn_misuse(CUDNN_STATUS_NOT_SUPPORTED, "heuristics of mode %d", mode);
    int first = mode == CUDNN_HEUR_MODE_A ? 0 : FAKE_MODE_STRIDE;
    fake_libs()->n_guesses++;
    for (const FakeEngine &e : fake_libs()->offer(g->operation.conv, first / FAKE_MODE_STRIDE))
        d->offered.push_back({e, first + (int)d->offered.size(), graph});
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t conclude_graph(Descriptor *d)
{
    const Descriptor *o =
        cudnn_descriptor(d->get<cudnnBackendDescriptor_t>(CUDNN_ATTR_OPERATIONGRAPH_OPS));
    if (!o)
        return CUDNN_STATUS_BAD_PARAM;
    d->operation = o->operation;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t conclude_plan(Descriptor *d)
{
    cudnnStatus_t     s;
    const Descriptor *config =
        cudnn_final(&s, d->get<cudnnBackendDescriptor_t>(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG),
                    CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (!config)
        return s;
    const Descriptor *graph =
        cudnn_final(&s, config->config.graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    if (!graph)
        return s;
    if (graph->get<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE) !=
        d->get<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE))
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "plan and graph have different handles");
    if (config->config.engine.cannot_plan)
        return cudnn_refuse("an engine that cannot be planned");
    d->config = config->config;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t conclude_pack(const Descriptor *d)
{
    const FakeAttribute &ids = d->values.at(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    std::set<int64_t>    different;
    if (ids.n != d->values.at(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).n)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "a pack of more ids than addresses, or less");
    for (int64_t i = 0; i < ids.n; i++) {
        if (!d->get<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, i))
            return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a tensor lies nowhere");
        different.insert(d->get<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i));
    }
    if ((int64_t)different.size() != ids.n)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "a pack names an id twice");
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnn_conclude(Descriptor *d)
{
    switch (d->type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
        return conclude_tensor(d);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
        return conclude_convolution(d);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
        return conclude_operation(d);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
        return conclude_graph(d);
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
        return conclude_heuristics(d);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
        return conclude_plan(d);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
        return conclude_pack(d);
    default: // engines and their configurations come from heuristics
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s cannot be finalized", cudnn_name(d->type));
    }
}
