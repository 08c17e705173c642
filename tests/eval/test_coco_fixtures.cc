/* COCO and LVIS numbers on real ground truth, as published or as pycocotools and lvis-api gave them */
#include <gtest/gtest.h>
#include <fstream>
#include <sstream>
#include <cjson/cJSON.h>
extern "C" {
#include "eval/coco.h"
#include "eval/lvis.h"
}

namespace {
std::string fixture(const std::string &name)
{
    return std::string(GODWIT_SHARED_DIR) + "/data/eval-fixtures/" + name;
}
cJSON *expected(const std::string &dir)
{
    std::ifstream      in(fixture(dir + "/expected.json"));
    std::ostringstream text;
    text << in.rdbuf();
    return cJSON_Parse(text.str().c_str());
}

void compare(CocoIou iou, const std::string &gt, const std::string &dt, cJSON *want,
             double tolerance)
{
    Arena           a = {};
    CocoReadOptions read = {};
    CocoEvalOptions opt = {};
    CocoTruth       t = {};
    CocoResults     d = {};
    CocoResult      r;
    read.iou = opt.iou = iou;
    ASSERT_EQ(OK, coco_read(&t, &d, &read, gt.c_str(), dt.c_str())) << status_text();
    ASSERT_EQ(OK, coco_evaluate(&a, &opt, &r, &t, &d)) << status_text();
    cJSON *stats = cJSON_GetObjectItem(want, "stats");
    ASSERT_EQ(r.n_stats, cJSON_GetArraySize(stats));
    for (int i = 0; i < r.n_stats; i++)
        EXPECT_NEAR(cJSON_GetArrayItem(stats, i)->valuedouble, r.stat[i].value, tolerance)
            << r.stat[i].name;
    cJSON *classes = cJSON_GetObjectItem(want, "AP_per_category_id");
    for (int64_t k = 0; k < r.n_classes; k++) {
        cJSON *ap = classes ? cJSON_GetObjectItem(classes, std::to_string(t.category[k].id).c_str())
                            : nullptr;
        if (ap && cJSON_IsNumber(ap)) {
            EXPECT_NEAR(ap->valuedouble, r.per_class[k].ap, tolerance) << t.category[k].id;
        }
    }
    arena_release(&a);
    coco_truth_release(&t);
    coco_results_release(&d);
}

void expect_folder(const std::string &dir, CocoIou iou, double tolerance)
{
    cJSON *want = expected(dir);
    if (!want)
        GTEST_SKIP() << "no " << fixture(dir);
    compare(iou, fixture(dir + "/gt.json"), fixture(dir + "/dt.json"), want, tolerance);
    cJSON_Delete(want);
}
} // namespace

TEST(CocoFixtures, ExampleBoxesOfVal2014Agree)
{
    expect_folder("coco-val2014-100-bbox", COCO_BBOX, 0);
}
TEST(CocoFixtures, ExampleBoxesWithBoxAreasAgree)
{
    expect_folder("coco-val2014-100-bbox-area", COCO_BBOX, 1e-15);
}
TEST(CocoFixtures, KerasCvBoxesAgree) // float32 numbers
{
    expect_folder("coco-kerascv-84", COCO_BBOX, 1e-6);
}
TEST(CocoFixtures, FourteenPosesAgree)
{
    expect_folder("coco-keypoints-139099", COCO_KEYPOINTS, 1e-12);
}
TEST(CocoFixtures, PerturbedRealSetsAgree)
{
    static const char *const NAME[3] = {"bbox", "segm", "keypoints"};
    cJSON                   *want = expected("coco-mini-val-perturbed");
    if (!want)
        GTEST_SKIP() << "no " << fixture("coco-mini-val-perturbed");
    for (int i = 0; i < 3; i++) {
        SCOPED_TRACE(NAME[i]);
        std::string gt = fixture("coco-mini-val-perturbed/") +
                         cJSON_GetObjectItem(cJSON_GetObjectItem(want, "gt"), NAME[i])->valuestring;
        compare((CocoIou)i, gt,
                fixture(std::string("coco-mini-val-perturbed/dt_") + NAME[i] + ".json"),
                cJSON_GetObjectItem(want, NAME[i]), i == 2 ? 1e-12 : 0);
    }
    cJSON_Delete(want);
}
TEST(CocoFixtures, LvisBoxesAndMasksAgree)
{
    static const char *const NAME[2] = {"bbox", "segm"};
    cJSON                   *want = expected("lvis-val-60");
    if (!want)
        GTEST_SKIP() << "no " << fixture("lvis-val-60");
    for (int i = 0; i < 2; i++) {
        Arena           a = {};
        CocoReadOptions read = {};
        LvisOptions     opt = {};
        CocoTruth       t = {};
        CocoResults     d = {};
        LvisResult      r;
        read.iou = opt.iou = (CocoIou)i;
        read.lvis = true;
        opt.max_per_image = 300;
        std::string dt = fixture(std::string("lvis-val-60/dt_") + NAME[i] + ".json");
        ASSERT_EQ(OK, coco_read(&t, &d, &read, fixture("lvis-val-60/gt.json").c_str(), dt.c_str()))
            << status_text();
        ASSERT_EQ(OK, lvis_evaluate(&a, &opt, &r, &t, &d)) << status_text();
        for (int k = 0; k < r.n_stats; k++) {
            cJSON *v = cJSON_GetObjectItem(cJSON_GetObjectItem(want, NAME[i]), r.stat[k].name);
            ASSERT_TRUE(v) << r.stat[k].name;
            EXPECT_EQ(v->valuedouble, r.stat[k].value) << NAME[i] << " " << r.stat[k].name;
        }
        arena_release(&a);
        coco_truth_release(&t);
        coco_results_release(&d);
    }
    cJSON_Delete(want);
}
