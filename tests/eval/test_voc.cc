/* VOC AP on cases a person can check, each value produced by pascal_voc_evaluation.py */
#include <gtest/gtest.h>
#include <cmath>
#include "eval/voc_set.h"
extern "C" {
#include "base/status.h"
}

class Voc : public ::testing::Test {
  protected:
    Arena          a = {};
    VocEvalOptions opt = {};
    VocResult      r = {};
    VocTestSet     s;

    void TearDown() override
    {
        arena_release(&a);
    }
    void evaluate()
    {
        VocSet set = s.set();
        ASSERT_EQ(OK, voc_evaluate(&a, &opt, &r, &set)) << status_text();
    }
    void expect50(double ap11, double area)
    {
        evaluate();
        EXPECT_NEAR(ap11, r.per_class[0].ap_11_point[0], 1e-15);
        if (std::isnan(area))
            EXPECT_TRUE(std::isnan(r.per_class[0].ap_area[0]));
        else
            EXPECT_NEAR(area, r.per_class[0].ap_area[0], 1e-15);
    }
};

TEST_F(Voc, PerfectDetectionExceedsOneByAnUlpIn11Points)
{
    s.truth(10, 10, 50, 50);
    s.found(.9, 10, 10, 50, 50);
    evaluate();
    EXPECT_EQ(1.0000000000000002, r.per_class[0].ap_11_point[0]);
    EXPECT_EQ(1.0, r.per_class[0].ap_area[0]);
    EXPECT_EQ(1.0000000000000002, r.means_11_point.ap);
    EXPECT_EQ(1.0, r.means_area.ap75);
}
TEST_F(Voc, NoDetectionsScoreZero)
{
    s.truth(10, 10, 50, 50);
    expect50(0, 0);
}
TEST_F(Voc, DetectionsWithoutGroundTruthAreZeroAndUndefined)
{
    s.found(.9, 10, 10, 50, 50);
    expect50(0, NAN);
    EXPECT_TRUE(std::isnan(r.means_area.ap));
    opt.skip_empty_classes = true;
    s.n_classes = 2;
    s.truth(10, 10, 50, 50, false, 0, 1);
    s.found(.9, 10, 10, 50, 50, 0, 1);
    evaluate();
    EXPECT_EQ(1.0, r.means_area.ap);
}
TEST_F(Voc, NeitherTruthNorDetectionsScoreZero)
{
    expect50(0, 0);
}
TEST_F(Voc, OnlyDifficultTruthIsUndefined)
{
    s.truth(10, 10, 50, 50, true);
    s.found(.9, 10, 10, 50, 50);
    expect50(0, NAN);
}
TEST_F(Voc, DetectionsOnDifficultTruthCountNowhere)
{
    s.truth(10, 10, 50, 50, true);
    s.truth(100, 100, 150, 150);
    s.found(.9, 10, 10, 50, 50);
    s.found(.8, 11, 10, 50, 50);
    s.found(.7, 10, 11, 50, 50);
    s.found(.6, 100, 100, 150, 150);
    expect50(1.0000000000000002, 1);
    EXPECT_EQ(1, r.per_class[0].tp[0]);
    EXPECT_EQ(0, r.per_class[0].fp[0]);
}
TEST_F(Voc, OverlapEqualToTheThresholdIsNoMatch)
{
    s.truth(1, 1, 10, 10);
    s.found(.9, 1, 1, 10, 5); // 50 of 100 pixels
    expect50(0, 0);
    s.d_box[3] = 6; // 60 of 100: matches at .5 and .55 but not at .6
    evaluate();
    EXPECT_EQ(1, r.per_class[0].tp[1]);
    EXPECT_EQ(0, r.per_class[0].tp[2]);
}
TEST_F(Voc, SecondDetectionOfATruthIsFalse)
{
    s.truth(10, 10, 50, 50);
    s.found(.9, 10, 10, 50, 50);
    s.found(.8, 10, 10, 50, 50);
    expect50(1.0000000000000002, 1);
    EXPECT_EQ(1, r.per_class[0].fp[0]);
}
TEST_F(Voc, OnlyTheFirstOfEqualTruthsIsEverMatched)
{
    s.truth(10, 10, 50, 50);
    s.truth(10, 10, 50, 50);
    s.found(.9, 10, 10, 50, 50);
    s.found(.8, 10, 10, 50, 50);
    expect50(0.5454545454545455, .5);
    EXPECT_EQ(1, r.per_class[0].tp[0]);
}
TEST_F(Voc, EqualTruthsWithTheDifficultFirstIgnoreTheDetection)
{
    s.truth(10, 10, 50, 50, true);
    s.truth(10, 10, 50, 50);
    s.found(.9, 10, 10, 50, 50);
    expect50(0, 0);
}
TEST_F(Voc, DifficultTruthWithTheHigherOverlapTakesTheDetection)
{
    s.truth(10, 10, 50, 50, true);
    s.truth(10, 10, 50, 55);
    s.found(.9, 10, 10, 50, 50);
    expect50(0, 0);
}
TEST_F(Voc, RecallOfExactlyThreeTenthsMissesItsPoint)
{
    for (int i = 0; i < 10; i++)
        s.truth(100 * i + 1, 1, 100 * i + 50, 50);
    for (int i = 0; i < 3; i++)
        s.found(.9, 100 * i + 1, 1, 100 * i + 50, 50);
    expect50(0.2727272727272727, .3);
    for (int i = 3; i < 6; i++)
        s.found(.9, 100 * i + 1, 1, 100 * i + 50, 50);
    expect50(0.5454545454545455, .6);
}
TEST_F(Voc, FalseBetweenTrueOfThreeTruths)
{
    for (int i = 0; i < 3; i++)
        s.truth(100 * i + 1, 1, 100 * i + 50, 50);
    s.found(.9, 1, 1, 50, 50);
    s.found(.8, 1, 500, 50, 550);
    s.found(.7, 101, 1, 150, 50);
    expect50(0.5454545454545454, 0.5555555555555556);
}
TEST_F(Voc, FalseBeforeTwoTrue)
{
    s.truth(1, 1, 50, 50);
    s.truth(101, 1, 150, 50);
    s.found(.9, 1, 500, 50, 550);
    s.found(.8, 1, 1, 50, 50);
    s.found(.7, 101, 1, 150, 50);
    expect50(0.6666666666666665, 0.6666666666666666);
    const VocClass *c = &r.per_class[0];
    ASSERT_EQ(3, c->n_points);
    EXPECT_EQ(.8, c->score[1]);
    EXPECT_EQ(.5, c->recall[1]);
    EXPECT_EQ(.5, c->precision[1]);
}
TEST_F(Voc, OnePixelBoxHasAreaOne)
{
    s.truth(1, 1, 1, 1);
    s.found(.9, 1, 1, 1, 1);
    expect50(1.0000000000000002, 1);
}
TEST_F(Voc, InvertedDetectionIsFalse)
{
    s.truth(10, 10, 50, 50);
    s.found(.9, 50, 50, 10, 10);
    expect50(0, 0);
    EXPECT_EQ(1, r.per_class[0].fp[0]);
    s.truth(5, 5, 4, 4); // 0/0 with this one
    s.found(.8, 5, 5, 4, 4);
    evaluate();
    EXPECT_EQ(2, r.per_class[0].fp[0]);
}
TEST_F(Voc, NanScoreRanksLast)
{
    s.truth(10, 10, 50, 50);
    s.found(NAN, 100, 100, 150, 150);
    s.found(.1, 10, 10, 50, 50);
    expect50(1.0000000000000002, 1);
}
TEST_F(Voc, ImageListedTwiceDoublesItsTruths)
{
    s.truth(10, 10, 50, 50);
    s.found(.9, 10, 10, 50, 50);
    s.repeats = {2};
    expect50(0.5454545454545455, .5);
}
TEST_F(Voc, ObjectsOfOtherClassesAndImagesAreApart)
{
    s.n_classes = s.n_images = 2;
    s.truth(10, 10, 50, 50, false, 0, 1);
    s.truth(10, 10, 50, 50, false, 1, 0);
    s.found(.9, 10, 10, 50, 50, 0, 0);
    expect50(0, 0);
}
TEST_F(Voc, Detectron2BoxesAreShiftedAndRounded)
{
    opt.boxes = VOC_BOXES_DETECTRON2;
    s.truth(10, 10, 50, 50);
    s.found(.9996, 9.04, 8.96, 50.04, 49.96);
    evaluate();
    EXPECT_EQ(1.0, r.per_class[0].ap_area[9]);
    EXPECT_EQ(1.0, r.per_class[0].score[0]);
}
TEST_F(Voc, BadRowsAreNamed)
{
    s.truth(10, 10, 50, NAN);
    VocSet set = s.set();
    EXPECT_EQ(ERR_FORMAT, voc_evaluate(&a, &opt, &r, &set));
    EXPECT_STREQ("voc: ground truth row 0 has a box that is not finite", status_text());
    s.g_box[3] = 50;
    s.g_label[0] = 3;
    set = s.set();
    EXPECT_EQ(ERR_FORMAT, voc_evaluate(&a, &opt, &r, &set));
}

/* The generated set of the evaluation contract: a linear congruential generator, so that every
 * implementation can make the same one. */
TEST_F(Voc, AnImageListedZeroTimesIsRefused)
{
    s.truth(10, 10, 50, 50);
    s.repeats = {0};
    VocSet set = s.set();
    EXPECT_EQ(ERR_FORMAT, voc_evaluate(&a, &opt, &r, &set));
}
TEST_F(Voc, TheMatchNamesTheTruthThatEachResultMet)
{
    s.truth(10, 10, 50, 50);
    s.truth(100, 100, 150, 150, true);
    s.found(.5, 100, 100, 150, 150); // on the difficult one: ignored
    s.found(.9, 10, 10, 50, 50);
    s.found(.8, 10, 10, 50, 50); // found again: false, it met nothing
    evaluate();
    const int32_t want[3] = {0, -1, 1}; // by rank
    ASSERT_EQ(1, r.match.n_cells);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(want[i], r.match.met[i]) << i;
}
TEST_F(Voc, GeneratedSetHasTheReferenceNumbers)
{
    uint64_t state = 2020;
    auto     r_ = [&](int n) {
        state = (1103515245 * state + 12345) & 0x7fffffff;
        return (int)((state >> 8) % (uint64_t)n);
    };
    s.n_images = 12;
    s.n_classes = 3;
    for (int i = 0; i < 12; i++) {
        int n = r_(7);
        for (int k = 0; k < n; k++) {
            int cat = r_(3), x = r_(120), y = r_(80), w = 4 + r_(60), h = 4 + r_(50),
                crowd = r_(10) == 0;
            s.truth(x + 1, y + 1, x + w, y + h, crowd, i, cat);
            for (int d = r_(3); d > 0; d--) {
                int    c = r_(8) == 0 ? r_(3) : cat;
                int    dx = r_(7) - 3, dy = r_(7) - 3, dw = r_(9) - 4, dh = r_(9) - 4;
                double score = r_(100) / 100.0;
                s.found(score, x + dx + 1, y + dy + 1, x + dx + std::max(1, w + dw),
                        y + dy + std::max(1, h + dh), i, c);
            }
        }
        for (int f = r_(4); f > 0; f--) {
            int    c = r_(3), x = r_(140), y = r_(100), w = 1 + r_(40), h = 1 + r_(40);
            double score = r_(100) / 100.0;
            s.found(score, x + 1, y + 1, x + w, y + h, i, c);
        }
    }
    ASSERT_EQ(32u, s.g_image.size());
    ASSERT_EQ(42u, s.d_image.size());
    for (VocOrder order : {VOC_ORDER_STABLE, VOC_ORDER_INTROSORT}) {
        opt.order = order;
        evaluate();
        EXPECT_NEAR(11.412143412143413, 100 * r.means_11_point.ap, 1e-12);
        EXPECT_NEAR(25.857475857475862, 100 * r.means_11_point.ap50, 1e-12);
        EXPECT_NEAR(7.013819513819514, 100 * r.means_11_point.ap75, 1e-12);
        EXPECT_NEAR(31.818181818181824, 100 * r.per_class[0].ap_11_point[0], 1e-12);
        EXPECT_NEAR(32.467532467532465, 100 * r.per_class[1].ap_11_point[0], 1e-12);
        EXPECT_NEAR(13.286713286713287, 100 * r.per_class[2].ap_11_point[0], 1e-12);
        EXPECT_NEAR(10.874019829376971, 100 * r.means_area.ap, 1e-12);
        EXPECT_NEAR(25.443643657929368, 100 * r.means_area.ap50, 1e-12);
        EXPECT_NEAR(6.607331160902589, 100 * r.means_area.ap75, 1e-12);
        EXPECT_NEAR(29.166666666666664, 100 * r.per_class[0].ap_area[0], 1e-12);
        EXPECT_NEAR(33.877551020408156, 100 * r.per_class[1].ap_area[0], 1e-12);
    }
}
