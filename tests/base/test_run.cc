extern "C" {
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/run.h"
}
#include "base/scratch.h"
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/* A run whose state is one array filled with the step. */
struct RunFolder : ScratchTest {
    std::vector<float> weights;
    int64_t            pointer = 0;
    SafeTensor         arrays[2];
    int                saved_fd = 2;

    void SetUp() override
    {
        ScratchTest::SetUp();
        weights.assign(1000, 0);
        arrays[0] = {"weights", SAFE_F32, 2, {10, 100}, weights.data(), 0};
        arrays[1] = {"pointer", SAFE_I64, 0, {}, &pointer, 0};
        log_set_fd(open(path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644));
    }
    void TearDown() override
    {
        close(log_fd());
        log_set_fd(2);
        run_request_stop(0);
        ScratchTest::TearDown();
    }
    void fill(int64_t step)
    {
        std::fill(weights.begin(), weights.end(), (float)step);
        pointer = step * 3;
    }
    Status save(struct Run *run, int64_t step)
    {
        fill(step);
        return run_save(run, step, arrays, 2, nullptr, 0);
    }
    struct Run *open_run(RunResume resume = RUN_AUTO, uint64_t hash = 7)
    {
        struct Run *run = nullptr;
        RunOptions  options = {};
        options.resume = resume;
        options.recipe_hash = hash;
        options.recipe_json = "{}";
        EXPECT_EQ(OK, run_open(&run, path("run").c_str(), &options)) << status_text();
        return run;
    }
    /* Opens, resumes, checks that the state is whole; the step or -1. */
    int64_t resumed_step()
    {
        SafeFile    f;
        int64_t     step;
        struct Run *run = open_run();
        EXPECT_EQ(OK, run_resume(run, &f, &step)) << status_text();
        if (step >= 0) {
            fill(-1);
            EXPECT_EQ(OK, run_restore(&f, arrays, 2)) << status_text();
            EXPECT_EQ(weights, std::vector<float>(1000, (float)step));
            EXPECT_EQ(pointer, step * 3);
        }
        safetensors_close(&f);
        run_close(run);
        return step;
    }
    std::string checkpoint(int64_t step)
    {
        char name[64];
        snprintf(name, sizeof name, "run/checkpoints/step_%07lld.safetensors", (long long)step);
        return name;
    }
};

} // namespace

TEST_F(RunFolder, ResumeFindsTheNewestAndKeepsTheLastTwo)
{
    EXPECT_EQ(resumed_step(), -1);
    struct Run *run = open_run();
    for (int64_t step : {10, 20, 30})
        ASSERT_EQ(OK, save(run, step));
    EXPECT_EQ(run_saved_step(run), 30);
    run_close(run);
    EXPECT_FALSE(file_exists(path(checkpoint(10)).c_str()));
    EXPECT_TRUE(file_exists(path(checkpoint(20)).c_str()));
    EXPECT_EQ(get("run/checkpoints/latest"), "step_0000030.safetensors\n");
    EXPECT_EQ(get("run/recipe.json"), "{}\n");
    EXPECT_EQ(resumed_step(), 30);
}

/* People remove checkpoints of finished runs for their space. */
TEST_F(RunFolder, ResultsWithoutCheckpointsAreNotOverwritten)
{
    struct Run *run = open_run();
    run_close(run);
    put("run/best.safetensors", "of a run that was killed before its first checkpoint");
    run = open_run();
    run_close(run);
    put("run/backbone.safetensors", "weights");
    for (RunResume how : {RUN_NEW, RUN_AUTO}) {
        RunOptions options = {};
        options.resume = how;
        EXPECT_EQ(ERR_USAGE, run_open(&run, path("run").c_str(), &options));
        EXPECT_NE(nullptr, strstr(status_text(), "holds backbone.safetensors and no checkpoint"))
            << status_text();
    }
}

/* Evaluations read recipe.json. */
TEST_F(RunFolder, AResumeWritesTheRecipeAnewAndARefusedOneDoesNot)
{
    SafeFile    f;
    int64_t     step;
    struct Run *run = open_run();
    ASSERT_EQ(OK, save(run, 10));
    run_close(run);
    for (const char *edited : {"{\"test.score\": 0.9}\n", ""}) {
        *edited ? (void)put("run/recipe.json", edited)
                : (void)std::filesystem::remove(path("run/recipe.json"));
        run = open_run(RUN_AUTO, 8);
        EXPECT_EQ(ERR_RECIPE, run_resume(run, &f, &step));
        run_close(run);
        EXPECT_EQ(*edited != 0, file_exists(path("run/recipe.json").c_str()));
        EXPECT_EQ(10, resumed_step());
        EXPECT_EQ("{}\n", get("run/recipe.json"));
    }
    EXPECT_NE(get("log").find("recipe.json: is not the recipe of this run; written anew"),
              std::string::npos);
}

TEST_F(RunFolder, ADamagedCheckpointIsNamedAndPassedOver)
{
    struct Run *run = open_run();
    ASSERT_EQ(OK, save(run, 10));
    ASSERT_EQ(OK, save(run, 20));
    run_close(run);
    std::string good = get(checkpoint(20));
    Rng         rng = rng_at(1, RNG_TEST, 0, 0);
    for (int k = 0; k < 1000; k++) {
        std::string bad = good;
        uint32_t    bit = rng_below(&rng, (uint32_t)good.size() * 8);
        bad[bit / 8] ^= (char)(1 << bit % 8);
        SafeFile f;
        ASSERT_EQ(ERR_FORMAT, safetensors_open_bytes(&f, bad.data(), (int64_t)bad.size(), "x"))
            << bit;
        if (k < 20) {
            put(checkpoint(20), bad);
            ASSERT_EQ(resumed_step(), 10);
        }
    }
    EXPECT_NE(get("log").find("going back to the checkpoint before it"), std::string::npos);
}

TEST_F(RunFolder, WhenNoCheckpointIsWholeNothingIsStartedAnew)
{
    struct Run *run = open_run();
    ASSERT_EQ(OK, save(run, 10));
    put(checkpoint(10), "rubbish");
    SafeFile f;
    int64_t  step;
    EXPECT_EQ(ERR_FORMAT, run_resume(run, &f, &step));
    EXPECT_EQ(ERR_FORMAT, run_resume(run, &f, &step)); // asking again does not help
    run_close(run);
}

TEST_F(RunFolder, ASecondWriterIsRefusedByName)
{
    struct Run *run = open_run(), *second = nullptr;
    EXPECT_EQ(ERR_USAGE, run_open(&second, path("run").c_str(), nullptr));
    EXPECT_NE(strstr(status_text(), std::to_string(getpid()).c_str()), nullptr) << status_text();
    pid_t child = fork();
    if (child == 0)
        _exit(run_open(&second, path("run").c_str(), nullptr) == ERR_USAGE ? 0 : 1);
    int how;
    waitpid(child, &how, 0);
    EXPECT_EQ(how, 0);
    run_close(run);
    run = open_run();
    run_close(run);
}

TEST_F(RunFolder, ALockOfADeadProcessIsTakenOver)
{
    pid_t child = fork();
    if (child == 0) {
        struct Run *run;
        if (run_open(&run, path("run").c_str(), nullptr) != OK)
            _exit(1);
        raise(SIGKILL);
    }
    int how;
    waitpid(child, &how, 0);
    ASSERT_TRUE(WIFSIGNALED(how));
    EXPECT_NE(get("run/lock").find(std::to_string(child)), std::string::npos);
    run_close(open_run());
    EXPECT_EQ(get("run/lock"), "");
}

TEST_F(RunFolder, NewRefusesOldCheckpointsAndResumeWantsOne)
{
    struct Run *run = nullptr;
    RunOptions  want = {};
    want.resume = RUN_RESUME;
    EXPECT_EQ(ERR_MISSING, run_open(&run, path("run").c_str(), &want));
    run = open_run(RUN_NEW);
    ASSERT_EQ(OK, save(run, 1));
    run_close(run);
    want.resume = RUN_NEW;
    EXPECT_EQ(ERR_USAGE, run_open(&run, path("run").c_str(), &want));
    EXPECT_NE(strstr(status_text(), "step 1"), nullptr);
}

TEST_F(RunFolder, AnotherRecipeIsNeverResumedSilently)
{
    struct Run *run = open_run(RUN_AUTO, 7);
    ASSERT_EQ(OK, save(run, 5));
    run_close(run);
    SafeFile f;
    int64_t  step;
    run = open_run(RUN_AUTO, 8);
    EXPECT_EQ(ERR_RECIPE, run_resume(run, &f, &step));
    run_close(run);
    RunOptions allowed = {};
    allowed.resume = RUN_AUTO;
    allowed.recipe_hash = 8;
    allowed.allow_other_recipe = true;
    ASSERT_EQ(OK, run_open(&run, path("run").c_str(), &allowed));
    EXPECT_EQ(OK, run_resume(run, &f, &step));
    EXPECT_EQ(step, 5);
    EXPECT_NE(get("log").find("another recipe"), std::string::npos);
    safetensors_close(&f);
    run_close(run);
}

TEST_F(RunFolder, RestoreWantsExactlyTheArraysOfTheFile)
{
    struct Run *run = open_run();
    ASSERT_EQ(OK, save(run, 5));
    SafeFile f;
    int64_t  step;
    ASSERT_EQ(OK, run_resume(run, &f, &step));
    SafeTensor other[2] = {arrays[0], arrays[1]};
    EXPECT_EQ(ERR_FORMAT, run_restore(&f, arrays, 1)); // one is left over
    other[0].dim[0] = 5;
    other[0].dim[1] = 200;
    EXPECT_EQ(ERR_SHAPE, run_restore(&f, other, 2));
    other[0] = arrays[0];
    other[0].type = SAFE_I32;
    EXPECT_EQ(ERR_SHAPE, run_restore(&f, other, 2));
    other[0] = arrays[0];
    other[0].name = "weightz";
    EXPECT_EQ(ERR_FORMAT, run_restore(&f, other, 2));
    EXPECT_NE(strstr(status_text(), "weightz"), nullptr);
    safetensors_close(&f);
    run_close(run);
}

/* A child saves checkpoints as fast as it can and is killed at a random moment. What it had finished is there. */
TEST_F(RunFolder, AKillAtAnyMomentLeavesACompleteCheckpoint)
{
    Rng     rng = rng_at(2, RNG_TEST, 0, 0);
    int64_t newest = -1;
    int     progress = 0;
    weights.assign(1000, 0);
    arrays[0].data = weights.data();
    for (int k = 0; k < 60; k++) {
        int pipes[2];
        ASSERT_EQ(0, pipe(pipes));
        pid_t child = fork();
        if (child == 0) {
            struct Run *run;
            if (run_open(&run, path("run").c_str(), nullptr) != OK)
                _exit(1);
            for (int64_t step = newest + 1;; step++) {
                if (save(run, step) != OK)
                    _exit(2);
                if (write(pipes[1], &step, sizeof step) != sizeof step)
                    _exit(3);
            }
        }
        close(pipes[1]);
        clock_sleep(0.001 + 0.015 * rng_uniform(&rng));
        kill(child, SIGKILL);
        int how;
        waitpid(child, &how, 0);
        ASSERT_TRUE(WIFSIGNALED(how)) << "the child failed: " << how;
        int64_t finished = newest, step;
        while (read(pipes[0], &step, sizeof step) == sizeof step)
            finished = step;
        close(pipes[0]);
        RunOptions  options = {};
        struct Run *run = nullptr;
        SafeFile    f;
        options.resume = RUN_AUTO;
        ASSERT_EQ(OK, run_open(&run, path("run").c_str(), &options)) << status_text();
        ASSERT_EQ(OK, run_resume(run, &f, &step)) << status_text();
        ASSERT_GE(step, finished);
        ASSERT_LE(step, finished + 1);
        if (step >= 0) {
            ASSERT_EQ(OK, run_restore(&f, arrays, 2));
        }
        for (float w : weights)
            ASSERT_EQ(w, (float)std::max<int64_t>(step, 0));
        safetensors_close(&f);
        run_close(run);
        progress += step > newest;
        newest = step;
        for (auto &e : std::filesystem::directory_iterator(path("run/checkpoints")))
            ASSERT_EQ(e.path().string().find(".tmp-"), std::string::npos) << e.path();
    }
    EXPECT_GT(progress, 10);
}

/* RLIMIT_FSIZE makes writes fail in the middle of the file, as a full disk does. */
TEST_F(RunFolder, AFullDiskKeepsTheOldFileAndStopsAtTheThirdFailure)
{
    pid_t child = fork();
    if (child == 0) {
        struct Run *run = open_run();
        if (save(run, 10) != OK)
            _exit(1);
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {2000, 2000};
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(2);
        if (save(run, 20) != OK || save(run, 30) != OK)
            _exit(3);
        if (save(run, 40) != ERR_IO || run_saved_step(run) != 10)
            _exit(4);
        _exit(0);
    }
    int how;
    waitpid(child, &how, 0);
    ASSERT_EQ(how, 0);
    EXPECT_EQ(resumed_step(), 10);
    for (auto &e : std::filesystem::directory_iterator(path("run/checkpoints")))
        EXPECT_EQ(e.path().string().find(".tmp-"), std::string::npos) << e.path();
    EXPECT_NE(get("log").find("the run goes on (failure 2 of 3"), std::string::npos) << get("log");
}

TEST_F(RunFolder, SignalsSetTheFlagAndASecondInterruptEnds75)
{
    for (int sig : {SIGTERM, SIGUSR1, SIGHUP, SIGINT}) {
        pid_t child = fork();
        if (child == 0) {
            close(2);
            signal(SIGHUP, SIG_DFL); // nohup may have started the tests
            run_signals_install();
            if (run_stop_requested())
                _exit(1);
            raise(sig);
            if (!run_stop_requested() || run_stop_signal() != sig)
                _exit(2);
            if (sig == SIGINT)
                raise(SIGINT);
            _exit(sig == SIGINT ? 3 : 75);
        }
        int how;
        waitpid(child, &how, 0);
        EXPECT_TRUE(WIFEXITED(how) && WEXITSTATUS(how) == 75)
            << "signal " << sig << " gave " << how;
    }
    struct Run *run = open_run();
    ASSERT_EQ(OK, save(run, 5));
    EXPECT_EQ(ERR_INTERRUPTED, run_interrupted(run));
    EXPECT_EQ(status_exit_code(ERR_INTERRUPTED), 75);
    EXPECT_NE(strstr(status_text(), "step 5"), nullptr);
    run_close(run);
}
