/* relu, add, gather, concat, softmax, cast, reshape, detach */
#include "kernels/op_test.h"

class JoinOp : public OpTest {};
ON_EVERY_BACKEND(JoinOp);

static Build rectify()
{
    return [](Bench &b, std::vector<Tensor *> &in) { return relu(&b.t, in[0]); };
}
static Build sum()
{
    return [](Bench &b, std::vector<Tensor *> &in) { return add(&b.t, in[0], in[1]); };
}
static Build pick(std::vector<int32_t> rows)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        return gather(&b.t, in[0], b.ints({(int64_t)rows.size()}, rows));
    };
}
static Build there_and_back()
{
    return [](Bench &b, std::vector<Tensor *> &in) {
        Tensor *low = cast(&b.t, BF16, in[0]);
        return add(&b.t, cast(&b.t, F32, low),
                   cast(&b.t, F32, low)); // two readers: gradients add up
    };
}

TEST_P(JoinOp, ReluKeepsPositivesAndNaN)
{
    Floats y = run_op(GetParam(), rectify(), {{{4}, {-1, 0, 2, NAN}}}, F32, 0).y;
    EXPECT_EQ(Floats(y.begin(), y.begin() + 3), Floats({0, 0, 2}));
    EXPECT_TRUE(std::isnan(y[3]));
}

TEST_P(JoinOp, GatherRepeatsRowsAndAddsTheirGradients)
{
    Bench   b(GetParam());
    Tensor *x = b.tensor({3, 2}, {1, 2, 3, 4, 5, 6});
    Tensor *y = tape_keep(gather(&b.t, x, b.ints({3}, {2, 0, 2})));
    EXPECT_EQ(b.values(y), Floats({5, 6, 1, 2, 5, 6}));
    ASSERT_EQ(OK, tape_backward(&b.t, b.dot(y, {1, 2, 3, 4, 5, 6})));
    EXPECT_EQ(b.grad(x), Floats({3, 4, 0, 0, 6, 8}));
}

TEST_P(JoinOp, GatherNeverReadsRowsThatDoNotExist)
{
    for (int32_t row : {3, -1})
        for (DType dtype : {F32, BF16}) {
            Outcome o = run_op(GetParam(), pick({1, row}), {{{3, 2}, Floats(6)}}, dtype, 0);
            if (GetParam()->is_host) {
                EXPECT_EQ(ERR_SHAPE, o.status);
                continue;
            }
            ASSERT_EQ(OK, o.status) << o.text; // the host does not see the index
            EXPECT_EQ(Floats({0, 0}), Floats(o.y.begin(), o.y.begin() + 2));
            EXPECT_TRUE(std::isnan(o.y[2]) && std::isnan(o.y[3]));
        }
}

TEST_P(JoinOp, ConcatPutsRowsBelowEachOther)
{
    Bench   b(GetParam());
    Tensor *x[] = {b.tensor({1, 2}, {1, 2}), b.tensor({0, 2}, {}), b.tensor({2, 2}, {3, 4, 5, 6})};
    EXPECT_EQ(b.values(concat(&b.t, x, 3)), Floats({1, 2, 3, 4, 5, 6}));
    Tensor *odd[] = {x[0], b.tensor({1, 3}, {1, 2, 3})};
    concat(&b.t, odd, 2);
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
}

TEST_P(JoinOp, SoftmaxRowsSumToOneForLargeNumbers)
{
    Bench  b(GetParam(), 0);
    Floats y = b.values(softmax(&b.t, b.tensor({2, 2}, {1000, 1000, 0, std::log(3.0f)})));
    expect_close(y, {0.5f, 0.5f, 0.25f, 0.75f}, 1e-6, "softmax");
}

TEST_P(JoinOp, CastRoundsToEightBitsAndSendsGradientsBack)
{
    Outcome o = run_op(GetParam(), there_and_back(), {{{3}, {1.00390625f, 1.01171875f, 3.0f}}});
    EXPECT_EQ(o.y, Floats({2.0f, 2.03125f, 6.0f})); // ties go to the even neighbour
    Floats w = noise(3, 999);
    for (float &v : w)
        v *= 2;
    expect_close(o.grads[0], w, 1e-2, "gradient");
}

TEST_P(JoinOp, ReshapeSharesValuesAndGradients)
{
    Bench   b(GetParam());
    Tensor *x = b.tensor({2, 3}, {1, 2, 3, 4, 5, 6});
    int64_t dim[2] = {3, -1}, bad[2] = {4, -1};
    Tensor *y = relu(&b.t, reshape(&b.t, x, 2, dim));
    EXPECT_EQ(y->dim[1], 2);
    ASSERT_EQ(OK, tape_backward(&b.t, b.dot(add(&b.t, y, y), {1, 2, 3, 4, 5, 6})));
    EXPECT_EQ(b.grad(x), Floats({2, 4, 6, 8, 10, 12}));
    reshape(&b.t, x, 2, bad);
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
}

TEST_P(JoinOp, DetachStopsTheGradient)
{
    Build half = [](Bench &b, std::vector<Tensor *> &in) {
        return add(&b.t, in[0], detach(&b.t, in[0]));
    };
    Outcome o = run_op(GetParam(), half, {{{2}, {1, 2}}});
    EXPECT_EQ(o.grads[0], noise(2, 999));
}

TEST_P(JoinOp, GradientsAgreeWithFiniteDifferences)
{
    expect_gradient(rectify(), {{{6}, {-2, -1, -0.5f, 0.5f, 1, 2}}}, 5e-3, 1e-2f, GetParam());
    expect_gradient(sum(), {{{5}, noise(5, 1)}, {{5}, noise(5, 2)}}, 5e-3, 1e-1f, GetParam());
    expect_gradient(pick({1, 1, 0}), {{{2, 3}, noise(6, 1)}}, 5e-3, 1e-1f, GetParam());
}

TEST(Joins, AgreeWithRefOnModelShapes)
{
    for (DType dtype : {F32, BF16})
        for (Dims d : {Dims{2, 14, 14, 64}, Dims{3, 5, 7, 9}, Dims{0, 4, 4, 2}, Dims{70001}}) {
            expect_matches_ref(rectify(), {{d, noise(count_of(d), 1)}}, 0, dtype);
            expect_matches_ref(sum(), {{d, noise(count_of(d), 1)}, {d, noise(count_of(d), 2)}}, 0,
                               dtype);
        }
}

TEST_P(JoinOp, AddRefusesDifferentShapes)
{
    EXPECT_EQ(ERR_SHAPE, run_op(GetParam(), sum(), {{{2}, {1, 2}}, {{3}, {1, 2, 3}}}).status);
}
