/* Libraries inside a CUDA graph: nothing is chosen there, what was chosen before runs there */
#include "fake_gpu/libs/conv_case.h"

class InACapture : public OnFakeLibs {};

static const ConvSizes SMALL = {2, 5, 4, 4, 6, 3};

TEST_F(InACapture, NoPlanIsLookedFor)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    for (ConvKind kind : KINDS)
        for (float beta : {0.0f, 1.0f}) {
            void *graph = nullptr;
            if (kind == CONV_FORWARD && beta != 0)
                continue;
            ASSERT_EQ(OK, d.be->graph_begin());
            EXPECT_EQ(ERR_DEVICE, c.run(kind, beta));
            EXPECT_NE(nullptr, strstr(status_text(), "cannot be planned while a graph is captured"))
                << status_text();
            EXPECT_EQ(OK, d.be->graph_end(&graph));
            d.be->graph_free(graph);
        }
    EXPECT_EQ(0, d.n_runs());
    EXPECT_EQ(0, d.fake->n_guesses);
    c.expect_right(CONV_FORWARD); // and outside it is
}

TEST_F(InACapture, NoWayIsTimed)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    int         way = -1, n_gone = 0;
    void       *graph = nullptr;
    auto        go = [](void *n, int) {
        ++*(int *)n;
        return OK;
    };
    ASSERT_EQ(OK, d.be->graph_begin());
    EXPECT_EQ(ERR_DEVICE, c.choose(&way, CONV_FORWARD, 2, go, &n_gone));
    EXPECT_EQ(OK, d.be->graph_end(&graph));
    d.be->graph_free(graph);
    EXPECT_EQ(0, n_gone);
}

TEST_F(InACapture, PlansOfEarlierStepsRunAtEveryLaunch)
{
    FreshDevice d;
    ConvCase    c(d, SMALL);
    for (ConvKind kind : KINDS) {
        void *graph = nullptr;
        ASSERT_EQ(OK, c.run(kind, 0));
        ASSERT_EQ(OK, c.run(kind, 1));
        Floats once = c.want(kind), added = c.want(kind, 1);
        float  beta = kind == CONV_FORWARD ? 0 : 1;
        ASSERT_EQ(OK, d.be->graph_begin());
        EXPECT_EQ(OK, c.run(kind, beta)) << status_text();
        ASSERT_EQ(OK, d.be->graph_end(&graph));
        EXPECT_TRUE(d.fake->runs.back().is_captured);
        ASSERT_EQ(OK, d.be->graph_launch(graph));
        expect_close(c.output(kind).values(), beta == 0 ? once : added, 1e-6, "one launch");
        Floats before = c.output(kind).values();
        ASSERT_EQ(OK, d.be->graph_launch(graph));
        for (size_t i = 0; beta != 0 && i < added.size(); i++)
            added[i] = before[i] + once[i];
        expect_close(c.output(kind).values(), beta == 0 ? once : added, 1e-6, "two launches");
        d.be->graph_free(graph);
    }
}

/* A graph's memory is gone with it. */
TEST_F(InACapture, TheWorkspaceIsNoGraphsOwn)
{
    FreshDevice d;
    OnDevice    a(d.be, F32, {2, 2}, {1, 2, 3, 4}), b(d.be, F32, {2, 2}, {1, 0, 0, 1});
    OnDevice    c(d.be, F32, {2, 2}, Floats(4));
    Product     p = {2, 2, 2, false, false, F32, F32, 1, 0};
    void       *graph = nullptr;
    ASSERT_EQ(OK, d.be->graph_begin());
    Status first = d.fake->product("product", c.t.data, a.t.data, b.t.data, &p);
    ASSERT_EQ(OK, d.be->graph_end(&graph));
    ASSERT_EQ(OK, first) << status_text();
    ASSERT_EQ(OK, d.be->graph_launch(graph));
    EXPECT_EQ(Floats({1, 2, 3, 4}), c.values());
    d.be->graph_free(graph);
    p.alpha = 2;
    ASSERT_EQ(OK, d.fake->product("product", c.t.data, a.t.data, b.t.data, &p)) << status_text();
    EXPECT_EQ(Floats({2, 4, 6, 8}), c.values());
}
