/* godwit bench on the GPU: steps of MoCo and of Faster R-CNN C4 against the device's own ceilings */
#include "cli/run_program.h"

#include <gtest/gtest.h>

class BenchOnGpu : public ::testing::Test {
  protected:
    void SetUp() override
    {
        setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 0);
        setenv("FAKE_GPU_RACES", "0", 0); // test_kernels_gpu looks for races
    }
    void expect_figures(const Ran &r)
    {
        ASSERT_EQ(0, r.code) << r.err;
        for (const char *part : {"training step", "TFLOP/s on ", "% of its measured product's",
                                 "its copy: ", "on the device"})
            EXPECT_NE(std::string::npos, r.out.find(part)) << part << " in\n" << r.out;
    }
};

TEST_F(BenchOnGpu, MeasuresMoCosStepFromItsGraph)
{
    expect_figures(godwit("bench model --what moco --device cuda --arch resnet18 --width 0.125 "
                          "--batch 4 --size 32 --reps 1 --dtype bf16 --threads 1"));
}

TEST_F(BenchOnGpu, MeasuresDetectionInBothDirectionsAndTracesIt)
{
    TempDir dir;
    Ran     r = godwit("bench detect --device cuda --threads 1 --batch 2 --height 48 --width 64 "
                           "--reps 1 model.arch=resnet18 model.width=0.125 roi.batch=8 "
                           "rpn.post_test=20 --trace " +
                       (dir / "trace.json"));
    expect_figures(r);
    EXPECT_NE(std::string::npos, r.out.find("detection")) << r.out;
    EXPECT_NE(std::string::npos, slurp(dir / "trace.json").find("roi_align"));
}
