/* Interrupted is not lost: a small run is killed at random moments, resumed each time, and must end with the same bytes as
 * a run that nobody touched. GODWIT_KILLS (default 100) kills in all, half SIGKILL and half SIGTERM. */
#include "cli/run_program.h"

#include <csignal>
#include <ctime>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include "base/clock.h"
}

static pid_t start(const std::vector<std::string> &words)
{
    pid_t pid = fork();
    if (pid == 0) {
        std::vector<char *> argv = {const_cast<char *>(GODWIT_PROGRAM)};
        for (const std::string &w : words)
            argv.push_back(const_cast<char *>(w.c_str()));
        argv.push_back(nullptr);
        if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
            _exit(99);
        execv(GODWIT_PROGRAM, argv.data());
        _exit(99);
    }
    return pid;
}

static int finish(pid_t pid)
{
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Kills and resumes the run of `words` until it ends by itself; returns the number of kills that hit it alive. Each
 * attempt lives for a random share of what a whole run takes, so that kills fall on start-up, steps, checkpoints and the end. */
static int torment(const std::vector<std::string> &words, double whole_s, int most,
                   std::mt19937 &rng)
{
    int kills = 0;
    for (int attempt = 0; attempt < most * 4; attempt++) {
        pid_t pid = start(words);
        if (kills < most)
            clock_sleep(whole_s * std::uniform_real_distribution<double>(0.02, 0.5)(rng));
        int signal_sent = rng() % 2 ? SIGKILL : SIGTERM;
        if (kills < most)
            kill(pid, signal_sent);
        int code = finish(pid);
        if (code == 0)
            return kills;
        if (signal_sent == SIGKILL && code == -SIGKILL)
            kills++;
        else if (signal_sent == SIGTERM &&
                 (code == 75 || code == -SIGTERM)) // before the handler stands, TERM just ends it
            kills++;
        else {
            ADD_FAILURE() << "exit code " << code << " after signal " << signal_sent;
            return -1;
        }
    }
    ADD_FAILURE() << "the run never ended";
    return -1;
}

static void survives(std::vector<std::string> words, const TempDir &dir, const std::string &file,
                     unsigned seed)
{
    const char *wanted_text = getenv("GODWIT_KILLS");
    int         wanted = (wanted_text ? atoi(wanted_text) : 100) / 2, kills = 0;
    double      began = clock_seconds();
    words.push_back("--out");
    words.push_back(dir / "whole");
    ASSERT_EQ(0, finish(start(words)));
    double      whole_s = clock_seconds() - began;
    std::string expected = slurp(dir / ("whole/" + file));
    ASSERT_FALSE(expected.empty());
    words.push_back("--resume");
    words.push_back("auto");
    std::mt19937 rng(seed);
    for (int run = 0; kills < wanted && run < wanted; run++) {
        words[words.size() - 3] = dir / ("run" + std::to_string(run));
        int n = torment(words, whole_s, std::min(8, wanted - kills), rng);
        ASSERT_GE(n, 0);
        kills += n;
        if (n < 2) // the whole run was timed while the machine was busier
            whole_s /= 2;
        ASSERT_EQ(expected, slurp(dir / ("run" + std::to_string(run) + "/" + file)))
            << "run " << run << " after " << n << " kills";
    }
    EXPECT_GE(kills, wanted);
    printf("%d kills, every final %s identical\n", kills, file.c_str());
}

TEST(Kills, APretrainingRunEndsWithTheSameBytesHoweverOftenItIsKilled)
{
    TempDir dir;
    ASSERT_EQ(0, godwit("scenes --kind object --layout shards --train 64 --val 0 --test 0 --out " +
                        (dir / "data"))
                     .code);
    survives({"pretrain", "moco_tiny", "checkpoint_every=3", "data.train=train-*.tar", "--data",
              dir / "data"},
             dir, "backbone.safetensors", 1);
}

TEST(Kills, ADetectionRunEndsWithTheSameBytesHoweverOftenItIsKilled)
{
    TempDir dir;
    ASSERT_EQ(0,
              godwit("scenes --train 16 --val 0 --test 4 --size 96 --out " + (dir / "data")).code);
    survives({"train", "demo_c4", "solver.iters=12", "solver.milestones=[8]", "checkpoint_every=2",
              "data.sizes=[96]", "data.test_size=96", "--data", (dir / "data") + "/VOCdevkit"},
             dir, "model.safetensors", 2);
}
