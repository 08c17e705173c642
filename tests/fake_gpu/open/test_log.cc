/* What the plug-in says goes where the program's lines go, and no further than its level */
#include "device_under_test.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

extern "C" {
#include "base/log.h"
}
#include "base/scratch.h"

struct PluginLog : ScratchTest {
    void (*self_log)(void) = nullptr;

    void SetUp() override
    {
        ScratchTest::SetUp();
        (void)device_under_test();
        *(void **)&self_log = dlsym(backend_cuda_library(), "self_log");
        if (!self_log)
            GTEST_SKIP() << "the emulated device's plug-in alone can be told to write";
        log_set_fd(open(path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644));
    }
    void TearDown() override
    {
        if (self_log)
            close(log_fd());
        log_set_fd(2);
        log_set_level(LOG_INFO);
        ScratchTest::TearDown();
    }
};

TEST_F(PluginLog, GoesToTheProgramsFile)
{
    int64_t before = log_warnings();
    self_log();
    EXPECT_EQ("chosen: 7\nwarning: odd: 0\n", get("log"));
    EXPECT_EQ(before + 3, log_warnings());
}

TEST_F(PluginLog, ObeysTheProgramsLevel)
{
    log_set_level(LOG_QUIET);
    self_log();
    EXPECT_EQ("warning: odd: 0\n", get("log"));
    log_set_level(LOG_DEBUG);
    self_log();
    EXPECT_NE(std::string::npos, get("log").find(" tried: 3\n")) << get("log");
}
