/* Cityscapes instances in the frame of match.h: kinds of error, thresholds, confusions, intervals */
#include "cityscapes_set.h"
extern "C" {
#include "base/rng.h"
#include "base/threads.h"
#include "eval/against.h"
#include "eval/analysis.h"
}
#include <cstring>

namespace {
enum { PERSON = 0, CAR = 2, THINGS = CITYSCAPES_THINGS, T = CITYSCAPES_THRESHOLDS };

class CityscapesAnalysis : public CityscapesTest {
  protected:
    CityscapesMatch *m = nullptr;
    Analysis         x = {};

    void analyse()
    {
        AnalysisOptions how = {.5};
        ASSERT_EQ(OK, run()) << status_text();
        ASSERT_EQ(OK, cityscapes_match(&a, &m, &records)) << status_text();
        AnalysisInput in = {&m->task, &m->result, m->overlap};
        ASSERT_EQ(OK, analysis_run(&a, &how, &x, &in)) << status_text();
    }
    void expect_error(ErrorKind kind, int64_t missed)
    {
        analyse();
        for (int e = 0; e < ERROR_KINDS; e++)
            EXPECT_EQ(e == ERROR_MISSED ? missed : e == kind, x.errors[e]) << ERROR_NAME[e];
    }
};

/* Folder gt, dt of the generated set in which image i occurs weight[i] times under names of its own. */
void copy_images(const Folder &to, const Folder &from, const std::vector<int> &weight)
{
    namespace fs = std::filesystem;
    fs::copy(from.path + "/dt", to.path + "/dt", fs::copy_options::recursive);
    for (size_t i = 0; i < weight.size(); i++) {
        std::string old = "syn_00000" + std::to_string(i) + "_000019";
        fs::remove(to.path + "/dt/" + old + "_leftImg8bit.txt");
        for (int k = 0; k < weight[i]; k++) {
            std::string name = "syn_00000" + std::to_string(i) + "_00010" + std::to_string(k);
            fs::copy_file(from.path + "/gt/" + old + "_gtFine_instanceIds.png",
                          to / ("gt/" + name + "_gtFine_instanceIds.png"));
            fs::copy_file(from.path + "/dt/" + old + "_leftImg8bit.txt",
                          to / ("dt/" + name + "_leftImg8bit.txt"));
        }
    }
}

/* The same lists with every confidence turned around: another result on the same ground truth. */
void turn_scores(const Folder &dir)
{
    for (const auto &file : std::filesystem::directory_iterator(dir.path + "/dt")) {
        if (file.path().extension() != ".txt")
            continue;
        FILE       *f = fopen(file.path().c_str(), "r");
        char        mask[200];
        int         label;
        double      score;
        std::string list;
        while (fscanf(f, "%199s %d %lf", mask, &label, &score) == 3)
            list += std::string(mask) + " " + std::to_string(label) + " " +
                    std::to_string(1 - score) + "\n";
        fclose(f);
        write_text(file.path(), list);
    }
}
} // namespace

TEST_F(CityscapesAnalysis, AResampleIsTheFolderOfTheImagesThatWereDrawn)
{
    Folder           other;
    const uint64_t   seed = 5;
    Rng              rng = rng_at(seed, RNG_BOOTSTRAP, 0, 0);
    std::vector<int> weight(6);
    for (int i = 0; i < 6; i++)
        weight[rng_below(&rng, 6)]++;
    make_generated_set(dir);
    make_generated_set(other);
    turn_scores(other);
    CityscapesInstances whole[2], drawn[2];
    CityscapesRecords   kept[2] = {};
    CityscapesMatch    *match[2];
    const Folder       *folder[2] = {&dir, &other};
    for (int i = 0; i < 2; i++) {
        Folder copy;
        copy_images(copy, *folder[i], weight);
        ASSERT_EQ(OK, instances_of(copy.path)) << status_text();
        drawn[i] = r;
        ASSERT_EQ(OK, instances_of(folder[i]->path)) << status_text();
        whole[i] = r;
        std::swap(kept[i], records);
        ASSERT_EQ(OK, cityscapes_match(&a, &match[i], &kept[i])) << status_text();
    }
    AgainstOptions how = {1, seed, AGAINST_TRAPEZES};
    AgainstSide    ours = {&match[0]->task, &match[0]->result, whole[0].class_ap},
                theirs = {&match[1]->task, &match[1]->result, whole[1].class_ap};
    Against d;
    ASSERT_EQ(OK, against_run(&a, &how, &d, &ours, &theirs)) << status_text();
    for (int k : {PERSON, CAR}) {
        EXPECT_EQ(whole[0].class_ap[k] - whole[1].class_ap[k], d.per_class[k].difference);
        EXPECT_GT(std::fabs(d.per_class[k].low - d.per_class[k].difference), 1e-3); // another set
        EXPECT_NEAR(drawn[0].class_ap[k] - drawn[1].class_ap[k], d.per_class[k].low, 1e-12);
    }
    EXPECT_NEAR(whole[0].all_ap - whole[1].all_ap, d.all.difference, 1e-12);
    EXPECT_NEAR(drawn[0].all_ap - drawn[1].all_ap, d.all.low, 1e-12);
    EXPECT_TRUE(std::isnan(d.per_class[1].difference)) << "no rider";
    for (CityscapesRecords &k : kept)
        cityscapes_records_release(&k);
}

TEST_F(CityscapesAnalysis, BestF1AndTrueResultsFollowTheOverlapOfOneHalf)
{
    truth(A, 26000);
    truth(B, 26001);
    found(A, "0.9");
    found({31, 2, 20, 20, 26}, "0.8");
    found(C, "0.7");
    analyse();
    EXPECT_EQ(2, x.n_true);
    EXPECT_EQ(1, x.errors[ERROR_BACKGROUND]);
    EXPECT_EQ(1, x.best[CAR].f1);
    EXPECT_EQ(.8, x.best[CAR].score);
    EXPECT_TRUE(std::isnan(x.best[PERSON].f1));
    EXPECT_EQ(1, m->result.precision[match_at(&m->result, 0, 100, CAR, 0, 0)]);
    EXPECT_EQ(-1, m->result.precision[match_at(&m->result, 0, 0, PERSON, 0, 0)]);
}

TEST_F(CityscapesAnalysis, AMaskBesideItsInstanceIsALocalisationError)
{
    truth(A, 26000);
    found({12, 2, 20, 20, 26}); // overlap 1/3
    expect_error(ERROR_LOCALISATION, 0);
}
TEST_F(CityscapesAnalysis, AnOverlapOfExactlyOneHalfIsNoMatch)
{
    truth(A, 26000);
    found({2, 2, 20, 10, 26});
    expect_error(ERROR_LOCALISATION, 0);
}
TEST_F(CityscapesAnalysis, ARightMaskOfTheWrongClassIsAClassError)
{
    truth(A, 24000);
    found(A);
    expect_error(ERROR_CLASS, 0);
    EXPECT_EQ(1, x.confusion[PERSON * (THINGS + 1) + CAR]);
}
TEST_F(CityscapesAnalysis, AMaskBesideAnInstanceOfAnotherClassIsBoth)
{
    truth(A, 24000);
    found({12, 2, 20, 20, 26});
    expect_error(ERROR_BOTH, 1);
}
TEST_F(CityscapesAnalysis, ASecondMaskOnAnInstanceIsADuplicate)
{
    truth(A, 26000);
    found(A, "0.8"); // the better score wins, whatever the order of the lines
    found(A, "0.9");
    expect_error(ERROR_DUPLICATE, 0);
    EXPECT_EQ(1, x.n_true);
}
TEST_F(CityscapesAnalysis, MasksOnVoidGroupsAndSpecksAreNoErrors)
{
    truth(A, 26);                    // a group
    truth(B, 0);                     // void
    truth({2, 26, 9, 9, 26}, 26005); // a speck of 81 pixels
    truth({30, 26, 15, 15, 24}, 24000);
    for (Rect b : {A, B, Rect{2, 26, 9, 9, 26}})
        found(b);
    expect_error(ERROR_KINDS, 1);
    EXPECT_EQ(0, x.n_false);
    for (int k = 0; k <= THINGS; k++)
        EXPECT_EQ(0, x.confusion[THINGS * (THINGS + 1) + k]) << "nothing found on background";
    EXPECT_EQ(1, x.confusion[PERSON * (THINGS + 1) + THINGS]) << "a person that nothing took";
}

TEST_F(CityscapesAnalysis, NothingDependsOnTheNumberOfThreads)
{
    AnalysisOptions how = {.1};
    make_generated_set(dir);
    Analysis first = {};
    for (int n : {1, 2, 7, 16}) {
        threads_set(n);
        ASSERT_EQ(OK, instances());
        ASSERT_EQ(OK, cityscapes_match(&a, &m, &records));
        AnalysisInput in = {&m->task, &m->result, m->overlap};
        ASSERT_EQ(OK, analysis_run(&a, &how, &x, &in));
        if (n == 1)
            first = x;
        EXPECT_EQ(0, memcmp(first.errors, x.errors, sizeof x.errors));
        EXPECT_EQ(0, memcmp(first.best, x.best, THINGS * sizeof *x.best));
        EXPECT_EQ(0, memcmp(first.confusion, x.confusion,
                            (THINGS + 1) * (THINGS + 1) * sizeof *x.confusion));
    }
    EXPECT_GT(x.n_true, 5);
    EXPECT_GT(x.n_false, 5);
    threads_set(0);
}
