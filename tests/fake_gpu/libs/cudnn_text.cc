/* cudnn_text.cc -- the fake cuDNN's names and sentences */
#include "fake_gpu/libs/cudnn_descriptor.h"
#include "fake_gpu/libs/misuse.h"

#include <stdarg.h>
#include <stdio.h>

static thread_local char last_error[400];

#define CASE(name, number)                                                                         \
    case name:                                                                                     \
        return #name;

const char *cudnn_name(cudnnBackendDescriptorType_t type)
{
    switch (type) {
        CUDNN_DESCRIPTOR_TYPES(CASE)
    }
    return "an unknown descriptor";
}

const char *cudnn_name(cudnnBackendAttributeName_t name)
{
    switch (name) {
        CUDNN_ATTRIBUTES(CASE)
    }
    return "an unknown attribute";
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    switch (status) {
        CUDNN_STATUSES(CASE)
    }
    return "CUDNN_UNKNOWN_STATUS";
}

void cudnnGetLastErrorString(char *message, size_t max_size)
{
    snprintf(message, max_size, "%s", last_error);
    last_error[0] = 0;
}

cudnnStatus_t cudnn_refuse(const char *sentence)
{
    snprintf(last_error, sizeof last_error, "%s", sentence);
    return CUDNN_STATUS_NOT_SUPPORTED;
}

cudnnStatus_t cudnn_misuse(cudnnStatus_t s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(last_error, sizeof last_error, fmt, args);
    va_end(args);
    fake_misuse("cuDNN", "%s", last_error);
    return s;
}
