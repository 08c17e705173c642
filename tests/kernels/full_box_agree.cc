/* box: ref's bits on a picture with 200000 anchors */
#include "kernels/box_agree.h"

TEST(BoxAgree, TwoHundredThousandAnchors)
{
    const int64_t N = 1, P = 2000, G = 25;
    expect_same_bits([&](BoxRun &run) {
        Tensor       *anchors = run.anchors(100, 134, {32, 64, 128, 256, 512}, 10);
        int64_t       M = anchors->dim[0];
        const Tensor *levels[] = {anchors}, *logit[] = {run.f32({N, M}, noise(N * M, 1))};
        const Tensor *delta[] = {run.f32({N, 4 * M}, noise(4 * N * M, 2, 0.2f))};
        Tensor       *size = run.f32({N, 2}, {1333, 1000});
        Proposals     p = run.proposals(N, P);
        RpnPropose    propose = {12000, P, 0.7f, true};
        ASSERT_EQ(OK, run.box.rpn_propose(&p, logit, delta, levels, 1, size, &propose));
        std::vector<int32_t> kind((size_t)G, 3);
        GroundTruth gt = {run.f32({G, 4}, random_boxes(G, 5, 900, 400)), run.i32({G}, kind),
                          run.i32({2}, {0, (int32_t)G})};
        Tensor     *label = run.make(I32, {N, M}), *fg = run.make(I32, {N, M}),
               *target = run.make(F32, {N, M, 4});
        RpnTargets rpn = {{0.3f, 0.7f, true}, 256, 0.5, {5, 6, 0}};
        ASSERT_EQ(OK, run.box.rpn_targets(&label, &fg, &target, levels, 1, &gt, &rpn));
        ASSERT_EQ(OK, run.box.top_k(run.make(I32, {M}), logit[0]));
    });
}
