/* conv2d: strides, pads, dilations, groups; every backend */
#include "kernels/op_test.h"

class Conv2dOp : public OpTest {};
ON_EVERY_BACKEND(Conv2dOp);

static Build conv(Conv2d op, bool bias = false)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        ConvLayer l = {op, in[1], bias ? in[2] : nullptr};
        return conv2d(&b.t, &l, in[0]);
    };
}

struct Case {
    int64_t N, H, W, ci, co, k;
    Conv2d  op;
    int64_t kw = 0;
};

static std::vector<Leaf> leaves(const Case &c)
{
    int64_t kw = c.kw ? c.kw : c.k, cg = c.ci / c.op.groups;
    return {{{c.N, c.H, c.W, c.ci}, noise(c.N * c.H * c.W * c.ci, 1)},
            {{c.co, c.k, kw, cg}, noise(c.co * c.k * kw * cg, 2, 0.2f), true, true},
            {{c.co}, noise(c.co, 3), true, true}};
}

TEST_P(Conv2dOp, SumsWeightedNeighbours)
{
    Bench     b(GetParam());
    Tensor   *x = b.tensor({1, 2, 2, 1}, {1, 2, 3, 4});
    Tensor   *w = b.tensor({1, 2, 2, 1}, {1, 10, 100, 1000}), *bias = b.tensor({1}, {0.5f});
    ConvLayer l = {{1, 1, 1, 1}, w, bias};
    Tensor   *y = tape_keep(conv2d(&b.t, &l, x));
    EXPECT_EQ(b.values(y),
              Floats({1000.5f, 2100.5f, 200.5f, 3010.5f, 4321.5f, 402.5f, 30.5f, 43.5f, 4.5f}));
    ASSERT_EQ(OK, tape_backward(&b.t, b.dot(y, Floats(9, 1.0f))));
    EXPECT_EQ(b.grad(x), Floats(4, 1111.0f)); // every pixel meets every tap once
    EXPECT_EQ(b.grad(w), Floats(4, 10.0f));
    EXPECT_EQ(b.grad(bias), Floats({9.0f}));
}

TEST_P(Conv2dOp, GradientAgreesWithFiniteDifferences)
{
    Case cases[] = {{2, 5, 4, 4, 6, 3, {1, 1, 1, 1}},
                    {2, 7, 5, 4, 6, 3, {2, 1, 1, 2}},
                    {1, 7, 7, 2, 2, 3, {1, 2, 2, 1}},
                    {1, 6, 6, 3, 2, 1, {2, 0, 1, 1}}};
    for (const Case &c : cases)
        expect_gradient(conv(c.op, true), leaves(c), 5e-3, 1e-1f,
                        GetParam()); // linear: a large step is exact
}

TEST(Conv2d, AgreesWithRefOnModelShapes)
{
    /* f32 sums of K products of size 1 x 0.2 in another order: 1e-5 of the largest output. */
    Case cases[] = {{2, 23, 21, 3, 16, 7, {2, 3, 1, 1}},  // stem
                    {2, 22, 21, 3, 16, 7, {2, 3, 1, 1}},  // the same, one line shorter
                    {3, 9, 11, 3, 8, 3, {1, 1, 1, 1}},    // CIFAR stem
                    {2, 8, 8, 64, 64, 3, {1, 1, 1, 1}},   // R18
                    {2, 9, 7, 24, 40, 3, {2, 1, 1, 1}},   // odd sizes, stride 2
                    {2, 7, 7, 300, 20, 1, {1, 0, 1, 1}},  // more channels than a block
                    {2, 7, 6, 20, 300, 1, {1, 0, 1, 1}},  // the same out
                    {1, 8, 8, 600, 12, 1, {1, 0, 1, 1}},  // more than one column group
                    {2, 7, 7, 16, 32, 1, {2, 0, 1, 1}},   // projection
                    {1, 9, 9, 16, 16, 3, {1, 2, 2, 1}},   // dilated conv5
                    {2, 8, 8, 32, 32, 3, {1, 1, 1, 4}},   // ResNeXt
                    {2, 9, 8, 16, 32, 3, {2, 1, 1, 4}},   // ResNeXt, stride 2
                    {1, 5, 6, 3, 5, 3, {3, 2, 2, 1}},     // everything odd
                    {2, 6, 9, 4, 6, 1, {1, 1, 1, 1}, 3},  // 1x3 with pads on both axes
                    {40, 2, 2, 16, 16, 3, {1, 1, 1, 1}},  // small maps, many images
                    {1, 40, 52, 12, 16, 3, {1, 1, 1, 1}}, // many rows: several chunks and shares
                    {3, 9, 10, 32, 48, 3, {1, 1, 1, 1}},  // bf16 in pairs of halves of an image
                    {3, 9, 10, 32, 48, 1, {1, 0, 1, 1}},  // the same without a kernel
                    {1, 8, 9, 18, 40, 3, {2, 0, 1, 1}},   // a last line that no output reads
                    {4, 10, 9, 20, 24, 3, {3, 1, 1, 1}},  // in pairs of images; classes of a stride
                    {2, 6, 7, 17, 33, 3, {1, 1, 1, 1}},   // odd channels: widened
                    {1, 1, 12, 16, 8, 1, {1, 0, 1, 1}},   // one line: no pair
                    {2, 5, 300, 16, 8, 3, {1, 1, 1, 1}},  // lines longer than a chunk
                    {2, 3, 3, 640, 24, 3, {1, 1, 1, 1}},  // more than the sums hold at once
                    {0, 8, 8, 4, 4, 3, {1, 1, 1, 1}}};    // an empty batch
    for (const Case &c : cases) {
        SCOPED_TRACE("x " + std::to_string(c.H) + "x" + std::to_string(c.W) + "x" +
                     std::to_string(c.ci) + " k " + std::to_string(c.k));
        expect_matches_ref(conv(c.op, true), leaves(c), 1e-5);
        expect_matches_ref(conv(c.op, true), leaves(c), 1e-2,
                           BF16); // one rounding of 8 bits, sums of two roundings
    }
}

TEST(Conv2d, GivesTheSameBitsForAnyNumberOfThreads)
{
    Case c = {4, 30, 30, 16, 32, 3, {2, 1, 1, 1}};
    for (DType dtype : {F32, BF16}) {
        threads_set(1);
        Outcome one = run_op(device_under_test(), conv(c.op, true), leaves(c), dtype);
        threads_set(4);
        Outcome four = run_op(device_under_test(), conv(c.op, true), leaves(c), dtype);
        threads_set(0);
        EXPECT_EQ(one.y, four.y);
        EXPECT_EQ(one.grads, four.grads);
    }
}

/* Whole numbers of at most 8 bits are exact in bf16 and their sums, below 2^24, in f32: what is stored must be the one
 * rounding to nearest even of the sum. */
TEST(Conv2d, RoundsBf16SumsOnce)
{
    Case cases[] = {{2, 9, 8, 32, 40, 3, {1, 1, 1, 1}},
                    {3, 9, 8, 32, 40, 3, {2, 1, 1, 1}},
                    {2, 9, 8, 3, 40, 5, {1, 2, 1, 1}},
                    {2, 9, 8, 15, 40, 1, {1, 0, 1, 1}}};
    for (const Case &c : cases) {
        std::vector<Leaf> l = leaves(c);
        l.pop_back();
        for (Leaf &leaf : l)
            for (float &v : leaf.values)
                v = std::nearbyint(std::fmod(v * 1e4f, 100.0f));
        Outcome want = run_op(backend_ref(), conv(c.op), l, BF16);
        Outcome got = run_op(device_under_test(), conv(c.op), l, BF16);
        ASSERT_EQ(OK, got.status) << got.text;
        EXPECT_EQ(want.y, got.y);
    }
}

TEST_P(Conv2dOp, TwoReadersOfOneInputAddTheirGradients)
{
    Build twice = [](Bench &b, std::vector<Tensor *> &in) {
        ConvLayer l = {{1, 1, 1, 1}, in[1], nullptr}, s = {{2, 1, 1, 1}, in[1], nullptr};
        Tensor   *a = conv2d(&b.t, &l, in[0]);
        Tensor   *c = conv2d(&b.t, &s, in[0]);
        int64_t   dim[2] = {2, -1}, e[2] = {1, -1};
        return reshape(&b.t,
                       add(&b.t, linear_ones(b, reshape(&b.t, a, 2, dim)),
                           linear_ones(b, reshape(&b.t, c, 2, dim))),
                       2, e);
    };
    Case c = {2, 6, 6, 8, 8, 3, {1, 1, 1, 1}};
    auto l = leaves(c);
    l.pop_back();
    expect_gradient(twice, l, 5e-3, 1e-1f, GetParam());
}

TEST_P(Conv2dOp, RefusesChannelsThatDoNotFit)
{
    Case c = {1, 4, 4, 6, 4, 3, {1, 1, 1, 1}};
    auto l = leaves(c);
    l[1] = {{4, 3, 3, 5}, noise(4 * 9 * 5, 2)};
    Outcome o = run_op(GetParam(), conv(c.op), l);
    EXPECT_EQ(ERR_SHAPE, o.status);
    EXPECT_NE(std::string::npos, o.text.find("wants 5 channels")) << o.text;
}

TEST_P(Conv2dOp, RefusesAKernelLargerThanTheImage)
{
    Case c = {1, 2, 2, 1, 1, 5, {1, 1, 1, 1}};
    EXPECT_EQ(ERR_SHAPE, run_op(GetParam(), conv(c.op), leaves(c)).status);
}
