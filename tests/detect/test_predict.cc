/* predict, evaluate: the same picture, the same boxes */
#include <cmath>
#include "detect/detect_test.h"
extern "C" {
#include "base/safetensors.h"
}

/* One trained run shared by the tests of this file. */
static const std::string &run()
{
    static TempDir     dir;
    static std::string path;
    if (path.empty()) {
        path = dir.path + "/run";
        Small small(path, {"solver.iters=30"});
        EXPECT_EQ(OK, detect_train(nullptr, &small.options)) << status_text();
    }
    return path;
}

class Predict : public ::testing::Test {
  protected:
    Detector   *d = nullptr;
    Arena       a = {};
    DetSet      set = {};
    const char *low[1] = {"test.score=0.001"};
    void        SetUp() override
    {
        DetectorOptions o = {"cpu", low, 1, false};
        ASSERT_EQ(OK, detector_open(&d, run().c_str(), &o)) << status_text();
        ASSERT_EQ(OK, detector_open_part(d, &set, scenes().c_str(), "Scenes/test"))
            << status_text();
    }
    void TearDown() override
    {
        detector_close(d);
        detset_release(&set);
        arena_release(&a);
    }
};

TEST_F(Predict, APictureAloneAndInASetGivesTheSameDetections)
{
    DetectedImage *all;
    ASSERT_EQ(OK, detector_set(d, &a, &all, &set)) << status_text();
    int64_t total = 0;
    for (int64_t i = 0; i < set.n_images; i++) {
        Image         im = {};
        DetectedImage one;
        ASSERT_EQ(OK, image_read(&im, nullptr, set.image[i].path)) << status_text();
        ASSERT_EQ(OK, detector_image(d, &a, &one, &im, "x")) << status_text();
        image_release(&im);
        ASSERT_EQ(all[i].n_found, one.n_found);
        EXPECT_EQ(0, memcmp(all[i].found, one.found, (size_t)one.n_found * sizeof(Detection)));
        for (int64_t k = 0; k < one.n_found; k++) {
            const Detection &f = one.found[k];
            EXPECT_TRUE(f.x1 >= 0 && f.y1 >= 0 && f.x2 <= 96 && f.y2 <= 96 && f.x2 > f.x1 &&
                        f.y2 > f.y1);
            EXPECT_TRUE(f.score > 0.001f && f.score <= 1);
            EXPECT_TRUE(k == 0 || one.found[k - 1].score >= f.score);
            EXPECT_TRUE(f.class_index >= 0 && f.class_index < 10);
        }
        total += one.n_found;
    }
    EXPECT_GT(total, 0);
}

TEST_F(Predict, TheEvaluationReadsWhatItWrote)
{
    TempDir             dir;
    DetectEvaluation    e;
    std::string         json = dir.path + "/detections.json";
    DetectEvaluateFiles files = {json.c_str(), nullptr};
    ASSERT_EQ(OK, detect_evaluate(&a, &e, d, &set, &files)) << status_text();
    EXPECT_EQ(DETECT_AREA, e.metric);
    EXPECT_TRUE(e.ap >= 0 && e.ap <= e.ap50 && e.ap50 <= 1);
    std::string text = bytes_of(json);
    EXPECT_EQ((size_t)e.voc.n_found, (size_t)std::count(text.begin(), text.end(), '{'));
    EXPECT_NE(std::string::npos, text.find("\"category_id\":"));
}

TEST_F(Predict, PicturesOfAnySizeAreScaledToTheTestSize)
{
    struct {
        int64_t w, h;
    } sizes[] = {{200, 50}, {1, 1}, {10000, 1}, {1, 10000}};
    for (auto &size : sizes) {
        Image im = {};
        ASSERT_EQ(OK, image_resize_buffer(&im, size.w, size.h));
        memset(im.pixels, 90, (size_t)(size.w * size.h * 3));
        DetectedImage out;
        ASSERT_EQ(OK, detector_image(d, &a, &out, &im, "x")) << status_text();
        EXPECT_EQ(size.w, out.width);
        for (int64_t k = 0; k < out.n_found; k++) {
            EXPECT_GE(out.found[k].x1, 0);
            EXPECT_LE(out.found[k].y2, size.h);
            EXPECT_TRUE(std::isfinite(out.found[k].score));
        }
        image_release(&im);
    }
}

/* Finite weights whose network is not: a variance below 0, before the regions and behind them. */
TEST_F(Predict, RefusesANetworkThatIsNotFinite)
{
    for (std::string name : {"bn1.running_var", "layer4.0.bn1.running_var"}) {
        TempDir     dir;
        std::string from = run() + "/model.safetensors", to = dir.path + "/model.safetensors";
        SafeFile    f = {};
        ASSERT_EQ(OK, safetensors_open(&f, from.c_str())) << status_text();
        const SafeTensor *var = safetensors_find(&f, name.c_str());
        ASSERT_NE(nullptr, var) << name;
        std::vector<float>      negative((size_t)safetensors_count(var), -1.0f);
        std::vector<SafeTensor> all(f.tensor, f.tensor + f.n);
        for (SafeTensor &x : all)
            if (name == x.name)
                x.data = negative.data();
        std::vector<SafeMeta> meta;
        std::copy_if(f.meta, f.meta + f.n_meta, std::back_inserter(meta), [](const SafeMeta &m) {
            return strcmp(m.key, "checksum") != 0 && strcmp(m.key, "writer") != 0;
        });
        ASSERT_EQ(OK,
                  safetensors_write(to.c_str(), all.data(), f.n, meta.data(), (int64_t)meta.size()))
            << status_text();
        safetensors_close(&f);
        std::filesystem::copy(run() + "/recipe.json", dir.path + "/recipe.json");
        DetectorOptions o = {"cpu", low, 1, false};
        Detector       *broken;
        DetectedImage  *found;
        ASSERT_EQ(OK, detector_open(&broken, dir.path.c_str(), &o)) << status_text();
        EXPECT_EQ(ERR_NONFINITE, detector_set(broken, &a, &found, &set)) << name;
        EXPECT_EQ(set.image[0].path +
                      std::string(": the detector gives a score or a box that is not finite; are "
                                  "its weights whole?"),
                  status_text());
        detector_close(broken);
    }
}

TEST(PredictFailure, AFolderWithoutAModelIsMissing)
{
    TempDir   dir;
    Detector *d;
    EXPECT_EQ(ERR_MISSING, detector_open(&d, dir.path.c_str(), nullptr));
    EXPECT_EQ(nullptr, d);
}
