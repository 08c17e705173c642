/* batch_norm: train, eval and frozen; groups; residual and ReLU behind it */
#include "kernels/op_test.h"

class BatchNormOp : public OpTest {};
ON_EVERY_BACKEND(BatchNormOp);

struct Running {
    Floats mean, var;
};

/* in: x, gamma, beta[, residual]; running statistics of 0.3 and 2. */
static Build norm(int64_t groups, bool relu, bool residual, bool frozen = false,
                  Running *after = nullptr)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        size_t  C = (size_t)in[1]->dim[0];
        Tensor *mean = b.tensor({(int64_t)C}, Floats(C, 0.3f), false),
               *var = b.tensor({(int64_t)C}, Floats(C, 2.0f), false);
        NormLayer l = {norm_options(groups), in[1], in[2], mean, var, frozen};
        Tensor   *y = batch_norm(&b.t, &l, in[0], residual ? in[3] : nullptr, relu);
        if (after)
            *after = {b.values(mean), b.values(var)};
        return y;
    };
}

static std::vector<Leaf> leaves(Dims d, bool residual, float spread = 1.0f)
{
    int64_t           C = d.back();
    std::vector<Leaf> l = {{d, noise(count_of(d), 1, spread)},
                           {{C}, noise(C, 2), true, true},
                           {{C}, noise(C, 3), true, true}};
    if (residual)
        l.push_back({d, noise(count_of(d), 4)});
    return l;
}

TEST_P(BatchNormOp, NormalisesEachGroupByItself)
{
    Running           after;
    std::vector<Leaf> l = {{{4, 1}, {1, 3, 10, 30}}, {{1}, {2.0f}}, {{1}, {5.0f}}};
    Outcome           o = run_op(GetParam(), norm(2, false, false, false, &after), l);
    ASSERT_EQ(OK, o.status) << o.text;
    expect_close(o.y, {3, 7, 3, 7}, 1e-4, "(x - mean) / deviation * 2 + 5");
    EXPECT_NEAR(after.mean[0], 0.9 * 0.3 + 0.1 * (2 + 20) / 2, 1e-5);
    EXPECT_NEAR(after.var[0], 0.9 * 2.0 + 0.1 * (2 + 200) / 2, 1e-4); // unbiased: 2 and 200
}

TEST_P(BatchNormOp, UsesRunningStatisticsWhenFrozen)
{
    Running           after;
    std::vector<Leaf> l = {{{2, 1}, {0.3f, 2.3f}}, {{1}, {3.0f}}, {{1}, {1.0f}}};
    Outcome           o = run_op(GetParam(), norm(1, false, false, true, &after), l);
    expect_close(o.y, {1.0f, 1.0f + 6.0f / std::sqrt(2.0f)}, 1e-5, "affine of running statistics");
    EXPECT_EQ(after.mean, Floats({0.3f}));
}

TEST_P(BatchNormOp, GradientAgreesWithFiniteDifferences)
{
    for (int64_t groups : {1, 2})
        for (bool frozen : {false, true}) {
            auto l = leaves({4, 2, 2, 3}, true);
            l[2].values.assign(3, 6.0f); // far from the ReLU's corner
            expect_gradient(norm(groups, true, true, frozen), l, 2e-2, 1e-2f, GetParam());
        }
}

TEST(BatchNorm, AgreesWithRefOnModelShapes)
{
    Dims shapes[] = {{4, 7, 7, 64},   {8, 5, 5, 16},   {2, 3, 3, 7},   {6, 20},
                     {4, 33, 31, 24}, {16, 2, 2, 130}, {2, 1, 1, 2048}};
    for (const Dims &d : shapes)
        for (int64_t groups : {1, 2})
            for (int variant = 0; variant < 4; variant++) {
                bool relu = variant & 1, residual = variant & 2;
                if (count_of(d) / d.back() / groups < 2)
                    continue;
                SCOPED_TRACE("C " + std::to_string(d.back()) + " groups " + std::to_string(groups) +
                             " variant " + std::to_string(variant));
                /* Sums of up to 4000 f32 numbers, then 1/sqrt: 2e-5 of the largest. With two values per group the
                 * gradient of x is a small difference of large numbers. */
                double tol = count_of(d) / d.back() / groups < 8 ? 2e-3 : 5e-5;
                expect_matches_ref(norm(groups, relu, residual), leaves(d, residual), tol);
                expect_matches_ref(norm(groups, relu, residual, true), leaves(d, residual), 5e-5);
                expect_matches_ref(norm(groups, false, residual), leaves(d, residual), 2e-2, BF16);
                expect_matches_ref(norm(groups, relu, residual), leaves(d, residual), 5e-5, F32,
                                   TAPE_TRAIN);
                expect_matches_ref(norm(groups, relu, residual), leaves(d, residual), 5e-5, F32, 0);
            }
}

TEST(BatchNorm, KeepsPrecisionFarFromZero)
{
    auto l = leaves({8, 8, 8, 16}, false, 0.1f);
    for (float &v : l[0].values)
        v +=
            1000.0f; // the mean is 1e4 deviations away: one-pass sums of squares would lose everything
    expect_matches_ref(norm(1, false, false), l, 5e-3);
}

static Build counted(const Build &build, int32_t n)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        b.t.count = b.ints({1}, {n});
        Tensor *y = build(b, in);
        b.t.count = nullptr;
        return y;
    };
}

TEST_P(BatchNormOp, ImagesBehindTheCountAreAsIfTheyWereNotThere)
{
    Running           few_after, all_after;
    const size_t      image = 3 * 2 * 5;
    std::vector<Leaf> all = leaves({7, 3, 2, 5}, true), few = all;
    for (size_t i : {0, 3}) {
        few[i].dims[0] = 4;
        few[i].values.resize(4 * image);
    }
    Outcome want = run_op(GetParam(), norm(1, true, true, false, &few_after), few);
    Outcome have = run_op(GetParam(), counted(norm(1, true, true, false, &all_after), 4), all);
    ASSERT_EQ(OK, have.status) << have.text;
    EXPECT_EQ(few_after.mean, all_after.mean);
    EXPECT_EQ(few_after.var, all_after.var);
    for (Floats *longer : {&want.y, &want.grads[0], &want.grads[3]})
        longer->resize(7 * image, 0.0f);
    EXPECT_EQ(want.y, have.y);
    EXPECT_EQ(want.grads, have.grads);
}

TEST_P(BatchNormOp, ACountOfNoneMovesNoRunningStatistic)
{
    Running           after;
    std::vector<Leaf> l = leaves({2, 2, 2, 3}, false);
    Outcome           o = run_op(GetParam(), counted(norm(1, true, false, false, &after), 0), l);
    ASSERT_EQ(OK, o.status) << o.text;
    EXPECT_EQ(Floats(24, 0.0f), o.y);
    EXPECT_EQ(Floats(24, 0.0f), o.grads[0]);
    EXPECT_EQ(Floats(3, 0.3f), after.mean);
    EXPECT_EQ(Floats(3, 2.0f), after.var);
}

TEST_P(BatchNormOp, RefusesACountInGroups)
{
    Outcome o = run_op(GetParam(), counted(norm(2, false, false), 2), leaves({4, 2, 2, 3}, false));
    EXPECT_EQ(ERR_SHAPE, o.status);
    EXPECT_NE(std::string::npos, o.text.find("want one group")) << o.text;
}

TEST_P(BatchNormOp, AnEmptyBatchStaysEmptyWhenFrozen)
{
    Outcome o = run_op(GetParam(), norm(1, true, false, true), leaves({0, 7, 7, 4}, false));
    ASSERT_EQ(OK, o.status) << o.text;
    EXPECT_TRUE(o.y.empty());
    EXPECT_EQ(o.grads[1], Floats(4, 0.0f));
}

TEST_P(BatchNormOp, RefusesGroupsThatDoNotDivideTheBatch)
{
    Outcome o = run_op(GetParam(), norm(3, false, false), leaves({4, 2, 2, 3}, false));
    EXPECT_EQ(ERR_SHAPE, o.status);
    EXPECT_NE(std::string::npos, o.text.find("3 groups do not divide a batch of 4")) << o.text;
}

TEST_P(BatchNormOp, RefusesASingleValuePerChannel)
{
    EXPECT_EQ(ERR_SHAPE,
              run_op(GetParam(), norm(2, false, false), leaves({2, 1, 1, 3}, false)).status);
}
