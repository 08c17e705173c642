/* train: whole runs of the tiny recipe: files, resuming, refusals, weights that come back */
#include "pretrain/formula.h"
#include "pretrain/pictures.h"
#include <csignal>
extern "C" {
#include "base/log.h"
#include "base/safetensors.h"
#include "pretrain/backbone.h"
#include "pretrain/embed.h"
#include "pretrain/trainer.h"
}

namespace {

class Pretrain : public ::testing::Test {
  protected:
    TempDir                   dir;
    std::vector<const char *> overrides;

    void SetUp() override
    {
        log_set_level(LOG_QUIET);
        write_pictures(dir / "data", 16);
    }
    void TearDown() override
    {
        log_set_level(LOG_INFO);
    }
    JobOptions options(const std::string &name) // good until the next call
    {
        static std::string recipe, data, out;
        JobOptions         o = {};
        recipe = std::string(GODWIT_SOURCE_DIR) + "/pretrain/recipes/moco_tiny.json";
        data = dir / "data";
        out = dir / name;
        o.recipe = recipe.c_str();
        o.data = data.c_str();
        o.run_dir = out.c_str();
        o.device = "cpu";
        o.overrides = overrides.data();
        o.n_overrides = (int)overrides.size();
        return o;
    }
    Status run(const std::string &name, const char *resume = nullptr, long long stop_after = 0,
               PretrainResult *result = nullptr)
    {
        JobOptions o = options(name);
        o.resume = resume;
        o.stop_after = stop_after;
        return pretrain_run(result, &o);
    }
    std::string weights(const std::string &name)
    {
        return file_bytes(dir / (name + "/encoder.safetensors"));
    }
    int lines(const std::string &name)
    {
        std::string text = file_bytes(dir / (name + "/metrics.jsonl"));
        return (int)std::count(text.begin(), text.end(), '\n');
    }
};

TEST_F(Pretrain, LeavesEveryFileOfARunFolder)
{
    PretrainResult r;
    ASSERT_EQ(OK, run("a", nullptr, 0, &r)) << status_text();
    EXPECT_EQ(12, r.steps);
    EXPECT_TRUE(std::isfinite(r.loss));
    for (const char *f :
         {"recipe.json", "metrics.jsonl", "tb", "checkpoints/latest", "backbone.safetensors"})
        EXPECT_TRUE(fs::exists(dir / (std::string("a/") + f))) << f;
    EXPECT_EQ(12, lines("a"));
    std::string metrics = file_bytes(dir / "a/metrics.jsonl");
    for (const char *key :
         {"\"loss\"", "\"chance\"", "\"queue_fill\"", "\"positive\"", "\"negative\"", "\"spread\"",
          "\"data_wait\"", "\"lr\"", "\"top1\"", "\"top5\"", "\"images_per_s\""})
        EXPECT_NE(std::string::npos, metrics.find(key)) << key;
    std::string recipe = file_bytes(dir / "a/recipe.json");
    EXPECT_NE(std::string::npos, recipe.find("\"warmup_iters\"")); // defaults are written too
}

TEST_F(Pretrain, ResumesBitForBit)
{
    ASSERT_EQ(OK, run("straight")) << status_text();
    for (int stop : {1, 5, 11}) {
        std::string name = "stopped" + std::to_string(stop);
        EXPECT_EQ(ERR_INTERRUPTED, run(name, nullptr, stop));
        EXPECT_FALSE(fs::exists(dir / (name + "/backbone.safetensors")));
        ASSERT_EQ(OK, run(name, "auto")) << status_text();
        EXPECT_EQ(weights("straight"), weights(name)) << "stopped after " << stop;
        EXPECT_EQ(12, lines(name));
    }
}

TEST_F(Pretrain, ResumesBitForBitInBfloat16AndWhenSupervised)
{
    for (const char *what : {"dtype=bf16", "method=supervised", "moco.symmetric=true"}) {
        overrides = {what};
        std::string straight = std::string("straight ") + what,
                    stopped = std::string("stopped ") + what;
        ASSERT_EQ(OK, run(straight)) << what << ": " << status_text();
        EXPECT_EQ(ERR_INTERRUPTED, run(stopped, nullptr, 3));
        EXPECT_EQ(ERR_INTERRUPTED, run(stopped, "auto", 4));
        ASSERT_EQ(OK, run(stopped, "yes")) << status_text();
        EXPECT_EQ(weights(straight), weights(stopped)) << what;
    }
}

TEST_F(Pretrain, GivesTheSameWeightsForAnyNumberOfLoaderThreads)
{
    overrides = {"data.workers=1"};
    ASSERT_EQ(OK, run("one")) << status_text();
    overrides = {"data.workers=4"};
    ASSERT_EQ(OK, run("four")) << status_text();
    EXPECT_EQ(weights("one"), weights("four"));
}

TEST_F(Pretrain, RefusesToResumeWithOtherNumbersOrToStartTwice)
{
    EXPECT_EQ(ERR_INTERRUPTED, run("a", nullptr, 4));
    EXPECT_EQ(ERR_USAGE, run("a"));
    overrides = {"solver.lr=0.5"};
    EXPECT_EQ(ERR_RECIPE, run("a", "auto"));
    EXPECT_NE(nullptr, std::strstr(status_text(), "solver.lr was 0.05, now 0.5")) << status_text();
    EXPECT_EQ(ERR_MISSING, run("never", "yes"));
}

TEST_F(Pretrain, RefusesToResumeOnOtherPictures)
{
    EXPECT_EQ(ERR_INTERRUPTED, run("a", nullptr, 4));
    fs::remove(dir / "data/a/100.png");
    EXPECT_EQ(ERR_RECIPE, run("a", "auto"));
    EXPECT_NE(nullptr, std::strstr(status_text(), "48 images")) << status_text();
    fs::copy(dir / "data/a/101.png", dir / "data/a/another.png"); // as many as before
    EXPECT_EQ(ERR_RECIPE, run("a", "auto"));
    EXPECT_NE(nullptr, std::strstr(status_text(), "other names, labels or boxes")) << status_text();
    fs::rename(dir / "data/a/another.png", dir / "data/a/100.png");
    EXPECT_EQ(OK, run("a", "auto")) << status_text();
}

TEST_F(Pretrain, StopsWithADumpWhenTheLossIsNotFinite)
{
    overrides = {"solver.lr=1000", "solver.decay=1", "solver.iters=200", "solver.warmup_iters=0"};
    ASSERT_EQ(ERR_NONFINITE, run("a"));
    EXPECT_NE(nullptr, std::strstr(status_text(), "nonfinite_step_")) << status_text();
    bool found = false;
    for (const auto &f : fs::directory_iterator(dir / "a"))
        if (f.path().filename().string().rfind("nonfinite_step_", 0) == 0) {
            std::string dump = file_bytes(f.path().string());
            EXPECT_NE(std::string::npos, dump.find(".png")) << dump;
            EXPECT_NE(std::string::npos, dump.find("\"grad_norm\""));
            found = true;
        }
    EXPECT_TRUE(found);
}

/* Where a step runs from a graph nobody resets the tape, so what a line of metrics takes of it would stay. */
TEST_F(Pretrain, ALineOfMetricsKeepsNoMemory)
{
    Trainer    r = {};
    JobOptions o = options("a");
    ASSERT_EQ(OK, trainer_open(&r, &o)) << status_text();
    job_begin(&r.job, 0);
    tape_reset(&r.tape, 0);
    Floats  q(8 * 32, 0.25f);
    Tensor *features = tape_input(&r.tape, F32, 2, (const int64_t[]){8, 32}, q.data());
    int64_t bytes = r.tape.arena.used_bytes;
    r.spread = -1;
    for (int line = 0; line < 3; line++) {
        r.job.step++;
        r.features = features;
        ASSERT_EQ(OK, trainer_log(&r)) << status_text();
        r.features = features;
        ASSERT_EQ(OK, trainer_log_epoch(&r)) << status_text();
    }
    EXPECT_EQ(bytes, r.tape.arena.used_bytes);
    EXPECT_EQ(0, r.spread); // and they were looked at
    job_end(&r.job);
    EXPECT_EQ(OK, trainer_close(&r)) << status_text();
}

TEST_F(Pretrain, RefusesImpossibleRecipes)
{
    for (const char *bad : {"moco.K=33", "model.arch=resnet51", "model.bn_groups=3", "moco.T=0",
                            "data.mean=[0.5]", "solver.learning_rate=1"}) {
        overrides = {bad};
        EXPECT_EQ(ERR_RECIPE, run("a")) << bad;
    }
    EXPECT_FALSE(fs::exists(dir / "a"));
    overrides = {"data.batch=64", "moco.K=64"};
    EXPECT_EQ(ERR_FORMAT, run("a")); // 48 pictures
}

TEST_F(Pretrain, MeasuresNearestNeighboursWhileItTrains)
{
    overrides = {"knn.every=1", "knn.k=5"};
    PretrainResult r;
    ASSERT_EQ(OK, run("a", nullptr, 0, &r)) << status_text();
    EXPECT_GE(r.knn_top1, 0.0);
    EXPECT_LE(r.knn_top1, 1.0);
    std::string metrics = file_bytes(dir / "a/metrics.jsonl");
    EXPECT_NE(std::string::npos, metrics.find("\"pixels_top1\""));
    EXPECT_EQ(12 + 1 + 1 + 2, lines("a")); // steps, pixels, untrained, two epochs
    ASSERT_EQ(OK, (overrides = {}, run("without"))) << status_text();
    EXPECT_EQ(weights("without"), weights("a")); // looking changes nothing
}

TEST_F(Pretrain, ASignalLeavesAnEvaluationToTheResumedRun)
{
    overrides = {"knn.every=1", "knn.k=5", "solver.iters=6"}; // one epoch
    PretrainResult straight, resumed;
    ASSERT_EQ(OK, run("straight", nullptr, 0, &straight)) << status_text();
    EXPECT_EQ(ERR_INTERRUPTED, run("stopped", nullptr, 5));
    run_request_stop(SIGTERM);
    EXPECT_EQ(ERR_INTERRUPTED, run("first"));
    EXPECT_NE(nullptr, std::strstr(status_text(), "before the first checkpoint")) << status_text();
    EXPECT_EQ(ERR_INTERRUPTED, run("stopped", "auto")); // in the evaluation after step 6
    EXPECT_NE(nullptr, std::strstr(status_text(), "saved at step 6")) << status_text();
    EXPECT_FALSE(fs::exists(dir / "stopped/backbone.safetensors"));
    int before = lines("stopped");
    run_request_stop(0);
    ASSERT_EQ(OK, run("stopped", "auto", 0, &resumed)) << status_text();
    EXPECT_EQ(before + 1, lines("stopped"));
    EXPECT_EQ(lines("straight"), lines("stopped"));
    EXPECT_EQ(straight.knn_top1, resumed.knn_top1);
    EXPECT_EQ(weights("straight"), weights("stopped"));
}

TEST_F(Pretrain, WarnsWhenTheQueueHoldsEveryPicture)
{
    int64_t before = log_warnings();
    overrides = {"solver.iters=1"};
    ASSERT_EQ(OK, run("below")) << status_text(); // 32 keys, 48 pictures
    EXPECT_EQ(before, log_warnings());
    overrides = {"solver.iters=1", "moco.K=48"};
    testing::internal::CaptureStderr();
    ASSERT_EQ(OK, run("all")) << status_text();
    std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(before + 1, log_warnings());
    EXPECT_NE(std::string::npos, said.find("moco.K 48 is not below the 48 training images"))
        << said;
}

TEST_F(Pretrain, RaisesTheCollapseAlarmAtMostThreeTimes)
{
    int64_t before = log_warnings();
    overrides = {"collapse_after=2", "collapse_below=1"};
    ASSERT_EQ(OK, run("a")) << status_text();
    EXPECT_EQ(before + 10, log_warnings()); // counted at steps 3..12, shown three times
    before = log_warnings();
    overrides = {};
    ASSERT_EQ(OK, run("b")) << status_text();
    EXPECT_EQ(before, log_warnings());
}

TEST_F(Pretrain, WritesABackboneThatComesBack)
{
    ASSERT_EQ(OK, run("a")) << status_text();
    Backbone    b;
    std::string body = dir / "a/backbone.safetensors", whole = dir / "a/encoder.safetensors";
    ASSERT_EQ(OK, backbone_open(&b, backend_ref(), F32, body.c_str())) << status_text();
    EXPECT_STREQ("resnet18", b.net.config.arch);
    EXPECT_DOUBLE_EQ(0.0625, b.net.config.width);
    EXPECT_TRUE(b.net.config.has_small_stem);
    EXPECT_EQ(HEAD_NONE, b.net.head);
    EXPECT_EQ(16, b.info.crop);
    EXPECT_FLOAT_EQ(0.485f, b.info.mean[0]);
    backbone_release(&b);
    ASSERT_EQ(OK, backbone_open(&b, backend_ref(), F32, whole.c_str())) << status_text();
    EXPECT_EQ(HEAD_MLP, b.net.head);
    EXPECT_EQ(16, b.net.n_out);
    backbone_release(&b);
}

TEST_F(Pretrain, EmbedsAFolderInSortedOrder)
{
    ASSERT_EQ(OK, run("a")) << status_text();
    std::string weights = dir / "a/encoder.safetensors", data = dir / "data",
                out = dir / "f.safetensors";
    std::string body = dir / "a/backbone.safetensors";
    int64_t     n = 0, width = 0;
    EXPECT_EQ(ERR_USAGE, embed_file(&n, &width, backend_ref(), body.c_str(), data.c_str(),
                                    out.c_str(), EMBED_HEAD, F32, 0));
    EXPECT_NE(nullptr, std::strstr(status_text(), "RUN/encoder.safetensors")) << status_text();
    ASSERT_EQ(OK, embed_file(&n, &width, backend_ref(), weights.c_str(), data.c_str(), out.c_str(),
                             EMBED_POOLED, F32, 0))
        << status_text();
    EXPECT_EQ(48, n);
    EXPECT_EQ(32, width);
    SafeFile f = {};
    ASSERT_EQ(OK, safetensors_open(&f, out.c_str())) << status_text();
    const SafeTensor *x = safetensors_find(&f, "features");
    ASSERT_NE(nullptr, x);
    EXPECT_EQ(48, x->dim[0]);
    EXPECT_EQ(32, x->dim[1]);
    safetensors_close(&f);
    std::string names = file_bytes(out + ".names.txt");
    EXPECT_EQ(0u, names.find("a/100.png\na/101.png\n")) << names;
}

/* Finite weights whose network is not: a variance below 0. */
TEST_F(Pretrain, RefusesFeaturesThatAreNotFinite)
{
    ASSERT_EQ(OK, run("a")) << status_text();
    std::string weights = dir / "a/backbone.safetensors", data = dir / "data",
                out = dir / "f.safetensors";
    SafeFile f = {};
    ASSERT_EQ(OK, safetensors_open(&f, weights.c_str())) << status_text();
    const SafeTensor *var = safetensors_find(&f, "bn1.running_var");
    ASSERT_NE(nullptr, var);
    std::vector<float>      negative((size_t)safetensors_count(var), -1.0f);
    std::vector<SafeTensor> all(f.tensor, f.tensor + f.n);
    for (SafeTensor &x : all)
        if (strcmp(x.name, "bn1.running_var") == 0)
            x.data = negative.data();
    std::string broken = dir / "broken.safetensors";
    ASSERT_EQ(OK, safetensors_write(broken.c_str(), all.data(), (int64_t)all.size(), nullptr, 0))
        << status_text();
    safetensors_close(&f);
    int64_t n = 0, width = 0;
    EXPECT_EQ(ERR_NONFINITE, embed_file(&n, &width, backend_ref(), broken.c_str(), data.c_str(),
                                        out.c_str(), EMBED_POOLED, F32, 16));
    EXPECT_NE(nullptr, std::strstr(status_text(), "a/100.png: the network gives a feature"))
        << status_text();
}

TEST_F(Pretrain, RefusesToEmbedASetWithoutOneUsablePicture)
{
    ASSERT_EQ(OK, run("a")) << status_text();
    std::string weights = dir / "a/backbone.safetensors", data = dir / "data",
                out = dir / "f.safetensors";
    int64_t n = 0, width = 0;
    EXPECT_EQ(ERR_FORMAT, embed_file(&n, &width, backend_ref(), weights.c_str(), data.c_str(),
                                     out.c_str(), EMBED_POOLED, F32, 64));
    EXPECT_NE(nullptr, strstr(status_text(), "none of the 48 pictures can be used"))
        << status_text();
    EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Pretrain, RefusesToEmbedNamesThatBreakTheList)
{
    ASSERT_EQ(OK, run("a")) << status_text();
    std::string weights = dir / "a/backbone.safetensors", data = dir / "data",
                out = dir / "f.safetensors";
    std::filesystem::copy(dir / "data/a/100.png", dir / "data/a/1\n2.png");
    int64_t n = 0, width = 0;
    EXPECT_EQ(ERR_FORMAT, embed_file(&n, &width, backend_ref(), weights.c_str(), data.c_str(),
                                     out.c_str(), EMBED_POOLED, F32, 0));
    EXPECT_NE(nullptr, strstr(status_text(), "byte 0a")) << status_text();
    EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Pretrain, StartsFromOtherWeights)
{
    ASSERT_EQ(OK, run("a")) << status_text();
    std::string init = dir / "a/backbone.safetensors", out = dir / "b", data = dir / "data";
    std::string recipe = std::string(GODWIT_SOURCE_DIR) + "/pretrain/recipes/moco_tiny.json";
    const char *zero[] = {"solver.lr=0", "solver.decay=0"};
    JobOptions  o = {};
    o.recipe = recipe.c_str();
    o.data = data.c_str();
    o.run_dir = out.c_str();
    o.device = "cpu";
    o.init = init.c_str();
    o.overrides = zero;
    o.n_overrides = 2;
    ASSERT_EQ(OK, pretrain_run(nullptr, &o)) << status_text();
    SafeFile a = {}, b = {};
    ASSERT_EQ(OK, safetensors_open(&a, init.c_str()));
    ASSERT_EQ(OK, safetensors_open(&b, (out + "/backbone.safetensors").c_str()));
    const SafeTensor *wa = safetensors_find(&a, "layer2.0.conv1.weight"),
                     *wb = safetensors_find(&b, "layer2.0.conv1.weight");
    ASSERT_TRUE(wa && wb);
    EXPECT_EQ(0, std::memcmp(wa->data, wb->data, (size_t)wa->n_bytes));
    safetensors_close(&a);
    safetensors_close(&b);
}

TEST(PretrainHelp, NamesEveryKeyWithItsRange)
{
    Text out = {};
    pretrain_keys_help(&out);
    for (const char *key : {"moco.K", "solver.lr", "data.order", "knn.every", "model.bn_groups"})
        EXPECT_NE(nullptr, std::strstr(text_cstr(&out), key)) << key;
    text_release(&out);
}

} // namespace
