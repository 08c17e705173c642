/* job: when a training run logs, saves and stops, and what it writes */
extern "C" {
#include "base/job.h"
#include "base/log.h"
}
#include "base/scratch.h"
#include <cstring>

namespace {

struct Numbers {
    double lr;
};
const RecipeKey KEYS[] = {RECIPE_FLOAT(Numbers, lr, "lr", "0.5", 0, 1, "learning rate")};

struct JobTest : ScratchTest {
    Numbers     numbers = {0.5};
    RecipeTable table = RECIPE_TABLE("solver", KEYS, &numbers);
    std::string run_dir;
    JobOptions  options = {};
    Job         job = {};

    void SetUp() override
    {
        ScratchTest::SetUp();
        log_set_level(LOG_QUIET);
        run_dir = path("run");
        options.run_dir = run_dir.c_str();
        job.n_steps = 7;
        job.log_every = 3;
        job.save_every = 4;
    }
    void TearDown() override
    {
        EXPECT_EQ(OK, job_close(&job));
        run_request_stop(0);
        log_set_level(LOG_INFO);
        ScratchTest::TearDown();
    }
    void begin(long long stop_after = 0)
    {
        ASSERT_EQ(OK, job_open(&job, "train", &options, &table, 1, 2)) << status_text();
        ASSERT_EQ(OK, job_open_metrics(&job)) << status_text();
        job_begin(&job, stop_after);
    }
    /* The steps after which `due` is true, until the run stops. */
    std::vector<int64_t> steps(bool (*due)(const Job *))
    {
        std::vector<int64_t> found;
        while (job.step < job.n_steps) {
            job_count(&job, NULL);
            if (due(&job))
                found.push_back(job.step);
            if (job_must_stop(&job))
                break;
        }
        return found;
    }
};

using Steps = std::vector<int64_t>;

TEST_F(JobTest, LogsAndSavesInItsRhythmAndAtTheEnd)
{
    begin();
    EXPECT_EQ(Steps({3, 6, 7}), steps(job_is_log_due));
    job.step = 0;
    EXPECT_EQ(Steps({4, 7}), steps(job_is_save_due));
    EXPECT_FALSE(job_must_stop(&job)); // the end is no interruption
}

TEST_F(JobTest, SavesWhereItIsToldToStop)
{
    begin(5);
    EXPECT_EQ(Steps({4, 5}), steps(job_is_save_due));
    EXPECT_EQ(5, job.step);
    job_end(&job);
    job_begin(&job, 0); // the next call goes on
    EXPECT_EQ(Steps({7}), steps(job_is_save_due));
}

TEST_F(JobTest, ASignalStopsItAfterTheStep)
{
    begin();
    job_count(&job, NULL);
    EXPECT_FALSE(job_must_stop(&job));
    run_request_stop(15);
    EXPECT_TRUE(job_is_save_due(&job));
    EXPECT_TRUE(job_must_stop(&job));
}

TEST_F(JobTest, WritesTheResolvedRecipeAndEndsALineWithRates)
{
    begin();
    EXPECT_NE(std::string::npos, get("run/recipe.json").find("\"lr\": 0.5"))
        << get("run/recipe.json");
    job_count(&job, NULL);
    metrics_begin(job.metrics, "train", job.step);
    ASSERT_EQ(OK, job_end_line(&job, 32, 0, 0)) << status_text();
    std::string line = get("run/metrics.jsonl");
    for (const char *key : {"\"step\":1", "\"images_per_s\":", "\"data_wait\":0", "\"peak_mb\":"})
        EXPECT_NE(std::string::npos, line.find(key)) << key << " in " << line;
    EXPECT_EQ(std::string::npos, line.find("device_peak_mb")) << line;
    metrics_begin(job.metrics, "train", job.step + 1);
    ASSERT_EQ(OK, job_end_line(&job, 32, 0, 3 << 20)) << status_text();
    EXPECT_NE(std::string::npos, get("run/metrics.jsonl").find("\"device_peak_mb\":3"));
}

TEST_F(JobTest, AStepThatIsNotFiniteLeavesItsDump)
{
    begin();
    Text dump = {};
    text_puts(&dump, "{\"loss\": null}");
    EXPECT_EQ(ERR_NONFINITE, job_stop_nonfinite(&job, 5, &dump, "loss nan", "a smaller solver.lr"));
    std::string said = status_text();
    EXPECT_EQ(0u, said.find("step 5: loss nan; ")) << said;
    EXPECT_NE(std::string::npos, said.find(run_dir + "/nonfinite_step_0000005.json")) << said;
    EXPECT_NE(std::string::npos, said.find("in another --out with a smaller solver.lr")) << said;
    EXPECT_NE(std::string::npos, get("run/nonfinite_step_0000005.json").find("null"));
    text_release(&dump);
}

TEST_F(JobTest, RefusesAMissingFolderAndAnUnknownWordForResume)
{
    options.run_dir = NULL;
    EXPECT_EQ(ERR_USAGE, job_open(&job, "train", &options, &table, 1, 2));
    EXPECT_STREQ("train: --out is missing (the run folder)", status_text());
    options.run_dir = run_dir.c_str();
    options.resume = "maybe";
    EXPECT_EQ(ERR_USAGE, job_open(&job, "train", &options, &table, 1, 2));
    EXPECT_STREQ("--resume: want auto or yes, have 'maybe'", status_text());
    options.resume = "yes";
    EXPECT_EQ(ERR_MISSING, job_open(&job, "train", &options, &table, 1, 2));
}

} // namespace
