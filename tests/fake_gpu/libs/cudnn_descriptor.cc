#include "fake_gpu/libs/cudnn_descriptor.h"
#include "fake_gpu/libs/cudnn_rules.h"

#include <deque>
#include <memory>

static std::map<uintptr_t, std::unique_ptr<Descriptor>> live;
static uintptr_t                                        last_name = 0x1000;
static std::deque<cudnnContext>                         handles;

/* ---- handles ---- */

size_t cudnnGetVersion(void)
{
    return fake_libs()->cudnn_version;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    handles.emplace_back();
    *handle = &handles.back();
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    if (!cudnn_is_handle(handle))
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "cudnnSetStream on what is no handle");
    handle->stream = stream;
    handle->has_stream = true;
    return CUDNN_STATUS_SUCCESS;
}

bool cudnn_is_handle(cudnnHandle_t handle)
{
    for (const cudnnContext &h : handles)
        if (&h == handle)
            return true;
    return false;
}

/* ---- descriptors ---- */

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t    *descriptor)
{
    live[++last_name].reset(new Descriptor());
    live[last_name]->type = type;
    *descriptor = (cudnnBackendDescriptor_t)last_name;
    fake_libs()->n_live[type]++;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    const Descriptor *d = cudnn_descriptor(descriptor);
    if (!d)
        return CUDNN_STATUS_BAD_PARAM;
    fake_libs()->n_live[d->type]--;
    live.erase((uintptr_t)descriptor);
    return CUDNN_STATUS_SUCCESS;
}

Descriptor *cudnn_descriptor(cudnnBackendDescriptor_t d)
{
    auto found = live.find((uintptr_t)d);
    if (found != live.end())
        return found->second.get();
    (void)cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%p is no descriptor%s", d,
                       (uintptr_t)d <= last_name && d ? " any more: it was destroyed" : "");
    return nullptr;
}

Descriptor *cudnn_final(cudnnStatus_t *s, cudnnBackendDescriptor_t descriptor,
                        cudnnBackendDescriptorType_t type)
{
    Descriptor *d = cudnn_descriptor(descriptor);
    *s = CUDNN_STATUS_SUCCESS;
    if (!d)
        *s = CUDNN_STATUS_BAD_PARAM;
    else if (d->type != type)
        *s = cudnn_misuse(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "%s where %s is wanted",
                          cudnn_name(d->type), cudnn_name(type));
    else if (!d->is_final)
        *s = cudnn_misuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "%s was not finalized",
                          cudnn_name(d->type));
    return *s == CUDNN_STATUS_SUCCESS ? d : nullptr;
}

static cudnnStatus_t check_reference(const Rule *r, cudnnBackendDescriptor_t named)
{
    cudnnStatus_t     s = CUDNN_STATUS_SUCCESS;
    const Descriptor *d = cudnn_descriptor(named);
    if (!d)
        return CUDNN_STATUS_BAD_PARAM;
    if (r->refers_to == ANY_OPERATION && cudnn_is_operation(d->type))
        (void)cudnn_final(&s, named, d->type);
    else
        (void)cudnn_final(&s, named, (cudnnBackendDescriptorType_t)r->refers_to);
    return s;
}

static cudnnStatus_t check_value(const Descriptor *d, const Rule *r,
                                 cudnnBackendAttributeType_t type, int64_t n, const void *values)
{
    const char *of = cudnn_name(d->type), *name = cudnn_name(r->name);
    if (d->is_final)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s is set after %s was finalized", name, of);
    if (r->type == CUDNN_TYPE_FLOAT && type == CUDNN_TYPE_DOUBLE)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE,
                            "%s is a double: cuDNN 9.14 takes it, and reads its first bytes as a "
                            "float",
                            name);
    if (type != r->type)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "%s has type %d, not %d", name,
                            (int)r->type, (int)type);
    if (n < r->least || n > r->most)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s has %lld to %lld elements, not %lld", name,
                            (long long)r->least, (long long)r->most, (long long)n);
    if (!values)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s is set to nothing", name);
    if (r->type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        return check_reference(r, *(const cudnnBackendDescriptor_t *)values);
    if (r->type == CUDNN_TYPE_HANDLE && !cudnn_is_handle(*(const cudnnHandle_t *)values))
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s is no handle", name);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t    descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t n,
                                       const void *values)
{
    Descriptor *d = cudnn_descriptor(descriptor);
    if (!d)
        return CUDNN_STATUS_BAD_PARAM;
    const Rule *r = cudnn_rule(d->type, name);
    if (!r)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s has no %s to set", cudnn_name(d->type),
                            cudnn_name(name));
    cudnnStatus_t s = check_value(d, r, type, n, values);
    if (s != CUDNN_STATUS_SUCCESS)
        return s;
    FakeAttribute &a = d->values[name];
    a.n = n;
    a.bytes.assign((const char *)values, (const char *)values + (size_t)n * cudnn_bytes(type));
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    Descriptor *d = cudnn_descriptor(descriptor);
    int         n_rules;
    if (!d)
        return CUDNN_STATUS_BAD_PARAM;
    if (d->is_final)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s is finalized twice", cudnn_name(d->type));
    const Rule *r = cudnn_rules(&n_rules);
    for (const Rule *end = r + n_rules; r < end; r++)
        if (r->of == d->type && r->is_wanted && !d->has(r->name))
            return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s is finalized without %s",
                                cudnn_name(d->type), cudnn_name(r->name));
    cudnnStatus_t s = cudnn_conclude(d);
    d->is_final = s == CUDNN_STATUS_SUCCESS;
    return s;
}
