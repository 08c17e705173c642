/* cudnn_offer.cc -- what can be read of the fake cuDNN's descriptors: engines that were offered, their notes and needs */
#include "fake_gpu/libs/cudnn_descriptor.h"

#include <algorithm>

static cudnnStatus_t expect_type(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                 cudnnBackendAttributeType_t want)
{
    return type == want
               ? CUDNN_STATUS_SUCCESS
               : cudnn_misuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "%s has type %d, not %d",
                              cudnn_name(name), (int)want, (int)type);
}

/* Makes an empty descriptor of the caller's what is read. */
static cudnnStatus_t fill(cudnnBackendDescriptor_t descriptor, cudnnBackendDescriptorType_t type,
                          const FakeConfig &with)
{
    Descriptor *d = cudnn_descriptor(descriptor);
    if (!d)
        return CUDNN_STATUS_BAD_PARAM;
    if (d->type != type || d->is_final)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s is read into %s%s", cudnn_name(type),
                            cudnn_name(d->type), d->is_final ? " that is final" : "");
    d->config = with;
    d->is_final = true;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t read_results(const Descriptor *d, int64_t most, int64_t *n,
                                  const cudnnBackendDescriptor_t *into)
{
    *n = std::min(most, (int64_t)d->offered.size());
    for (int64_t i = 0; i < *n; i++) {
        cudnnStatus_t s = fill(into[i], CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, d->offered[(size_t)i]);
        if (s != CUDNN_STATUS_SUCCESS)
            return s;
    }
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t read_notes(const std::vector<int> &notes, int64_t most, int64_t *n, int *into)
{
    *n = (int64_t)notes.size();
    std::copy_n(notes.begin(), std::min(most, *n), into);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t read(const Descriptor *d, cudnnBackendAttributeName_t name, int64_t most,
                          int64_t *n, void *values)
{
    auto is = [&](cudnnBackendDescriptorType_t type, cudnnBackendAttributeName_t what) {
        return d->type == type && name == what;
    };
    if (is(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_ATTR_ENGINEHEUR_RESULTS))
        return read_results(d, most, n, (const cudnnBackendDescriptor_t *)values);
    if (is(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE))
        return read_notes(d->config.engine.numerical, most, n, (int *)values);
    if (is(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE))
        return read_notes(d->config.engine.behavior, most, n, (int *)values);
    if (most < 1)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "no room for %s", cudnn_name(name));
    *n = 1;
    if (is(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, CUDNN_ATTR_ENGINECFG_ENGINE))
        return fill(*(const cudnnBackendDescriptor_t *)values, CUDNN_BACKEND_ENGINE_DESCRIPTOR,
                    d->config);
    if (is(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)) {
        *(int64_t *)values = d->config.engine.workspace;
        return CUDNN_STATUS_SUCCESS;
    }
    return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "%s has no %s to read", cudnn_name(d->type),
                        cudnn_name(name));
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t    descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t most, int64_t *n,
                                       void *values)
{
    const Descriptor *d = cudnn_descriptor(descriptor);
    if (!d)
        return CUDNN_STATUS_BAD_PARAM;
    if (!d->is_final)
        return cudnn_misuse(CUDNN_STATUS_NOT_INITIALIZED, "%s is read before %s was finalized",
                            cudnn_name(name), cudnn_name(d->type));
    if (!n || !values)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "%s is read into nothing",
                            cudnn_name(name));
    cudnnBackendAttributeType_t want =
        name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE           ? CUDNN_TYPE_NUMERICAL_NOTE
        : name == CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE          ? CUDNN_TYPE_BEHAVIOR_NOTE
        : name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE ? CUDNN_TYPE_INT64
                                                           : CUDNN_TYPE_BACKEND_DESCRIPTOR;
    cudnnStatus_t s = expect_type(name, type, want);
    return s == CUDNN_STATUS_SUCCESS ? read(d, name, most, n, values) : s;
}
