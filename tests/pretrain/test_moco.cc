/* moco: the ring, the numbers it refuses, what is averaged, what the collapse alarm sees */
#include "pretrain/formula.h"
#include "pretrain/tiny_moco.h"
extern "C" {
#include "kernels/optim/sgd.h"
#include "pretrain/moco.h"
}

namespace {

struct Bench {
    Moco   m = {};
    Tape   t = {};
    Status status;
    Bench(MocoConfig c, const Backend *be = backend_ref())
    {
        status = moco_init(&m, be, F32, &c);
        EXPECT_EQ(OK, tape_init(&t, be, F32));
    }
    ~Bench()
    {
        tape_release(&t);
        if (m.params_q.be)
            moco_release(&m);
    }
    Tensor *images(const std::string &name, int64_t n = 4)
    {
        Floats  v = formula_images(name, n, 8);
        int64_t dim[4] = {n, 8, 8, 3};
        return tape_input(&t, F32, 4, dim, v.data());
    }
    MocoStep forward(int64_t step)
    {
        tape_reset(&t, TAPE_RECORD | TAPE_TRAIN);
        params_clear_grads(&m.params_q);
        MocoStep s = moco_loss(&t, &m, images("q"), images("k"), step);
        EXPECT_EQ(OK, tape_backward(&t, s.loss)) << status_text();
        return s;
    }
};

TEST(Moco, StartsWithEqualEncodersAndUnitKeys)
{
    Bench r(tiny_moco());
    ASSERT_EQ(OK, r.status) << status_text();
    for (int i = 0; i < r.m.params_q.n_params; i++)
        EXPECT_EQ(device_values(backend_ref(), &r.m.params_q.param[i]->value),
                  device_values(backend_ref(), &r.m.params_k.param[i]->value));
    Floats queue = device_values(backend_ref(), &r.m.queue);
    for (int64_t k = 0; k < 12; k++)
        EXPECT_NEAR(1 / std::sqrt(8.0),
                    rms(Floats(queue.begin() + k * 8, queue.begin() + k * 8 + 8)), 1e-6);
}

TEST(Moco, QueueGoesRoundAndForgetsTheOldestKeys)
{
    Bench               r(tiny_moco());
    std::vector<Floats> keys;
    for (int step = 0; step < 5; step++) {
        (void)r.forward(step);
        keys.push_back(device_values(backend_ref(), r.m.keys[0]));
        ASSERT_EQ(OK, moco_enqueue(&r.m));
        EXPECT_EQ((step + 1) * 4 % 12, r.m.ptr);
    }
    Floats queue = device_values(backend_ref(), &r.m.queue);
    auto part = [&](int i) { return Floats(queue.begin() + i * 32, queue.begin() + i * 32 + 32); };
    EXPECT_EQ(keys[3], part(0)); // overwrote step 0's
    EXPECT_EQ(keys[4], part(1));
    EXPECT_EQ(keys[2], part(2));
    EXPECT_EQ(20, r.m.n_enqueued);
}

TEST(Moco, AveragesWeightsButNotRunningStatistics)
{
    Bench          r(tiny_moco());
    const Backend *be = backend_ref();
    const Param   *wq = params_find(&r.m.params_q, "fc.weight"),
                *wk = params_find(&r.m.params_k, "fc.weight");
    Floats two((size_t)tensor_count(&wq->value), 2.0f), before = device_values(be, &wk->value);
    ASSERT_EQ(OK, be->write(wq->value.data, two.data(), tensor_bytes(&wq->value)));
    (void)r.forward(0);
    Floats after = device_values(be, &wk->value);
    for (size_t i = 0; i < after.size(); i++)
        EXPECT_FLOAT_EQ(0.5f * before[i] + 0.5f * 2.0f, after[i]);
    EXPECT_NE(device_values(be, &params_find(&r.m.params_q, "bn1.running_mean")->value),
              device_values(be, &params_find(&r.m.params_k, "bn1.running_mean")->value));
}

TEST(Moco, KeysCarryNoHistory)
{
    Bench r(tiny_moco());
    (void)r.forward(0);
    for (int i = 0; i < r.m.params_k.n_params; i++)
        EXPECT_EQ(nullptr, r.m.params_k.param[i]->value.grad);
    EXPECT_FALSE(r.m.keys[0]->wants_grad);
}

TEST(Moco, ShufflingChangesKeysOnlyThroughBatchNormGroups)
{
    MocoConfig plain = tiny_moco(), shuffled = tiny_moco();
    plain.is_shuffled = false;
    plain.net.bn_groups = shuffled.net.bn_groups = 1;
    Bench a(plain), b(shuffled);
    (void)a.forward(0);
    (void)b.forward(0);
    Floats ka = device_values(backend_ref(), a.m.keys[0]),
           kb = device_values(backend_ref(), b.m.keys[0]);
    for (size_t i = 0; i < ka.size(); i++)
        EXPECT_NEAR(ka[i], kb[i], 1e-5); // one group: only the order of sums differs

    plain.net.bn_groups = 2;
    shuffled.net.bn_groups = 2;
    Bench   c(plain), d(shuffled);
    int64_t step = 0; // a permutation that moves images between the halves
    for (int32_t perm[4], inverse[4]; step < 100; step++) {
        moco_permutation(perm, inverse, 4, 0, step);
        if ((perm[0] < 2) != (perm[1] < 2))
            break;
    }
    (void)c.forward(step);
    (void)d.forward(step);
    Floats kc = device_values(backend_ref(), c.m.keys[0]),
           kd = device_values(backend_ref(), d.m.keys[0]);
    double worst = 0;
    for (size_t i = 0; i < kc.size(); i++)
        worst = std::fmax(worst, std::fabs(kc[i] - kd[i]));
    EXPECT_GT(worst, 1e-3);
}

TEST(Moco, SymmetricLossEnqueuesBothKeyBatches)
{
    MocoConfig c = tiny_moco();
    c.is_symmetric = true;
    c.K = 16;
    Bench    r(c);
    MocoStep s = r.forward(0);
    float    loss = 0;
    Floats   first = device_values(backend_ref(), s.stats[0]),
           second = device_values(backend_ref(), s.stats[1]);
    ASSERT_EQ(OK, tape_read(&r.t, &loss, s.loss));
    EXPECT_NEAR(first[0] + second[0], loss, 1e-5);
    ASSERT_EQ(OK, moco_enqueue(&r.m));
    EXPECT_EQ(8, r.m.ptr);
}

TEST(Moco, RefusesAQueueThatBatchesDoNotFill)
{
    MocoConfig c = tiny_moco();
    EXPECT_EQ(OK, moco_check_batch(&c, 4));
    EXPECT_EQ(ERR_RECIPE, moco_check_batch(&c, 8));
    EXPECT_NE(nullptr, std::strstr(status_text(), "nearest is 16"));
    EXPECT_EQ(ERR_RECIPE, moco_check_batch(&c, 3)); // two groups
    c.is_symmetric = true;
    EXPECT_EQ(ERR_RECIPE, moco_check_batch(&c, 4));
    c.T = 0;
    EXPECT_EQ(ERR_RECIPE, Bench(c).status);
}

TEST(Moco, SpreadIsZeroForOnePointAndOneForTheWholeSphere)
{
    Floats point, sphere;
    for (int i = 0; i < 512; i++)
        for (int c = 0; c < 16; c++) {
            point.push_back(c == 3 ? 1.0f : 0.0f);
            sphere.push_back(i % 16 == c ? (i % 32 < 16 ? 1.0f : -1.0f) : 0.0f);
        }
    EXPECT_DOUBLE_EQ(0, moco_feature_spread(point.data(), 512, 16));
    EXPECT_NEAR(1, moco_feature_spread(sphere.data(), 512, 16), 1e-6);
}

TEST(Moco, LossFallsWhenOneBatchIsRepeated)
{
    const Backend *be = nullptr;
    ASSERT_EQ(OK, backend_open(&be, "cpu", F32));
    MocoConfig c = tiny_moco();
    c.m = 0.9f;
    c.T = 0.2f;
    Bench      r(c, be);
    SgdOptions sgd = {0.9f, 0, 0, 0};
    float      first = 0, last = 0;
    for (int step = 0; step < 60; step++) {
        MocoStep s = r.forward(step);
        ASSERT_EQ(OK, tape_read(&r.t, step == 0 ? &first : &last, s.loss));
        ASSERT_EQ(OK, params_finish_grads(&r.m.params_q));
        ASSERT_EQ(OK, sgd_step(&r.m.params_q, &sgd, 0.05, step == 0));
        if (step < 3)
            ASSERT_EQ(OK, moco_enqueue(&r.m)); // then the queue stays: old keys of the same images
        else
            r.m.n_keys = 0;
    }
    EXPECT_LT(last, first);
}

} // namespace
