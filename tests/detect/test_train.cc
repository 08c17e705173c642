/* detect_train: small runs on generated scenes, interrupted and not */
#include "detect/detect_test.h"

TEST(DetectTrain, LeavesARunFolderWithModelMetricsAndDetections)
{
    TempDir           dir;
    Small             small(dir.path + "/run");
    DetectTrainResult result;
    ASSERT_EQ(OK, detect_train(&result, &small.options)) << status_text();
    EXPECT_EQ(6, result.steps);
    EXPECT_GT(result.loss, 0);
    EXPECT_NEAR(result.loss, result.rpn_class + result.rpn_box + result.roi_class + result.roi_box,
                1e-9);
    EXPECT_GE(result.ap50, 0);
    for (const char *name :
         {"recipe.json", "metrics.jsonl", "model.safetensors", "detections.json"})
        EXPECT_TRUE(std::filesystem::exists(small.run_dir + "/" + name)) << name;
    std::string metrics = bytes_of(small.run_dir + "/metrics.jsonl");
    EXPECT_NE(std::string::npos, metrics.find("\"kind\":\"eval\"")) << metrics;
    EXPECT_EQ(6, std::count(metrics.begin(), metrics.end(), '\n') - 1);
}

TEST(DetectTrain, AResumedRunEndsWithTheSameBits)
{
    TempDir dir;
    for (const char *sync : {"model.bn_sync=batch", "model.bn_sync=group"}) {
        std::string where = dir.path + "/" + (sync + 14);
        Small       whole(where + "-a", {sync, "solver.images_per_group=1"});
        Small       parts(where + "-b", {sync, "solver.images_per_group=1", "data.workers=1"});
        DetectTrainResult a, b;
        whole.options.no_evaluation = parts.options.no_evaluation = true;
        ASSERT_EQ(OK, detect_train(&a, &whole.options)) << status_text();
        parts.options.job.resume = "auto";
        parts.options.job.stop_after = 4;
        ASSERT_EQ(ERR_INTERRUPTED, detect_train(&b, &parts.options)) << status_text();
        ASSERT_EQ(OK, detect_train(&b, &parts.options)) << status_text();
        EXPECT_EQ(a.loss, b.loss);
        EXPECT_EQ(bytes_of(whole.run_dir + "/model.safetensors"),
                  bytes_of(parts.run_dir + "/model.safetensors"));
    }
}

TEST(DetectTrain, OneImageAGroupWithItsOwnStatisticsDiffersFromOneBatch)
{
    TempDir           dir;
    Small             batch(dir.path + "/batch", {"solver.images_per_group=0", "solver.iters=1"});
    Small             group(dir.path + "/group",
                            {"solver.images_per_group=1", "model.bn_sync=group", "solver.iters=1"});
    Small             frozen1(dir.path + "/f1",
                              {"solver.images_per_group=1", "model.norm=frozen", "solver.iters=1"});
    Small             frozen2(dir.path + "/f2", {"solver.images_per_group=1", "model.norm=frozen",
                                                 "model.bn_sync=group", "solver.iters=1"});
    DetectTrainResult a, b, c, d;
    for (Small *s : {&batch, &group, &frozen1, &frozen2})
        s->options.no_evaluation = true;
    ASSERT_EQ(OK, detect_train(&a, &batch.options)) << status_text();
    ASSERT_EQ(OK, detect_train(&b, &group.options)) << status_text();
    ASSERT_EQ(OK, detect_train(&c, &frozen1.options)) << status_text();
    ASSERT_EQ(OK, detect_train(&d, &frozen2.options)) << status_text();
    EXPECT_NE(a.loss, b.loss);
    EXPECT_NEAR(c.loss, d.loss,
                1e-5 * c.loss); // without batch statistics the two ways are one loss
    EXPECT_NEAR(c.roi_class, d.roi_class, 1e-5 * c.loss);
}

TEST(DetectTrain, ALossThatExplodesStopsWithADump)
{
    TempDir dir;
    Small   small(dir.path + "/run",
                  {"solver.lr=1000", "solver.clip=0", "solver.warmup_iters=0", "solver.iters=60"});
    EXPECT_EQ(ERR_NONFINITE, detect_train(nullptr, &small.options));
    std::string text = status_text();
    size_t      at = text.find("nonfinite_step_");
    ASSERT_NE(std::string::npos, at) << text;
    std::string dump =
        bytes_of(small.run_dir + "/" + text.substr(at, text.find(".json", at) + 5 - at));
    for (const char *word : {"\"step\"", "\"images\"", "\"roi_box\"", ".jpg"})
        EXPECT_NE(std::string::npos, dump.find(word)) << word << " in " << dump;
}

TEST(DetectTrain, RefusesAnUnknownKeyWithTheNearestName)
{
    TempDir dir;
    Small   small(dir.path + "/run", {"solver.lrr=1"});
    EXPECT_EQ(ERR_RECIPE, detect_train(nullptr, &small.options));
    EXPECT_NE(nullptr, strstr(status_text(), "solver.lr")) << status_text();
}

TEST(DetectTrain, RefusesInitialWeightsOfAnotherWidth)
{
    TempDir dir;
    Small   narrow(dir.path + "/narrow", {"solver.iters=1"}),
        wide(dir.path + "/wide", {"solver.iters=1", "model.width=0.25"});
    narrow.options.no_evaluation = true;
    ASSERT_EQ(OK, detect_train(nullptr, &narrow.options)) << status_text();
    std::string init = narrow.run_dir + "/model.safetensors";
    wide.options.job.init = init.c_str();
    EXPECT_EQ(ERR_FORMAT, detect_train(nullptr, &wide.options));
}

TEST(DetectTrain, ReadsCocoAnnotationsToo)
{
    TempDir           dir;
    DetectTrainResult result;
    std::string       data = scenes() + "/..", pictures = ":VOCdevkit/Scenes/JPEGImages\"]";
    Small small(dir.path + "/run", {"data.format=coco", "solver.iters=1", "data.classes=[]",
                                    "data.train=[\"annotations/instances_train.json" + pictures,
                                    "data.test=[\"annotations/instances_test.json" + pictures});
    small.options.job.data = data.c_str();
    ASSERT_EQ(OK, detect_train(&result, &small.options)) << status_text();
    EXPECT_GE(result.ap, 0);
    std::string bad = dir.path + "/bad";
    small.options.job.run_dir = bad.c_str();
    small.text.back() = "data.test=[\"annotations/instances_test.json\"]";
    small.list.back() = small.text.back().c_str();
    EXPECT_EQ(ERR_RECIPE, detect_train(&result, &small.options));
    EXPECT_FALSE(std::filesystem::exists(bad)); // found before the run, not after it
}

/* The recipes that ship must load; their numbers are the published ones. */
TEST(DetectRecipes, AllLoad)
{
    int n = 0;
    for (const auto &e : std::filesystem::directory_iterator(GODWIT_SOURCE_DIR "/detect/recipes")) {
        DetectConfig c;
        std::string  path = e.path();
        RecipeSource source = {path.c_str(), nullptr, 0, nullptr, 0};
        EXPECT_EQ(OK, detect_config_load(&c, &source)) << path << ": " << status_text();
        if (path.find("24k") != std::string::npos) {
            EXPECT_EQ(0.02 * 0.001, detect_config_lr(&c, 0));
            EXPECT_EQ(0.02, detect_config_lr(&c, 100));
            EXPECT_DOUBLE_EQ(0.002, detect_config_lr(&c, 18000));
        }
        detect_config_release(&c);
        n++;
    }
    EXPECT_GE(n, 10);
}
