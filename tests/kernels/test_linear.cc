/* linear and l2_normalise: the head of an encoder */
#include "kernels/op_test.h"

class LinearOp : public OpTest {};
ON_EVERY_BACKEND(LinearOp);

static Build dense()
{
    return [](Bench &b, std::vector<Tensor *> &in) {
        LinearLayer l = {in[1], in[2]};
        return linear(&b.t, &l, in[0]);
    };
}

static Build unit()
{
    return [](Bench &b, std::vector<Tensor *> &in) { return l2_normalise(&b.t, in[0]); };
}

static std::vector<Leaf> leaves(int64_t N, int64_t I, int64_t O)
{
    return {{{N, I}, noise(N * I, 1)},
            {{O, I}, noise(O * I, 2), true, true},
            {{O}, noise(O, 3), true, true}};
}

TEST_P(LinearOp, MultipliesAndAdds)
{
    std::vector<Leaf> l = {{{1, 2}, {3, 4}}, {{2, 2}, {1, 10, 100, 1000}}, {{2}, {0.5f, 0.25f}}};
    EXPECT_EQ(run_op(GetParam(), dense(), l).y, Floats({43.5f, 4300.25f}));
}

TEST_P(LinearOp, GradientsAgreeWithFiniteDifferences)
{
    expect_gradient(dense(), leaves(3, 4, 5), 5e-3, 1e-1f, GetParam());
    expect_gradient(unit(), {{{3, 5}, noise(15, 4)}}, 5e-3, 1e-2f, GetParam());
}

TEST(Linear, AgreesWithRefOnModelShapes)
{
    for (auto s : {Dims{32, 512, 128}, Dims{1, 2048, 21}, Dims{5, 7, 3}, Dims{0, 16, 4}}) {
        expect_matches_ref(dense(), leaves(s[0], s[1], s[2]), 1e-5);
        expect_matches_ref(dense(), leaves(s[0], s[1], s[2]), 1e-2, BF16);
        expect_matches_ref(unit(), {{{s[0], s[1]}, noise(s[0] * s[1], 5)}}, 1e-5);
    }
}

TEST_P(LinearOp, UnitRowsHaveLengthOneAndZeroStaysZero)
{
    Outcome o = run_op(GetParam(), unit(), {{{2, 2}, {3, 4, 0, 0}}});
    EXPECT_EQ(o.y, Floats({0.6f, 0.8f, 0, 0}));
}

TEST_P(LinearOp, RefusesAnotherWidth)
{
    auto l = leaves(2, 4, 3);
    l[0] = {{2, 5}, noise(10, 1)};
    EXPECT_EQ(ERR_SHAPE, run_op(GetParam(), dense(), l).status);
}
