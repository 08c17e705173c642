/* moco: three whole steps against PyTorch in double precision (tests/golden/pretrain/moco.py) */
#include "pretrain/formula.h"
#include "pretrain/tiny_moco.h"
extern "C" {
#include "kernels/optim/sgd.h"
#include "pretrain/moco.h"
}

namespace {

/* As the script has it. */
MocoConfig tiny()
{
    MocoConfig c = tiny_moco();
    c.net.width = 0.125;
    c.head = HEAD_MLP;
    c.C = 16;
    c.K = 32;
    c.m = 0.9f;
    c.T = 0.2f;
    c.seed = 5;
    return c;
}

class MocoGolden : public ::testing::Test {
  protected:
    Moco           m = {};
    Tape           t = {};
    const Backend *be = nullptr;
    Golden         want{"moco.txt"};

    void SetUp() override
    {
        MocoConfig c = tiny();
        ASSERT_EQ(OK, backend_open(&be, "cpu", F32));
        ASSERT_EQ(OK, moco_init(&m, be, F32, &c)) << status_text();
        ASSERT_EQ(OK, tape_init(&t, be, F32));
        formula_fill(&m.params_q);
        ASSERT_EQ(OK, params_copy(&m.params_k, &m.params_q));
        fill_queue();
    }
    void TearDown() override
    {
        tape_release(&t);
        moco_release(&m);
    }
    void fill_queue()
    {
        Floats v((size_t)(m.config.K * m.config.C));
        for (size_t i = 0; i < v.size(); i++)
            v[i] = (float)(2 * uniform_at(fnv1a("queue"), i) - 1);
        for (int64_t r = 0; r < m.config.K; r++) {
            double sum = 0;
            for (int64_t c = 0; c < m.config.C; c++)
                sum += std::pow(v[(size_t)(r * m.config.C + c)], 2);
            for (int64_t c = 0; c < m.config.C; c++)
                v[(size_t)(r * m.config.C + c)] /= (float)std::sqrt(sum);
        }
        ASSERT_EQ(OK, be->write(m.queue.data, v.data(), tensor_bytes(&m.queue)));
    }
    Tensor *images(const char *view, int step)
    {
        Floats  v = formula_images(view + std::to_string(step), 8, 16);
        int64_t dim[4] = {8, 16, 16, 3};
        return tape_input(&t, F32, 4, dim, v.data());
    }
    void expect_set(const std::string &tag, const ParamSet *ps, const char *what, double rel)
    {
        for (int i = 0; i < ps->n_params; i++) {
            const Param *p = ps->param[i];
            bool         is_buffer = p->spec.kind == PARAM_BUFFER;
            want.expect(tag + what + (is_buffer ? "buffer " : " ") + p->spec.name, p->spec.name,
                        device_values(be, &p->value), rel);
        }
    }
    void step(int i, double rel)
    {
        SgdOptions  sgd = {0.9f, 1e-4f, 1e-4f, 0};
        std::string tag = "step" + std::to_string(i) + " ";
        tape_reset(&t, TAPE_RECORD | TAPE_TRAIN);
        params_clear_grads(&m.params_q);
        MocoStep s = moco_loss(&t, &m, images("q", i), images("k", i), i);
        ASSERT_EQ(OK, tape_backward(&t, s.loss)) << status_text();
        ASSERT_EQ(OK, params_finish_grads(&m.params_q));

        float loss;
        ASSERT_EQ(OK, tape_read(&t, &loss, s.loss));
        EXPECT_NEAR(want[tag + "loss"][0], loss, rel);
        expect_sampled(want[tag + "query"], device_values(be, s.q), 7, rel);
        Floats stats = device_values(be, s.stats[0]);
        EXPECT_NEAR(want[tag + "positive_negative"][0], stats[1], rel);
        EXPECT_NEAR(want[tag + "positive_negative"][1], stats[2], rel);
        for (int p = 0; p < m.params_q.n_params; p++)
            if (const Param *param = m.params_q.param[p]; param->spec.kind != PARAM_BUFFER)
                want.expect(tag + "grad " + param->spec.name, param->spec.name,
                            device_values(be, param->value.grad), 20 * rel);

        ASSERT_EQ(OK, moco_enqueue(&m)) << status_text();
        ASSERT_EQ(OK, sgd_step(&m.params_q, &sgd, 0.05, i == 0)) << status_text();
        expect_set(tag, &m.params_q, "q", rel);
        expect_set(tag, &m.params_k, "k", rel);
        expect_sampled(want[tag + "queue"], device_values(be, &m.queue), 5, rel);
        EXPECT_EQ((int64_t)want[tag + "ptr"][0], m.ptr);
    }
};

TEST_F(MocoGolden, ThreeStepsAgreeWithPyTorch)
{
    for (int i = 0; i < 3; i++)
        step(i, 1e-4); // float32 against double; errors grow a little with each step
    EXPECT_GT(want.count(), 900);
    EXPECT_EQ(24, m.n_enqueued);
    EXPECT_EQ(24, m.ptr);
}

TEST_F(MocoGolden, PermutationAgreesWithTheScripts)
{
    for (int i = 0; i < 3; i++) {
        int32_t perm[8], inverse[8];
        moco_permutation(perm, inverse, 8, 5, i);
        const Floats &expected = want["step" + std::to_string(i) + " perm"];
        for (int j = 0; j < 8; j++) {
            EXPECT_EQ((int32_t)expected[(size_t)j], perm[j]);
            EXPECT_EQ(j, inverse[perm[j]]);
        }
    }
}

} // namespace
