/* losses: softmax and sigmoid cross entropy, box regression, weighted sum, InfoNCE */
#include "kernels/golden.h"
#include "kernels/op_test.h"
extern "C" {
#include "kernels/ops/losses.h"
}

class Losses : public OpTest {};
ON_EVERY_BACKEND(Losses);

TEST_P(Losses, SoftmaxCrossEntropyOfEqualLogitsIsTheLogOfTheirNumber)
{
    Bench   b(GetParam());
    Tensor *x = b.tensor({1, 4}, {7, 7, 7, 7});
    Tensor *loss = softmax_cross_entropy(&b.t, x, b.ints({1}, {2}), 0);
    EXPECT_FLOAT_EQ(logf(4), b.values(loss)[0]);
    ASSERT_EQ(OK, tape_backward(&b.t, loss));
    EXPECT_EQ(Floats({0.25f, 0.25f, -0.75f, 0.25f}), b.grad(x));
}

TEST_P(Losses, AgreeWithPyTorch)
{
    Golden g("kernels/regions.json");
    Bench  b(GetParam());
    auto   check = [&](Tensor *x, Tensor *loss, const std::string &key) {
        ASSERT_EQ(OK, tape_backward(&b.t, loss)) << status_text();
        expect_close(b.values(loss), g.floats((key + ".loss").c_str()), 1e-6, key);
        expect_close(b.grad(x), g.floats((key + ".dx").c_str()), 2e-6, key);
        tape_reset(&b.t, TAPE_RECORD | TAPE_TRAIN);
    };
    Tensor *x = b.tensor({6, 5}, g.floats("ce.x"));
    check(x, softmax_cross_entropy(&b.t, x, b.ints({6}, g.ints("ce.label")), 0), "ce");
    x = b.tensor({8}, g.floats("bce.x"));
    check(x, sigmoid_cross_entropy(&b.t, x, b.ints({8}, g.ints("bce.label")), 16), "bce");
    for (float beta : {0.0f, 0.5f}) {
        x = b.tensor({4, 12}, g.floats("l1.x"));
        Tensor *target = b.tensor({4, 4}, g.floats("l1.target"), false);
        check(x, box_regression(&b.t, x, target, b.ints({4}, g.ints("l1.label")), beta, 7),
              beta == 0 ? "l1" : "smooth");
    }
}

TEST_P(Losses, InfoNceAgreesWithPyTorch)
{
    Golden  g("kernels/regions.json");
    Bench   b(GetParam());
    Tensor *stats, *q = b.tensor({3, 4}, g.floats("nce.q"));
    Tensor *loss = info_nce(&b.t, &stats, q, b.tensor({3, 4}, g.floats("nce.k"), false),
                            b.tensor({7, 4}, g.floats("nce.queue"), false), 0.2f);
    ASSERT_EQ(OK, tape_backward(&b.t, loss)) << status_text();
    expect_close(b.values(stats), g.floats("nce.stats"), 1e-6, "stats");
    expect_close(b.grad(q), g.floats("nce.dq"), 3e-6, "dq");
}

TEST_P(Losses, SumsOfNothingAreZero)
{
    Bench   b(GetParam());
    Tensor *x = b.tensor({0, 3}, {}), *y = b.tensor({2, 4}, noise(8, 1));
    Tensor *terms[] = {
        softmax_cross_entropy(&b.t, x, b.ints({0}, {}), 0),
        sigmoid_cross_entropy(&b.t, x, b.ints({0}, {}), 256),
        box_regression(&b.t, y, b.tensor({2, 4}, noise(8, 2), false), b.ints({2}, {-1, -1}), 0, 0)};
    float   weight[] = {1, 1, 1};
    Tensor *loss = weighted_sum(&b.t, terms, weight, 3);
    ASSERT_EQ(OK, tape_backward(&b.t, loss)) << status_text();
    EXPECT_EQ(0, b.values(loss)[0]);
    EXPECT_EQ(Floats(8, 0.0f), b.grad(y));
}

TEST_P(Losses, BackgroundRowsCountInTheMeanOfBoxesWithoutABox)
{
    Bench   b(GetParam());
    Tensor *x = b.tensor({4, 8}, Floats(32, 1.0f)), *target = b.tensor({4, 4}, Floats(16, 0.0f));
    Tensor *loss = box_regression(&b.t, x, target, b.ints({4}, {1, 2, -1, 2}), 0, 0);
    ASSERT_EQ(OK, tape_backward(&b.t, loss)) << status_text();
    EXPECT_FLOAT_EQ(4.0f / 3, b.values(loss)[0]); // one box of four, three rows that count
    Floats want(32, 0.0f);
    for (size_t i = 4; i < 8; i++)
        want[i] = 1.0f / 3;
    EXPECT_EQ(want, b.grad(x));
}

TEST_P(Losses, WeightedSumGivesEachTermItsWeight)
{
    Bench   b(GetParam());
    Tensor *x = b.tensor({}, {3}), *y = b.tensor({}, {5}), *terms[] = {x, y, x};
    float   weight[] = {2, -1, 0.5f};
    Tensor *loss = weighted_sum(&b.t, terms, weight, 3);
    EXPECT_FLOAT_EQ(2.5f, b.values(loss)[0]);
    ASSERT_EQ(OK, tape_backward(&b.t, loss));
    EXPECT_FLOAT_EQ(2.5f, b.grad(x)[0]);
    EXPECT_FLOAT_EQ(-1, b.grad(y)[0]);
}

static Floats top1_of(const Backend *be, const Dims &d, const Floats &x,
                      const std::vector<int32_t> &label, DType dtype = F32)
{
    Bench   b(be);
    Tensor *count = top1(&b.t, b.tensor(d, x, false, dtype), b.ints({d[0]}, label));
    int32_t n[2] = {-1, -1};
    EXPECT_EQ(OK, tape_status(&b.t)) << status_text();
    EXPECT_EQ(OK, be->read(n, count->data, sizeof n)) << status_text();
    return {(float)n[0], (float)n[1]};
}

TEST_P(Losses, Top1CountsRowsWhoseLabelIsTheFirstOfTheGreatest)
{
    Floats x = {1,   3, 2, // the greatest is 1
                4,   4, 4, // 0, the first of equals
                NAN, 5, 0, // none: NaN ranks nowhere
                0,   1, 9};
    for (DType dtype : {F32, BF16}) {
        EXPECT_EQ(Floats({2, 4}), top1_of(GetParam(), {4, 3}, x, {1, 0, 1, 0}, dtype));
        EXPECT_EQ(Floats({1, 3}), top1_of(GetParam(), {4, 3}, x, {-1, 1, 0, 2}, dtype));
        EXPECT_EQ(Floats({0, 0}), top1_of(GetParam(), {4, 3}, x, {-1, -1, -1, -1}, dtype));
        EXPECT_EQ(Floats({0, 0}), top1_of(GetParam(), {0, 3}, {}, {}, dtype));
    }
}

TEST_P(Losses, Top1AgreesWithRefOnModelShapes)
{
    for (Dims d : {Dims{256, 1000}, {7, 1}, {9, 33}, {1000, 2}}) {
        std::vector<int32_t> label;
        Floats               x = noise(count_of(d), 5);
        for (int64_t r = 0; r < d[0]; r++) {
            label.push_back((int32_t)(r * 7 % (d[1] + 1)) - 1);
            if (r % 3 == 0 && label.back() >= 0)
                x[(size_t)(r * d[1] + label.back())] = 9;
        }
        Floats want = top1_of(backend_ref(), d, x, label);
        EXPECT_GT(want[0], 0);
        EXPECT_EQ(want, top1_of(GetParam(), d, x, label));
    }
}

TEST_P(Losses, RefuseLabelsOfAnotherLength)
{
    Bench b(GetParam());
    softmax_cross_entropy(&b.t, b.tensor({2, 3}, noise(6, 1)), b.ints({3}, {0, 1, 2}), 0);
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
    tape_reset(&b.t, TAPE_RECORD);
    info_nce(&b.t, nullptr, b.tensor({2, 3}, noise(6, 1)), b.tensor({2, 4}, noise(8, 1)),
             b.tensor({5, 3}, noise(15, 1)), 0.1f);
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
    EXPECT_NE(nullptr, strstr(status_text(), "info_nce")) << status_text();
    tape_reset(&b.t, TAPE_RECORD);
    top1(&b.t, b.tensor({2, 3}, noise(6, 1)), b.ints({3}, {0, 1, 2}));
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
    EXPECT_NE(nullptr, strstr(status_text(), "top1")) << status_text();
}

static Build nce(float temperature)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        return info_nce(&b.t, nullptr, l2_normalise(&b.t, in[0]), in[1], in[2], temperature);
    };
}

TEST(LossBackends, InfoNceAgreesOnModelShapes)
{
    for (int64_t K : {0, 1, 4096})
        expect_matches_ref(nce(0.07f),
                           {{{32, 128}, noise(32 * 128, 1)},
                            {{32, 128}, noise(32 * 128, 2, 0.09f), false},
                            {{K, 128}, noise(K * 128, 3, 0.09f), false}},
                           1e-4); // logits up to 15, summed in float32 over 128 products
}

TEST_P(Losses, GradientsAgreeWithFiniteDifferences)
{
    auto agrees = [](const Build &build, const std::vector<Leaf> &leaves) {
        expect_gradient(build, leaves, 5e-3, 1e-2f, GetParam());
    };
    agrees(nce(0.5f),
           {{{3, 4}, noise(12, 1)}, {{3, 4}, noise(12, 2), false}, {{6, 4}, noise(24, 3), false}});
    for (float norm : {0.0f, 3.0f}) {
        Build ce = [=](Bench &b, std::vector<Tensor *> &in) {
            return softmax_cross_entropy(&b.t, in[0], b.ints({4}, {0, 2, -1, 1}), norm);
        };
        agrees(ce, {{{4, 3}, noise(12, 4)}});
    }
    Build bce = [](Bench &b, std::vector<Tensor *> &in) {
        return sigmoid_cross_entropy(&b.t, in[0], b.ints({5}, {0, 1, -1, 1, 0}), 3);
    };
    agrees(bce, {{{5}, noise(5, 5)}});
    for (float beta : {0.0f, 0.7f}) { // plain and smooth L1
        Build boxes = [=](Bench &b, std::vector<Tensor *> &in) {
            return box_regression(&b.t, in[0], in[1], b.ints({3}, {1, -1, 0}), beta, 2);
        };
        agrees(boxes, {{{3, 8}, noise(24, 6)}, {{3, 4}, noise(12, 7), false}});
    }
    Build sum = [](Bench &b, std::vector<Tensor *> &in) {
        Tensor *terms[] = {in[0], in[1], in[0]}; // one of them twice
        float   weight[] = {2, -1, 0.5f};
        return weighted_sum(&b.t, terms, weight, 3);
    };
    agrees(sum, {{{}, {0.3f}}, {{}, {-2.0f}}});
}
