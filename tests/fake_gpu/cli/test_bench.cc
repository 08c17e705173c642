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
                                 "TB/s, ", "% of its measured copy's", "on the device"})
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

TEST_F(BenchOnGpu, SaysTf32WhereProductsAreRounded)
{
    TempDir dir;
    Ran r = godwit("bench model --device cuda --arch resnet18 --width 0.125 --batch 4 --size 32 "
                   "--reps 1 --dtype tf32 --threads 1 --json " +
                   (dir / "rates.json"));
    expect_figures(r);
    EXPECT_NE(std::string::npos, r.out.find("at 32 px, tf32: images a second")) << r.out;
    EXPECT_NE(std::string::npos, slurp(dir / "rates.json").find("\"dtype\": \"tf32\""));
}

/* Ceilings are measured in matrices of 256 x 256 and more, three of them: 786 kB that a device just large enough for the
 * step does not have. */
TEST_F(BenchOnGpu, KeepsTheStepsFiguresWhereTheCeilingsFindNoRoom)
{
    if (std::string(getenv("GODWIT_CUDA")) != GODWIT_TEST_PLUGIN)
        GTEST_SKIP() << "only the emulated device's memory can be made small";
    TempDir     dir;
    std::string words =
        "bench model --device cuda --arch resnet18 --width 0.125 --batch 4 --size 32 "
        "--reps 1 --threads 1 --json " +
        (dir / "rates.json");
    Ran r = {71, "", ""};
    for (int64_t bytes = 2000000; r.code == 71 && bytes < 20000000; bytes += 400000) {
        setenv("FAKE_GPU_MEMORY", std::to_string(bytes).c_str(), 1);
        r = godwit(words);
    }
    unsetenv("FAKE_GPU_MEMORY");
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos, r.out.find("its product not measured: no room")) << r.out;
    EXPECT_NE(std::string::npos, r.out.find("its copy not measured: no room")) << r.out;
    std::string json = slurp(dir / "rates.json");
    EXPECT_NE(std::string::npos, json.find("\"peak_gflops\": null")) << json;
    EXPECT_NE(std::string::npos, json.find("\"share_of_triad\": null")) << json;
}

TEST_F(BenchOnGpu, MeasuresOpsAgainstTheDevicesOwnCeilings)
{
    TempDir dir;
    Ran     r = godwit("bench op --device cuda --batch 1 --reps 1 --threads 1 --json " +
                       (dir / "ops.json"));
    ASSERT_EQ(0, r.code) << r.err;
    size_t end = r.out.find(": product in f32 ");
    ASSERT_NE(std::string::npos, end) << r.out;
    std::string name = r.out.substr(0, end), json = slurp(dir / "ops.json");
    EXPECT_NE(std::string::npos, json.find("\"device\": \"" + name + "\"")) << json;
    EXPECT_EQ(std::string(getenv("GODWIT_CUDA")) == GODWIT_TEST_PLUGIN, name == "emulated GPU")
        << name;
}
