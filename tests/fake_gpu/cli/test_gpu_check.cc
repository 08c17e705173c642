/* scripts/gpu_check.sh on the emulated device: what a machine with a GPU will be asked, and what it says of failures */
#include "cli/run_program.h"

#include <gtest/gtest.h>
#include <sstream>
#include <thread>

class GpuCheck : public ::testing::Test {
  protected:
    TempDir dir;

    void SetUp() override
    {
        setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 0);
        setenv("GODWIT_RECIPES", GODWIT_SOURCE_DIR "/tests/fake_gpu/cli/recipes", 1);
    }
    void write(const std::string &name, const std::string &text)
    {
        std::ofstream(dir / name) << text;
        std::filesystem::permissions(dir / name, std::filesystem::perms::owner_all);
    }
    /* Exit code; `before` stands in front of the command. */
    int check(const std::string &words, const std::string &build, const std::string &before = "")
    {
        std::string command = before + " " GODWIT_SOURCE_DIR "/scripts/gpu_check.sh --small " +
                              words + " " + build + " " + (dir / "out") + " >" + (dir / "said") +
                              " 2>&1";
        int status = std::system(command.c_str());
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    std::string build() const
    {
        return std::filesystem::path(GODWIT_PROGRAM).parent_path();
    }
    bool summary_has(const std::string &text) const
    {
        return slurp(dir / "out/summary.txt").find(text) != std::string::npos;
    }
};

TEST_F(GpuCheck, GoesOnAfterAFailureAndKeepsWhatEveryStepSaid)
{
    write("peer.sh",
          "echo \"{\\\"what\\\": \\\"$1\\\"}\"; case \"$*\" in *graph*) exit 3;; esac\n");
    EXPECT_EQ(0,
              godwit("scenes --kind object --layout folder --size 24 --train 24 --val 0 --test 0 "
                     "--out " +
                     (dir / "pictures"))
                  .code);
    EXPECT_EQ(1, check("--only tests,determinism,losses,peer,compile,detect,jpeg,cifar --peer " +
                           (dir / "peer.sh") + " --cifar " + (dir / "pictures"),
                       build(), "PYTHON=sh"))
        << slurp(dir / "said");
    for (const char *name :
         {"machine", "tests", "determinism", "losses", "compile", "detect", "jpeg", "cifar"})
        EXPECT_TRUE(summary_has("s  " + std::string(name) + "\n"))
            << name << " in\n"
            << slurp(dir / "out/summary.txt") << slurp(dir / ("out/" + std::string(name) + ".txt"));
    EXPECT_TRUE(summary_has("peer (exit 1): {\"what\": \"r50\"}"))
        << slurp(dir / "out/summary.txt");
    for (const char *program : {"fake_gpu/test_kernels_gpu", "fake_gpu/test_cli_gpu_full"})
        EXPECT_NE(std::string::npos,
                  slurp(dir / "out/tests.txt").find("== " + std::string(program) + "\n"))
            << program;
    EXPECT_NE(std::string::npos, slurp(dir / "out/peer.txt").find("\"moco\""));
    EXPECT_NE(std::string::npos, slurp(dir / "out/determinism.txt").find("the same bits"));
    EXPECT_NE(std::string::npos, slurp(dir / "out/bench-detect-bf16.json").find("test_median"));
    EXPECT_NE(std::string::npos, slurp(dir / "out/losses.txt").find("means of the second half"));
    EXPECT_NE(std::string::npos, slurp(dir / "out/jpeg.txt").find("decoded by the device"));
}

/* Two programs, the second of which fails in the second of its three shards; the first is the slower one. */
TEST_F(GpuCheck, RunsProgramsBesideEachOtherAndTellsThemInTheirOrder)
{
    std::filesystem::create_directories(dir / "build/tests/fake_gpu");
    write("build/godwit", "#!/bin/bash\nexec " GODWIT_PROGRAM " \"$@\"\n");
    write("build/tests/fake_gpu/test_first",
          "#!/bin/bash\nsleep 0.3\necho \"of $GTEST_TOTAL_SHARDS\"\n");
    write(
        "build/tests/fake_gpu/test_kernels_gpu",
        "#!/bin/bash\necho \"index $GTEST_SHARD_INDEX\"\n[ $GTEST_SHARD_INDEX != 1 ] || exit 5\n");
    EXPECT_EQ(1, check("--only tests --jobs 3", dir / "build")) << slurp(dir / "said");
    EXPECT_EQ("== fake_gpu/test_first\nof 1\n"
              "== fake_gpu/test_kernels_gpu, shard 1 of 3\nindex 0\n"
              "== fake_gpu/test_kernels_gpu, shard 2 of 3\nindex 1\n"
              "fake_gpu/test_kernels_gpu failed (exit 5)\n"
              "== fake_gpu/test_kernels_gpu, shard 3 of 3\nindex 2\n"
              "failed: fake_gpu/test_kernels_gpu, shard 2 of 3\n",
              slurp(dir / "out/tests.txt"));
    EXPECT_EQ(64, check("--only tests --jobs 0", dir / "build"));
    EXPECT_EQ("gpu_check: --jobs expects a number from 1 on, found '0'\n", slurp(dir / "said"));
}

TEST_F(GpuCheck, LeavesNoProgramBehindWhenAStepIsOutOfTime)
{
    write("sanitizer", "#!/bin/bash\necho $$ >> " + (dir / "pids") + "\nexec sleep 100\n");
    EXPECT_EQ(1, check("--only sanitizer --jobs 2 --seconds 6", build(),
                       "COMPUTE_SANITIZER=" + (dir / "sanitizer")))
        << slurp(dir / "said");
    EXPECT_TRUE(summary_has("TIMEOUT")) << slurp(dir / "out/summary.txt");
    std::istringstream pids(slurp(dir / "pids"));
    int                n = 0;
    for (std::string pid; pids >> pid; n++) {
        for (int wait = 0; wait < 100 && std::filesystem::exists("/proc/" + pid); wait++)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        EXPECT_FALSE(std::filesystem::exists("/proc/" + pid)) << pid;
    }
    EXPECT_EQ(2, n);
}

/* A profiler that tells of three kernels, in its units. */
TEST_F(GpuCheck, AddsUpWhatKernelsTook)
{
    write("ncu", "#!/bin/bash\n"
                 "while [ $# -gt 0 ] && [ \"$1\" != --log-file ]; do shift; done\n"
                 "kernel() { printf '\"%s\",\"7\",\"godwit\",\"host\",\"%s\",\"1\",\"13\",\"(256, "
                 "1, 1)\",\"(8, 1, 1)\",\"0\","
                 "\"9.0\",\"Command line profiler metrics\",\"%s\",\"%s\",\"%s\"\\n' \"$@\"; }\n"
                 "{ echo '==PROF== Connected'; kernel ID 'Kernel Name' 'Metric Name' 'Metric Unit' "
                 "'Metric Value'\n"
                 "  for i in 0 1; do\n"
                 "    kernel $i 'void apply<8>(int *, T<1, 2>)' dram__bytes.sum byte 99,000,000\n"
                 "    kernel $i 'void apply<8>(int *, T<1, 2>)' gpu__time_duration.sum ns 49,500\n"
                 "  done\n"
                 "  kernel 2 fold dram__bytes.sum Mbyte 1.5\n"
                 "  kernel 2 fold gpu__time_duration.sum us 1; } > \"$2\"\n");
    EXPECT_EQ(0, check("--only kernels", build(), "NCU=" + (dir / "ncu"))) << slurp(dir / "said");
    EXPECT_EQ("      99.0 us  99.0 %     2 times   2.00 TB/s  void apply<8>\n"
              "       1.0 us   1.0 %     1 times   1.50 TB/s  fold\n",
              slurp(dir / "out/kernels.txt"));
    write("ncu", "#!/bin/bash\nexit 0\n");
    EXPECT_EQ(1, check("--only kernels", build(), "NCU=" + (dir / "ncu"))) << slurp(dir / "said");
    EXPECT_EQ(0, check("--only kernels", build(), "NCU=/nowhere/ncu"));
    EXPECT_TRUE(summary_has("kernels: Nsight Compute (ncu) is not there"));
}

/* A program whose device draws other numbers every time. */
TEST_F(GpuCheck, SeesRunsThatDifferAndCurvesThatPart)
{
    std::filesystem::create_directory(dir / "build");
    write("build/godwit",
          "#!/bin/bash\n"
          "case \"$*\" in \"pretrain \"*\"--device cuda\"*) seed=seed=$RANDOM ;; esac\n"
          "exec " GODWIT_PROGRAM " \"$@\" $seed\n");
    EXPECT_EQ(1, check("--only determinism,losses", dir / "build")) << slurp(dir / "said");
    EXPECT_TRUE(summary_has("determinism (exit 1)")) << slurp(dir / "out/summary.txt");
    EXPECT_TRUE(summary_has("losses (exit 1): step")) << slurp(dir / "out/summary.txt");
}

TEST_F(GpuCheck, StopsWhereNoDeviceAnswers)
{
    EXPECT_EQ(69, check("--only losses", build(), "GODWIT_CUDA=/nowhere/libgodwit_cuda.so"));
    EXPECT_TRUE(summary_has("FAILED")) << slurp(dir / "out/summary.txt");
    EXPECT_NE(std::string::npos, slurp(dir / "said").find("no device answers"));
}
