/* conv_bn_act: the bottleneck's building block, against its parts and finite differences */
#include "kernels/op_test.h"

static Build block(Conv2d conv, int64_t groups, bool relu, bool residual)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        int64_t C = in[1]->dim[0];
        Tensor *mean = b.tensor({C}, Floats((size_t)C, 0.0f), false),
               *var = b.tensor({C}, Floats((size_t)C, 1.0f), false);
        ConvBn l = {{conv, in[1], nullptr},
                    {{1e-5f, 0.1f, groups, false, nullptr}, in[2], in[3], mean, var, false}};
        return conv_bn_act(&b.t, &l, in[0], residual ? in[4] : nullptr, relu);
    };
}

static std::vector<Leaf> leaves(int64_t N, int64_t H, int64_t ci, int64_t co, int64_t k,
                                int64_t out)
{
    return {{{N, H, H, ci}, noise(N * H * H * ci, 1)},
            {{co, k, k, ci}, noise(co * k * k * ci, 2, 0.3f), true, true},
            {{co}, noise(co, 3), true, true},
            {{co}, noise(co, 4), true, true},
            {{N, out, out, co}, noise(N * out * out * co, 5)}};
}

TEST(ConvBnAct, GradientAgreesWithFiniteDifferences)
{
    auto l = leaves(4, 5, 3, 4, 3, 3);
    l[3].values.assign(4, 4.0f); // far from the ReLU's corner
    expect_gradient(block({2, 1, 1, 1}, 2, true, true), l, 2e-2);
}

TEST(ConvBnAct, EqualsItsParts)
{
    for (const Backend *be : {backend_ref(), backend_cpu()}) {
        auto  l = leaves(4, 6, 8, 16, 3, 6);
        Build parts = [](Bench &b, std::vector<Tensor *> &in) {
            Tensor *mean = b.tensor({16}, Floats(16, 0.0f), false),
                   *var = b.tensor({16}, Floats(16, 1.0f), false);
            ConvLayer c = {{1, 1, 1, 1}, in[1], nullptr};
            NormLayer n = {{1e-5f, 0.1f, 1, false, nullptr}, in[2], in[3], mean, var, false};
            return relu(
                &b.t,
                add(&b.t, batch_norm(&b.t, &n, conv2d(&b.t, &c, in[0]), nullptr, false), in[4]));
        };
        Outcome a = run_op(be, block({1, 1, 1, 1}, 1, true, true), l), b = run_op(be, parts, l);
        ASSERT_EQ(OK, a.status) << a.text;
        ASSERT_EQ(OK, b.status) << b.text;
        expect_close(a.y, b.y, 1e-5, "output");
        for (size_t i = 0; i < a.grads.size(); i++)
            expect_close(a.grads[i], b.grads[i], 1e-4, "gradient");
    }
}
