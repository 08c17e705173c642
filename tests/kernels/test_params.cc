/* ParamSet: layout, initial values, files; SGD and schedules as torch.optim has them */
#include "kernels/op_test.h"
extern "C" {
#include "base/safetensors.h"
#include "kernels/optim/schedule.h"
#include "kernels/optim/sgd.h"
#include "kernels/params.h"
}
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>

struct Model {
    ParamSet ps;
    Tensor  *conv, *gamma, *mean, *fc;
    explicit Model(bool frozen = false, DType dtype = F32, uint64_t seed = 5,
                   const Backend *be = backend_cpu())
    {
        int64_t c[4] = {4, 3, 2, 5}, v[1] = {4}, f[2] = {3, 4};
        params_init(&ps, be, frozen);
        conv = params_add(
            &ps, {"conv.weight", PARAM_CONV, init_kaiming_fan_out(4, 3, 2), false, false}, 4, c);
        gamma = params_add(&ps, {"bn.weight", PARAM_WEIGHT, {INIT_ONE, 0}, true, false}, 1, v);
        mean =
            params_add(&ps, {"bn.running_mean", PARAM_BUFFER, {INIT_ZERO, 0}, false, false}, 1, v);
        fc = params_add(&ps, {"fc.weight", PARAM_WEIGHT, init_default(4), false, false}, 2, f);
        EXPECT_EQ(OK, params_commit(&ps, dtype, seed)) << status_text();
    }
    ~Model()
    {
        params_release(&ps);
    }
    Floats read(const Tensor *t)
    {
        const float *p = (const float *)t->data;
        return Floats(p, p + tensor_count(t));
    }
};

static std::string temporary(const char *name)
{
    return ::testing::TempDir() + "godwit_" + std::to_string(getpid()) + "_" + name;
}

TEST(Params, InitialValuesDependOnSeedAndNameOnly)
{
    Model a, b(true), c(false, F32, 6);
    EXPECT_EQ(a.read(a.conv), b.read(b.conv));
    EXPECT_NE(a.read(a.conv), c.read(c.conv));
    EXPECT_EQ(a.read(a.gamma), Floats(4, 1.0f));
    for (float v : a.read(a.fc))
        EXPECT_LE(std::fabs(v), 0.5f); // 1 / sqrt(4)
    double squares = 0;
    for (float v : a.read(a.conv))
        squares += (double)v * (double)v;
    EXPECT_NEAR(squares / 120, 2.0 / 24, 0.03);
    EXPECT_EQ(120 + 4 + 12, params_learned_count(&a.ps));
}

TEST(Params, FilesHoldTorchvisionsLayout)
{
    Model       a;
    std::string path = temporary("layout.safetensors");
    a.ps.n_batches_tracked = 42;
    ASSERT_EQ(OK, params_save(&a.ps, path.c_str(), "q.", nullptr)) << status_text();
    SafeFile f = {};
    ASSERT_EQ(OK, safetensors_open(&f, path.c_str())) << status_text();
    const SafeTensor *s = safetensors_find(&f, "q.conv.weight");
    ASSERT_NE(nullptr, s);
    EXPECT_EQ((Dims{s->dim[0], s->dim[1], s->dim[2], s->dim[3]}), (Dims{4, 5, 3, 2}));
    const float *disk = (const float *)s->data, *memory = (const float *)a.conv->data;
    EXPECT_EQ(disk[((1 * 5 + 4) * 3 + 2) * 2 + 1], memory[((1 * 3 + 2) * 2 + 1) * 5 + 4]);
    const SafeTensor *n = safetensors_find(&f, "q.bn.num_batches_tracked");
    ASSERT_NE(nullptr, n);
    EXPECT_EQ(SAFE_I64, n->type);
    int64_t tracked;
    memcpy(&tracked, n->data, sizeof tracked);
    EXPECT_EQ(42, tracked);
    safetensors_close(&f);
    remove(path.c_str());
}

TEST(Params, LoadingGivesBackWhatWasSaved)
{
    Model       a, b(false, BF16, 99);
    std::string path = temporary("roundtrip.safetensors");
    ASSERT_EQ(OK, params_save(&a.ps, path.c_str(), "q.", nullptr));
    LoadOptions o = {"q.", nullptr, nullptr};
    LoadReport  report = {};
    ASSERT_EQ(OK, params_load(&b.ps, path.c_str(), &o, &report)) << status_text();
    EXPECT_EQ(4, report.n_loaded);
    EXPECT_EQ(a.read(a.conv), b.read(b.conv));
    EXPECT_EQ(bf16_from_f32(a.read(a.fc)[0]), *(const uint16_t *)b.fc->low->data);
    arena_release(&report.arena);
    remove(path.c_str());
}

TEST(Params, LoadingIsStrict)
{
    Model       a, b;
    std::string path = temporary("strict.safetensors");
    ASSERT_EQ(OK, params_save(&a.ps, path.c_str(), "", nullptr));
    LoadOptions wrong_prefix = {"model.", nullptr, nullptr};
    EXPECT_EQ(ERR_FORMAT, params_load(&b.ps, path.c_str(), &wrong_prefix, nullptr));
    ParamSet small;
    int64_t  c[4] = {4, 3, 2, 5}, wide[2] = {3, 5};
    params_init(&small, backend_cpu(), true);
    params_add(&small, {"conv.weight", PARAM_CONV, {INIT_ZERO, 0}, false, false}, 4, c);
    params_add(&small, {"extra.bias", PARAM_WEIGHT, {INIT_ONE, 0}, false, true}, 1, c);
    ASSERT_EQ(OK, params_commit(&small, F32, 1));
    EXPECT_EQ(ERR_FORMAT, params_load(&small, path.c_str(), nullptr, nullptr));
    EXPECT_NE(nullptr, strstr(status_text(), "extra.bias is missing"));
    const char *missing[] = {"extra.*", nullptr}, *unused[] = {"bn.*", "fc.*", nullptr};
    LoadOptions some = {nullptr, missing, nullptr}, all = {nullptr, missing, unused};
    EXPECT_EQ(ERR_FORMAT, params_load(&small, path.c_str(), &some, nullptr));
    EXPECT_NE(nullptr, strstr(status_text(), "no place for")) << status_text();
    LoadReport report = {};
    EXPECT_EQ(OK, params_load(&small, path.c_str(), &all, &report)) << status_text();
    EXPECT_EQ(1, report.n_missing);
    EXPECT_EQ(3, report.n_unused);
    arena_release(&report.arena);
    params_release(&small);
    params_init(&small, backend_cpu(), true);
    params_add(&small, {"fc.weight", PARAM_WEIGHT, {INIT_ZERO, 0}, false, false}, 2, wide);
    ASSERT_EQ(OK, params_commit(&small, F32, 1));
    EXPECT_EQ(ERR_FORMAT, params_load(&small, path.c_str(), nullptr, nullptr));
    EXPECT_NE(nullptr, strstr(status_text(), "shape (3,4), the model's has (3,5)"))
        << status_text();
    params_release(&small);
    ((float *)a.fc->data)[0] = NAN;
    ASSERT_EQ(OK, params_save(&a.ps, path.c_str(), "", nullptr));
    EXPECT_EQ(ERR_FORMAT, params_load(&b.ps, path.c_str(), nullptr, nullptr));
    EXPECT_NE(nullptr, strstr(status_text(), "not finite"));
    remove(path.c_str());
}

TEST(Params, RefusesTwoOfOneName)
{
    ParamSet ps;
    int64_t  d[1] = {1};
    params_init(&ps, backend_ref(), false);
    params_add(&ps, {"a", PARAM_WEIGHT, {INIT_ONE, 0}, false, false}, 1, d);
    params_add(&ps, {"a", PARAM_WEIGHT, {INIT_ONE, 0}, false, false}, 1, d);
    EXPECT_EQ(ERR_USAGE, params_commit(&ps, F32, 1));
    params_release(&ps);
}

TEST(Params, TheAverageMovesLearnedValuesOnly)
{
    Model k(true), q(false, F32, 6);
    ((float *)q.mean->data)[0] = 7;
    Floats before = k.read(k.conv), other = q.read(q.conv);
    ASSERT_EQ(OK, params_average(&k.ps, &q.ps, 0.75f));
    EXPECT_NEAR(k.read(k.conv)[3], 0.75f * before[3] + 0.25f * other[3], 1e-6);
    EXPECT_EQ(0, k.read(k.mean)[0]);
    ASSERT_EQ(OK, params_copy(&k.ps, &q.ps));
    EXPECT_EQ(k.read(k.conv), other);
    EXPECT_EQ(7, k.read(k.mean)[0]);
}

static void set_grads(Model &m, uint64_t key)
{
    for (Tensor *t : {m.conv, m.gamma, m.fc}) {
        Floats g = noise(tensor_count(t), key++);
        (void)tensor_beta(t->grad);
        memcpy(t->grad->data, g.data(), g.size() * sizeof(float));
    }
}

TEST(Sgd, StepsAsTorchDoes)
{
    for (const Backend *be : {backend_ref(), backend_cpu()}) {
        Model      m(false, BF16, 5, be);
        Floats     w = m.read(m.fc), gamma = m.read(m.gamma), v(12), vg(4);
        SgdOptions o = {0.9f, 1e-2f, 0.0f, 0};
        for (int step = 0; step < 3; step++) {
            params_clear_grads(&m.ps);
            set_grads(m, 10 * (uint64_t)step);
            ASSERT_EQ(OK, params_finish_grads(&m.ps));
            ASSERT_EQ(OK, sgd_step(&m.ps, &o, 0.1, step == 0)) << status_text();
            Floats g = noise(12, 10 * (uint64_t)step + 2), gg = noise(4, 10 * (uint64_t)step + 1);
            for (size_t i = 0; i < 12; i++) {
                v[i] = (step ? 0.9f * v[i] : 0.0f) + g[i] + 1e-2f * w[i];
                w[i] -= 0.1f * v[i];
            }
            for (size_t i = 0; i < 4; i++) { // norms without decay
                vg[i] = (step ? 0.9f * vg[i] : 0.0f) + gg[i];
                gamma[i] -= 0.1f * vg[i];
            }
        }
        expect_close(m.read(m.fc), w, 1e-6, "weights");
        expect_close(m.read(m.gamma), gamma, 1e-6, "norm");
        EXPECT_EQ(bf16_from_f32(m.read(m.fc)[5]), ((const uint16_t *)m.fc->low->data)[5]);
    }
}

TEST(Sgd, LeavesFrozenLayersAlone)
{
    Model m;
    m.conv->wants_grad = false;
    Floats before = m.read(m.conv), fc = m.read(m.fc);
    set_grads(m, 1);
    SgdOptions o = {0.9f, 1e-2f, 1e-2f, 0};
    ASSERT_EQ(OK, sgd_step(&m.ps, &o, 0.1, true));
    EXPECT_EQ(before, m.read(m.conv));
    EXPECT_NE(fc, m.read(m.fc));
}

TEST(Sgd, ClipsAndStaysPutWhenAGradientIsNotFinite)
{
    Model m;
    set_grads(m, 1);
    Floats     before = m.read(m.fc), g = noise(12, 3);
    SgdOptions o = {0.0f, 0.0f, 0.0f, 1.0f};
    ASSERT_EQ(OK, sgd_step(&m.ps, &o, 1.0, true));
    double norm = std::sqrt(*m.ps.squares);
    EXPECT_GT(norm, 5);
    EXPECT_NEAR(m.read(m.fc)[0], before[0] - g[0] / (float)norm, 1e-5);
    ((float *)m.fc->grad->data)[2] = INFINITY;
    before = m.read(m.conv);
    ASSERT_EQ(OK, sgd_step(&m.ps, &o, 1.0, false));
    EXPECT_FALSE(std::isfinite(*m.ps.squares));
    EXPECT_EQ(before, m.read(m.conv));
}

TEST(Schedule, StepsCosinesAndWarmsUp)
{
    int64_t  milestones[] = {120, 160};
    Schedule step = {SCHEDULE_STEP, 0.03, 0, milestones, 2, 0.1, 0, 0, 0};
    EXPECT_DOUBLE_EQ(0.03, schedule_lr(&step, 119, 1 << 20));
    EXPECT_DOUBLE_EQ(0.03 * 0.1, schedule_lr(&step, 120, 1 << 20));
    EXPECT_DOUBLE_EQ(0.03 * 0.1 * 0.1, schedule_lr(&step, 199, 1 << 20));
    Schedule cosine = {SCHEDULE_COSINE, 0.03, 200, nullptr, 0, 0, 0, 0, 0};
    EXPECT_DOUBLE_EQ(0.03, schedule_lr(&cosine, 0, 0));
    EXPECT_NEAR(0.015, schedule_lr(&cosine, 100, 0), 1e-15);
    Schedule wild = {SCHEDULE_EXPONENTIAL, 0.12, 0, nullptr, 0, 0.9, 62500, 0, 0};
    EXPECT_DOUBLE_EQ(0.12, schedule_lr(&wild, 62499, 62499));
    EXPECT_DOUBLE_EQ(0.12 * 0.9, schedule_lr(&wild, 62500, 62500));
    Schedule warm = {SCHEDULE_STEP, 0.02, 0, nullptr, 0, 0.1, 0, 100, 0.001};
    EXPECT_NEAR(0.02 * 0.001, schedule_lr(&warm, 0, 0), 1e-12);
    EXPECT_NEAR(0.02 * (0.001 * 0.5 + 0.5), schedule_lr(&warm, 50, 50), 1e-12);
    EXPECT_DOUBLE_EQ(0.02, schedule_lr(&warm, 100, 100));
}
