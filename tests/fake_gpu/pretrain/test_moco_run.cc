/* A whole pretraining run of the program on the GPU: step by step against cpu, and its graph against its calls
 *
 *      steps 1 2 3 op by op | 4 captured | 5 6 7 8 from the graph: new views, permutations, rate, row of the queue
 */
#include "cli/run_program.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

static const int STEPS = 8;

class MocoRun : public ::testing::Test {
  protected:
    TempDir dir;

    void SetUp() override
    {
        setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 0);
        setenv("FAKE_GPU_RACES", "0", 0); // test_kernels_gpu looks for races
        ASSERT_EQ(0, godwit("scenes --kind object --layout folder --size 20 --train 24 --val 0 "
                            "--test 0 --out " +
                            (dir / "data"))
                         .code);
    }
    std::string words(const std::string &run, const std::string &how)
    {
        return "pretrain moco_tiny --threads 1 --data " + (dir / "data") + " --out '" +
               (dir / run) + "'" + " solver.iters=" + std::to_string(STEPS) +
               " solver.warmup_iters=4 " + how;
    }
    void train(const std::string &run, const std::string &how)
    {
        Ran r = godwit(words(run, how));
        ASSERT_EQ(0, r.code) << r.err;
    }
    std::string weights(const std::string &run)
    {
        return slurp(dir / (run + "/encoder.safetensors"));
    }
    std::string last_checkpoint(const std::string &run) // weights, momentum, queue, means
    {
        char name[40];
        snprintf(name, sizeof name, "/checkpoints/step_%07d.safetensors", STEPS);
        return slurp(dir / (run + name));
    }
    std::vector<double> losses(const std::string &run) // a line of metrics is a step
    {
        return losses_of(dir / run);
    }
};

TEST_F(MocoRun, HasTheLossesOfCpu)
{
    train("cpu", "--device cpu");
    train("gpu", "--device cuda");
    std::vector<double> cpu = losses("cpu"), gpu = losses("gpu");
    ASSERT_EQ((size_t)STEPS, cpu.size());
    ASSERT_EQ((size_t)STEPS, gpu.size());
    /* Sums in another order, 1e-6 of a gradient, until an activation lies so near 0 that they decide about its ReLU. That
     * happens to these pictures in the first step and moves a gradient by 2e-2: with data.std larger by one unit in its
     * last place, ref's own losses part by 1e-5, 1e-3, ... 6e-2 in the steps 2, 3, ... 8. */
    const double tolerance[STEPS] = {1e-5, 1e-3, 1e-2, 0.1, 0.1, 0.1, 0.1, 0.1};
    for (int i = 0; i < STEPS; i++)
        EXPECT_NEAR(cpu[i], gpu[i], tolerance[i] * cpu[i]) << "step " << i + 1;
}

TEST_F(MocoRun, FromAGraphGivesTheBitsOfItsCallsAndOfItself)
{
    train("again", "--device cuda");
    for (std::string how : {"", "dtype=bf16 moco.symmetric=true"}) {
        std::string graph = "graph " + how, calls = "calls " + how;
        train(graph, "--device cuda " + how);
        train(calls, "--device cuda --sync " + how); // keeps no graph
        EXPECT_FALSE(last_checkpoint(graph).empty());
        EXPECT_TRUE(last_checkpoint(graph) == last_checkpoint(calls)) << how;
        EXPECT_EQ(losses(graph), losses(calls)) << how;
    }
    EXPECT_TRUE(last_checkpoint("again") == last_checkpoint("graph "));
    train("finished",
          "--device cuda data.augment=host"); // the others finished their crops on the device
    EXPECT_TRUE(weights("again") == weights("finished"));
    EXPECT_EQ(losses("again"), losses("finished"));
}

TEST_F(MocoRun, TakesPicturesThatTheDeviceDecoded)
{
    if (std::string(getenv("GODWIT_CUDA")) != GODWIT_TEST_PLUGIN)
        GTEST_SKIP() << "only the emulated device decodes to libjpeg's bits";
    train("host", "--device cuda");
    Ran r = godwit(words("device", "--device cuda data.decode=device"));
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos, r.err.find("JPEG files decoded by the device: ")) << r.err;
    EXPECT_EQ(std::string::npos, r.err.find("device: 0 of")) << r.err;
    EXPECT_FALSE(weights("host").empty());
    EXPECT_TRUE(weights("host") == weights("device"));

    r = godwit(words("cpu", "--device cpu data.decode=device"));
    EXPECT_EQ(71, r.code);
    EXPECT_EQ("data.decode=device: device cpu decodes no JPEG files; use data.decode=host, or "
              "--device cuda\n",
              r.err);
    setenv("FAKE_GPU_NO_JPEG", "1", 1);
    r = godwit(words("none", "--device cuda data.decode=device"));
    unsetenv("FAKE_GPU_NO_JPEG");
    EXPECT_EQ(71, r.code);
    EXPECT_NE(std::string::npos, r.err.find("JPEG on the device: this GPU has no decoding engine; "
                                            "use data.decode=host"))
        << r.err;
}

TEST_F(MocoRun, SaysWhatDidNotFitAndHowMuchItHeld)
{
    if (std::string(getenv("GODWIT_CUDA")) != GODWIT_TEST_PLUGIN)
        GTEST_SKIP() << "only the emulated device's memory can be made small";
    Ran r = godwit(words("fits", "--device cuda"));
    EXPECT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos, r.err.find("emulated GPU: at most 0.00 of 4.29 GB were in use"))
        << r.err;
    setenv("FAKE_GPU_MEMORY", "500000", 1);
    r = godwit(words("small", "--device cuda"));
    EXPECT_EQ(71, r.code);
    EXPECT_NE(std::string::npos,
              r.err.find("momentum of the weights, 0.18 MB: the GPU has no room for "))
        << r.err;
    setenv("FAKE_GPU_MEMORY", "1000000", 1);
    r = godwit(words("larger", "--device cuda"));
    EXPECT_EQ(71, r.code);
    EXPECT_NE(std::string::npos,
              r.err.find("does not fit beside the 0.00 GB of this step (the GPU has no room for "))
        << r.err;
    unsetenv("FAKE_GPU_MEMORY");
}

/* In the middle of the steps that run from a graph: the resumed run goes op by op first, then makes a graph of its own. */
TEST_F(MocoRun, EndsWithTheSameBitsWhenItIsKilledAndResumed)
{
    train("straight", "--device cuda");
    EXPECT_TRUE(godwit_killed_at(words("killed", "--device cuda checkpoint_every=1"),
                                 dir / "killed/checkpoints/step_0000005.safetensors"));
    train("killed", "--device cuda checkpoint_every=1 --resume auto");
    EXPECT_FALSE(weights("straight").empty());
    EXPECT_TRUE(weights("straight") == weights("killed"));
    EXPECT_EQ(losses("straight"), losses("killed"));
}
