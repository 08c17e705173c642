/* resnet: the family's shapes, names and counts (recipes.md 1.4), and its settings */
#include "pretrain/formula.h"
extern "C" {
#include "base/text.h"
#include "pretrain/resnet.h"
}

namespace {

struct Net {
    ParamSet ps;
    ResNet   net;
    Status   status;
    Net(ResNetConfig c, HeadKind head = HEAD_NONE, int64_t n_out = 0, const char *prefix = "")
    {
        params_init(&ps, backend_ref(), true);
        status = resnet_register(&net, &ps, &c, prefix, head, n_out);
    }
    ~Net()
    {
        params_release(&ps);
    }
    int64_t learned() const
    {
        int64_t n = 0;
        for (int i = 0; i < ps.n_params; i++)
            if (ps.param[i]->spec.kind != PARAM_BUFFER)
                n += tensor_count(&ps.param[i]->value);
        return n;
    }
    int tensors() const
    {
        int n = 0;
        for (int i = 0; i < ps.n_params; i++)
            n += ps.param[i]->spec.kind != PARAM_BUFFER;
        return n;
    }
};

ResNetConfig config(const char *arch)
{
    ResNetConfig c;
    EXPECT_EQ(OK, resnet_config(&c, arch)) << status_text();
    return c;
}

TEST(ResNet, CountsEveryParameterOfThePublishedNets)
{
    struct {
        const char *arch;
        int64_t     body, fc128, fc1000, mlp;
        int         tensors;
    } const rows[] = {
        {"resnet18", 11176512, 11242176, 11689512, 11504832, 60},
        {"resnet34", 21284672, 21350336, 21797672, 21612992, 108},
        {"resnet50", 23508032, 23770304, 25557032, 27966656, 159},
        {"resnet101", 42500160, 42762432, 44549160, 46958784, 312},
        {"resnext50_32x8d", 45972800, 46235072, 48021800, 50431424, 159},
        {"resnet50w2x", 93907072, 94431488, 98004072, 111212800, 159},
        {"resnet50w4x", 375378176, 376426880, 383571176, 443543936, 159},
    };
    for (const auto &r : rows) {
        EXPECT_EQ(r.body, Net(config(r.arch)).learned()) << r.arch;
        EXPECT_EQ(r.tensors, Net(config(r.arch)).tensors()) << r.arch;
        EXPECT_EQ(r.fc128, Net(config(r.arch), HEAD_LINEAR, 128).learned()) << r.arch;
        EXPECT_EQ(r.fc1000, Net(config(r.arch), HEAD_LINEAR, 1000).learned()) << r.arch;
        EXPECT_EQ(r.mlp, Net(config(r.arch), HEAD_MLP, 128).learned()) << r.arch;
    }
}

TEST(ResNet, HasTheCifarStemWhenAskedTo)
{
    ResNetConfig c = config("resnet18");
    c.has_small_stem = true;
    EXPECT_EQ(11168832, Net(c).learned());
    EXPECT_EQ(11234496, Net(c, HEAD_LINEAR, 128).learned());
}

TEST(ResNet, RegistersNamesInTorchvisionsOrder)
{
    Net                             n(config("resnet50"), HEAD_LINEAR, 1000, "body.");
    const std::vector<const char *> first = {
        "body.conv1.weight",       "body.bn1.weight",      "body.bn1.bias",
        "body.bn1.running_mean",   "body.bn1.running_var", "body.layer1.0.conv1.weight",
        "body.layer1.0.bn1.weight"};
    for (size_t i = 0; i < first.size(); i++)
        EXPECT_STREQ(first[i], n.ps.param[i]->spec.name);
    EXPECT_STREQ("body.fc.bias", n.ps.param[n.ps.n_params - 1]->spec.name);
    const Param *down = params_find(&n.ps, "body.layer1.0.downsample.0.weight");
    const Param *bn3 = params_find(&n.ps, "body.layer1.0.bn3.running_var");
    ASSERT_TRUE(down && bn3);
    EXPECT_EQ(256, down->value.dim[0]);
    EXPECT_EQ(64, down->value.dim[3]);
    EXPECT_EQ(nullptr, params_find(&n.ps, "body.layer1.1.downsample.0.weight"));
}

TEST(ResNet, ScalesEveryChannelByTheWidth)
{
    ResNetConfig c = config("resnet18");
    c.width = 0.25;
    EXPECT_EQ(16, resnet_channels(&c, 0));
    EXPECT_EQ(128, resnet_channels(&c, 4));
    EXPECT_EQ(OK, Net(c).status);
    c.width = 0.01;
    EXPECT_EQ(ERR_RECIPE, Net(c).status);
}

TEST(ResNet, StartsWithTheDeviationsOfTorchvision)
{
    Net n(config("resnet18"), HEAD_LINEAR, 10);
    ASSERT_EQ(OK, params_commit(&n.ps, F32, 3)) << status_text();
    Floats conv = device_values(n.ps.be, &params_find(&n.ps, "layer2.0.conv1.weight")->value);
    EXPECT_NEAR(std::sqrt(2.0 / (128 * 9)), rms(conv), 0.01 * std::sqrt(2.0 / (128 * 9)));
    for (float x : device_values(n.ps.be, &params_find(&n.ps, "fc.weight")->value))
        EXPECT_LE(std::fabs(x), 1 / std::sqrt(512.0f));
    EXPECT_EQ(Floats(64, 1.0f), device_values(n.ps.be, &params_find(&n.ps, "bn1.weight")->value));
}

TEST(ResNet, NamesTheNearestArchitectureForAnUnknownOne)
{
    ResNetConfig c;
    EXPECT_EQ(ERR_RECIPE, resnet_config(&c, "resnext50"));
    EXPECT_NE(nullptr, std::strstr(status_text(), "resnext50_32x8d"));
}

/* Forward shapes on a narrow net, plain loops. */
struct Forward : Net {
    Tape t;
    Forward(ResNetConfig c, int64_t h, int64_t w, Tensor **x) : Net(c)
    {
        EXPECT_EQ(OK, params_commit(&ps, F32, 0));
        EXPECT_EQ(OK, tape_init(&t, backend_ref(), F32));
        tape_reset(&t, 0);
        Floats  v = formula_images("images", 1, 64);
        int64_t dim[4] = {1, h, w, 3};
        *x = tape_tensor(&t, F32, 4, dim);
        EXPECT_EQ(OK, ps.be->write((*x)->data, v.data(), tensor_bytes(*x)));
    }
    ~Forward()
    {
        tape_release(&t);
    }
};

ResNetConfig narrow(const char *arch)
{
    ResNetConfig c = config(arch);
    c.width = 0.125;
    return c;
}

void expect_map(const Tensor *x, int64_t h, int64_t w, int64_t c)
{
    ASSERT_EQ(4, x->ndim);
    EXPECT_EQ(h, x->dim[1]);
    EXPECT_EQ(w, x->dim[2]);
    EXPECT_EQ(c, x->dim[3]);
}

TEST(ResNet, GivesFourMapsAtStrides4To32)
{
    Tensor *x;
    Forward f(narrow("resnet50"), 40, 60, &x);
    Stages  s = resnet_stages(&f.t, &f.net, x);
    ASSERT_EQ(OK, tape_status(&f.t)) << status_text();
    expect_map(s.c2, 10, 15, 32);
    expect_map(s.c3, 5, 8, 64);
    expect_map(s.c4, 3, 4, 128);
    expect_map(s.c5, 2, 2, 256);
}

TEST(ResNet, KeepsStride16InADilatedLastStage)
{
    ResNetConfig c = narrow("resnet50");
    c.is_dilated = true;
    Tensor *x;
    Forward f(c, 64, 64, &x);
    Stages  s = resnet_stages(&f.t, &f.net, x);
    ASSERT_EQ(OK, tape_status(&f.t)) << status_text();
    expect_map(s.c4, 4, 4, 128);
    expect_map(s.c5, 4, 4, 256);
    for (int b = 0; b < 3; b++) {
        EXPECT_EQ(2, f.net.stage[3][b].conv[1].conv.op.dilation);
        EXPECT_EQ(1, f.net.stage[3][b].conv[1].conv.op.stride);
    }
    EXPECT_EQ(1, f.net.stage[3][0].proj.conv.op.stride);
}

TEST(ResNet, RunsStemToC4AndC5ApartWithTheSameResult)
{
    Tensor *x;
    Forward f(narrow("resnet18"), 64, 64, &x);
    tape_keep(x);
    Floats  whole = device_values(f.ps.be, resnet_stages(&f.t, &f.net, x).c5);
    Tensor *y = resnet_stem(&f.t, &f.net, x);
    for (int s = 1; s <= 3; s++)
        y = resnet_stage(&f.t, &f.net, s, y);
    EXPECT_EQ(whole, device_values(f.ps.be, resnet_stage(&f.t, &f.net, 4, y)));
}

TEST(ResNet, PutsTheStrideWhereTheConfigSays)
{
    ResNetConfig c = config("resnet50");
    Net          torchvision(c);
    c.has_stride_in_1x1 = true;
    Net msra(c);
    EXPECT_EQ(1, torchvision.net.stage[1][0].conv[0].conv.op.stride);
    EXPECT_EQ(2, torchvision.net.stage[1][0].conv[1].conv.op.stride);
    EXPECT_EQ(2, msra.net.stage[1][0].conv[0].conv.op.stride);
    EXPECT_EQ(1, msra.net.stage[1][0].conv[1].conv.op.stride);
}

TEST(ResNet, PrintsATableThatEndsInTheTotal)
{
    Net  n(config("resnet50"), HEAD_MLP, 128);
    Text out = {};
    resnet_table(&out, &n.net, 224, 224);
    EXPECT_NE(nullptr, std::strstr(text_cstr(&out), "27966656")) << text_cstr(&out);
    EXPECT_NE(nullptr, std::strstr(text_cstr(&out), "7x7x2048")) << text_cstr(&out);
    text_release(&out);
}

} // namespace
