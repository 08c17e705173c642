/* roi_align: regions of a feature map on a fixed grid */
#include "kernels/golden.h"
#include "kernels/op_test.h"
extern "C" {
#include "kernels/ops/roi_align.h"
}

class RoiAlignOp : public OpTest {};
ON_EVERY_BACKEND(RoiAlignOp);

static Build align(RoiAlign op, Dims rois, Floats values)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        return roi_align(&b.t, &op, in[0], b.tensor(rois, values, false));
    };
}

TEST_P(RoiAlignOp, ReadsTheMiddleOfTwoByTwoCells)
{
    Bench    b(GetParam());
    Tensor  *x = b.tensor({1, 2, 2, 1}, {1, 2, 3, 4});
    RoiAlign op = {1, 1, 1, true}; // the region 0 0 2 2 has its centre between all four cells
    EXPECT_EQ(Floats({2.5f}),
              b.values(roi_align(&b.t, &op, x, b.tensor({1, 5}, {0, 0, 0, 2, 2}, false))));
}

TEST_P(RoiAlignOp, AgreesWithTorchvision)
{
    Golden g("kernels/regions.json");
    struct {
        const char *name;
        int64_t     samples;
        bool        is_aligned;
    } modes[] = {{"aligned2", 2, true}, {"aligned0", 0, true}, {"plain2", 2, false}};
    for (auto m : modes) {
        Bench       b(GetParam());
        std::string key = std::string("roi.") + m.name;
        Tensor     *x = b.tensor({2, 5, 6, 3}, g.floats("roi.x"));
        RoiAlign    op = {2, m.samples, 1.0f / 16, m.is_aligned};
        Tensor     *y =
            tape_keep(roi_align(&b.t, &op, x, b.tensor({5, 5}, g.floats("roi.rois"), false)));
        expect_close(b.values(y), g.floats((key + ".y").c_str()), 2e-6,
                     key); // float32 against double
        ASSERT_EQ(OK, tape_backward(&b.t, b.dot(y, g.floats("roi.dy"))));
        expect_close(b.grad(x), g.floats((key + ".dx").c_str()), 2e-6, key);
    }
}

TEST_P(RoiAlignOp, NoRegionsGiveAnEmptyResultAndNoGradient)
{
    Bench    b(GetParam());
    Tensor  *x = b.tensor({1, 3, 3, 2}, noise(18, 1));
    RoiAlign op = {7, 2, 1, true};
    Tensor  *y = roi_align(&b.t, &op, x, b.tensor({0, 5}, {}, false));
    ASSERT_EQ(OK, tape_status(&b.t)) << status_text();
    EXPECT_EQ(0, y->dim[0]);
    EXPECT_EQ(7, y->dim[2]);
    ASSERT_EQ(OK, tape_backward(&b.t, b.dot(mean_hw(&b.t, y), {})));
    for (float v : b.grad(x))
        EXPECT_EQ(0, v);
}

TEST_P(RoiAlignOp, RefusesRegionsOfFourNumbers)
{
    Bench    b(GetParam());
    RoiAlign op = {7, 2, 1, true};
    roi_align(&b.t, &op, b.tensor({1, 2, 2, 1}, {1, 2, 3, 4}),
              b.tensor({1, 4}, {0, 0, 1, 1}, false));
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
    EXPECT_NE(nullptr, strstr(status_text(), "roi_align")) << status_text();
}

/* 40 regions of two images, some of them partly outside, one empty; unused rows of zeros at the end. */
static Floats forty_regions()
{
    Floats rois;
    Rng    r = rng_at(3, RNG_TEST, 1, 0);
    for (int i = 0; i < 37; i++) {
        float x = (float)rng_range(&r, -20, 200), y = (float)rng_range(&r, -20, 150);
        for (float v : {(float)(i % 2), x, y, x + (float)rng_range(&r, 0, 150),
                        y + (float)rng_range(&r, 0, 150)})
            rois.push_back(v);
    }
    rois.insert(rois.end(), {1, 50, 50, 50, 50});
    rois.resize(200, 0);
    return rois;
}

static std::vector<Leaf> map_of(int64_t C)
{
    return {{{2, 11, 13, C}, noise(2 * 11 * 13 * C, 2)}};
}

TEST(RoiAlignBackends, AgreeOnModelShapes)
{
    for (int64_t C : {70, 64, 1032}) // one channel at once; 16 bytes; more than a block takes
        for (RoiAlign op :
             {RoiAlign{7, 0, 1.0f / 16, true}, {7, 2, 1.0f / 16, true}, {2, 2, 1.0f / 16, false}})
            if (C < 1000 || op.P == 2)
                expect_matches_ref(align(op, {40, 5}, forty_regions()), map_of(C),
                                   2e-6); // the mean is taken before or after the sum
}

/* 14 x 14 bins of C4; 49 samples a bin, more than a warp has lanes. A cell's gradient has up to a thousand terms in float32. */
TEST(RoiAlignBackends, AgreeOnManyBinsAndOnManySamples)
{
    for (RoiAlign op : {RoiAlign{14, 0, 1.0f / 16, true}, {3, 7, 1.0f / 16, true}})
        for (int64_t C : {3, 72})
            expect_matches_ref(align(op, {40, 5}, forty_regions()), map_of(C), 1e-5);
}

TEST(RoiAlignBackends, GradientsOfTwoUsesAddUp)
{
    RoiAlign one = {3, 2, 1.0f / 16, true}, two = {3, 0, 1.0f / 16, true};
    for (DType type : {F32, BF16})
        expect_matches_ref(
            [&](Bench &b, std::vector<Tensor *> &in) {
                Tensor *rois = b.tensor({40, 5}, forty_regions(), false);
                return add(&b.t, roi_align(&b.t, &one, in[0], rois),
                           roi_align(&b.t, &two, in[0], rois));
            },
            map_of(16), type == F32 ? 2e-6 : 1e-2, type);
}

TEST_P(RoiAlignOp, GradientAgreesWithFiniteDifferences)
{
    expect_gradient(align({2, 2, 0.5f, true}, {2, 5}, {0, 1, 1, 7, 8, 1, -2, 0, 5, 12}),
                    {{{2, 4, 5, 2}, noise(80, 3)}}, 5e-3, 1e-1f, GetParam()); // linear in the map
}

TEST(RoiAlignBackends, KeepsBfloat16)
{
    for (int64_t C : {3, 64})
        expect_matches_ref(align({7, 0, 1.0f / 16, true}, {40, 5}, forty_regions()), map_of(C),
                           1e-2, // one rounding to 8 bits may differ
                           BF16);
}
