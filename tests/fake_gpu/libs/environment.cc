/* environment.cc -- the tests of kernels/ on the backend whose libraries are fakes: it is this plug-in's, whatever
 * GODWIT_CUDA names, keeps no file of plans, and in the end no rule was broken and no descriptor forgotten */
#include "device_under_test.h"
#include "fake_gpu/libs/fake_libs.h"
#include "fake_gpu/libs/left_over.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

static bool choose_plugin()
{
    setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 1);
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    return true;
}
static const bool is_chosen = choose_plugin();

class NothingLeftOver : public ::testing::Environment {
    void TearDown() override
    {
        FakeLibs *(*table)(void) = nullptr;
        (void)device_under_test();
        *(void **)&table = dlsym(backend_cuda_library(), "fake_libs");
        ASSERT_NE(nullptr, (void *)table);
        expect_nothing_left_over(table());
    }
};
static const ::testing::Environment *const at_the_end =
    ::testing::AddGlobalTestEnvironment(new NothingLeftOver);
