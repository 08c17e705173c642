/* cudnn_descriptor.h -- the fake cuDNN's descriptors: attributes by name, set once all along the rules, then final
 *
 * A descriptor's name outside is a number that is never used again, so that one which was destroyed is known for what it
 * is. Every call that breaks a rule is a misuse (misuse.h) and fails with the status that cuDNN gives.
 */
#pragma once
#include "fake_gpu/libs/fake_libs.h"

#include <cudnn.h>
#include <string.h>

struct cudnnContext {
    cudaStream_t stream = nullptr;
    bool         has_stream = false;
};

struct FakeAttribute {
    int64_t           n = 0; // 0: not set
    std::vector<char> bytes;
};

struct FakeOperation {
    FakeConv                 conv;
    int64_t                  uid[3], alignment[3]; // of x, w, y
    cudnnBackendDescriptor_t part[4];              // x, w, y, the convolution
};

/* An engine's place among what was offered for a graph. */
struct FakeConfig {
    FakeEngine               engine;
    int                      number;
    cudnnBackendDescriptor_t graph;
};

struct Descriptor {
    cudnnBackendDescriptorType_t                         type = {};
    bool                                                 is_final = false;
    std::map<cudnnBackendAttributeName_t, FakeAttribute> values;

    FakeOperation           operation = {}; // of an operation
    std::vector<FakeConfig> offered;        // of heuristics
    FakeConfig              config = {};    // of an engine, its configuration, its plan
    bool                    has_run = false;

    /* The n-th value of an attribute that the rules demand. */
    template <typename T>
    T get(cudnnBackendAttributeName_t name, int64_t i = 0) const
    {
        T v;
        memcpy(&v, values.at(name).bytes.data() + (size_t)i * sizeof(T), sizeof v);
        return v;
    }
    bool has(cudnnBackendAttributeName_t name) const
    {
        return values.count(name) > 0;
    }
};

const char *cudnn_name(cudnnBackendDescriptorType_t type);
const char *cudnn_name(cudnnBackendAttributeName_t name);

/* The misuse said, the status given back; it is what cudnnGetLastErrorString tells. */
cudnnStatus_t cudnn_misuse(cudnnStatus_t s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A refusal that is no misuse. */
cudnnStatus_t cudnn_refuse(const char *sentence);

/* NULL, after a complaint, where there is no such descriptor or it was destroyed. */
Descriptor *cudnn_descriptor(cudnnBackendDescriptor_t d);

/* The same, and it must be final and of the type. *s says what was wrong. */
Descriptor *cudnn_final(cudnnStatus_t *s, cudnnBackendDescriptor_t d,
                        cudnnBackendDescriptorType_t type);

bool cudnn_is_handle(cudnnHandle_t handle);

/* cudnn_finalize.cc: whether the attributes make sense together, and what they mean. */
cudnnStatus_t cudnn_conclude(Descriptor *d);
