/* kinds of error, best thresholds, confusions and bootstrap intervals on sets a person can check */
#include "coco_set.h"
#include <cmath>
extern "C" {
#include "base/threads.h"
}

class AnalysisTest : public ::testing::Test {
  protected:
    CocoSet s;
    void    SetUp() override
    {
        s.categories += ",{\"id\":2,\"name\":\"two\"}";
        s.image(1);
    }
    void analyse(const std::function<void(const Analysis &)> &check)
    {
        bool looked = false;
        s.look = [&](Arena *a, CocoResult *r, CocoTruth *t, CocoResults *d) {
            Analysis        x;
            AnalysisOptions opt = {.5};
            AnalysisInput   in = {r->task, &r->match, r->overlap};
            (void)t, (void)d;
            ASSERT_EQ(OK, analysis_run(a, &opt, &x, &in)) << status_text();
            check(x);
            looked = true;
        };
        ASSERT_EQ(OK, s.evaluate()) << status_text();
        EXPECT_TRUE(looked);
    }
    void expect_error(ErrorKind kind, int64_t missed)
    {
        analyse([&](const Analysis &x) {
            for (int e = 0; e < ERROR_KINDS; e++)
                EXPECT_EQ(e == ERROR_MISSED ? missed : e == kind, x.errors[e]) << ERROR_NAME[e];
        });
    }
};

TEST_F(AnalysisTest, BoxBesideItsTruthIsALocalisationError)
{
    s.truth(1, 0, 0, 10, 10);
    s.result(1, .9, 5, 0, 10, 10); // overlap 1/3
    expect_error(ERROR_LOCALISATION, 0);
}
TEST_F(AnalysisTest, RightBoxOfTheWrongCategoryIsAClassError)
{
    s.truth(1, 0, 0, 10, 10);
    s.result(1, .9, 0, 0, 10, 10, 2);
    expect_error(ERROR_CLASS, 0);
}
TEST_F(AnalysisTest, BoxBesideATruthOfAnotherCategoryIsBoth)
{
    s.truth(1, 0, 0, 10, 10);
    s.result(1, .9, 5, 0, 10, 10, 2);
    expect_error(ERROR_BOTH, 1);
}
TEST_F(AnalysisTest, SecondBoxOfATruthIsADuplicate)
{
    s.truth(1, 0, 0, 10, 10);
    s.result(1, .9, 0, 0, 10, 10);
    s.result(1, .8, 0, 0, 10, 10);
    expect_error(ERROR_DUPLICATE, 0);
}
TEST_F(AnalysisTest, BoxOnNothingIsBackgroundAndItsTruthMissed)
{
    s.truth(1, 0, 0, 10, 10);
    s.result(1, .9, 100, 100, 10, 10);
    expect_error(ERROR_BACKGROUND, 1);
}
TEST_F(AnalysisTest, ResultsOnCrowdsAreNoErrors)
{
    s.truth(1, 0, 0, 50, 50, "", -1, 1);
    s.result(1, .9, 0, 0, 10, 10);
    s.result(1, .8, 20, 20, 10, 10);
    expect_error(ERROR_KINDS, 0);
}
TEST_F(AnalysisTest, BestF1SitsWhereOneMoreResultWouldHurt)
{
    s.truth(1, 0, 0, 10, 10);
    s.truth(1, 50, 50, 10, 10);
    s.result(1, .9, 0, 0, 10, 10);
    s.result(1, .8, 50, 50, 10, 10);
    s.result(1, .7, 100, 100, 10, 10);
    analyse([](const Analysis &x) {
        EXPECT_EQ(1, x.best[0].f1);
        EXPECT_EQ(.8, x.best[0].score);
        EXPECT_EQ(1, x.best[0].recall);
        EXPECT_TRUE(std::isnan(x.best[1].f1));
    });
}
TEST_F(AnalysisTest, ConfusionsCountAnnotatedAgainstFound)
{
    s.truth(1, 0, 0, 10, 10, "", -1, 0, 1);
    s.truth(1, 50, 50, 10, 10, "", -1, 0, 2);
    s.truth(1, 90, 90, 10, 10, "", -1, 0, 2);
    s.result(1, .9, 0, 0, 10, 10, 2);
    s.result(1, .8, 50, 50, 10, 10, 2);
    s.result(1, .7, 150, 100, 10, 10, 1);
    s.result(1, .3, 90, 90, 10, 10, 2); // below the score
    analyse([](const Analysis &x) {
        const int64_t want[9] = {0, 1, 0, 0, 1, 1, 1, 0, 0};
        for (int i = 0; i < 9; i++)
            EXPECT_EQ(want[i], x.confusion[i]) << i;
    });
}
TEST_F(AnalysisTest, APoseBesideItsPersonIsALocalisationError)
{
    std::string at, beside; // 8 pixels aside: OKS .44 by hand below
    for (int i = 0; i < 17; i++) {
        append(&at, "50,50,2");
        append(&beside, "58,50,2");
    }
    s.categories = "{\"id\":1,\"name\":\"person\"}";
    s.truth(1, 0, 0, 40, 40, ",\"num_keypoints\":17,\"keypoints\":[" + at + "]");
    s.found = "{\"image_id\":1,\"category_id\":1,\"score\":1,\"keypoints\":[" + beside + "]}";
    s.opt.iou = COCO_KEYPOINTS;
    const double sigma[17] = {.026, .025, .025, .035, .035, .079, .079, .072, .072,
                              .062, .062, .107, .107, .087, .087, .089, .089};
    double       oks = 0;
    for (double k : sigma)
        oks += std::exp(-64 / (2 * 1600 * 4 * k * k)) / 17;
    ASSERT_TRUE(oks > .1 && oks < .5) << oks;
    expect_error(ERROR_LOCALISATION, 0);
}
TEST_F(AnalysisTest, AnotherFirstThresholdIsRefused)
{
    s.truth(1, 0, 0, 10, 10);
    s.opt.threshold[0] = .6;
    s.opt.n_thresholds = 1;
    s.look = [&](Arena *a, CocoResult *r, CocoTruth *, CocoResults *) {
        Analysis        x;
        AnalysisOptions opt = {.5};
        AnalysisInput   in = {r->task, &r->match, r->overlap};
        EXPECT_EQ(ERR_USAGE, analysis_run(a, &opt, &x, &in));
    };
    ASSERT_EQ(OK, s.evaluate()) << status_text();
}

class AgainstTest : public AnalysisTest {
  protected:
    /* The set against its own results, all scores turned around. */
    void compare(const AgainstOptions &opt, const std::function<void(const Against &)> &check,
                 bool same)
    {
        s.look = [&](Arena *a, CocoResult *r, CocoTruth *t, CocoResults *d) {
            CocoResults         other = *d;
            CocoResult          theirs;
            Against             x;
            CocoEvalOptions     how = s.opt;
            std::vector<double> score(d->rows.score, d->rows.score + d->rows.n);
            for (double &v : score)
                v = same ? v : -v;
            other.rows.score = score.data();
            ASSERT_EQ(OK, coco_evaluate(a, &how, &theirs, t, &other));
            std::vector<double> ap, other_ap;
            for (int64_t k = 0; k < r->n_classes; k++) {
                ap.push_back(r->per_class[k].ap);
                other_ap.push_back(theirs.per_class[k].ap);
            }
            AgainstSide ours = {r->task, &r->match, ap.data()},
                        others = {theirs.task, &theirs.match, other_ap.data()};
            ASSERT_EQ(OK, against_run(a, &opt, &x, &ours, &others)) << status_text();
            check(x);
        };
        ASSERT_EQ(OK, s.evaluate()) << status_text();
    }
    void many_images()
    {
        for (int i = 2; i <= 40; i++) {
            s.image(i);
            s.truth(i, 0, 0, 10, 10);
            s.result(i, .9 - i * .001, 0, 0, 10, i % 3 ? 10 : 7);
            s.result(i, .2 - i * .001, 50, 50, 10, 10);
        }
    }
};

TEST_F(AgainstTest, SameResultsDifferByNothing)
{
    many_images();
    compare(
        {200, 1, AGAINST_POINTS},
        [](const Against &x) {
            EXPECT_EQ(0, x.all.difference);
            EXPECT_EQ(0, x.all.low);
            EXPECT_EQ(0, x.all.high);
            EXPECT_TRUE(std::isnan(x.per_class[1].ours));
            EXPECT_TRUE(std::isnan(x.per_class[1].difference));
        },
        true);
}
TEST_F(AgainstTest, BetterRankingIsSeenAndBracketed)
{
    many_images();
    compare(
        {300, 1, AGAINST_POINTS},
        [](const Against &x) {
            EXPECT_GT(x.all.difference, .1);
            EXPECT_GT(x.all.low, 0);
            EXPECT_LT(x.all.low, x.all.difference);
            EXPECT_GT(x.all.high, x.all.difference);
        },
        false);
}
TEST_F(AgainstTest, IntervalsDependOnTheSeedAlone)
{
    many_images();
    double low = 0, high = 0;
    threads_set(1);
    compare(
        {100, 7, AGAINST_POINTS}, [&](const Against &x) { low = x.all.low, high = x.all.high; },
        false);
    threads_set(3);
    compare(
        {100, 7, AGAINST_POINTS},
        [&](const Against &x) { EXPECT_TRUE(low == x.all.low && high == x.all.high); }, false);
    compare(
        {100, 8, AGAINST_POINTS},
        [&](const Against &x) { EXPECT_FALSE(low == x.all.low && high == x.all.high); }, false);
    threads_set(0);
}
