/* a run killed at any moment resumes, and its weights are those of a run that nobody touched */
#include "pretrain/formula.h"
#include "pretrain/pictures.h"
extern "C" {
#include "base/log.h"
#include "pretrain/train.h"
}
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace {

Status run(const std::string &data, const std::string &out)
{
    std::string recipe = std::string(GODWIT_SOURCE_DIR) + "/pretrain/recipes/moco_tiny.json";
    JobOptions  o = {};
    o.recipe = recipe.c_str();
    o.data = data.c_str();
    o.run_dir = out.c_str();
    o.device = "cpu";
    o.resume = "auto";
    return pretrain_run(nullptr, &o);
}

/* In a process of its own, so that the signal meets threads, files and locks as they are. */
int run_and_kill(const std::string &data, const std::string &out, int sig, useconds_t after_us)
{
    pid_t child = fork();
    if (child == 0) {
        log_set_level(LOG_QUIET);
        _exit(status_exit_code(run(data, out)));
    }
    usleep(after_us);
    kill(child, sig);
    int status = 0;
    EXPECT_EQ(child, waitpid(child, &status, 0));
    return status;
}

TEST(Kill, EveryKilledRunEndsWithTheWeightsOfAnUntouchedOne)
{
    TempDir dir;
    log_set_level(LOG_QUIET);
    write_pictures(dir / "data", 16);
    pid_t first = fork(); // OpenMP's team must not exist before the forks below
    if (first == 0)
        _exit(status_exit_code(run(dir / "data", dir / "straight")));
    int status = 0;
    ASSERT_EQ(first, waitpid(first, &status, 0));
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    std::string expected = file_bytes(dir / "straight/encoder.safetensors");

    const int kills = 20;
    for (int i = 0; i < kills; i++) {
        std::string out = dir / ("run" + std::to_string(i));
        int         sig = i % 2 ? SIGTERM : SIGKILL, times = 0;
        double      u = uniform_at(fnv1a("kill"), (uint64_t)i);
        status = run_and_kill(dir / "data", out, sig, (useconds_t)(20000 + 1500000 * u));
        while (!(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
            bool killed =
                WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
            bool saved = WIFEXITED(status) && WEXITSTATUS(status) == 75;
            ASSERT_TRUE(killed || saved) << "kill " << i << ": status " << status;
            ASSERT_LT(times++, 10);
            status = run_and_kill(dir / "data", out, SIGCONT, 0); // undisturbed
        }
        EXPECT_EQ(expected, file_bytes(out + "/encoder.safetensors")) << "kill " << i;
    }
    log_set_level(LOG_INFO);
}

} // namespace
