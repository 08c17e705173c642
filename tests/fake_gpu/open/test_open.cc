/* Opening a device that cannot be opened: the sentence says what is wrong, and --device auto does not fall back in silence */
#include "device_under_test.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

/* A plug-in opens its device once, so each of these runs in a process that does it anew. */
class Open : public ::testing::Test {
  protected:
    void SetUp() override
    {
        setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 0);
        if (std::string(getenv("GODWIT_CUDA")) != GODWIT_TEST_PLUGIN)
            GTEST_SKIP() << "only the emulated device can be kept from opening";
        GTEST_FLAG_SET(death_test_style, "threadsafe"); // a program of its own
    }
    /* Ends with what was said of opening `device` under name=value. */
    [[noreturn]] static void tell(const char *name, const char *value, const char *device)
    {
        const Backend *be = nullptr;
        setenv(name, value, 1);
        Status st = backend_open(&be, device, F32);
        if (st == OK)
            backend_log_device(be);
        fprintf(stderr, "%s\n", st == OK ? be->name : status_text());
        _exit(st);
    }
};

TEST_F(Open, TellsAnOldDriverFromNone)
{
    EXPECT_EXIT(
        tell("FAKE_GPU_DRIVER", "12040", "cuda"), ::testing::ExitedWithCode(ERR_DEVICE),
        "^device cuda: the driver is for CUDA 12.4, this build needs one for 13.0 or later; "
        "use --device cpu\n$");
    EXPECT_EXIT(tell("FAKE_GPU_DRIVER", "0", "cuda"), ::testing::ExitedWithCode(ERR_DEVICE),
                "^device cuda: no NVIDIA driver is installed; use --device cpu\n$");
}

TEST_F(Open, BlamesNoEarlierOp)
{
    EXPECT_EXIT(tell("FAKE_GPU_TAKEN", "1", "cuda"), ::testing::ExitedWithCode(ERR_DEVICE),
                "^opening the device: .* \\(cudaErrorDevicesUnavailable\\)\n$");
}

TEST_F(Open, OfAutoSaysWhyTheCpuComputes)
{
    EXPECT_EXIT(tell("FAKE_GPU_DRIVER", "12040", "auto"), ::testing::ExitedWithCode(OK),
                "^warning: --device auto takes the cpu: device cuda: the driver is for CUDA 12.4, "
                ".*\ndevice: cpu, [0-9]+ threads?\ncpu\n$");
    EXPECT_EXIT(tell("GODWIT_CUDA", "/nowhere/libgodwit_cuda.so", "auto"),
                ::testing::ExitedWithCode(OK),
                "^warning: --device auto takes the cpu: device cuda: the plug-in does not load: "
                ".*\ncpu\n$");
}

TEST_F(Open, OfAutoNamesTheDevice)
{
    EXPECT_EXIT(tell("FAKE_GPU_DRIVER", "13010", "auto"), ::testing::ExitedWithCode(OK),
                "^device: cuda, emulated GPU, [0-9.]+ of 4.3 GB free\ncuda\n$");
}
