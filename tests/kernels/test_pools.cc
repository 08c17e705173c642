/* max_pool, avg_pool, mean_hw */
#include "kernels/op_test.h"

class PoolOp : public OpTest {};
ON_EVERY_BACKEND(PoolOp);

static Build pool(bool is_max, Pool2d op)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        return (is_max ? max_pool : avg_pool)(&b.t, &op, in[0]);
    };
}

static Build mean()
{
    return [](Bench &b, std::vector<Tensor *> &in) { return mean_hw(&b.t, in[0]); };
}

static std::vector<Leaf> image(Dims d)
{
    return {{d, noise(count_of(d), 11)}};
}

TEST_P(PoolOp, MaxTakesTheLargestAndSendsItsGradientThere)
{
    Bench   b(GetParam());
    Tensor *x = b.tensor({1, 3, 3, 1}, {-1, -2, -3, -4, -5, -6, -7, -8, -9});
    Pool2d  op = {3, 2, 1};
    Tensor *y = tape_keep(max_pool(&b.t, &op, x));
    EXPECT_EQ(b.values(y), Floats({-1, -2, -4, -5})); // pads are -infinity, never 0
    ASSERT_EQ(OK, tape_backward(&b.t, b.dot(y, {1, 2, 3, 4})));
    EXPECT_EQ(b.grad(x), Floats({1, 2, 0, 3, 4, 0, 0, 0, 0}));
}

TEST_P(PoolOp, TheFirstOfEqualMaximaWins)
{
    Bench   b(GetParam());
    Tensor *x = b.tensor({1, 2, 2, 1}, {5, 5, 5, 5});
    Pool2d  op = {2, 2, 0};
    Tensor *y = tape_keep(max_pool(&b.t, &op, x));
    ASSERT_EQ(OK, tape_backward(&b.t, b.dot(y, {7})));
    EXPECT_EQ(b.grad(x), Floats({7, 0, 0, 0}));
}

TEST_P(PoolOp, AverageCountsItsPads)
{
    Bench   b(GetParam());
    Tensor *x = b.tensor({1, 2, 2, 1}, {4, 8, 12, 16});
    Pool2d  op = {2, 2, 1};
    EXPECT_EQ(b.values(avg_pool(&b.t, &op, x)), Floats({1, 2, 3, 4}));
    EXPECT_EQ(b.values(mean_hw(&b.t, x)), Floats({10}));
}

TEST_P(PoolOp, GradientsAgreeWithFiniteDifferences)
{
    expect_gradient(pool(false, {3, 2, 1}), image({2, 5, 4, 3}), 5e-3, 1e-1f, GetParam());
    expect_gradient(pool(true, {3, 2, 1}), image({1, 5, 5, 2}), 5e-3, 1e-3f, GetParam());
    expect_gradient(mean(), image({2, 3, 2, 4}), 5e-3, 1e-1f, GetParam());
}

TEST(Pools, AgreeWithRefOnModelShapes)
{
    for (DType dtype : {F32, BF16})
        for (Dims d : {Dims{2, 14, 13, 64}, Dims{2, 9, 2, 16}, Dims{3, 9, 9, 70}, Dims{1, 6, 6, 3},
                       Dims{0, 8, 8, 4}}) {
            double exact = 0, sums = dtype == F32 ? 1e-6 : 1e-2;
            expect_matches_ref(pool(true, {2, 2, 0}), image(d), exact, dtype);
            expect_matches_ref(pool(true, {3, 2, 1}), image(d), sums, dtype);
            expect_matches_ref(pool(false, {2, 2, 0}), image(d), sums, dtype);
            expect_matches_ref(mean(), image(d), sums, dtype);
        }
}

/* Equal numbers, zeros of both signs, NaN, infinities: the first of the largest, or the first NaN. */
TEST(Pools, TakeTheTapThatRefTakes)
{
    const float few[] = {-1.0f, -0.0f, 0.0f, 0.5f, 0.5f, -INFINITY, INFINITY, NAN};
    Pool2d      op = {3, 2, 1};
    for (Dims d : {Dims{2, 9, 12, 16}, Dims{2, 1, 5, 8}, Dims{1, 4, 1, 8}})
        for (DType dtype : {F32, BF16})
            for (int n_kinds : {3, 5, 7, 8}) {
                Rng    r = rng_at(7, RNG_TEST, (uint64_t)n_kinds, 0);
                Dims   windows = {d[0], (d[1] + 1) / 2, (d[2] + 1) / 2, d[3]};
                Floats x((size_t)count_of(d));
                for (float &v : x)
                    v = few[rng_below(&r, (uint64_t)n_kinds)];
                std::vector<std::vector<uint8_t>> taps;
                std::vector<Floats>               most;
                for (const Backend *be : {backend_ref(), device_under_test()}) {
                    Bench   b(be, TAPE_RECORD | TAPE_TRAIN, dtype);
                    Tensor *y = b.tensor(windows, Floats((size_t)count_of(windows)), true, dtype);
                    Tensor *where = tape_tensor(&b.t, U8, 4, windows.data());
                    ASSERT_EQ(OK, be->max_pool_forward(y, where, b.tensor(d, x, true, dtype), &op));
                    taps.emplace_back((size_t)count_of(windows));
                    ASSERT_EQ(
                        OK, be->read(taps.back().data(), where->data, (int64_t)taps.back().size()));
                    most.push_back(b.values(y));
                }
                EXPECT_EQ(taps[0], taps[1]) << dtype_name(dtype) << ", " << n_kinds;
                for (size_t i = 0; i < most[0].size(); i++)
                    EXPECT_TRUE(most[0][i] == most[1][i] ||
                                (std::isnan(most[0][i]) && std::isnan(most[1][i])))
                        << most[0][i] << " and " << most[1][i];
            }
}

TEST_P(PoolOp, RefusesWindowsThatDoNotFit)
{
    EXPECT_EQ(ERR_SHAPE, run_op(GetParam(), pool(true, {5, 1, 0}), image({1, 4, 4, 1})).status);
    EXPECT_EQ(ERR_SHAPE, run_op(GetParam(), pool(true, {2, 2, 2}), image({1, 4, 4, 1}))
                             .status); // a window of pads only
    EXPECT_EQ(ERR_SHAPE, run_op(GetParam(), mean(), image({1, 0, 4, 1})).status);
}
