/* MoCo's step as a graph: what of two steps overlaps, and what is left of a capture that fails
 *
 *      copies         | views k+1 |                       the emulated device runs a piece of work when somebody waits for
 *      computation    | graph k ............ | use | graph k+1      it: what has run tells who waited
 */
#include "device_under_test.h"
#include "fake_gpu/watch.h"
#include "pretrain/formula.h"
#include "pretrain/tiny_moco.h"
extern "C" {
#include "kernels/optim/sgd.h"
#include "pretrain/moco_graph.h"
}

namespace {

const int64_t N = 4, SIDE = 16;

MocoConfig tiny()
{
    MocoConfig c = tiny_moco();
    c.K = 16;
    c.is_symmetric = true;
    return c;
}

class MocoSteps : public ::testing::Test {
  protected:
    Backend   be = *device_under_test(); // a copy, to break
    Moco      m = {};
    Tape      t = {};
    MocoGraph g = {};
    int64_t   n_taken = 0;

    void SetUp() override
    {
        setenv("FAKE_GPU_RACES", "0", 0); // test_kernels_gpu looks for races
        MocoConfig c = tiny();
        if (!be.graph_begin)
            GTEST_SKIP() << "this backend keeps no graphs";
        ASSERT_EQ(OK, moco_init(&m, &be, F32, &c)) << status_text();
        ASSERT_EQ(OK, tape_init(&t, &be, F32)) << status_text();
        for (int i = 0; i < 3; i++)
            g.stats.mean[i] = g.stats.std[i] = 0.5f;
    }
    void TearDown() override
    {
        EXPECT_EQ(OK, be.sync());
        moco_graph_release(&g);
        if (t.pool)
            tape_release(&t);
        if (m.params_q.be)
            moco_release(&m);
        EXPECT_EQ(OK, be.sync());
    }
    Status pass()
    {
        std::vector<uint8_t>   crops[2];
        std::vector<PixelPlan> plans(N);
        MocoView               view[2] = {};
        int64_t                dim[4] = {N, SIDE, SIDE, 3};
        for (PixelPlan &p : plans)
            p.blur.radius = -1;
        for (int v = 0; v < 2; v++) {
            for (int64_t i = 0; i < N * 3 * SIDE * SIDE; i++)
                crops[v].push_back((uint8_t)(256 * uniform_at((uint32_t)(2 * n_taken + v), i)));
            view[v].crops = crops[v].data();
            view[v].plans = plans.data();
        }
        return moco_graph_step(&g, &t, &m, dim, view, n_taken);
    }
    void step()
    {
        SgdOptions sgd = {0.9f, 1e-4f, 1e-4f, 0};
        ASSERT_EQ(OK, pass()) << status_text();
        ASSERT_EQ(OK, params_finish_grads(&m.params_q));
        ASSERT_EQ(OK, sgd_step(&m.params_q, &sgd, 0.01, n_taken == 0));
        ASSERT_EQ(OK, moco_enqueue(&m));
        n_taken++;
    }
};

TEST_F(MocoSteps, NextViewsArriveBeforeTheGraphOfTheStepBeforeRuns)
{
    if (!is_device_emulated())
        GTEST_SKIP() << "only the emulated device tells what has run";
    while (!g.graph)
        step();
    step();
    for (int i = 0; i < 12; i++) {
        long in_front = fake_stream(FAKE_COMPUTE).before_graph;
        step(); // the host waits for nothing of the graph before
        EXPECT_LE(fake_stream(FAKE_COMPUTE).done, in_front) << "step " << n_taken;
        fake_run(FAKE_COPY); // neither do the copies
        EXPECT_LE(fake_stream(FAKE_COMPUTE).done, in_front) << "step " << n_taken;
        EXPECT_EQ(fake_stream(FAKE_COPY).queued, fake_stream(FAKE_COPY).done);
        EXPECT_GT(fake_stream(FAKE_COMPUTE).queued,
                  in_front + 100); // a graph is more than its inputs
    }
}

static int n_left; // of mean_hw's calls, before it fails

Status failing_mean_hw(Tensor *y, const Tensor *x)
{
    if (--n_left < 0)
        return status_fail(ERR_DEVICE, "mean_hw: out of order");
    return device_under_test()->mean_hw_forward(y, x);
}

TEST_F(MocoSteps, AnOpThatFailsInACaptureIsNamedAndNothingIsKept)
{
    be.mean_hw_forward = failing_mean_hw;
    n_left = 1 << 20;
    for (int i = 0; i < 3; i++)
        step();
    n_left = 1; // the first encoder's pass is kept, the second's fails
    EXPECT_EQ(ERR_DEVICE, pass());
    EXPECT_STREQ("mean_hw: out of order", status_text());
    EXPECT_EQ(nullptr, g.graph);
    n_left = 1 << 20;
    while (!g.graph)
        step();
    step();
}

} // namespace
