/* DensePose in the frame of match.h: categories, kinds of error, thresholds, intervals */
#include "densepose_set.h"
extern "C" {
#include "base/rng.h"
#include "eval/against.h"
#include "eval/analysis.h"
#include "eval/cards.h"
}

namespace {
class DenseposeAnalysis : public DenseposeTest {
  protected:
    Analysis x = {};

    void analyse(DenseposeMode mode = DENSEPOSE_GPS)
    {
        AnalysisOptions how = {.5};
        ap(mode);
        AnalysisInput in = {r.task, &r.match, r.overlap};
        ASSERT_EQ(OK, analysis_run(&a, &how, &x, &in)) << status_text();
    }
    void expect_error(ErrorKind kind, int64_t missed)
    {
        analyse();
        for (int e = 0; e < ERROR_KINDS; e++)
            EXPECT_EQ(e == ERROR_MISSED ? missed : e == kind, x.errors[e]) << ERROR_NAME[e];
    }
    void add_person(int image)
    {
        persons.push_back(Person());
        persons.back().image = image;
        persons.back().id = (int)persons.size();
    }
};
} // namespace

TEST_F(DenseposeAnalysis, PointsOnTheWrongPlaceOfTheBodyAreALocalisationError)
{
    persons[0].points = found[0].points = {{100, 100, 5}};
    found[0].du = .7; // 6 or 7 rows of vertices: GPS between .1 and .5
    ASSERT_LT(gps(), .5);
    ASSERT_GT(gps(), .1);
    expect_error(ERROR_LOCALISATION, 0);
}
TEST_F(DenseposeAnalysis, AResultOnNoPersonIsBackground)
{
    found = {elsewhere(.9)};
    expect_error(ERROR_BACKGROUND, 1);
}
TEST_F(DenseposeAnalysis, ASecondResultOnAPersonIsADuplicate)
{
    found.push_back(Found());
    found[1].score = .8;
    expect_error(ERROR_DUPLICATE, 0);
    EXPECT_EQ(1, x.best[0].f1);
    EXPECT_EQ(.9, x.best[0].score);
}
TEST_F(DenseposeAnalysis, PersonsWithoutPointsAreNeitherMissedNorErrors)
{
    add_person(1);
    persons[1].has_points = false;
    set(persons[1].box, 90, 20, 60, 60);
    found.push_back(elsewhere(.95)); // its box lies on the person without points
    expect_error(ERROR_KINDS, 0);
    EXPECT_EQ(1, x.n_true);
    EXPECT_EQ(1, x.confusion[0]) << "person found as person";
    EXPECT_EQ(0, x.confusion[1]) << "person found as nothing";
    EXPECT_EQ(0, x.confusion[2]) << "nothing found as person";
}
TEST_F(DenseposeAnalysis, LowerThresholdsLeaveTheAnalysisAtOneHalf)
{
    persons[0].points = found[0].points = {{100, 100, 5}};
    found[0].du = .7; // a match at .2, none at .5
    options.least = .2;
    expect_error(ERROR_LOCALISATION, 0);
    EXPECT_GT(r.stat[1], .9) << "AP20";
    EXPECT_EQ(0, x.n_true);
    EXPECT_EQ(-1, r.match.met[0]);
    found[0].du = 0;
    analyse(DENSEPOSE_GPSM);
    EXPECT_EQ(1, x.n_true);
    EXPECT_EQ(0, r.match.met[0]);
    options.least = .33; // no threshold of .5
    ap();
    AnalysisOptions how = {.5};
    AnalysisInput   in = {r.task, &r.match, r.overlap};
    EXPECT_EQ(ERR_USAGE, analysis_run(&a, &how, &x, &in));
}
TEST_F(DenseposeAnalysis, NineteenThresholdsArePossible)
{
    options.least = .05;
    EXPECT_NEAR(1, ap(), 1e-12);
    EXPECT_EQ(19, r.n_thresholds);
}
TEST_F(DenseposeAnalysis, CrowdsWithPointsMayBeFoundMoreOftenThanThereArePersons)
{
    persons[0].crowd = 1;
    for (int i = 0; i < 12; i++) {
        found.push_back(Found());
        found.back().score = .8 - .01 * i;
    }
    EXPECT_NEAR(1, ap(), 1e-12);
    EXPECT_EQ(13, r.match.recall[0]) << "true results over persons";
    analyse();
    EXPECT_EQ(13, x.n_true);
}
TEST_F(DenseposeAnalysis, CategoriesHaveTheirOwnNumbers)
{
    add_person(2);
    found.push_back(Found());
    found[1].image = 2;
    found[1].score = .5;
    found[1].du = .5;
    ap();
    ASSERT_EQ(1, data.n_categories);
    EXPECT_STREQ("person", data.category[0].name);
    EXPECT_EQ(r.stat[0], r.per_class[0].ap);
    EXPECT_EQ(r.stat[1], r.per_class[0].ap50);
    EXPECT_EQ(r.stat[2], r.per_class[0].ap75);
    EXPECT_EQ(r.stat[5], r.per_class[0].ar);
    EXPECT_EQ(2, r.per_class[0].n_annotated);
    EXPECT_EQ(2, r.per_class[0].n_found);
}

TEST_F(DenseposeAnalysis, SummaryLinesAreThoseOfTheReference)
{
    Card card;
    ap();
    ASSERT_EQ(OK, densepose_card(&a, &card, &options, &r, &data)) << status_text();
    EXPECT_STREQ( // iStr of _summarize, by Python's format()
        " Average Precision  (AP) @[ OGPS=0.50:0.95 | area=   all | maxDets= 20 ] = 1.000\n"
        " Average Precision  (AP) @[ OGPS=0.50      | area=   all | maxDets= 20 ] = 1.000\n"
        " Average Precision  (AP) @[ OGPS=0.75      | area=   all | maxDets= 20 ] = 1.000\n"
        " Average Precision  (AP) @[ OGPS=0.50:0.95 | area=medium | maxDets= 20 ] = -1.000\n"
        " Average Precision  (AP) @[ OGPS=0.50:0.95 | area= large | maxDets= 20 ] = 1.000\n"
        " Average Recall     (AR) @[ OGPS=0.50:0.95 | area=   all | maxDets= 20 ] = 1.000\n"
        " Average Recall     (AR) @[ OGPS=0.50      | area=   all | maxDets= 20 ] = 1.000\n"
        " Average Recall     (AR) @[ OGPS=0.75      | area=   all | maxDets= 20 ] = 1.000\n"
        " Average Recall     (AR) @[ OGPS=0.50:0.95 | area=medium | maxDets= 20 ] = -1.000\n"
        " Average Recall     (AR) @[ OGPS=0.50:0.95 | area= large | maxDets= 20 ] = 1.000\n",
        card.summary);
}

TEST_F(DenseposeAnalysis, AResampleIsTheSetOfTheImagesThatWereDrawn)
{
    uint64_t seed = 0;
    for (int second = 0; second < 2; seed += second < 2) { // until both draws are image 2
        Rng rng = rng_at(seed, RNG_BOOTSTRAP, 0, 0);
        second = (int)(rng_below(&rng, 2) + rng_below(&rng, 2));
    }
    const int drawn = 1;
    add_person(2); // image 1 is found well, image 2 badly, with a better result on nothing
    found[0].score = .5;
    found.push_back(Found());
    found[1].image = 2;
    found[1].du = .5;
    found[1].score = .6;
    found.push_back(elsewhere(.7));
    found[2].image = 2;
    std::vector<Found>  all = found;
    std::vector<Person> everybody = persons;
    ap();
    DenseposeResult whole = r;
    DenseposeData   kept = data, other;
    data = {};
    found.pop_back();
    write_text(dir / "other.json", found_json());
    ASSERT_EQ(OK, densepose_read_other(&other, &kept, (dir / "other.json").c_str()));
    DenseposeResult better;
    ASSERT_EQ(OK, densepose_evaluate(&a, &options, &better, &other, &surface)) << status_text();
    EXPECT_GT(better.stat[0], whole.stat[0]);
    double         our_ap = whole.per_class[0].ap, other_ap = better.per_class[0].ap;
    AgainstOptions how = {1, seed, AGAINST_POINTS};
    AgainstSide    ours = {whole.task, &whole.match, &our_ap},
                theirs = {better.task, &better.match, &other_ap};
    Against d;
    ASSERT_EQ(OK, against_run(&a, &how, &d, &ours, &theirs)) << status_text();
    EXPECT_EQ(our_ap - other_ap, d.all.difference);

    persons = {everybody[drawn], everybody[drawn]}; // the same image twice
    persons[0].image = 1;
    persons[1].image = 2;
    persons[1].id = 7;
    double ap_drawn[2];
    for (int side = 0; side < 2; side++) {
        found.clear();
        for (size_t i = 0; i < all.size() - (size_t)side; i++)
            for (int copy = 1; copy <= 2 && all[i].image == drawn + 1; copy++) {
                found.push_back(all[i]);
                found.back().image = copy;
            }
        ap_drawn[side] = ap();
    }
    EXPECT_NEAR(ap_drawn[0] - ap_drawn[1], d.all.low, 1e-12);
    densepose_release(&other);
    densepose_release(&kept);
}
