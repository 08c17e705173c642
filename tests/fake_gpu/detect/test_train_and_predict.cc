/* Faster R-CNN on the GPU from recipe to detections: the whole training step and prediction against `ref`, and twice over */
#include "detect/detect_test.h"
#include "device_under_test.h"
#include "fake_gpu/watch.h"

static DetectTrainResult train(const std::string &run, const char *device,
                               std::vector<std::string> extra = {})
{
    DetectTrainResult result = {};
    Small             small(run, extra);
    (void)device_under_test();
    small.options.job.device = device;
    small.options.no_evaluation = true;
    EXPECT_EQ(OK, detect_train(&result, &small.options)) << status_text();
    return result;
}

TEST(DetectOnGpu, TheFirstStepHasTheLossOfRef)
{
    TempDir dir;
    for (const char *group : {"solver.images_per_group=0", "solver.images_per_group=1"}) {
        std::string       where = dir.path + "/" + (group + 7);
        DetectTrainResult a = train(where + "-ref", "ref", {"solver.iters=1", group}),
                          b = train(where + "-gpu", "cuda", {"solver.iters=1", group});
        double tol = 1e-4 * a.loss; // sums of float32 in another order
        EXPECT_GT(a.loss, 0);
        EXPECT_NEAR(a.rpn_class, b.rpn_class, tol) << group;
        EXPECT_NEAR(a.rpn_box, b.rpn_box, tol) << group;
        EXPECT_NEAR(a.roi_class, b.roi_class, tol) << group;
        EXPECT_NEAR(a.roi_box, b.roi_box, tol) << group;
    }
}

TEST(DetectOnGpu, TwoRunsGiveTheSameBitsAndPredictAsRefDoes)
{
    TempDir dir;
    train(dir.path + "/a", "cuda", {"solver.iters=4"});
    train(dir.path + "/b", "cuda", {"solver.iters=4"});
    std::string model = bytes_of(dir.path + "/a/model.safetensors");
    EXPECT_FALSE(model.empty());
    EXPECT_EQ(model, bytes_of(dir.path + "/b/model.safetensors"));

    const char *low[] = {"test.score=0.001"};
    int64_t     n_found[2] = {};
    Detection   best[2] = {};
    for (int on_gpu = 0; on_gpu < 2; on_gpu++) {
        Arena           a = {};
        Detector       *d = nullptr;
        Image           im = {};
        DetectedImage   out;
        DetectorOptions o = {on_gpu ? "cuda" : "ref", low, 1, false};
        ASSERT_EQ(OK, detector_open(&d, (dir.path + "/a").c_str(), &o)) << status_text();
        ASSERT_EQ(OK, image_resize_buffer(&im, 120, 80));
        for (int64_t i = 0; i < 120 * 80 * 3; i++)
            im.pixels[i] = (uint8_t)(i / 360 * 3 + i % 360 / 2);
        ASSERT_EQ(OK, detector_image(d, &a, &out, &im, "x")) << status_text();
        n_found[on_gpu] = out.n_found;
        ASSERT_GT(out.n_found, 0);
        best[on_gpu] = out.found[0];
        if (on_gpu && is_device_emulated()) {
            long before = fake_stream(FAKE_COMPUTE).n_waits;
            ASSERT_EQ(OK, detector_image(d, &a, &out, &im, "x")) << status_text();
            EXPECT_EQ(2, fake_stream(FAKE_COMPUTE).n_waits - before); // regions, detections
        }
        image_release(&im);
        detector_close(d);
        arena_release(&a);
    }
    EXPECT_EQ(n_found[0], n_found[1]);
    EXPECT_EQ(best[0].class_index, best[1].class_index);
    EXPECT_NEAR(best[0].score, best[1].score, 1e-4);
    EXPECT_NEAR(best[0].x1, best[1].x1, 1e-2); // pixels
    EXPECT_NEAR(best[0].y2, best[1].y2, 1e-2);
}

TEST(DetectOnGpu, AStepOfTrainingAddsNoWait)
{
    TempDir dir;
    (void)device_under_test();
    if (!is_device_emulated())
        GTEST_SKIP() << "only the emulated device counts waits";
    long waits[2], before = 0;
    for (int i = 0; i < 2; i++) {
        before = fake_stream(FAKE_COMPUTE).n_waits;
        train(dir.path + "/" + std::to_string(i), "cuda",
              {i == 0 ? "solver.iters=3" : "solver.iters=7", "log_every=100"});
        waits[i] = fake_stream(FAKE_COMPUTE).n_waits - before;
    }
    EXPECT_EQ(waits[0], waits[1]);
}

/* What a run that diverged says and leaves. */
struct Diverged {
    std::string said, dump;
    long        step = -1;
    Diverged(const std::string &run, const char *log_every)
    {
        Small small(run, {"solver.lr=1000", "solver.clip=0", "solver.warmup_iters=0",
                          "solver.iters=12", log_every});
        (void)device_under_test();
        small.options.job.device = "cuda";
        small.options.no_evaluation = true;
        Status st = detect_train(nullptr, &small.options);
        said = status_text();
        EXPECT_EQ(ERR_NONFINITE, st) << said;
        EXPECT_EQ(70, status_exit_code(st));
        size_t at = said.find("nonfinite_step_");
        if (at != std::string::npos)
            dump = bytes_of(run + "/" + said.substr(at, said.find(".json", at) + 5 - at));
        sscanf(said.c_str(), "step %ld:", &step);
    }
};

TEST(DetectOnGpu, ProposalsThatDivergeEndTheRunWithTheDumpOfTheirStep)
{
    TempDir  dir;
    Diverged at_once(dir.path + "/at-once", "log_every=1"); // each step is looked at
    EXPECT_GE(at_once.step, 0) << at_once.said;
    for (const char *log_every : {"log_every=5", "log_every=100"}) {
        Diverged later(dir.path + "/" + log_every, log_every);
        EXPECT_EQ(at_once.step, later.step) << later.said;
        for (const std::string &dump : {at_once.dump, later.dump})
            for (const char *word : {"\"cause\": \"rpn_propose: image", "\"images\"", ".jpg"})
                EXPECT_NE(std::string::npos, dump.find(word)) << word << " in " << dump;
    }
}
