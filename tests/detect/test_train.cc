/* detect_train: small runs on generated scenes, interrupted and not */
#include "detect/detect_test.h"
#include <cmath>
#include <csignal>

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

/* The row of `godwit compare` is what the run began from. */
TEST(DetectTrain, AResumedRunKeepsTheNameOfItsInitialisation)
{
    TempDir           dir;
    Small             small(dir.path + "/run");
    DetectTrainResult result;
    small.options.job.resume = "auto";
    small.options.job.stop_after = 2;
    small.options.init_name = "moco";
    ASSERT_EQ(ERR_INTERRUPTED, detect_train(&result, &small.options)) << status_text();
    small.options.init_name = "random";
    EXPECT_EQ(ERR_RECIPE, detect_train(&result, &small.options));
    EXPECT_NE(nullptr, strstr(status_text(), "began from \"moco\"")) << status_text();
    small.options.init_name = nullptr;
    small.options.job.stop_after = 0;
    ASSERT_EQ(OK, detect_train(&result, &small.options)) << status_text();
    std::string metrics = bytes_of(small.run_dir + "/metrics.jsonl");
    EXPECT_NE(std::string::npos, metrics.find("\"init\":\"moco\"")) << metrics;
}

/* As many pictures of as many classes, and other boxes. */
TEST(DetectTrain, RefusesToResumeOnOtherBoxes)
{
    TempDir           dir;
    Small             small(dir.path + "/run");
    DetectTrainResult result;
    small.options.job.resume = "auto";
    small.options.job.stop_after = 2;
    ASSERT_EQ(ERR_INTERRUPTED, detect_train(&result, &small.options)) << status_text();
    std::string moved = dir.path + "/moved", xml = moved + "/Scenes/Annotations/000001.xml";
    std::filesystem::copy(small.options.job.data, moved, std::filesystem::copy_options::recursive);
    std::string text = bytes_of(xml), name = "<xmin>";
    size_t      at = text.find(name) + name.size();
    ASSERT_LT(at, text.size());
    text.replace(at, text.find('<', at) - at, std::to_string(std::stoi(text.substr(at)) + 1));
    std::ofstream(xml) << text;
    small.options.job.data = moved.c_str();
    EXPECT_EQ(ERR_RECIPE, detect_train(&result, &small.options));
    EXPECT_NE(nullptr, strstr(status_text(), "other names, labels or boxes")) << status_text();
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

/* Scenes as COCO files: where `annotations` and pictures lie below the data folder. */
std::string coco_part(const std::string &split)
{
    return "[\"annotations/instances_" + split + ".json:VOCdevkit/Scenes/JPEGImages\"]";
}

TEST(DetectTrain, ReadsCocoAnnotationsToo)
{
    TempDir           dir;
    DetectTrainResult result;
    std::string       data = scenes() + "/..";
    Small             small(dir.path + "/run",
                            {"data.format=coco", "solver.iters=1", "data.classes=[]",
                             "data.train=" + coco_part("train"), "data.test=" + coco_part("test")});
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

std::vector<std::string> coco_keys()
{
    return {"data.format=coco", "data.classes=[]", "test.metric=coco",
            "data.train=" + coco_part("train"), "data.test=" + coco_part("test")};
}

std::vector<std::string> lines_of(const std::string &text, const std::string &word)
{
    std::vector<std::string> found;
    std::stringstream        all(text);
    for (std::string line; std::getline(all, line);)
        if (line.find(word) != std::string::npos)
            found.push_back(line);
    return found;
}

double number_in(const std::string &line, const std::string &key)
{
    size_t at = line.find("\"" + key + "\":");
    EXPECT_NE(std::string::npos, at) << key << " in " << line;
    return at == std::string::npos ? NAN : std::atof(line.c_str() + at + key.size() + 3);
}

TEST(DetectTrain, ScoresCocoDataAsTheEvaluatorScoresTheWrittenFiles)
{
    TempDir     dir;
    std::string data = scenes() + "/..";
    auto        keys = coco_keys();
    keys.push_back("test.score=0");
    Small small(dir.path + "/run", keys);
    small.options.job.data = data.c_str();
    DetectTrainResult result;
    ASSERT_EQ(OK, detect_train(&result, &small.options)) << status_text();

    Arena           a = {};
    CocoTruth       truth = {};
    CocoResults     found = {};
    CocoReadOptions read = {};
    CocoEvalOptions options = {};
    CocoResult      want;
    std::string     gt = data + "/annotations/instances_test.json",
                dt = small.run_dir + "/detections.json";
    ASSERT_EQ(OK, coco_read(&truth, &found, &read, gt.c_str(), dt.c_str())) << status_text();
    ASSERT_EQ(OK, coco_evaluate(&a, &options, &want, &truth, &found)) << status_text();
    EXPECT_GT(want.n_found, 0);
    EXPECT_EQ(want.stat[0].value, result.ap);
    EXPECT_EQ(want.stat[1].value, result.ap50);
    auto eval = lines_of(bytes_of(small.run_dir + "/metrics.jsonl"), "\"eval\"");
    ASSERT_EQ(1u, eval.size());
    EXPECT_NEAR(want.stat[8].value, number_in(eval[0], "ar100"), 1e-12); // COCO's ninth number
    EXPECT_NE(std::string::npos, eval[0].find(coco_definition(COCO_BBOX))) << eval[0];
    coco_results_release(&found);
    coco_truth_release(&truth);
    arena_release(&a);
}

TEST(DetectTrain, EvaluatesOnTheWayKeepsTheBestAndTrainsAsIfItHadNot)
{
    TempDir           dir;
    Small             often(dir.path + "/often", {"test.every=2", "test.precise_bn_iters=2"});
    Small             parts(dir.path + "/parts", {"test.every=2", "test.precise_bn_iters=2"});
    Small             once(dir.path + "/once", {"test.precise_bn_iters=2"});
    DetectTrainResult a, b, c;
    ASSERT_EQ(OK, detect_train(&a, &often.options)) << status_text();
    ASSERT_EQ(OK, detect_train(&b, &once.options)) << status_text();
    parts.options.job.resume = "auto";
    parts.options.job.stop_after = 3;
    ASSERT_EQ(ERR_INTERRUPTED, detect_train(&c, &parts.options)) << status_text();
    parts.options.job.stop_after = 0;
    ASSERT_EQ(OK, detect_train(&c, &parts.options)) << status_text();

    std::string model = bytes_of(often.run_dir + "/model.safetensors");
    EXPECT_EQ(model, bytes_of(once.run_dir + "/model.safetensors"));
    EXPECT_EQ(model, bytes_of(parts.run_dir + "/model.safetensors"));
    EXPECT_FALSE(std::filesystem::exists(once.run_dir + "/best.safetensors"));
    EXPECT_EQ(bytes_of(often.run_dir + "/best.safetensors"),
              bytes_of(parts.run_dir + "/best.safetensors"));
    EXPECT_EQ(-1, b.best_step);
    EXPECT_EQ(a.best_step, c.best_step);

    double best = -1, best_step = -1;
    auto   eval = lines_of(bytes_of(often.run_dir + "/metrics.jsonl"), "\"eval\"");
    ASSERT_EQ(3u, eval.size()); // steps 2, 4, 6
    for (const std::string &line : eval)
        if (number_in(line, "ap") > best) {
            best = number_in(line, "ap");
            best_step = number_in(line, "step");
        }
    EXPECT_EQ(best_step, (double)a.best_step);
    EXPECT_NEAR(best, a.best, 1e-12);
}

/* Steps until the signal, which comes in the evaluation after step 1; then the run goes on. */
static void expect_evaluation_resumes(const char *iters, size_t evaluations)
{
    TempDir                  dir;
    std::vector<std::string> keys = {"test.every=1", "test.precise_bn_iters=2", iters};
    Small                    whole(dir.path + "/whole", keys), parts(dir.path + "/parts", keys);
    DetectTrainResult        a, b;
    ASSERT_EQ(OK, detect_train(&a, &whole.options)) << status_text();
    parts.options.job.resume = "auto";
    run_request_stop(SIGTERM);
    EXPECT_EQ(ERR_INTERRUPTED, detect_train(&b, &parts.options));
    EXPECT_NE(nullptr, strstr(status_text(), "saved at step 1")) << status_text();
    EXPECT_EQ(ERR_INTERRUPTED, detect_train(&b, &parts.options)); // and at once again
    EXPECT_TRUE(lines_of(bytes_of(parts.run_dir + "/metrics.jsonl"), "\"eval\"").empty());
    run_request_stop(0);
    ASSERT_EQ(OK, detect_train(&b, &parts.options)) << status_text();
    EXPECT_EQ(evaluations, lines_of(bytes_of(parts.run_dir + "/metrics.jsonl"), "\"eval\"").size());
    for (const char *name : {"/model.safetensors", "/best.safetensors", "/detections.json"})
        EXPECT_EQ(bytes_of(whole.run_dir + name), bytes_of(parts.run_dir + name)) << name;
    EXPECT_EQ(a.ap50, b.ap50);
}

TEST(DetectTrain, ASignalLeavesAnEvaluationOnTheWayToTheResumedRun)
{
    expect_evaluation_resumes("solver.iters=2", 2);
}

TEST(DetectTrain, ASignalLeavesTheLastEvaluationToTheResumedRun)
{
    expect_evaluation_resumes("solver.iters=1", 1);
}

TEST(DetectTrain, RefusesASetWithoutAnyObject)
{
    TempDir dir;
    namespace fs = std::filesystem;
    fs::copy(scenes(), dir.path + "/bare", fs::copy_options::recursive);
    for (const auto &e : fs::directory_iterator(dir.path + "/bare/Scenes/Annotations")) {
        std::string text = bytes_of(e.path());
        size_t      from = text.find("<object>"), to = text.rfind("</object>");
        std::ofstream(e.path()) << text.substr(0, from) << text.substr(to + 9);
    }
    Small       small(dir.path + "/run");
    std::string data = dir.path + "/bare";
    small.options.job.data = data.c_str();
    EXPECT_EQ(ERR_FORMAT, detect_train(nullptr, &small.options));
    EXPECT_NE(nullptr, strstr(status_text(), "none of the 6 training pictures has an object"))
        << status_text();
    EXPECT_FALSE(fs::exists(small.run_dir));
}

TEST(DetectTrain, TellsHowManyBoxesAreLeftOut)
{
    TempDir dir;
    namespace fs = std::filesystem;
    fs::copy(scenes(), dir.path + "/data", fs::copy_options::recursive);
    for (const auto &e : fs::directory_iterator(dir.path + "/data/Scenes/Annotations")) {
        std::string text = bytes_of(e.path());
        size_t      from = text.find("<object>"), name = text.find("<name>", from);
        std::string named = text.substr(name, text.find("</name>", name) + 7 - name);
        text.insert(from, "<object>" + named +
                              "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>5</xmax><ymax>9</ymax>"
                              "</bndbox></object>");
        std::ofstream(e.path()) << text;
    }
    Small       small(dir.path + "/run", {"solver.iters=1"});
    std::string data = dir.path + "/data";
    small.options.job.data = data.c_str();
    testing::internal::CaptureStderr();
    EXPECT_EQ(OK, detect_train(nullptr, &small.options)) << status_text();
    std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(std::string::npos, said.find("Scenes/train: 6 boxes have no extent and are left out"))
        << said;
}

TEST(DetectTrain, RefusesCocosMetricForVocData)
{
    TempDir dir;
    Small   small(dir.path + "/run", {"test.metric=coco"});
    EXPECT_EQ(ERR_RECIPE, detect_train(nullptr, &small.options));
    EXPECT_NE(nullptr, strstr(status_text(), "COCO format")) << status_text();
}

TEST(DetectRecipes, ThePublishedRateFollowsTheBatchAndTheLogSaysWhenItDoesNot)
{
    DetectConfig c;
    const char  *small[] = {"data.batch=4"}, *kept[] = {"data.batch=4", "solver.lr_scale=none"};
    std::string  path = GODWIT_SOURCE_DIR "/detect/recipes/voc_r50_c4_24k.json";
    RecipeSource source = {path.c_str(), nullptr, 0, small, 1};
    int64_t      before = log_warnings();
    ASSERT_EQ(OK, detect_config_load(&c, &source)) << status_text();
    EXPECT_DOUBLE_EQ(0.005, detect_config_base_lr(&c));
    EXPECT_DOUBLE_EQ(0.005, detect_config_lr(&c, 100));
    EXPECT_EQ(before, log_warnings());
    detect_config_release(&c);
    source.overrides = kept;
    source.n_overrides = 2;
    ASSERT_EQ(OK, detect_config_load(&c, &source)) << status_text();
    EXPECT_DOUBLE_EQ(0.02, detect_config_base_lr(&c));
    EXPECT_EQ(before + 1, log_warnings());
    detect_config_release(&c);
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
