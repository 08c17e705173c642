/* godwit doctor on a machine with a GPU */
#include "cli/run_program.h"

#include <gtest/gtest.h>

TEST(DoctorOnGpu, NamesTheDeviceAndWhatItLacks)
{
    setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 0);
    Ran r = godwit("doctor");
    ASSERT_EQ(0, r.code) << r.err;
    for (const char *line : {"GB free: --device cuda\n", "GPU lacks      conv_bn_train_forward: "})
        EXPECT_NE(std::string::npos, r.out.find(line)) << line << " in\n" << r.out;
    r = godwit("doctor --sync");
    EXPECT_NE(std::string::npos, r.out.find("; graph_begin: --sync: ")) << r.out;
}
