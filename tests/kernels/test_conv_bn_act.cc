/* conv_bn_act: the bottleneck's building block, against its parts and finite differences */
#include "kernels/op_test.h"

static Build block(Conv2d conv, int64_t groups, bool relu, bool residual)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        int64_t C = in[1]->dim[0];
        Tensor *mean = b.tensor({C}, Floats((size_t)C, 0.0f), false),
               *var = b.tensor({C}, Floats((size_t)C, 1.0f), false);
        ConvBn l = {{conv, in[1], nullptr}, {norm_options(groups), in[2], in[3], mean, var, false}};
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

class ConvBnActOp : public OpTest {};
ON_EVERY_BACKEND(ConvBnActOp);

TEST_P(ConvBnActOp, GradientAgreesWithFiniteDifferences)
{
    auto l = leaves(4, 5, 3, 4, 3, 3);
    l[3].values.assign(4, 4.0f); // far from the ReLU's corner
    expect_gradient(block({2, 1, 1, 1}, 2, true, true), l, 2e-2, 1e-2f, GetParam());
}

TEST(ConvBnAct, EqualsItsParts)
{
    for (const Backend *be : {backend_ref(), backend_cpu()}) {
        auto  l = leaves(4, 6, 8, 16, 3, 6);
        Build parts = [](Bench &b, std::vector<Tensor *> &in) {
            Tensor *mean = b.tensor({16}, Floats(16, 0.0f), false),
                   *var = b.tensor({16}, Floats(16, 1.0f), false);
            ConvLayer c = {{1, 1, 1, 1}, in[1], nullptr};
            NormLayer n = {norm_options(1), in[2], in[3], mean, var, false};
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

/* Shapes of real models and odd ones: channels that fill no vector, groups of images of 49 places, channel groups,
 * dilation. ref runs its parts; a backend's own fused entry must leave the same map and the same statistics. */
TEST(ConvBnAct, LeavesRefsStatisticsOnModelShapes)
{
    struct Case {
        int64_t N, H, ci, co, k;
        Conv2d  conv;
        int64_t groups;
    };
    const Case cases[] = {{2, 56, 64, 64, 3, {1, 1, 1, 1}, 1}, {2, 56, 64, 256, 1, {1, 0, 1, 1}, 2},
                          {8, 7, 40, 88, 1, {1, 0, 1, 1}, 4},  {4, 14, 32, 32, 3, {1, 1, 1, 8}, 2},
                          {2, 28, 16, 16, 3, {2, 1, 1, 1}, 1}, {1, 17, 3, 5, 7, {2, 3, 1, 1}, 1},
                          {2, 9, 24, 48, 3, {1, 2, 2, 1}, 2},  {4, 1, 8, 8, 1, {1, 0, 1, 1}, 1}};
    for (const Case &c : cases)
        for (DType dtype : {F32, BF16})
            for (int flags :
                 {TAPE_RECORD | TAPE_TRAIN, (int)TAPE_TRAIN}) { // not recorded: in place
                SCOPED_TRACE(testing::Message()
                             << "N " << c.N << " H " << c.H << " " << c.ci << "->" << c.co
                             << " kernel " << c.k << " groups " << c.groups << " flags " << flags);
                std::vector<Floats> seen[2];
                int                 i = 0;
                for (const Backend *be : {backend_ref(), device_under_test()}) {
                    Bench   b(be, flags, dtype);
                    Tensor *x = b.tensor({c.N, c.H, c.H, c.ci}, noise(c.N * c.H * c.H * c.ci, 1),
                                         true, dtype);
                    Dims    dims = {c.co, c.k, c.k, c.ci / c.conv.groups};
                    Floats  weights = noise(count_of(dims), 2, 0.3f);
                    Tensor *w = b.tensor(dims, weights);
                    if (dtype == BF16)
                        w->low = b.tensor(dims, weights, false, BF16);
                    Tensor *gamma = b.tensor({c.co}, noise(c.co, 3)),
                           *beta = b.tensor({c.co}, noise(c.co, 4)),
                           *mean = b.tensor({c.co}, Floats((size_t)c.co, 3.0f), false),
                           *var = b.tensor({c.co}, Floats((size_t)c.co, 2.0f), false);
                    ConvBn  l = {{c.conv, w, nullptr},
                                 {norm_options(c.groups), gamma, beta, mean, var, false}};
                    Tensor *y = tape_keep(conv_bn_act(&b.t, &l, x, nullptr, true));
                    ASSERT_EQ(OK, tape_status(&b.t)) << status_text();
                    seen[i++] = {b.values(y), b.values(mean), b.values(var)};
                }
                /* bf16 maps may round to a neighbour, 1/128 apart, where f32 sums differ in their last bits */
                expect_close(seen[1][0], seen[0][0], dtype == BF16 ? 1e-2 : 2e-5, "output");
                expect_close(seen[1][1], seen[0][1], dtype == BF16 ? 1e-3 : 1e-6, "running mean");
                expect_close(seen[1][2], seen[0][2], dtype == BF16 ? 1e-3 : 1e-6,
                             "running variance");
            }
}
