/* Devices from next to nothing to what the run needs: each one that is too small is told in a sentence with a name */
#include "fake_gpu/pretrain/moco_run.h"

TEST_F(MocoRun, NamesWhatFindsNoRoomOnEveryDeviceThatIsTooSmall)
{
    if (std::string(getenv("GODWIT_CUDA")) != GODWIT_TEST_PLUGIN)
        GTEST_SKIP() << "only the emulated device's memory can be made small";
    int64_t bytes = 20000;
    while (!fits_or_says_what_did_not(bytes) && !HasFailure())
        bytes += 20000;
    EXPECT_GT(bytes, 1000000);
}
