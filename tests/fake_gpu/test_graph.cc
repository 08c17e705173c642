/* A step kept as a graph and run again */
#include "fake_gpu/watch.h"
#include "kernels/op_test.h"

class Graph : public ::testing::Test {
  protected:
    const Backend *be = device_under_test();
    Bench          b{be};
};

TEST_F(Graph, GivesWhatItsCallsWouldGiveOnNewInputs)
{
    if (!be->graph_begin)
        GTEST_SKIP() << "this backend keeps no graphs";
    Tensor     *w = b.tensor({6, 6}, noise(36, 1)), *bias = b.tensor({6}, noise(6, 2));
    Tensor     *x = b.tensor({4, 6}, noise(24, 3));
    Tensor     *weight = b.tensor({1, 24}, noise(24, 5), false);
    LinearLayer l = {w, bias}, sum = {weight, nullptr};
    int64_t     row[2] = {1, 24};
    ASSERT_EQ(OK, be->graph_begin());
    Tensor *y = tape_keep(relu(&b.t, add(&b.t, x, linear(&b.t, &l, x))));
    Status  st = tape_backward(&b.t, linear(&b.t, &sum, reshape(&b.t, y, 2, row)));
    void   *graph = nullptr;
    ASSERT_EQ(OK, be->graph_end(&graph));
    ASSERT_EQ(OK, st) << status_text();
    for (uint64_t key : {10, 11}) {
        Floats fresh = noise(24, key);
        ASSERT_EQ(OK, be->write(x->data, fresh.data(), 96));
        ASSERT_EQ(OK, be->graph_launch(graph)) << status_text();
        Build same = [&](Bench &r, std::vector<Tensor *> &in) {
            LinearLayer layer = {in[1], in[2]};
            return relu(&r.t, add(&r.t, in[0], linear(&r.t, &layer, in[0])));
        };
        std::vector<Leaf> leaves = {{{4, 6}, fresh}, {{6, 6}, noise(36, 1)}, {{6}, noise(6, 2)}};
        Outcome           want = run_op(backend_ref(), same, leaves);
        expect_close(b.values(y), want.y, 1e-5, "output");
        Floats dw(36);
        EXPECT_EQ(OK, be->read(dw.data(), w->grad->data, 144));
        Floats again = dw;
        ASSERT_EQ(OK, be->graph_launch(graph));
        EXPECT_EQ(OK, be->read(again.data(), w->grad->data, 144));
        EXPECT_EQ(dw, again); // the first contribution overwrites, at every launch
    }
    be->graph_free(graph);
}

TEST_F(Graph, RefusesHostMemoryAndWaiting)
{
    if (!be->graph_begin)
        GTEST_SKIP() << "this backend keeps no graphs";
    Tensor *x = b.tensor({2}, {1, 2});
    float   host[2] = {3, 4};
    void   *graph = nullptr;
    ASSERT_EQ(OK, be->graph_begin());
    EXPECT_EQ(ERR_USAGE, be->write(x->data, host, 8));
    EXPECT_EQ(ERR_DEVICE, be->sync());
    EXPECT_EQ(ERR_USAGE, be->graph_begin());
    EXPECT_EQ(OK, be->graph_end(&graph));
    be->graph_free(graph);
    EXPECT_EQ(b.values(x), Floats({1, 2}));
}

TEST_F(Graph, KeepsTheSentenceOfWhatEndedItsCapture)
{
    Status (*wait)(void) = fake_function<Status(void)>("self_wait");
    if (!wait)
        GTEST_SKIP() << "only the emulated device waits where it must not";
    Tensor *x = b.tensor({2}, {1, 2});
    void   *graph = nullptr;
    for (bool is_told : {true, false}) {
        ASSERT_EQ(OK, be->graph_begin());
        EXPECT_EQ(OK, be->add_forward(x, x, x));
        EXPECT_EQ(ERR_DEVICE, wait());
        std::string said = status_text();
        EXPECT_NE(std::string::npos, said.find("self_wait")) << said;
        EXPECT_EQ(is_told ? OK : ERR_DEVICE, be->graph_end(is_told ? nullptr : &graph));
        EXPECT_EQ(nullptr, graph);
        EXPECT_EQ(is_told, said == status_text()) << status_text();
    }
    ASSERT_EQ(OK, be->graph_begin()); // and another may follow
    EXPECT_EQ(OK, be->add_forward(x, x, x));
    ASSERT_EQ(OK, be->graph_end(&graph)) << status_text();
    ASSERT_EQ(OK, be->graph_launch(graph));
    EXPECT_EQ(Floats({2, 4}), b.values(x));
    be->graph_free(graph);
}

TEST_F(Graph, HoldsProposalsWhoseComplaintComesWithTheNextWait)
{
    if (!be->graph_begin)
        GTEST_SKIP() << "this backend keeps no graphs";
    Tensor       *anchor = b.tensor({3, 4}, {0, 0, 9, 9, 20, 20, 29, 29, 40, 0, 49, 9});
    Tensor       *logit = b.tensor({1, 3}, {1, 3, 2}), *delta = b.tensor({1, 12}, Floats(12));
    Tensor       *size = b.tensor({1, 2}, {50, 50});
    Proposals     out = {b.tensor({1, 3, 4}, Floats(12)), b.tensor({1, 3}, Floats(3)),
                         b.ints({1}, {0})};
    const Tensor *logits[] = {logit}, *deltas[] = {delta}, *anchors[] = {anchor};
    RpnPropose    op = {3, 3, 1, true};
    void         *graph = nullptr;
    /* An op runs once before it is captured: the first launch loads its kernels, which ends a capture. */
    ASSERT_EQ(OK, be->box.rpn_propose(&out, logits, deltas, anchors, 1, size, &op));
    ASSERT_EQ(OK, be->graph_begin());
    Status st = be->box.rpn_propose(&out, logits, deltas, anchors, 1, size, &op);
    ASSERT_EQ(OK, be->graph_end(&graph));
    ASSERT_EQ(OK, st) << status_text();
    ASSERT_EQ(OK, be->graph_launch(graph)) << status_text();
    EXPECT_EQ(Floats({3, 2, 1}), b.values(out.score));
    const float fresh[3][3] = {{5, 4, 6}, {1, NAN, 2}, {1, 2, NAN}};
    ASSERT_EQ(OK, be->write(logit->data, fresh[0], 12));
    ASSERT_EQ(OK, be->graph_launch(graph));
    EXPECT_EQ(Floats({6, 5, 4}), b.values(out.score));
    for (int i = 1; i < 3; i++) { // the first of two complaints is kept
        ASSERT_EQ(OK, be->write(logit->data, fresh[i], 12));
        ASSERT_EQ(OK, be->graph_launch(graph));
    }
    EXPECT_EQ(ERR_NONFINITE, be->sync());
    EXPECT_NE(nullptr, strstr(status_text(), "anchor 1")) << status_text();
    be->graph_free(graph);
}
