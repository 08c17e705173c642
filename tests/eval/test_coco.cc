/* COCO evaluation on cases a person can check; every value was produced by pycocotools 2.0.11 */
#include "coco_set.h"

TEST_F(Coco, OnePerfectResultIsAnUlpBelowOne)
{
    one();
    s.expect(P1, P2, P2);
    EXPECT_EQ(1, s.stats[6]);
    EXPECT_EQ(-1, s.stats[3]);
}
TEST_F(Coco, TwoPerfectResultsAreExactlyOne)
{
    one();
    s.image(2);
    s.truth(2, 10, 10, 50, 50);
    s.result(2, .8, 10, 10, 50, 50);
    s.expect(1, 1, 1);
}
TEST_F(Coco, NothingAnnotatedIsUndefined)
{
    s.image(1);
    s.result(1, .9, 10, 10, 50, 50);
    s.expect(-1, -1, -1);
}
TEST_F(Coco, NoResultsScoreZeroWithAWarning)
{
    s.image(1);
    s.truth(1, 10, 10, 50, 50);
    s.expect(0, 0, 0);
    EXPECT_EQ(0, s.stats[8]);
    EXPECT_EQ(-1, s.stats[3]);
    EXPECT_NE(std::string::npos, s.warnings.find("no results"));
}
TEST_F(Coco, ResultOnAnEmptyImageIsFalse)
{
    s.image(1);
    s.image(2);
    s.truth(1, 10, 10, 50, 50);
    s.result(2, .9, 10, 10, 50, 50);
    s.result(1, .5, 10, 10, 50, 50);
    s.expect(.5, .5, .5);
}
TEST_F(Coco, AnnotationIdZeroIsFoundUnlessBugsAreWanted)
{
    s.next_id = 0;
    one();
    s.expect(P1, P2, P2);
    EXPECT_NE(std::string::npos, s.warnings.find("annotation id 0"));
    s.opt.bug_compatible = true;
    s.expect(0, 0, 0);
    s.truth(1, 100, 100, 50, 50);
    s.result(1, .8, 100, 100, 50, 50);
    s.expect(0.2524752475247525, 0.2524752475247525, 0.2524752475247525);
}
TEST_F(Coco, RepeatedAnnotationIdIsRefusedUnlessBugsAreWanted)
{
    one();
    s.next_id = 1;
    s.truth(1, 100, 100, 50, 50);
    s.result(1, .8, 100, 100, 50, 50);
    expect_error("used twice");
    s.opt.bug_compatible = true;
    s.expect(0.2524752475247525, 0.2524752475247525, 0.2524752475247525);
}
TEST_F(Coco, IgnoreWithoutCrowdIsNotRead)
{
    s.image(1);
    s.truth(1, 10, 10, 50, 50, ",\"ignore\":1");
    s.result(1, .9, 10, 10, 50, 50);
    s.expect(P1, P2, P2);
}
TEST_F(Coco, CrowdsAloneAreUndefined)
{
    s.image(1);
    s.truth(1, 10, 10, 50, 50, "", -1, 1);
    s.result(1, .9, 10, 10, 50, 50);
    s.expect(-1, -1, -1);
}
TEST_F(Coco, CrowdTakesAnyNumberOfResults)
{
    s.image(1);
    s.truth(1, 100, 100, 80, 80, "", -1, 1);
    s.truth(1, 10, 10, 50, 50);
    s.result(1, .95, 110, 110, 20, 20);
    s.result(1, .94, 140, 140, 20, 20);
    s.result(1, .9, 10, 10, 50, 50);
    s.result(1, .93, 10, 100, 20, 20);
    s.expect(.5, .5, .5);
}
TEST_F(Coco, CrowdIsOnlyASecondChoice)
{
    s.image(1);
    s.truth(1, 10, 10, 60, 50, "", -1, 1);
    s.truth(1, 20, 10, 60, 50); // IoU .714
    s.result(1, .9, 10, 10, 60, 50);
    ASSERT_EQ(OK, s.evaluate());
    EXPECT_EQ(P2, s.stats[1]);
}
TEST_F(Coco, OverlapEqualToTheThresholdMatches)
{
    s.image(1);
    s.truth(1, 0, 0, 10, 10);
    s.result(1, .9, 0, 0, 10, 5);
    s.expect(0.09999999999999999, P2, 0);
}
TEST_F(Coco, FirstRankedResultTakesTheTruthAtLowThresholds)
{
    s.image(1);
    s.truth(1, 0, 0, 10, 10);
    s.result(1, .9, 0, 0, 10, 6);
    s.result(1, .8, 0, 0, 10, 10);
    ASSERT_EQ(OK, s.evaluate());
    EXPECT_NEAR(.65, s.stats[0], 1e-15);
    EXPECT_EQ(P2, s.stats[1]);
    EXPECT_EQ(.5, s.stats[2]);
}
TEST_F(Coco, FalseAfterFullRecallIsFree)
{
    one();
    s.result(1, .8, 10, 10, 50, 50);
    s.expect(P1, P2, P2);
}
TEST_F(Coco, OnlyTheFirstHundredOfACellCount)
{
    s.image(1);
    s.truth(1, 10, 10, 50, 50);
    for (int i = 0; i < 100; i++)
        s.result(1, .9, 100, 100, 20, 20);
    s.result(1, .8, 10, 10, 50, 50);
    s.expect(0, 0, 0);
}
TEST_F(Coco, TiesKeepFileOrderWithinAnImage)
{
    s.image(1);
    s.truth(1, 10, 10, 50, 50);
    s.result(1, .5, 100, 100, 20, 20);
    s.result(1, .5, 10, 10, 50, 50);
    s.expect(.5, .5, .5);
}
TEST_F(Coco, TiesAcrossImagesGoByImageId)
{
    s.image(1);
    s.image(2);
    s.truth(1, 10, 10, 50, 50);
    s.truth(2, 10, 10, 50, 50);
    s.result(2, .5, 10, 10, 50, 50);
    s.result(1, .5, 100, 100, 20, 20);
    s.result(1, .5, 10, 10, 50, 50);
    ASSERT_EQ(OK, s.evaluate());
    EXPECT_NEAR(0.6666666666666666, s.stats[0], 1e-15);
}
TEST_F(Coco, AreaBordersBelongToBothRanges)
{
    s.image(1);
    s.truth(1, 10, 10, 50, 50, "", 1024);
    s.result(1, .9, 10, 10, 50, 50);
    ASSERT_EQ(OK, s.evaluate());
    EXPECT_EQ(P1, s.stats[3]);
    EXPECT_EQ(P1, s.stats[4]);
}
TEST_F(Coco, UnmatchedResultOutsideTheRangeIsIgnoredThere)
{
    s.image(1);
    s.truth(1, 10, 10, 50, 50);
    s.result(1, .9, 100, 100, 5, 5);
    s.result(1, .8, 10, 10, 50, 50);
    s.expect(.5, .5, .5);
    EXPECT_EQ(P1, s.stats[4]);
}
TEST_F(Coco, ResultOfAnUnlistedCategoryIsLeftOutWithAWarning)
{
    one();
    s.result(1, .95, 100, 100, 20, 20, 7);
    s.expect(P1, P2, P2);
    EXPECT_NE(std::string::npos, s.warnings.find("1 results of categories"));
}
TEST_F(Coco, UnlistedImagesAreRefused)
{
    one();
    s.result(5, .9, 10, 10, 50, 50);
    expect_error("images that the ground truth does not list: 5");
    s.read.ignore_unknown = true;
    s.expect(P1, P2, P2);
    s.truth(9, 1, 1, 5, 5);
    expect_error("images that the ground truth does not list: 9");
}
TEST_F(Coco, StringImageIdsSortByTheirBytes)
{
    s.images = "{\"id\":\"b\",\"width\":9,\"height\":9},{\"id\":\"a10\",\"width\":9,\"height\":9}";
    s.truths = "{\"id\":1,\"image_id\":\"b\",\"category_id\":1,\"bbox\":[0,0,9,9],\"area\":81,"
               "\"iscrowd\":0}";
    s.found = "{\"image_id\":\"b\",\"category_id\":1,\"bbox\":[0,0,9,9],\"score\":0.5},"
              "{\"image_id\":\"a10\",\"category_id\":1,\"bbox\":[0,0,9,9],\"score\":0.5}";
    s.expect(.5, .5, .5); // the tie goes to a10, where it is false
}
TEST_F(Coco, WithoutCategoriesLabelsDoNotMatter)
{
    s.categories += ",{\"id\":2,\"name\":\"two\"}";
    s.image(1);
    s.truth(1, 10, 10, 50, 50, "", -1, 0, 1);
    s.truth(1, 100, 100, 50, 50, "", -1, 0, 2);
    s.result(1, .9, 10, 10, 50, 50, 2);
    s.result(1, .8, 100, 100, 50, 50, 1);
    s.opt.ignore_categories = true;
    s.expect(1, 1, 1);
    EXPECT_EQ(.5, s.stats[6]);
}
TEST_F(Coco, FirstStatIsLiterallyAtHundredResults)
{
    one();
    s.opt.n_caps = 3;
    s.opt.cap[0] = 1, s.opt.cap[1] = 10, s.opt.cap[2] = 300;
    s.expect(-1, P2, P2);
    s.opt.cap[0] = 100, s.opt.cap[1] = 1, s.opt.cap[2] = 10; // sorted first
    s.expect(P1, P2, P2);
    s.opt.n_caps = 2;
    EXPECT_EQ(ERR_USAGE, s.evaluate());
}
TEST_F(Coco, OtherThresholdsLeaveNamedStatsUndefined)
{
    one();
    s.opt.n_thresholds = 1;
    s.opt.threshold[0] = .6;
    s.expect(P2, -1, -1);
}
TEST_F(Coco, EqualTruthsGiveTheMatchToTheLater)
{
    s.image(1);
    s.truth(1, 10, 10, 50, 50);
    s.truth(1, 10, 10, 50, 50);
    s.result(1, .9, 10, 10, 50, 50);
    ASSERT_EQ(OK, s.evaluate());
    EXPECT_EQ(.5, s.stats[6]);
}
TEST_F(Coco,
       RecallPointIsTakenWhereItIsReached) // 35 of 100 lies an ulp below the 35th recall point
{
    s.image(1);
    for (int i = 0; i < 100; i++)
        s.truth(1, 0, i, 1, 1);
    for (int i = 0; i < 35; i++)
        s.result(1, .9, 0, i, 1, 1);
    ASSERT_EQ(OK, s.evaluate());
    const int A = 4, M = 3;
    EXPECT_EQ(1, s.precision[34 * A * M + 2]);
    EXPECT_EQ(0, s.precision[35 * A * M + 2]);
}
