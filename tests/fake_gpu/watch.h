/* watch.h -- for tests: how far the streams of the emulated device have come */
#pragma once
#include "fake_gpu/stream.h"

#include <dlfcn.h>

extern "C" {
#include "kernels/backend.h"
}

enum { FAKE_COMPUTE = 0, FAKE_COPY = 1 }; // in the order in which the backend makes them

template <typename F>
F *fake_function(const char *name) // NULL on a real device
{
    F *f = nullptr;
    *(void **)&f = dlsym(backend_cuda_library(), name);
    return f;
}

inline bool is_device_emulated()
{
    return fake_function<FakeStream(int)>("fake_gpu_stream") != nullptr;
}

inline FakeStream fake_stream(int number)
{
    return fake_function<FakeStream(int)>("fake_gpu_stream")(number);
}

inline void fake_run(int number)
{
    fake_function<void(int)>("fake_gpu_run")(number);
}
