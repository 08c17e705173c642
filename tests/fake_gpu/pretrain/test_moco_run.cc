/* A whole pretraining run of the program on the GPU: step by step against cpu, and its graph against its calls
 *
 *      steps 1 2 3 op by op | 4 captured | 5 6 7 8 from the graph: new views, permutations, rate, row of the queue
 */
#include "fake_gpu/pretrain/moco_run.h"

#include <csignal>

extern "C" {
#include "base/clock.h"
}

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
    EXPECT_EQ("device: cpu, 1 thread\ndata.decode=device: device cpu decodes no JPEG files; use "
              "data.decode=host, or --device cuda\n",
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
    EXPECT_NE(std::string::npos, slurp(dir / "fits/metrics.jsonl").find("\"device_peak_mb\":"));
    for (int64_t bytes : {100000, 300000, 500000, 700000, 1000000, 1530000, 1670000})
        EXPECT_FALSE(fits_or_says_what_did_not(bytes)) << bytes;
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
