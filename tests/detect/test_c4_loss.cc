/* Faster R-CNN C4: one loss with its gradients against PyTorch, and pictures with nothing on them */
#include "detect/detect_test.h"
#include "device_under_test.h"
#include <cjson/cJSON.h>
#include <cmath>
extern "C" {
#include "detect/faster_rcnn_c4.h"
}

namespace {

using Floats = std::vector<float>;

/* (Co,kh,kw,Ci) in memory against PyTorch's (Co,Ci,kh,kw): element i of PyTorch's order. */
int64_t memory_index(const Param *p, int64_t i)
{
    if (p->spec.kind != PARAM_CONV)
        return i;
    const int64_t *d = p->value.dim, taps = d[1] * d[2], ci = d[3];
    return (i / (taps * ci) * taps + i % taps) * ci + i / taps % ci;
}

struct Net {
    DetectConfig   config;
    const Backend *be;
    ParamSet       ps;
    FasterRcnnC4   m;
    Tape           t;

    Net(const Backend *backend, std::vector<const char *> extra = {}) : be(backend)
    {
        std::vector<const char *> o = {"model.arch=resnet18", "model.width=0.125",
                                       "rpn.sizes=[32]",      "rpn.batch=1000",
                                       "rpn.post_train=20",   "roi.batch=16",
                                       "roi.pool=7",          "roi.samples=2",
                                       "data.batch=2",        "solver.images_per_group=0"};
        o.insert(o.end(), extra.begin(), extra.end());
        RecipeSource source = {nullptr, nullptr, 0, o.data(), (int)o.size()};
        EXPECT_EQ(OK, detect_config_load(&config, &source)) << status_text();
        params_init(&ps, be, false);
        EXPECT_EQ(OK, faster_rcnn_c4_register(&m, &ps, &config, 3)) << status_text();
        EXPECT_EQ(OK, params_commit(&ps, F32, 1)) << status_text();
        EXPECT_EQ(OK, tape_init(&t, be, F32));
        tape_reset(&t, TAPE_RECORD | TAPE_TRAIN);
        params_clear_grads(&ps);
    }
    ~Net()
    {
        tape_release(&t);
        params_release(&ps);
        detect_config_release(&config);
    }
    Tensor *input(DType type, std::vector<int64_t> dim, const void *data)
    {
        return tape_keep(tape_input(&t, type, (int)dim.size(), dim.data(), data));
    }
    int32_t count(const Tensor *x)
    {
        int32_t n = -1;
        EXPECT_EQ(OK, be->read(&n, x->data, 4));
        return n;
    }
    /* The script's weights. */
    void fill()
    {
        int place = 0;
        for (int k = 0; k < ps.n_params; k++) {
            Param *p = ps.param[k];
            if (p->spec.kind == PARAM_BUFFER)
                continue;
            int64_t n = tensor_count(&p->value), fan = 1;
            for (int i = 1; i < p->value.ndim; i++)
                fan *= p->value.dim[i];
            bool   is_gain = p->value.ndim == 1 && !p->spec.is_bias;
            double scale = p->value.ndim == 4   ? std::sqrt(2.0 / (double)fan)
                           : p->value.ndim == 2 ? 0.2
                                                : 0.1;
            Floats v((size_t)n);
            is_gain =
                p->value.ndim == 1 && std::string(p->spec.name).find("bias") == std::string::npos;
            for (int64_t i = 0; i < n; i++)
                v[(size_t)memory_index(p, i)] =
                    (float)(scale * std::sin(0.37 * (double)i + 1.3 * place)) +
                    (is_gain ? 1.0f : 0.0f);
            EXPECT_EQ(OK, be->write(p->value.data, v.data(), n * 4));
            place++;
        }
    }
};

class C4Loss : public ::testing::TestWithParam<const Backend *> {};
INSTANTIATE_TEST_SUITE_P(On, C4Loss, ::testing::ValuesIn(backends_under_test()),
                         [](const auto &which) { return std::string(which.param->name); });

TEST_P(C4Loss, AgreesWithPyTorchFromFixedProposalsAndSamples)
{
    Net         n(GetParam());
    std::string text = bytes_of(GODWIT_SOURCE_DIR "/tests/golden/detect/c4_loss.json");
    cJSON      *golden = cJSON_Parse(text.c_str());
    ASSERT_NE(nullptr, golden);
    n.fill();
    n.m.head.targets.keeps_all = true;

    Floats pixels(2 * 64 * 80 * 3);
    for (size_t i = 0; i < pixels.size(); i++)
        pixels[i] = i >= 64 * 80 * 3 && i / 3 % 80 >= 70
                        ? 0
                        : (float)std::sin(0.11 * std::pow((double)i, 1.01));
    Floats  size = {80, 64, 70, 64}, gt = {4, 6, 40, 36, 30, 20, 70, 60, 10, 8, 30, 50};
    int32_t label[] = {0, 2, 1}, start[] = {0, 2, 3}, count[] = {4, 4};
    Floats  props = {2,  4, 38, 40, 28, 24, 72, 62, 0, 0,  20, 20, 50, 2, 78, 30,
                     12, 6, 32, 46, 40, 10, 66, 60, 5, 30, 60, 62, 0,  0, 70, 64};
    Floats  score(8, 1);

    Proposals   given = {n.input(F32, {2, 4, 4}, props.data()), n.input(F32, {2, 4}, score.data()),
                         n.input(I32, {2}, count)};
    DetectInput in = {};
    in.N = 2;
    in.images = n.input(F32, {2, 64, 80, 3}, pixels.data());
    in.size = n.input(F32, {2, 2}, size.data());
    in.gt = {n.input(F32, {3, 4}, gt.data()), n.input(I32, {3}, label), n.input(I32, {3}, start)};
    in.given = &given;

    LossTerms terms;
    Tensor   *loss = faster_rcnn_c4_loss(&n.t, &n.m, &in, &terms);
    ASSERT_EQ(OK, tape_status(&n.t)) << status_text();
    const cJSON  *want = cJSON_GetObjectItem(golden, "terms");
    const Tensor *got[] = {terms.rpn_class, terms.rpn_box, terms.roi_class, terms.roi_box, loss};
    for (int i = 0; i < 5; i++) {
        float  v;
        double expected = cJSON_GetArrayItem(want, i)->valuedouble;
        ASSERT_EQ(OK, tape_read(&n.t, &v, got[i]));
        /* float32 sums through 14 batch norms against double; measured 4e-5 on cpu, 1e-5 on ref */
        EXPECT_NEAR(expected, (double)v, 1e-4 * std::max(1.0, expected)) << "term " << i;
    }
    EXPECT_EQ(cJSON_GetArrayItem(cJSON_GetObjectItem(golden, "counts"), 1)->valueint,
              n.count(terms.n_regions));

    ASSERT_EQ(OK, tape_backward(&n.t, loss)) << status_text();
    int          n_checked = 0;
    const cJSON *g;
    cJSON_ArrayForEach(g, cJSON_GetObjectItem(golden, "gradients"))
    {
        Param *p = params_find(&n.ps, g->string);
        ASSERT_NE(nullptr, p) << g->string;
        Floats v((size_t)tensor_count(&p->value));
        ASSERT_EQ(OK, n.be->read(v.data(), p->grad.data, (int64_t)v.size() * 4));
        double       norm = cJSON_GetObjectItem(g, "norm")->valuedouble;
        int          step = cJSON_GetObjectItem(g, "step")->valueint, i = 0;
        const cJSON *item;
        /* float32 through 14 batch norms against double: a thousandth of the whole gradient */
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(g, "some")) EXPECT_NEAR(
            item->valuedouble, (double)v[(size_t)memory_index(p, step * i++)], 1e-3 * norm)
            << g->string;
        n_checked++;
    }
    EXPECT_GE(n_checked, 15);
    cJSON_Delete(golden);
}

TEST_P(C4Loss, PicturesWithoutObjectsGiveAFiniteLossWithoutBoxTerms)
{
    Net         n(GetParam());
    Floats      pixels(2 * 64 * 64 * 3, 0.5f), size = {64, 64, 64, 60};
    int32_t     start[] = {0, 0, 0};
    DetectInput in = {};
    in.N = 2;
    in.images = n.input(F32, {2, 64, 64, 3}, pixels.data());
    in.size = n.input(F32, {2, 2}, size.data());
    in.gt = {n.input(F32, {0, 4}, nullptr), n.input(I32, {0}, nullptr), n.input(I32, {3}, start)};
    LossTerms terms;
    Tensor   *loss = faster_rcnn_c4_loss(&n.t, &n.m, &in, &terms);
    ASSERT_EQ(OK, tape_status(&n.t)) << status_text();
    float v[3];
    ASSERT_EQ(OK, tape_read(&n.t, v, terms.rpn_box));
    ASSERT_EQ(OK, tape_read(&n.t, v + 1, terms.roi_box));
    ASSERT_EQ(OK, tape_read(&n.t, v + 2, loss));
    EXPECT_EQ(0, v[0]);
    EXPECT_EQ(0, v[1]);
    EXPECT_TRUE(std::isfinite(v[2]) && v[2] > 0);
    EXPECT_EQ(OK, tape_backward(&n.t, loss)) << status_text();
}

TEST_P(C4Loss, NoRegionsAtAllGiveALossToo)
{
    Net         n(GetParam());
    Floats      pixels(64 * 64 * 3, 0.5f), size = {64, 64}, none(16, 0);
    int32_t     start[] = {0, 0}, count[] = {0};
    Proposals   given = {n.input(F32, {1, 4, 4}, none.data()), n.input(F32, {1, 4}, none.data()),
                         n.input(I32, {1}, count)};
    DetectInput in = {};
    in.N = 1;
    in.images = n.input(F32, {1, 64, 64, 3}, pixels.data());
    in.size = n.input(F32, {1, 2}, size.data());
    in.gt = {n.input(F32, {0, 4}, nullptr), n.input(I32, {0}, nullptr), n.input(I32, {2}, start)};
    in.given = &given;
    LossTerms terms;
    Tensor   *loss = faster_rcnn_c4_loss(&n.t, &n.m, &in, &terms);
    ASSERT_EQ(OK, tape_status(&n.t)) << status_text();
    EXPECT_EQ(0, n.count(terms.n_regions));
    EXPECT_EQ(OK, tape_backward(&n.t, loss)) << status_text();
    float v;
    ASSERT_EQ(OK, tape_read(&n.t, &v, loss));
    EXPECT_TRUE(std::isfinite(v));
    for (int k = 0; k < n.ps.n_params; k++) { // running statistics must not be poisoned by nothing
        Param *p = n.ps.param[k];
        if (p->spec.kind != PARAM_BUFFER)
            continue;
        Floats s((size_t)tensor_count(&p->value));
        ASSERT_EQ(OK, n.be->read(s.data(), p->value.data, (int64_t)s.size() * 4));
        for (float x : s)
            ASSERT_TRUE(std::isfinite(x)) << p->spec.name;
    }
}

} // namespace
