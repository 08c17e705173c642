/* Two pictures, enough steps: a detector that learns at all finds what it was shown */
#include "detect/detect_test.h"

TEST(DetectOverfit, TwoPicturesAreLearntByHeart)
{
    TempDir           dir;
    Small             small(dir.path + "/run",
                            {"data.first=2", "data.test=[\"Scenes/train\"]", "solver.iters=250",
                             "solver.lr=0.02", "solver.warmup_iters=20", "solver.clip=10",
                             "solver.milestones=[200]", "data.flip_p=0", "model.width=0.25", "roi.batch=32",
                             "rpn.batch=64", "test.precise_bn_iters=10", "log_every=50"});
    DetectTrainResult result;
    small.options.no_evaluation = true;
    ASSERT_EQ(OK, detect_train(&result, &small.options)) << status_text();
    EXPECT_LT(result.loss, 0.5);

    Detector        *d;
    DetSet           set = {};
    Arena            a = {};
    DetectEvaluation e;
    ASSERT_EQ(OK, detector_open(&d, small.run_dir.c_str(), nullptr)) << status_text();
    ASSERT_EQ(OK, detector_open_part(d, &set, scenes().c_str(), "Scenes/train")) << status_text();
    set.n_images = 2;
    ASSERT_EQ(OK, detect_evaluate(&a, &e, d, &set, nullptr)) << status_text();
    int64_t n_truth = 0, n_hit = 0;
    for (int64_t k = 0; k < e.voc.n_classes; k++) {
        n_truth += e.voc.per_class[k].n_truth;
        n_hit += e.voc.per_class[k].tp[0];
    }
    EXPECT_GT(n_truth, 0);
    EXPECT_EQ(n_truth, n_hit) << "AP50 over all classes " << e.ap50;
    detector_close(d);
    detset_release(&set);
    arena_release(&a);
}
