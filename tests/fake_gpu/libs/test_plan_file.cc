/* The file of plans as lib_*.c write and read it: a later process takes what an earlier one found */
#include "fake_gpu/libs/conv_case.h"

#include <fstream>
#include <sstream>

static const ConvSizes SMALL = {2, 5, 4, 4, 6, 3};

class PlanFile : public OnFakeLibs {
  protected:
    void SetUp() override
    {
        OnFakeLibs::SetUp();
        keep_plans();
    }
    std::string path() const
    {
        return folder + "/godwit/plans_emulated_GPU_cudnn91400_driver13000.txt";
    }
    std::string text() const
    {
        std::stringstream all;
        all << std::ifstream(path()).rdbuf();
        return all.str();
    }
    long n_lines() const
    {
        std::string all = text();
        return std::count(all.begin(), all.end(), '\n');
    }
    /* A process that runs one convolution: which engine it took in the end, and how often each was run. */
    struct Process {
        int  engine;
        long n_runs;
        int  n_guesses;
    };
    static Process process(const std::function<Engines(const FakeConv &, int)> &engines,
                           const ConvSizes &s = SMALL, DType dtype = F32)
    {
        FreshDevice d;
        d.fake->offer = engines;
        ConvCase c(d, s, dtype);
        c.expect_right(CONV_FORWARD);
        return {d.last_engine(), d.n_runs(), d.fake->n_guesses};
    }
    /* Puts a number in the place of the file's last. */
    void note(const std::string &number) const
    {
        std::string all = text();
        all.erase(all.find_last_of(' ') + 1);
        std::ofstream(path()) << all << number << "\n";
    }
};

/* Once to see that it still runs, once for the result: the others are not even tried, though they have become faster. */
TEST_F(PlanFile, ALaterProcessTakesTheSamePlanUntimed)
{
    EXPECT_EQ(1, process(offer({takes(3), takes(1), takes(2)})).engine);
    EXPECT_EQ(1, n_lines());
    Process next = process(offer({takes(1), takes(9), takes(1)}));
    EXPECT_EQ(1, next.engine);
    EXPECT_EQ(2, next.n_runs);
    EXPECT_EQ(1, n_lines());
}

TEST_F(PlanFile, APlanOfTheFallbackModeIsFoundAgain)
{
    EXPECT_EQ(1001, process(offer({takes(3)}, {takes(2), takes(1)})).engine);
    EXPECT_EQ(1001, process(offer({takes(1), takes(1)}, {takes(1), takes(9)})).engine);
}

TEST_F(PlanFile, EachShapeAndTypeHasALine)
{
    process(offer({takes(2), takes(1)}));
    process(offer({takes(1), takes(2)}), SMALL, BF16);
    process(offer({takes(1), takes(2)}), {2, 6, 4, 4, 6, 3});
    EXPECT_EQ(3, n_lines());
    EXPECT_EQ(1, process(offer({takes(1), takes(2)})).engine);
    EXPECT_EQ(0, process(offer({takes(2), takes(1)}), SMALL, BF16).engine);
}

/* What was noted is not there any more, or not any good: it is looked for again, and the new line counts. */
TEST_F(PlanFile, AStalePlanIsLookedForAgain)
{
    const struct {
        const char *why;
        Engines     now;
    } cases[] = {{"gone", {takes(1)}},
                 {"cannot be planned", {takes(1), cannot_plan(takes(1))}},
                 {"cannot run", {takes(1), cannot_run(takes(1))}},
                 {"inexact", {takes(2), noted(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, takes(1))}}};
    for (const auto &one : cases) {
        SCOPED_TRACE(one.why);
        std::filesystem::remove(path());
        EXPECT_EQ(1, process(offer({takes(3), takes(1)})).engine);
        EXPECT_EQ(0, process(offer(one.now)).engine);
        EXPECT_EQ(2, n_lines());
        EXPECT_EQ(0, process(offer({takes(9), takes(1)})).engine);
        EXPECT_EQ(2, n_lines());
    }
}

TEST_F(PlanFile, NumbersThatNoPlanHasAreLookedForAgain)
{
    process(offer({takes(1)}));
    for (const char *number :
         {"777", "64", "1000", "999999999", "-3", "99999999999999999999", "x"}) {
        SCOPED_TRACE(number);
        note(number);
        EXPECT_EQ(1, process(offer({takes(2), takes(1)})).engine);
        EXPECT_EQ(1, process(offer({takes(1), takes(2)})).engine);
    }
}

TEST_F(PlanFile, GarbageIsNoPlanAndIsNotLost)
{
    process(offer({takes(1)}));
    std::string line = text(), garbage;
    for (int i = 0; i < 5000; i++)
        garbage += (char)(i * 37 + i / 11);
    std::ofstream(path()) << garbage << "\n" << line.substr(0, 50) << "\n"; // a line cut short
    EXPECT_EQ(1, process(offer({takes(2), takes(1)})).engine);
    EXPECT_EQ(0u, text().find(garbage));
    EXPECT_EQ(1, process(offer({takes(1), takes(2)})).engine);
}

/* A process that goes on where another was stopped meets sizes in another order, and chooses as the first did. */
TEST_F(PlanFile, UntimedPlansAreNotedForThoseWhoMeetThemFirst)
{
    std::vector<ConvSizes> sizes;
    for (int64_t i = 0; i < 10; i++)
        sizes.push_back({1, 3 + i, 4, 4, 6, 3});
    auto engines = [&](int64_t first, int64_t last) {
        FreshDevice      d;
        std::vector<int> taken;
        d.fake->offer = offer({takes(2), takes(1)});
        for (int64_t i = first; i <= last; i++) {
            ConvCase c(d, sizes[(size_t)i]);
            c.expect_right(CONV_FORWARD);
            taken.push_back(d.last_engine());
        }
        return taken;
    };
    EXPECT_EQ(std::vector<int>({1, 1, 1, 1, 1, 1, 1, 1, 0, 0}), engines(0, 9));
    EXPECT_EQ(10, n_lines());
    EXPECT_EQ(std::vector<int>({1, 0, 0}), engines(7, 9));
}

/* With --sync a run's time is that of the host's wait. */
TEST_F(PlanFile, NothingIsNotedWhereEachOpWaits)
{
    FreshDevice d([](FakeLibs *) {}, true);
    d.fake->offer = offer({takes(2), takes(1)});
    ConvCase c(d, SMALL);
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(0, n_lines());
}

TEST_F(PlanFile, WhatCannotBeHadIsNotNoted)
{
    FreshDevice d;
    d.fake->offer = offer({cannot_plan(takes(1))});
    ConvCase c(d, SMALL);
    EXPECT_EQ(ERR_UNSUPPORTED, c.run(CONV_FORWARD));
    EXPECT_EQ(0, n_lines());
}

/* Sizes whose plans are noted count as met: a process that repeats another's run chooses as it did. */
TEST_F(PlanFile, ARunThatIsRepeatedChoosesAlike)
{
    std::vector<int> engines[2];
    for (auto &taken : engines) {
        FreshDevice d;
        d.fake->offer = offer({takes(2), takes(1)});
        for (int64_t i = 0; i < 10; i++) {
            ConvCase c(d, {1, 3 + i, 4, 4, 6, 3});
            c.expect_right(CONV_FORWARD);
            taken.push_back(d.last_engine());
        }
    }
    EXPECT_EQ(engines[0], engines[1]);
    EXPECT_EQ(std::vector<int>({1, 1, 1, 1, 1, 1, 1, 1, 0, 0}), engines[0]);
}

TEST_F(PlanFile, AnotherCudnnHasAnotherFile)
{
    process(offer({takes(2), takes(1)}));
    FreshDevice d([](FakeLibs *fake) { fake->cudnn_version = 91900; });
    d.fake->offer = offer({takes(1), takes(2)});
    ConvCase c(d, SMALL);
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(0, d.last_engine());
    EXPECT_EQ(1, n_lines());
}

/* A way and a plan for one shape are two things. */
TEST_F(PlanFile, AWayIsNoPlan)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    int         way = -1;
    auto        go = [](void *device, int w) {
        return ((FreshDevice *)device)->fake->spend(w == 1 ? 1 : 2);
    };
    ASSERT_EQ(OK, c.choose(&way, CONV_FORWARD, 2, go, &d));
    EXPECT_EQ(1, way);
    d.fake->offer = offer({takes(1), takes(2)});
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(0, d.last_engine());
    EXPECT_EQ(2, n_lines());
}

/* Ways are kept as plans are; one that there is no more is timed again. */
TEST_F(PlanFile, KeepsWays)
{
    struct Trip {
        FreshDevice *d;
        float        ms[3];
        int          n_gone;
    };
    auto go = [](void *ctx, int way) {
        Trip *t = (Trip *)ctx;
        t->n_gone++;
        return t->d->fake->spend(t->ms[way]);
    };
    auto choose = [&](int n, float a, float b, float c, int *n_gone) {
        FreshDevice d;
        ConvCase    conv(d, SMALL, BF16);
        Trip        t = {&d, {a, b, c}, 0};
        int         way = -1;
        EXPECT_EQ(OK, conv.choose(&way, CONV_FORWARD, n, go, &t)) << status_text();
        *n_gone = t.n_gone;
        return way;
    };
    int n_gone;
    EXPECT_EQ(2, choose(3, 3, 2, 1, &n_gone));
    EXPECT_EQ(2, choose(3, 1, 2, 3, &n_gone));
    EXPECT_EQ(0, n_gone);
    EXPECT_EQ(1, choose(2, 3, 2, 1, &n_gone));
    EXPECT_EQ(8, n_gone);
    EXPECT_EQ(1, choose(2, 1, 2, 3, &n_gone));
    EXPECT_EQ(0, n_gone);
}

/* A device that is full today is no reason for tomorrow. */
TEST_F(PlanFile, KeepsNoWayThatWasTakenForWantOfRoom)
{
    struct Trip {
        FreshDevice *d;
        bool         is_full;
        int          n_gone;
    };
    auto go = [](void *ctx, int way) {
        Trip *t = (Trip *)ctx;
        t->n_gone++;
        return way == 1 && t->is_full ? status_fail(ERR_MEMORY, "no room")
                                      : t->d->fake->spend(way == 1 ? 1 : 5);
    };
    auto choose = [&](bool is_full) {
        FreshDevice d;
        ConvCase    conv(d, SMALL, BF16);
        Trip        t = {&d, is_full, 0};
        int         way[2] = {-1, -1}, n_gone = 0;
        for (int &each : way) {
            n_gone = t.n_gone;
            EXPECT_EQ(OK, conv.choose(&each, CONV_FORWARD, 2, go, &t)) << status_text();
        }
        EXPECT_EQ(way[0], way[1]);
        EXPECT_EQ(n_gone, t.n_gone) << "it is remembered";
        return way[0];
    };
    EXPECT_EQ(0, choose(true));
    EXPECT_EQ(0, n_lines());
    EXPECT_EQ(1, choose(false));
    EXPECT_EQ(1, n_lines());
    EXPECT_EQ(1, choose(false));
}
