/* moco_run.h -- a run of `godwit pretrain moco_tiny` on the emulated device, and what it left */
#pragma once
#include "cli/run_program.h"
#include "fake_gpu/no_room.h"

#include <gtest/gtest.h>

#include <cstdlib>
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
    /* The run fits into a device of so many bytes, or says which thing found how little room. */
    bool fits_or_says_what_did_not(int64_t bytes)
    {
        setenv("FAKE_GPU_MEMORY", std::to_string(bytes).c_str(), 1);
        Ran r = godwit(words("run " + std::to_string(bytes), "--device cuda --quiet"));
        unsetenv("FAKE_GPU_MEMORY");
        EXPECT_TRUE(r.code == 0 || (r.code == 71 && what_found_no_room(r.err) != ""))
            << bytes << " bytes, exit " << r.code << ": " << r.err;
        return r.code == 0;
    }
};
