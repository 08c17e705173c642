/* device_under_test.h -- which backend a test program compares with ref: cpu, or cuda where the same tests are compiled for
 * a GPU (tests/fake_gpu) */
#pragma once
extern "C" {
#include "kernels/backend.h"
}
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <vector>

/* Names of tests on a backend tell which, not where it lies in memory. */
inline void PrintTo(const Backend *be, std::ostream *out)
{
    *out << be->name;
}

#ifndef GODWIT_TEST_DEVICE
#define GODWIT_TEST_DEVICE "cpu"
#endif

/* A program that has nothing to test ends with status 77, which CTest takes for skipped. */
inline const Backend *device_under_test()
{
    static const Backend *be = nullptr;
    if (be)
        return be;
#ifdef GODWIT_TEST_PLUGIN
    setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 0);
#endif
    if (backend_open(&be, GODWIT_TEST_DEVICE, F32) != OK) {
        fprintf(stderr, "%s\n", status_text());
        exit(77);
    }
    return be;
}

inline std::vector<const Backend *> backends_under_test()
{
    if (device_under_test()->is_host)
        return {backend_ref(), device_under_test()};
    return {device_under_test()};
}
