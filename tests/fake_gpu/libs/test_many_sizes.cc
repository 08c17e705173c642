/* Pictures of many sizes: a layer has so many timed, then the heuristics are believed (lib_cudnn_plan.c) */
#include "fake_gpu/libs/conv_case.h"

class ManySizes : public OnFakeLibs {
  protected:
    enum { TIMED = 8 };

    /* A size of the layer that has 4 to `co` channels. */
    static ConvSizes size(int64_t n, int64_t co = 6)
    {
        return {1, 3 + n, 4, 4, co, 3};
    }
    static void meet(FreshDevice &d, int n, int64_t co = 6)
    {
        for (int i = 0; i < n; i++) {
            ConvCase c(d, size(i, co));
            c.expect_right(CONV_FORWARD);
            EXPECT_EQ(1, d.last_engine()) << "size " << i;
        }
    }
};

TEST_F(ManySizes, TheNinthOfALayerTakesTheFirstEngineUntimed)
{
    FreshDevice d;
    d.fake->offer = offer({takes(2), takes(1)}); // the second is faster
    meet(d, TIMED);
    d.fake->runs.clear();
    for (int i = TIMED; i < TIMED + 3; i++) {
        ConvCase c(d, size(i));
        c.expect_right(CONV_FORWARD);
        EXPECT_EQ(0, d.last_engine()) << "size " << i;
    }
    EXPECT_EQ(0, d.n_runs(1));
    EXPECT_GE(2 * 3, d.n_runs(0)); // once to see that it runs, once for the result
    meet(d, TIMED);                // the first ones keep their plans
}

TEST_F(ManySizes, BatchesOfOtherSizesCountToo)
{
    FreshDevice d;
    d.fake->offer = offer({takes(2), takes(1)});
    for (int i = 0; i <= TIMED; i++) {
        ConvCase c(d, {1 + i, 3, 4, 4, 6, 3});
        c.expect_right(CONV_FORWARD);
        EXPECT_EQ(i < TIMED ? 1 : 0, d.last_engine());
    }
}

/* Other layers, directions and types, and sums that are added to, count on their own. */
TEST_F(ManySizes, OtherLayersAreStillTimed)
{
    FreshDevice d;
    d.fake->offer = offer({takes(2), takes(1)});
    meet(d, TIMED);
    meet(d, TIMED, 7);
    ConvCase ninth(d, size(TIMED)), bf16(d, size(TIMED), BF16);
    ninth.expect_right(CONV_FORWARD);
    EXPECT_EQ(0, d.last_engine());
    bf16.expect_right(CONV_FORWARD);
    EXPECT_EQ(1, d.last_engine());
    ninth.expect_right(CONV_DATA);
    EXPECT_EQ(1, d.last_engine());
    ninth.expect_right(CONV_WEIGHTS);
    EXPECT_EQ(1, d.last_engine());
    ninth.expect_right(CONV_WEIGHTS, 1);
    EXPECT_EQ(1, d.last_engine());
}

TEST_F(ManySizes, TheNinthPassesOverEnginesThatCannotServe)
{
    FreshDevice d;
    d.fake->offer = offer({takes(2), takes(1)});
    meet(d, TIMED);
    d.fake->offer =
        offer({noted(CUDNN_NUMERICAL_NOTE_WINOGRAD, takes(1)), cannot_plan(takes(1)),
               needs((int64_t)1 << 40, takes(1)), cannot_run(takes(1)), takes(9), takes(1)});
    ConvCase c(d, size(TIMED));
    for (ConvKind kind : KINDS) {
        c.expect_right(kind);
        c.expect_right(kind);
    }
    d.fake->runs.clear();
    c.expect_right(CONV_FORWARD);
    EXPECT_EQ(4, d.last_engine());
    d.fake->offer = offer({cannot_run(takes(1))}, {cannot_run(takes(1)), takes(1)});
    ConvCase next(d, size(TIMED + 1));
    next.expect_right(CONV_FORWARD);
    EXPECT_EQ(1001, d.last_engine());
}

/* As many plans as are kept, and one. */
TEST_F(ManySizes, PlansWithoutEndAreForgottenAndFoundAgain)
{
    FreshDevice d;
    d.fake->offer = offer({takes(1)});
    const int side = 182, kept = side * side;
    Floats    one(side * side, 1.0f);
    OnDevice  x(d.be, F32, {1, side, side, 1}, one), y(d.be, F32, {1, side, side, 1}, one);
    OnDevice  w(d.be, F32, {1, 1, 1, 1}, {2});
    Conv2d    op = {1, 0, 1, 1};
    auto      run = [&](int64_t h, int64_t v) {
        Tensor tx = header(F32, {1, h, v, 1}, x.t.data), ty = header(F32, {1, h, v, 1}, y.t.data);
        ASSERT_EQ(OK, d.fake->conv2d_forward(&ty, &tx, &w.t, &op)) << status_text();
    };
    int n = 0;
    for (int64_t h = 1; h <= side; h++)
        for (int64_t v = 1; v <= side; v++, n++)
            run(h, v);
    EXPECT_EQ(kept, d.fake->n_live[CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR]);
    run(1, side + 1);
    EXPECT_EQ(1, d.fake->n_live[CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR]);
    EXPECT_EQ(1, d.fake->n_live[CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR]);
    expect_nothing_left_over(d.fake);
    run(1, 1);
    EXPECT_EQ(2, d.fake->n_live[CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR]);
    EXPECT_EQ(Floats(side * side, 2.0f), y.values());
}
