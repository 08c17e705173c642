/* What convolutions add up to: into gradients that are there, from types to types, with TF32 and without (lib_cudnn.c) */
#include "fake_gpu/libs/conv_case.h"
#include "fake_gpu/libs/tf32.h"

class Sums : public OnFakeLibs {};

static const ConvSizes SMALL = {2, 5, 4, 4, 6, 3};

TEST_F(Sums, AGradientIsAddedByThePlanItself)
{
    FreshDevice d;
    for (DType dtype : {F32, BF16})
        for (ConvKind kind : {CONV_DATA, CONV_WEIGHTS}) {
            ConvCase c(d, SMALL, dtype, dtype);
            c.expect_right(kind, 1); // candidates were timed on the way and have not added anything
            EXPECT_EQ(1.0f, d.fake->runs.back().conv.beta);
            EXPECT_EQ(1.0f, d.fake->runs.back().conv.alpha);
            long before = d.n_runs();
            c.expect_right(kind, 1);
            EXPECT_EQ(before + 1, d.n_runs());
            c.expect_right(kind, 0);
            EXPECT_EQ(0.0f, d.fake->runs.back().conv.beta);
            c.expect_right(kind, 1);
        }
}

TEST_F(Sums, AnOverwrittenOutputIsNotRead)
{
    FreshDevice d;
    for (DType dtype : {F32, BF16})
        for (ConvKind kind : KINDS) {
            ConvCase c(d, SMALL, dtype);
            Floats   want = c.want(kind), nan(want.size(), NAN);
            Stored   s(c.output(kind).t.dtype, nan);
            for (int i = 0; i < 2; i++) { // as the plan is found, and when it is known
                Tensor *t = &c.output(kind).t;
                ASSERT_EQ(OK, d.be->write(t->data, s.data(), tensor_bytes(t)));
                ASSERT_EQ(OK, c.run(kind));
                expect_close(c.output(kind).values(), want, dtype == BF16 ? 8e-3 : 1e-6, "output");
            }
        }
}

/* Where cuDNN adds by no engine, the gradient is computed beside and added by us. */
TEST_F(Sums, WherePlansThatAddAreRefusedScratchMemoryServes)
{
    FreshDevice d;
    for (const FakeEngine &refused : {cannot_plan(takes(1)), cannot_run(takes(1))})
        for (DType dtype : {F32, BF16})
            for (ConvKind kind : {CONV_DATA, CONV_WEIGHTS}) {
                ConvCase c(d, {refused.cannot_run ? 1 : 2, 5, 4, 4, 6, 3}, dtype, dtype);
                d.fake->offer = [=](const FakeConv &conv, int) {
                    return Engines{conv.beta != 0 ? refused : takes(1)};
                };
                c.expect_right(kind, 1);
                EXPECT_EQ(0.0f, d.fake->runs.back().conv.beta);
                int asked = d.fake->n_guesses;
                c.expect_right(kind, 1);
                EXPECT_EQ(0.0f, d.fake->runs.back().conv.beta);
                EXPECT_EQ(asked, d.fake->n_guesses);
            }
}

/* bf16 in, f32 out: rounded to bf16 once, then added in f32. */
TEST_F(Sums, AWeightGradientOfBf16IsRoundedOnceOnItsWayToF32)
{
    FreshDevice d;
    ConvCase    c(d, SMALL, BF16, F32), rounded(d, SMALL, BF16, BF16);
    ASSERT_EQ(OK, rounded.run(CONV_WEIGHTS));
    Floats one = rounded.gradient.values(), before = c.gradient.values();
    ASSERT_EQ(OK, c.run(CONV_WEIGHTS, 1));
    for (size_t i = 0; i < before.size(); i++)
        before[i] += one[i];
    EXPECT_EQ(before, c.gradient.values());
    ASSERT_EQ(OK, c.run(CONV_WEIGHTS));
    EXPECT_EQ(one, c.gradient.values());
    for (const FakeRun &r : d.fake->runs)
        EXPECT_EQ(0.0f, r.conv.beta);
}

class Tf32 : public OnFakeLibs {
  protected:
    /* The fastest rounds its operands. */
    const Engines both = {noted(CUDNN_NUMERICAL_NOTE_TENSOR_CORE,
                                noted(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS, takes(1))),
                          takes(2)};
};

TEST_F(Tf32, RoundsOperandsWhereItIsAskedForAndHasPlansOfItsOwn)
{
    FreshDevice d;
    d.fake->offer = offer(both);
    for (ConvKind kind : KINDS) {
        ConvCase c(d, SMALL);
        Floats   full = c.want(kind), rounded = c.want(kind, 0, round_to_tf32);
        EXPECT_NE(full, rounded);
        for (bool is_on : {false, true, false, true}) {
            d.fake->use_tf32(is_on);
            ASSERT_EQ(OK, c.run(kind)) << status_text();
            EXPECT_EQ(is_on ? 0 : 1, d.last_engine());
            expect_close(c.output(kind).values(), is_on ? rounded : full, 1e-6, "output");
        }
        d.fake->use_tf32(false);
    }
    EXPECT_EQ(2 * 3, d.fake->n_live[CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR]);
}

TEST_F(Tf32, IsSwitchedByTheEnvironment)
{
    setenv("GODWIT_TF32", "1", 1);
    FreshDevice d;
    d.fake->offer = offer(both);
    ConvCase c(d, SMALL);
    Floats   rounded = c.want(CONV_FORWARD, 0, round_to_tf32);
    ASSERT_EQ(OK, c.run(CONV_FORWARD));
    EXPECT_EQ(rounded, c.y.values());
}

TEST_F(Tf32, ChangesNothingForBf16)
{
    FreshDevice d;
    d.fake->offer = offer(both);
    ConvCase c(d, SMALL, BF16);
    for (bool is_on : {false, true}) {
        d.fake->use_tf32(is_on);
        c.expect_right(CONV_FORWARD);
        EXPECT_EQ(0, d.last_engine());
    }
    EXPECT_EQ(1, d.fake->n_live[CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR]);
}
