/* box: anchors, coder, matcher, suppression, sampling, and the four stages */
#include "kernels/golden.h"
#include "kernels/op_test.h"
#include <set>

static const float unit[4] = {1, 1, 1, 1}, ten[4] = {10, 10, 5, 5};

class Boxes : public OpTest {
  protected:
    Bench             b{GetParam(), 0};
    const BoxBackend &box = GetParam()->box;
    Golden            g{"kernels/regions.json"};

    Tensor *f32(const Dims &d, const Floats &v)
    {
        return b.tensor(d, v, false);
    }
    Tensor *zeros(DType type, const Dims &d)
    {
        std::vector<int32_t> none((size_t)count_of(d),
                                  0x7f7f7f7f); // outputs must not count on zeros
        return tape_keep(tape_input(&b.t, type, (int)d.size(), d.data(), none.data()));
    }
    std::vector<int32_t> ints(const Tensor *x)
    {
        std::vector<int32_t> v((size_t)tensor_count(x));
        EXPECT_EQ(OK, GetParam()->read(v.data(), x->data, (int64_t)v.size() * 4));
        return v;
    }
    AnchorGrid grid(int64_t H, int64_t W, std::vector<double> sides)
    {
        AnchorGrid grid = {H, W, 16, 0, {}};
        double     ratio[] = {0.5, 1, 2};
        EXPECT_EQ(OK, anchor_cell(&grid, sides.data(), (int64_t)sides.size(), ratio, 3));
        return grid;
    }
};
ON_EVERY_BACKEND(Boxes);

TEST_P(Boxes, AnchorsSurroundTheOriginOfTheirCell)
{
    AnchorGrid grid32 = grid(5, 6, {32});
    Tensor    *anchors = zeros(F32, {90, 4});
    ASSERT_EQ(OK, box.anchors(anchors, &grid32));
    Floats v = b.values(anchors);
    EXPECT_FLOAT_EQ(-22.627417f, v[0]);
    EXPECT_FLOAT_EQ(-11.313708f, v[1]);
    EXPECT_FLOAT_EQ(-16, v[4]);
    expect_close(v, g.floats("rpn.anchors"), 1e-7, "anchors");
}

TEST_P(Boxes, ShapesOfAnchorsMustBePositive)
{
    AnchorGrid cell;
    double     side[] = {32, -1}, ratio[] = {1};
    EXPECT_EQ(ERR_RECIPE, anchor_cell(&cell, side, 2, ratio, 1));
    EXPECT_EQ(ERR_RECIPE, anchor_cell(&cell, side, 0, ratio, 1));
}

TEST_P(Boxes, CoderAgreesWithPyTorchAndDecodingInvertsEncoding)
{
    Tensor *from = f32({6, 4}, g.floats("coder.from")), *to = f32({6, 4}, g.floats("coder.to"));
    Tensor *delta = zeros(F32, {6, 4}), *again = zeros(F32, {6, 4}), *decoded = zeros(F32, {6, 8});
    ASSERT_EQ(OK, box.encode(delta, from, to, ten));
    expect_close(b.values(delta), g.floats("coder.encoded"), 1e-6, "encoded");
    ASSERT_EQ(OK, box.decode(again, delta, from, ten));
    expect_close(b.values(again), b.values(to), 1e-6, "round trip");
    ASSERT_EQ(OK, box.decode(decoded, f32({6, 8}, g.floats("coder.delta")), from, ten));
    expect_close(b.values(decoded), g.floats("coder.decoded"), 1e-6, "decoded");
}

TEST_P(Boxes, DecodedSidesAreCutAtSixtyTwoAndAHalfTimes)
{
    Tensor *out = zeros(F32, {1, 4});
    ASSERT_EQ(OK, box.decode(out, f32({1, 4}, {0, 0, 100, 0}), f32({1, 4}, {0, 0, 2, 2}), unit));
    Floats v = b.values(out);
    EXPECT_NEAR(125, v[2] - v[0], 1e-4);
    EXPECT_FLOAT_EQ(2, v[3] - v[1]);
}

TEST_P(Boxes, MatcherAgreesWithTorchvision)
{
    Tensor  *label = zeros(I32, {24}), *arg = zeros(I32, {24});
    BoxMatch op = {0.3f, 0.7f, true};
    ASSERT_EQ(OK, box.match(label, arg, f32({24, 4}, g.floats("match.box")),
                            f32({4, 4}, g.floats("match.gt")), &op));
    EXPECT_EQ(g.ints("match.label"), ints(label));
    EXPECT_EQ(g.ints("match.arg"), ints(arg));
}

TEST_P(Boxes, AGroundTruthThatNothingMeetsMakesEveryUntouchedBoxForeground)
{
    Tensor  *label = zeros(I32, {2}), *arg = zeros(I32, {2});
    BoxMatch op = {0.3f, 0.7f, true};
    Tensor  *boxes = f32({2, 4}, {0, 0, 10, 10, 20, 20, 30, 30});
    ASSERT_EQ(OK, box.match(label, arg, boxes, f32({1, 4}, {90, 90, 99, 99}), &op));
    EXPECT_EQ(std::vector<int32_t>({1, 1}), ints(label));
    ASSERT_EQ(OK, box.match(label, arg, boxes, f32({0, 4}, {}), &op));
    EXPECT_EQ(std::vector<int32_t>({0, 0}), ints(label));
    op.keeps_low_quality = false; // an overlap of exactly a half is foreground from .5 on
    ASSERT_EQ(OK, box.match(label, arg, f32({2, 4}, {0, 0, 10, 10, 0, 0, 10, 4}),
                            f32({1, 4}, {0, 0, 10, 5}), &op));
    EXPECT_EQ(std::vector<int32_t>({-1, 1}), ints(label));
}

TEST_P(Boxes, TopKTakesTheLowerRowAmongEquals)
{
    Tensor *index = zeros(I32, {6});
    ASSERT_EQ(OK, box.top_k(index, f32({5}, {1, 3, 1, 3, -2})));
    EXPECT_EQ(std::vector<int32_t>({1, 3, 0, 2, 4, -1}), ints(index));
    Tensor *two = zeros(I32, {2});
    ASSERT_EQ(OK, box.top_k(two, f32({4}, {-0.0f, 0.0f, NAN, -INFINITY})));
    EXPECT_EQ(std::vector<int32_t>({2, 0}), ints(two));
}

TEST_P(Boxes, SuppressionAgreesWithTorchvision)
{
    for (bool by_class : {false, true}) {
        auto    want = g.ints(by_class ? "nms.keep_by_class" : "nms.keep");
        Tensor *index = zeros(I32, {60}), *count = zeros(I32, {1});
        ASSERT_EQ(OK, box.nms(index, count, f32({60, 4}, g.floats("nms.box")),
                              f32({60}, g.floats("nms.score")),
                              by_class ? b.ints({60}, g.ints("nms.class")) : nullptr, 0.4f));
        auto got = ints(index);
        EXPECT_EQ((int32_t)want.size(), ints(count)[0]);
        want.resize(60, -1);
        EXPECT_EQ(want, got);
    }
}

TEST_P(Boxes, AnOverlapOfExactlyTheThresholdSurvives)
{
    Tensor *index = zeros(I32, {3}), *count = zeros(I32, {1});
    Tensor *boxes = f32({3, 4}, {0, 0, 10, 10, 0, 0, 10, 5, 0, 0, 0, 0});
    ASSERT_EQ(OK, box.nms(index, count, boxes, f32({3}, {3, 2, 1}), nullptr, 0.5f));
    EXPECT_EQ(std::vector<int32_t>({0, 1, 2}), ints(index));
    ASSERT_EQ(OK, box.nms(index, count, boxes, f32({3}, {3, 2, 1}), nullptr, 0.499f));
    EXPECT_EQ(std::vector<int32_t>({0, 2, -1}), ints(index));
}

TEST_P(Boxes, SamplingTakesWhatThereIsWithoutRepeats)
{
    std::vector<int32_t> label(100, 0);
    for (int i = 0; i < 5; i++)
        label[(size_t)i * 7] = 1;
    label[50] = -1;
    Tensor   *index = zeros(I32, {32}), *count = zeros(I32, {2}), *l = b.ints({100}, label);
    BoxRandom r = {1, 2, 3};
    ASSERT_EQ(OK, box.sample(index, count, l, 0.5, &r));
    auto first = ints(index);
    EXPECT_EQ(std::vector<int32_t>({5, 27}), ints(count));
    EXPECT_EQ(32u, std::set<int32_t>(first.begin(), first.end()).size());
    for (int i = 0; i < 32; i++)
        EXPECT_EQ(i < 5 ? 1 : 0, label[(size_t)first[(size_t)i]]);
    r.iteration = 3;
    ASSERT_EQ(OK, box.sample(index, count, l, 0.5, &r));
    EXPECT_NE(first, ints(index));
}

TEST_P(Boxes, EveryBoxIsSampledAboutEquallyOften)
{
    std::vector<int> hits(20, 0);
    Tensor          *index = zeros(I32, {5}), *count = zeros(I32, {2}),
           *l = b.ints({20}, std::vector<int32_t>(20, 0));
    for (int it = 0; it < 2000; it++) {
        BoxRandom r = {9, it, 0};
        ASSERT_EQ(OK, box.sample(index, count, l, 0.5, &r));
        for (int32_t i : ints(index))
            hits[(size_t)i]++;
    }
    for (int h : hits)
        EXPECT_NEAR(500, h, 100); // five standard deviations of 19.4
}

TEST_P(Boxes, RpnTargetsOfAPictureWithoutObjectsAreAllBackground)
{
    AnchorGrid cells = grid(4, 4, {32});
    Tensor *anchors = zeros(F32, {48, 4}), *label = zeros(I32, {2, 48}), *fg = zeros(I32, {2, 48});
    Tensor *target = zeros(F32, {2, 48, 4});
    ASSERT_EQ(OK, box.anchors(anchors, &cells));
    GroundTruth   gt = {f32({1, 4}, {8, 8, 40, 40}), b.ints({1}, {0}), b.ints({3}, {0, 0, 1})};
    RpnTargets    op = {{0.3f, 0.7f, true}, 16, 0.5, {5, 6, 0}};
    const Tensor *levels[] = {anchors};
    ASSERT_EQ(OK, box.rpn_targets(&label, &fg, &target, levels, 1, &gt, &op));
    auto got = ints(label), got_fg = ints(fg);
    int  n[2][3] = {};
    for (int i = 0; i < 96; i++) {
        n[i / 48][got[(size_t)i] + 1]++;
        EXPECT_EQ(got[(size_t)i] == 1 ? 0 : -1, got_fg[(size_t)i]);
    }
    EXPECT_EQ(0, n[0][2]);
    EXPECT_EQ(16, n[0][1]);
    EXPECT_GE(n[1][2], 1); // at least the anchor that fits best
    EXPECT_EQ(16, n[1][1] + n[1][2]);
}

TEST_P(Boxes, ProposalsAgreeWithTorchvision)
{
    AnchorGrid cells = grid(5, 6, {32});
    Tensor    *anchors = zeros(F32, {90, 4});
    ASSERT_EQ(OK, box.anchors(anchors, &cells));
    auto          want = g.floats("rpn.box"), score = g.floats("rpn.score");
    Proposals     out = {zeros(F32, {1, 25, 4}), zeros(F32, {1, 25}), zeros(I32, {1})};
    const Tensor *levels[] = {anchors}, *logit[] = {f32({1, 5, 6, 3}, g.floats("rpn.logit"))};
    const Tensor *delta[] = {f32({1, 5, 6, 12}, g.floats("rpn.delta"))};
    RpnPropose    op = {60, 25, 0.7f, true};
    ASSERT_EQ(OK, box.rpn_propose(&out, logit, delta, levels, 1, f32({1, 2}, {90, 70}), &op));
    ASSERT_EQ((int32_t)score.size(), ints(out.count)[0]);
    want.resize(100, 0);
    score.resize(25, -INFINITY);
    expect_close(b.values(out.box), want, 1e-6, "boxes");
    EXPECT_EQ(score, b.values(out.score));
}

TEST_P(Boxes, ANonFiniteLogitStopsTrainingAndIsDroppedInTesting)
{
    AnchorGrid cells = grid(1, 1, {32});
    Tensor    *anchors = zeros(F32, {3, 4});
    ASSERT_EQ(OK, box.anchors(anchors, &cells));
    Proposals     out = {zeros(F32, {1, 3, 4}), zeros(F32, {1, 3}), zeros(I32, {1})};
    const Tensor *levels[] = {anchors}, *logit[] = {f32({1, 3}, {1, NAN, 0})},
                 *delta[] = {f32({1, 12}, Floats(12, 0))};
    RpnPropose op = {3, 3, 1, true};
    Status     st = box.rpn_propose(&out, logit, delta, levels, 1, f32({1, 2}, {50, 50}), &op);
    EXPECT_EQ(ERR_NONFINITE, st == OK ? GetParam()->sync() : st); // at the latest by the next wait
    EXPECT_NE(nullptr, strstr(status_text(), "anchor 1")) << status_text();
    op.is_strict = false;
    ASSERT_EQ(OK, box.rpn_propose(&out, logit, delta, levels, 1, f32({1, 2}, {50, 50}), &op));
    EXPECT_EQ(2, ints(out.count)[0]);
}

TEST_P(Boxes, RoiTargetsPutForegroundFirstAndAppendTheGroundTruth)
{
    const int64_t S = 8;
    Proposals     p = {f32({2, 3, 4}, {0, 0, 10, 10, 50, 50, 60, 60, 1, 0, 11, 10,
                                       5, 5, 9,  9,  0,  0,  0,  0,  0, 0, 0,  0}),
                       f32({2, 3}, Floats(6, 1)), b.ints({2}, {3, 1})};
    GroundTruth   gt = {f32({1, 4}, {0, 0, 10, 10}), b.ints({1}, {2}), b.ints({3}, {0, 1, 1})};
    RoiSet        out = {zeros(F32, {2 * S, 5}), zeros(I32, {2 * S}), zeros(F32, {2 * S, 4}),
                         zeros(I32, {2 * S}), zeros(I32, {3})};
    RoiTargets    op = {0.5f, S, 0.25, 7, {10, 10, 5, 5}, false, {1, 1, 0}};
    ASSERT_EQ(OK, box.roi_targets(&out, &p, &gt, &op));
    EXPECT_EQ(std::vector<int32_t>({0, 3, 4}),
              ints(out.start)); // 2 of 3 foreground, 1 background; then 1 background
    auto label = ints(out.label), row = ints(out.gt);
    EXPECT_EQ(std::vector<int32_t>({2, 2, 7, 7, -1}),
              std::vector<int32_t>(label.begin(), label.begin() + 5));
    EXPECT_EQ(std::vector<int32_t>({0, 0, -1, -1, -1}),
              std::vector<int32_t>(row.begin(), row.begin() + 5));
    Floats rois = b.values(out.rois);
    EXPECT_EQ(Floats({1, 5, 5, 9, 9}), Floats(rois.begin() + 15, rois.begin() + 20));
}

TEST_P(Boxes, LabelsOfImagesHideTheOthers)
{
    Tensor *kept = zeros(I32, {6}), *label = b.ints({6}, {3, 7, 0, 7, 7, -1});
    Tensor *start = b.ints({4}, {0, 2, 2, 5});
    ASSERT_EQ(OK, box.labels_of_images(kept, label, start, 0, 1));
    EXPECT_EQ(std::vector<int32_t>({3, 7, -1, -1, -1, -1}), ints(kept));
    ASSERT_EQ(OK, box.labels_of_images(kept, label, start, 1, 3));
    EXPECT_EQ(std::vector<int32_t>({-1, -1, 0, 7, 7, -1}), ints(kept));
    ASSERT_EQ(OK, box.labels_of_images(kept, label, start, 1, 2));
    EXPECT_EQ(std::vector<int32_t>(6, -1), ints(kept));
}

TEST_P(Boxes, NothingComesOfNothing)
{
    Proposals   p = {zeros(F32, {1, 4, 4}), zeros(F32, {1, 4}), b.ints({1}, {0})};
    GroundTruth gt = {f32({0, 4}, {}), b.ints({0}, {}), b.ints({2}, {0, 0})};
    RoiSet      out = {zeros(F32, {4, 5}), zeros(I32, {4}), zeros(F32, {4, 4}), zeros(I32, {4}),
                       zeros(I32, {2})};
    RoiTargets  op = {0.5f, 4, 0.25, 7, {10, 10, 5, 5}, false, {1, 1, 0}};
    ASSERT_EQ(OK, box.roi_targets(&out, &p, &gt, &op));
    EXPECT_EQ(std::vector<int32_t>({0, 0}), ints(out.start));
    Tensor *rois = zeros(F32, {4, 5}), *start = zeros(I32, {2});
    ASSERT_EQ(OK, box.rois_pack(rois, start, &p));
    EXPECT_EQ(std::vector<int32_t>({0, 0}), ints(start));
    Detections d = {zeros(F32, {1, 5, 4}), zeros(F32, {1, 5}), zeros(I32, {1, 5}), zeros(I32, {1})};
    BoxPredict predict = {{10, 10, 5, 5}, 0.05f, 0.5f, 5};
    ASSERT_EQ(OK, box.box_predict(&d, f32({0, 8}, {}), f32({0, 28}, {}), f32({0, 5}, {}), start,
                                  f32({1, 2}, {9, 9}), &predict));
    EXPECT_EQ(0, ints(d.count)[0]);
    EXPECT_EQ(std::vector<int32_t>(5, -1), ints(d.label));
}

TEST_P(Boxes, DetectionsAgreeWithTorchvision)
{
    Floats roi = g.floats("det.roi"), rois;
    for (size_t r = 0; r < 12; r++) {
        rois.push_back(0);
        rois.insert(rois.end(), roi.begin() + (long)r * 4, roi.begin() + (long)r * 4 + 4);
    }
    auto       want = g.floats("det.box"), score = g.floats("det.score");
    Detections d = {zeros(F32, {1, 9, 4}), zeros(F32, {1, 9}), zeros(I32, {1, 9}), zeros(I32, {1})};
    BoxPredict op = {{10, 10, 5, 5}, 0.05f, 0.5f, 9};
    ASSERT_EQ(OK, box.box_predict(&d, f32({12, 4}, g.floats("det.logit")),
                                  f32({12, 12}, g.floats("det.delta")), f32({12, 5}, rois),
                                  b.ints({2}, {0, 12}), f32({1, 2}, {90, 70}), &op));
    ASSERT_EQ(9u, score.size());
    EXPECT_EQ(9, ints(d.count)[0]);
    expect_close(b.values(d.box), want, 1e-6, "boxes");
    expect_close(b.values(d.score), score, 1e-6, "scores");
    EXPECT_EQ(g.ints("det.label"), ints(d.label));
}
