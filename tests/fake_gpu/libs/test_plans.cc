/* Which of cuDNN's engines runs a convolution (kernels/cuda/lib_cudnn_plan.c, lib_cudnn_engines.c) */
#include "fake_gpu/libs/conv_case.h"

class Plans : public OnFakeLibs {};

static const ConvSizes SMALL = {2, 5, 4, 4, 6, 3};

TEST_F(Plans, TheFastestEngineIsTaken)
{
    FreshDevice d;
    for (DType dtype : {F32, BF16})
        for (ConvKind kind : KINDS) {
            ConvCase c(d, SMALL, dtype);
            d.fake->offer = offer({takes(3), takes(1), takes(2)});
            c.expect_right(kind);
            EXPECT_EQ(1, d.last_engine());
            c.expect_right(kind);
            EXPECT_EQ(1, d.last_engine());
        }
}

TEST_F(Plans, AnEngineOfTheFallbackModeMayBeTheFastest)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    d.fake->offer = offer({takes(3)}, {takes(2), takes(1)});
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(1001, d.last_engine());
}

TEST_F(Plans, OfEqualTimesTheFirstIsTaken)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    d.fake->offer = offer({takes(2), takes(1), takes(1)});
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(1, d.last_engine());
}

TEST_F(Plans, AreFoundOnceForAShape)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    d.fake->offer = offer({takes(2), takes(1)});
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(2, d.fake->n_guesses); // one a mode
    long before = d.n_runs();
    for (int i = 0; i < 3; i++)
        c.expect_right(CONV_FORWARD);
    EXPECT_EQ(2, d.fake->n_guesses);
    EXPECT_EQ(before + 3, d.n_runs());
}

/* Each is run once to load its kernels, once to see whether it is of any interest, three times to know. */
TEST_F(Plans, OneOfMoreThanTwiceTheBestTimeIsTimedByOneRun)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    d.fake->offer = offer({takes(2), takes(4.1f), takes(3.9f)});
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(5 + 1, d.n_runs(0));
    EXPECT_EQ(2, d.n_runs(1));
    EXPECT_EQ(5, d.n_runs(2));
}

TEST_F(Plans, SixteenAreTimed)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    Engines     ever_faster;
    for (int i = 0; i < 100; i++)
        ever_faster.push_back(takes((float)(200 - i)));
    d.fake->offer = offer(ever_faster, {takes(1)});
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(15, d.last_engine());
    EXPECT_EQ(0, d.n_runs(16));
    EXPECT_EQ(0, d.n_runs(1000));
}

TEST_F(Plans, TwoThatAreCompiledForThePurposeAreTimed)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    d.fake->offer = offer({compiled(takes(5)), compiled(takes(4)), compiled(takes(1)), takes(6)});
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(1, d.last_engine());
    EXPECT_EQ(0, d.n_runs(2));
    EXPECT_LT(0, d.n_runs(3)); // others still are
}

/* In front of one that is slower and right: each would be taken if it could. */
TEST_F(Plans, EnginesThatCannotServeArePassedOver)
{
    const struct {
        const char *why;
        FakeEngine  engine;
    } cases[] = {{"cannot be planned", cannot_plan(takes(1))},
                 {"cannot run", cannot_run(takes(1))},
                 {"wants more workspace than there is", needs(((int64_t)256 << 20) + 1, takes(1))}};
    for (const auto &one : cases)
        for (DType dtype : {F32, BF16})
            for (ConvKind kind : KINDS) {
                SCOPED_TRACE(one.why);
                FreshDevice d;
                ConvCase    c(d, SMALL, dtype);
                d.fake->offer = offer({one.engine, takes(2)});
                c.expect_right(kind);
                EXPECT_EQ(1, d.last_engine());
                EXPECT_EQ(0, d.n_runs(0));
            }
}

TEST_F(Plans, AWorkspaceOfAllThereIsCanBeHad)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    d.fake->offer = offer({takes(2), needs((int64_t)256 << 20, takes(1))});
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(1, d.last_engine());
}

TEST_F(Plans, EnginesWhoseNumbersAreNotExactEnoughArePassedOver)
{
    const struct {
        int  note;
        bool is_refused_f32, is_refused_bf16;
    } cases[] = {{CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, true, true},
                 {CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION, true, true},
                 {CUDNN_NUMERICAL_NOTE_FFT, true, true},
                 {CUDNN_NUMERICAL_NOTE_WINOGRAD, true, true},
                 {CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4, true, true},
                 {CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6, true, true},
                 {CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13, true, true},
                 {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, true, false},
                 {CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS, true, false},
                 {CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP, false, false}};
    FreshDevice d;
    int64_t     channels = 4; // a layer of its own for each
    for (const auto &one : cases)
        for (DType dtype : {F32, BF16}) {
            SCOPED_TRACE(testing::Message() << "note " << one.note << " " << dtype_name(dtype));
            ConvCase c(d, {1, 3, 4, 4, channels++, 3}, dtype);
            bool     is_refused = dtype == BF16 ? one.is_refused_bf16 : one.is_refused_f32;
            /* the note is not the first that the engine carries */
            d.fake->offer = offer(
                {noted(one.note, noted(CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP, takes(1))), takes(2)});
            c.expect_right(CONV_FORWARD);
            EXPECT_EQ(is_refused ? 1 : 0, d.last_engine());
            d.fake->runs.clear();
        }
}

TEST_F(Plans, AnEngineOfMoreNotesThanCudnnHadWhenWeWereBuiltIsPassedOver)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    FakeEngine  odd = takes(1);
    odd.numerical.assign(CUDNN_NUMERICAL_NOTE_TYPE_COUNT + 20,
                         CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP);
    d.fake->offer = offer({odd, takes(2)});
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(1, d.last_engine());
}

TEST_F(Plans, WithoutAnyTheOpIsUnsupportedAndNamed)
{
    FreshDevice d;
    const char *op[] = {"conv2d: ", "conv2d data gradient: ", "conv2d weight gradient: "};
    d.fake->offer = offer({cannot_plan(takes(1)), cannot_run(takes(1)),
                           noted(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, takes(1))},
                          {needs((int64_t)1 << 40, takes(1))});
    for (ConvKind kind : KINDS) {
        ConvCase c(d, SMALL, BF16);
        EXPECT_EQ(ERR_UNSUPPORTED, c.run(kind));
        EXPECT_EQ(0u, std::string(status_text()).find(op[kind])) << status_text();
        EXPECT_NE(nullptr,
                  strstr(status_text(), "no deterministic plan for x (2,5,4,4), w (6,3,3,4)"))
            << status_text();
        int asked = d.fake->n_guesses;
        EXPECT_EQ(ERR_UNSUPPORTED, c.run(kind));
        EXPECT_EQ(asked, d.fake->n_guesses) << "it is remembered";
    }
    d.fake->offer = offer({});
    ConvCase other(d, {1, 5, 4, 4, 6, 3});
    EXPECT_EQ(ERR_UNSUPPORTED, other.run(CONV_FORWARD));
}

TEST_F(Plans, AnOperationThatCudnnRefusesIsUnsupported)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    d.fake->has_no_operation = true;
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(ERR_UNSUPPORTED, c.run(CONV_DATA));
        EXPECT_EQ(0u, std::string(status_text()).find("conv2d data gradient: cuDNN 91400 has no"))
            << status_text();
    }
    d.fake->has_no_operation = false;
    EXPECT_EQ(ERR_UNSUPPORTED, c.run(CONV_DATA)); // it is remembered
    c.expect_right(CONV_WEIGHTS);
}

TEST_F(Plans, GroupsStridesAndOddSizesReachCudnnAsTheyAre)
{
    FreshDevice d;
    d.fake->offer = offer({takes(1)});
    for (const ConvSizes &s :
         {ConvSizes{2, 9, 7, 8, 12, 3, 2, 4}, ConvSizes{1, 5, 6, 3, 5, 1, 3, 1},
          ConvSizes{3, 8, 9, 6, 4, 5, 2, 2}})
        for (DType dtype : {F32, BF16})
            for (ConvKind kind : KINDS) {
                ConvCase c(d, s, dtype);
                c.expect_right(kind);
            }
}

TEST_F(Plans, GodwitPlansTellsWhatIsChosen)
{
    setenv("GODWIT_PLANS", "1", 1);
    FreshDevice d;
    ConvCase    c(d, SMALL);
    d.fake->offer = offer({takes(2), takes(1.5f)});
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(OK, c.run(CONV_WEIGHTS, 1));
    std::string line = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(std::string::npos,
              line.find("weights, x (2,5,4,4) w (6,3,3,4) stride 1, added, f32: plan 1, 1.500 ms"))
        << line;
}

TEST_F(Plans, AnOldCudnnIsRefused)
{
    FreshDevice old([](FakeLibs *fake) { fake->cudnn_version = 8907; });
    EXPECT_EQ(ERR_DEVICE, old.opened);
    EXPECT_NE(nullptr, strstr(status_text(), "9.0 or later is wanted")) << status_text();
    FreshDevice oldest([](FakeLibs *fake) { fake->cudnn_version = 90000; });
    EXPECT_EQ(OK, oldest.opened);
}
