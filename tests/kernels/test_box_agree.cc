/* box: the device under test gives ref's bits, on shapes of models and on odd ones */
#include "kernels/box_agree.h"

TEST(BoxAgree, StagesOfFasterRcnn)
{
    const int64_t N = 3, P = 300, S = 64;
    expect_same_bits([&](BoxRun &run) {
        Tensor       *anchors = run.anchors(19, 25, {32, 64, 128, 256, 512});
        int64_t       M = anchors->dim[0];
        const Tensor *levels[] = {anchors}, *logit[] = {run.f32({N, M}, noise(N * M, 1))};
        const Tensor *delta[] = {run.f32({N, 4 * M}, noise(4 * N * M, 2, 0.3f))};
        Tensor       *size = run.f32({N, 2}, {400, 300, 390, 290, 200, 300});
        Proposals     p = run.proposals(N, P);
        RpnPropose    propose = {2000, P, 0.7f, true};
        ASSERT_EQ(OK, run.box.rpn_propose(&p, logit, delta, levels, 1, size, &propose));

        Tensor *label = run.make(I32, {N, M}), *fg = run.make(I32, {N, M}),
               *target = run.make(F32, {N, M, 4});
        GroundTruth gt = {
            run.f32({4, 4}, {10, 20, 100, 90, 30, 30, 330, 280, 5, 5, 60, 200, 100, 100, 120, 140}),
            run.i32({4}, {0, 3, 2, 1}), run.i32({4}, {0, 2, 2, 4})};
        RpnTargets rpn = {{0.3f, 0.7f, true}, 256, 0.5, {5, 6, 0}};
        ASSERT_EQ(OK, run.box.rpn_targets(&label, &fg, &target, levels, 1, &gt, &rpn));

        RoiSet set = {run.make(F32, {N * S, 5}), run.make(I32, {N * S}), run.make(F32, {N * S, 4}),
                      run.make(I32, {N * S}), run.make(I32, {N + 1})};
        RoiTargets roi = {0.5f, S, 0.25, 20, {10, 10, 5, 5}, false, {5, 6, 0}};
        ASSERT_EQ(OK, run.box.roi_targets(&set, &p, &gt, &roi));

        Tensor    *rois = run.make(F32, {N * P, 5}), *start = run.make(I32, {N + 1});
        Detections d = {run.make(F32, {N, S, 4}), run.make(F32, {N, S}), run.make(I32, {N, S}),
                        run.make(I32, {N})};
        ASSERT_EQ(OK, run.box.rois_pack(rois, start, &p));
        for (float threshold : {0.05f, 0.0f}) {
            BoxPredict predict = {{10, 10, 5, 5}, threshold, 0.5f, S};
            ASSERT_EQ(OK, run.box.box_predict(&d, run.f32({N * P, 21}, noise(N * P * 21, 3)),
                                              run.f32({N * P, 80}, noise(N * P * 80, 4, 0.5f)),
                                              rois, start, size, &predict));
        }
    });
}

TEST(BoxAgree, LevelsAreRankedApartAndSuppressedApart)
{
    const int64_t N = 2, P = 150;
    expect_same_bits([&](BoxRun &run) {
        const Tensor *anchors[] = {run.anchors(12, 15, {32}, 8), run.anchors(6, 8, {64}, 16),
                                   run.anchors(3, 4, {128}, 32)};
        const Tensor *logit[3], *delta[3];
        Tensor       *label[3], *fg[3], *target[3];
        for (int l = 0; l < 3; l++) {
            int64_t M = anchors[l]->dim[0];
            logit[l] = run.f32({N, M}, noise(N * M, (uint64_t)l));
            delta[l] = run.f32({N, 4 * M}, noise(4 * N * M, (uint64_t)l + 9, 0.2f));
            label[l] = run.make(I32, {N, M});
            fg[l] = run.make(I32, {N, M});
            target[l] = run.make(F32, {N, M, 4});
        }
        Tensor    *size = run.f32({N, 2}, {120, 96, 60, 90});
        Proposals  p = run.proposals(N, P);
        RpnPropose op = {100, P, 0.7f, false};
        ASSERT_EQ(OK, run.box.rpn_propose(&p, logit, delta, anchors, 3, size, &op));
        GroundTruth gt = {run.f32({3, 4}, {10, 10, 40, 50, 60, 60, 75, 70, 0, 0, 119, 90}),
                          run.i32({3}, {0, 1, 2}), run.i32({3}, {0, 3, 3})};
        RpnTargets  rpn = {{0.3f, 0.7f, true}, 64, 0.5, {1, 2, 3}};
        ASSERT_EQ(OK, run.box.rpn_targets(label, fg, target, anchors, 3, &gt, &rpn));
    });
}

TEST(BoxAgree, NothingIsFiniteOrEverythingTies)
{
    expect_same_bits([&](BoxRun &run) {
        Tensor       *anchors = run.anchors(10, 10, {32, 64});
        int64_t       M = anchors->dim[0];
        Tensor       *size = run.f32({1, 2}, {160, 160});
        const Tensor *levels[] = {anchors}, *still[] = {run.f32({1, 4 * M}, Floats(4 * M, 0))};
        RpnPropose    op = {400, 60, 0.7f, false};
        Floats        some = noise(M, 5);
        for (int64_t i = 0; i < M; i += 3)
            some[(size_t)i] = i % 2 ? NAN : INFINITY;
        for (const Floats &v : {Floats((size_t)M, NAN), Floats((size_t)M, 0.25f), some}) {
            const Tensor *logit[] = {run.f32({1, M}, v)};
            Proposals     p = run.proposals(1, 60);
            ASSERT_EQ(OK, run.box.rpn_propose(&p, logit, still, levels, 1, size, &op));
        }
        Tensor *rois = run.make(F32, {50, 5}), *start = run.make(I32, {2});
        Floats  logit(50 * 4, 1.0f), delta(50 * 12, 0.0f);
        logit[40] = NAN;
        logit[77] = INFINITY;
        delta[300] = -INFINITY;
        Proposals  all = {run.f32({1, 50, 4}, random_boxes(50, 6, 100, 60)),
                          run.f32({1, 50}, Floats(50, 0)), run.i32({1}, {50})};
        Detections d = {run.make(F32, {1, 30, 4}), run.make(F32, {1, 30}), run.make(I32, {1, 30}),
                        run.make(I32, {1})};
        BoxPredict predict = {{10, 10, 5, 5}, 0.05f, 0.3f, 30};
        ASSERT_EQ(OK, run.box.rois_pack(rois, start, &all));
        ASSERT_EQ(OK, run.box.box_predict(&d, run.f32({50, 4}, logit), run.f32({50, 12}, delta),
                                          rois, start, size, &predict));
    });
}

TEST(BoxAgree, RankingAcrossTilesWithTiesAndWithoutNumbers)
{
    const int64_t n = 9100; // three tiles of a sort
    Floats        score = noise(n, 1);
    for (int64_t i = 0; i < n; i++)
        score[(size_t)i] = i % 7 == 0 ? NAN : i % 5 == 0 ? -0.0f : roundf(score[(size_t)i] * 20);
    expect_same_bits([&](BoxRun &run) {
        for (int64_t k :
             {(int64_t)0, (int64_t)1, (int64_t)1299, (int64_t)4096, (int64_t)4097, n, n + 3}) {
            ASSERT_EQ(OK, run.box.top_k(run.make(I32, {k}), run.f32({n}, score)));
            ASSERT_EQ(OK, run.box.top_k(run.make(I32, {k}), run.f32({n}, Floats((size_t)n, 2))));
        }
        ASSERT_EQ(OK, run.box.top_k(run.make(I32, {2}), run.f32({0}, {})));
    });
}

TEST(BoxAgree, SuppressionOfManyBoxes)
{
    const int64_t        n = 1500;
    std::vector<int32_t> kind;
    for (int32_t i = 0; i < n; i++)
        kind.push_back(i % 5 - 1); // any number is a class
    expect_same_bits([&](BoxRun &run) {
        Tensor *box = run.f32({n, 4}, random_boxes(n, 2, 300, 80));
        Tensor *score = run.f32({n}, noise(n, 3)), *same = run.f32({n}, Floats((size_t)n, 1));
        for (Tensor *s : {score, same})
            for (const Tensor *c : {(Tensor *)nullptr, run.i32({n}, kind)})
                for (int64_t P : {(int64_t)0, (int64_t)1, (int64_t)64, n}) {
                    Tensor *index = run.make(I32, {P}), *count = run.make(I32, {1});
                    ASSERT_EQ(OK, run.box.nms(index, count, box, s, c, 0.3f));
                }
        ASSERT_EQ(OK, run.box.nms(run.make(I32, {3}), run.make(I32, {1}), run.f32({0, 4}, {}),
                                  run.f32({0}, {}), nullptr, 0.5f));
    });
}

TEST(BoxAgree, MatchingAgainstMoreGroundTruthsThanATileHolds)
{
    expect_same_bits([&](BoxRun &run) {
        for (int64_t G : {0, 1, 300})
            for (bool keeps_low_quality : {false, true}) {
                BoxMatch op = {0.3f, 0.7f, keeps_low_quality};
                ASSERT_EQ(OK, run.box.match(run.make(I32, {700}), run.make(I32, {700}),
                                            run.f32({700, 4}, random_boxes(700, 3, 200, 50)),
                                            run.f32({G, 4}, random_boxes(G, 4, 200, 50)), &op));
            }
    });
}

TEST(BoxAgree, RegionsOfPicturesWithoutProposalsOrGroundTruth)
{
    const int64_t N = 4, P = 70, S = 40;
    expect_same_bits([&](BoxRun &run) {
        Proposals   p = {run.f32({N, P, 4}, random_boxes(N * P, 8, 100, 60)),
                         run.f32({N, P}, Floats((size_t)(N * P), 0)), run.i32({N}, {70, 0, 33, 0})};
        GroundTruth gt = {run.f32({5, 4}, random_boxes(5, 9, 100, 60)),
                          run.i32({5}, {1, 4, 2, 0, 3}), run.i32({5}, {0, 3, 5, 5, 5})};
        for (bool keeps_all : {false, true}) {
            int64_t    slots = keeps_all ? P + 5 : S;
            RoiSet     set = {run.make(F32, {N * slots, 5}), run.make(I32, {N * slots}),
                              run.make(F32, {N * slots, 4}), run.make(I32, {N * slots}),
                              run.make(I32, {N + 1})};
            RoiTargets op = {0.3f, slots, 0.25, 7, {10, 10, 5, 5}, keeps_all, {3, 1, 2}};
            ASSERT_EQ(OK, run.box.roi_targets(&set, &p, &gt, &op));
        }
        ASSERT_EQ(OK, run.box.rois_pack(run.make(F32, {N * P, 5}), run.make(I32, {N + 1}), &p));
    });
}

TEST(BoxAgree, TooFewSlotsAreAnErrorAtTheLatestWhenTheHostWaits)
{
    const Backend *be = device_under_test();
    BoxRun         run(be);
    Proposals      p = {run.f32({1, 3, 4}, random_boxes(3, 1, 9, 9)), run.f32({1, 3}, Floats(3, 0)),
                        run.i32({1}, {3})};
    GroundTruth    gt = {run.f32({0, 4}, {}), run.i32({0}, {}), run.i32({2}, {0, 0})};
    RoiSet         set = {run.make(F32, {2, 5}), run.make(I32, {2}), run.make(F32, {2, 4}),
                          run.make(I32, {2}), run.make(I32, {2})};
    RoiTargets     op = {0.5f, 2, 0.25, 7, {10, 10, 5, 5}, true, {1, 1, 0}};
    Status         st = run.box.roi_targets(&set, &p, &gt, &op);
    EXPECT_EQ(ERR_SHAPE, st == OK ? be->sync() : st);
    EXPECT_STREQ("roi_targets: 3 regions of image 0 do not fit 2 slots", status_text());
    EXPECT_EQ(OK, be->sync()); // said once
}
