/* Convolutions, batch norm, pooling and SGD against PyTorch: values and script in tests/golden/kernels/nn.* */
#include "kernels/norm_share.h"
extern "C" {
#include <cjson/cJSON.h>
#include "kernels/params.h"
#include "kernels/optim/sgd.h"
}
#include <fstream>
#include <sstream>

class GoldenNn : public OpTest {
  protected:
    cJSON *all = nullptr;
    void   SetUp() override
    {
        std::ifstream     f(GODWIT_SOURCE_DIR "/tests/golden/kernels/nn.json");
        std::stringstream text;
        text << f.rdbuf();
        all = cJSON_Parse(text.str().c_str());
        ASSERT_NE(nullptr, all);
    }
    void TearDown() override
    {
        cJSON_Delete(all);
    }
};
ON_EVERY_BACKEND(GoldenNn);

static Floats numbers(const cJSON *o, const char *key)
{
    Floats       v;
    const cJSON *item;
    if (key)
        o = cJSON_GetObjectItem(o, key);
    cJSON_ArrayForEach(item, o) v.push_back((float)item->valuedouble);
    return v;
}

/* The script's stream(s, n). */
static Floats stream(int64_t s, int64_t n, float add = 0)
{
    Floats v((size_t)n);
    for (int64_t i = 0; i < n; i++)
        v[(size_t)i] = (float)((i * 37 + s * 101) % 64 - 32) / 16 + add;
    return v;
}

TEST_P(GoldenNn, ConvolutionsAgree)
{
    const cJSON *c;
    int          n = 0;
    cJSON_ArrayForEach(c, cJSON_GetObjectItem(all, "conv2d"))
    {
        Floats  f = numbers(c, "dims");
        Dims    d(f.begin(), f.end());
        Bench   b(GetParam());
        int64_t cg = d[3] / d[9];
        Tensor *x = b.tensor({d[0], d[1], d[2], d[3]}, stream(1, d[0] * d[1] * d[2] * d[3]));
        Tensor *w = b.tensor({d[4], d[5], d[5], cg}, stream(2, d[4] * d[5] * d[5] * cg)),
               *bias = b.tensor({d[4]}, stream(3, d[4]));
        ConvLayer l = {{d[6], d[7], d[8], d[9]}, w, bias};
        Tensor   *y = tape_keep(conv2d(&b.t, &l, x));
        expect_close(b.values(y), numbers(c, "y"), 1e-6, "y");
        ASSERT_EQ(OK, tape_backward(&b.t, b.dot(y, stream(4, tensor_count(y)))));
        expect_close(b.grad(x), numbers(c, "dx"), 1e-6, "dx");
        expect_close(b.grad(w), numbers(c, "dw"), 1e-6, "dw");
        expect_close(b.grad(bias), numbers(c, "db"), 1e-6, "db");
        n++;
    }
    EXPECT_EQ(4, n);
}

TEST_P(GoldenNn, BatchNormsAgree)
{
    const cJSON *c;
    int          n = 0;
    cJSON_ArrayForEach(c, cJSON_GetObjectItem(all, "batch_norm"))
    {
        bool    train = cJSON_IsTrue(cJSON_GetObjectItem(c, "train"));
        int64_t groups = cJSON_GetObjectItem(c, "groups")->valueint;
        Bench   b(GetParam());
        Tensor *x = b.tensor({4, 2, 3, 3}, stream(5, 72)), *gamma = b.tensor({3}, stream(6, 3, 3)),
               *beta = b.tensor({3}, stream(7, 3));
        Tensor *mean = b.tensor({3}, Floats(3, 0.25f), false),
               *var = b.tensor({3}, Floats(3, 1.5f), false);
        NormLayer l = {norm_options(groups), gamma, beta, mean, var, !train};
        Tensor   *y = tape_keep(batch_norm(&b.t, &l, x, nullptr, true));
        expect_close(b.values(y), numbers(c, "y"), 2e-6, "y");
        expect_close(b.values(mean), numbers(c, "mean"), 2e-6, "running mean");
        expect_close(b.values(var), numbers(c, "var"), 2e-6, "running variance");
        ASSERT_EQ(OK, tape_backward(&b.t, b.dot(y, stream(8, 72))));
        expect_close(b.grad(x), numbers(c, "dx"), 1e-5, "dx");
        expect_close(b.grad(gamma), numbers(c, "dgamma"), 1e-5, "dgamma");
        expect_close(b.grad(beta), numbers(c, "dbeta"), 1e-5, "dbeta");
        n++;
    }
    EXPECT_EQ(3, n);
}

/* Synchronised batch norm: two processes with two of the four images each. */
TEST_P(GoldenNn, HalvesThatShareStatisticsAgreeWithTheWholeBatch)
{
    const cJSON *c = cJSON_GetArrayItem(cJSON_GetObjectItem(all, "batch_norm"), 0);
    ASSERT_EQ(1, cJSON_GetObjectItem(c, "groups")->valueint);
    Floats          x = stream(5, 72), dy = stream(8, 72), y, dx, dgamma[2], dbeta[2], mean, var;
    PlayedProcesses two(GetParam(), 2);
    two.play([&](int i, const NormShare *share) {
        Bench   b(GetParam());
        Tensor *half = b.tensor({2, 2, 3, 3}, Floats(x.begin() + 36 * i, x.end() - 36 * (1 - i)));
        Tensor *gamma = b.tensor({3}, stream(6, 3, 3)), *beta = b.tensor({3}, stream(7, 3)),
               *m = b.tensor({3}, Floats(3, 0.25f), false),
               *v = b.tensor({3}, Floats(3, 1.5f), false);
        NormLayer l = {norm_options(1, share), gamma, beta, m, v, false};
        Tensor   *out = tape_keep(batch_norm(&b.t, &l, half, nullptr, true));
        Floats    weight(dy.begin() + 36 * i, dy.end() - 36 * (1 - i));
        ASSERT_EQ(OK, tape_backward(&b.t, b.dot(out, weight))) << status_text();
        Floats own_y = b.values(out), own_dx = b.grad(half);
        y.resize(36 * (size_t)i);
        dx.resize(36 * (size_t)i);
        y.insert(y.end(), own_y.begin(), own_y.end());
        dx.insert(dx.end(), own_dx.begin(), own_dx.end());
        dgamma[i] = b.grad(gamma);
        dbeta[i] = b.grad(beta);
        mean = b.values(m);
        var = b.values(v);
    });
    for (size_t k = 0; k < 3; k++) {
        dgamma[0][k] += dgamma[1][k];
        dbeta[0][k] += dbeta[1][k];
    }
    expect_close(y, numbers(c, "y"), 2e-6, "y");
    expect_close(mean, numbers(c, "mean"), 2e-6, "running mean");
    expect_close(var, numbers(c, "var"), 2e-6, "running variance");
    expect_close(dx, numbers(c, "dx"), 1e-5, "dx");
    expect_close(dgamma[0], numbers(c, "dgamma"), 1e-5, "dgamma");
    expect_close(dbeta[0], numbers(c, "dbeta"), 1e-5, "dbeta");
}

TEST_P(GoldenNn, MaxPoolAgrees)
{
    const cJSON *c = cJSON_GetObjectItem(all, "max_pool");
    Bench        b(GetParam());
    Tensor      *x = b.tensor({1, 5, 6, 2}, stream(14, 60));
    Pool2d       op = {3, 2, 1};
    Tensor      *y = tape_keep(max_pool(&b.t, &op, x));
    EXPECT_EQ(b.values(y), numbers(c, "y"));
    ASSERT_EQ(OK, tape_backward(&b.t, b.dot(y, stream(15, tensor_count(y)))));
    EXPECT_EQ(b.grad(x), numbers(c, "dx"));
}

TEST_P(GoldenNn, SgdStepsAgree)
{
    const cJSON *steps = cJSON_GetObjectItem(all, "sgd");
    ParamSet     ps;
    int64_t      six[1] = {6};
    params_init(&ps, GetParam(), false);
    Tensor *w = params_add(&ps, {"w", PARAM_WEIGHT, {INIT_ZERO, 0}, false, false}, 1, six);
    ASSERT_EQ(OK, params_commit(&ps, F32, 1));
    Floats start = stream(9, 6);
    ASSERT_EQ(OK, GetParam()->write(w->data, start.data(), 24));
    for (int s = 0; s < 4; s++) {
        Floats g = stream(10 + s, 6);
        ASSERT_EQ(OK, GetParam()->write(w->grad->data, g.data(), 24));
        (void)tensor_beta(w->grad);
        SgdOptions o = {0.9f, 0.01f, 0.01f, 0};
        ASSERT_EQ(OK, sgd_step(&ps, &o, s < 2 ? 0.1 : 0.01, s == 0));
        Floats now(6);
        ASSERT_EQ(OK, GetParam()->read(now.data(), w->data, 24));
        expect_close(now, numbers(cJSON_GetArrayItem(steps, s), nullptr), 1e-6, "step");
    }
    params_release(&ps);
}
