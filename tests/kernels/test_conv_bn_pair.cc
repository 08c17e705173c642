/* conv_bn_pair: the end of a residual block with a projected shortcut, against its parts and finite differences */
#include "kernels/op_test.h"

/* Of a bottleneck's last convolution (1x1) and its shortcut (1x1, strided). */
struct PairCase {
    int64_t N, H, stride, inner, in, C, groups;
    DType   dtype = F32;
    int     flags = TAPE_RECORD | TAPE_TRAIN;
    bool    relu = true;
};

static int64_t side(const PairCase &c)
{
    return (c.H + c.stride - 1) / c.stride;
}

static std::vector<Leaf> leaves(const PairCase &c)
{
    int64_t P = side(c);
    return {{{c.N, P, P, c.inner}, noise(c.N * P * P * c.inner, 1)},
            {{c.C, 1, 1, c.inner}, noise(c.C * c.inner, 2, 0.3f), true, true},
            {{c.C}, noise(c.C, 3), true, true},
            {{c.C}, noise(c.C, 4), true, true},
            {{c.N, c.H, c.H, c.in}, noise(c.N * c.H * c.H * c.in, 5)},
            {{c.C, 1, 1, c.in}, noise(c.C * c.in, 6, 0.3f), true, true},
            {{c.C}, noise(c.C, 7), true, true},
            {{c.C}, noise(c.C, 8), true, true}};
}

struct Layers {
    ConvBn  a, b;
    Tensor *running[4];
};

static Layers layers_of(Bench &b, const std::vector<Tensor *> &in, const PairCase &c)
{
    Layers l = {};
    for (int i = 0; i < 4; i++)
        l.running[i] = b.tensor({c.C}, Floats((size_t)c.C, (float)(1 + i)), false);
    Norm norm = norm_options(c.groups);
    l.a = {{{1, 0, 1, 1}, in[1], nullptr}, {norm, in[2], in[3], l.running[0], l.running[1], false}};
    l.b = {{{c.stride, 0, 1, 1}, in[5], nullptr},
           {norm, in[6], in[7], l.running[2], l.running[3], false}};
    return l;
}

/* y, gradients, then the running statistics; by conv_bn_pair or by two conv_bn_act. */
static std::vector<Floats> all_of(const Backend *be, const PairCase &c, bool is_one)
{
    std::vector<Floats> running;
    Build               build = [&](Bench &b, std::vector<Tensor *> &in) {
        Layers  l = layers_of(b, in, c);
        Tensor *y = is_one ? conv_bn_pair(&b.t, &l.a, in[0], &l.b, in[4], c.relu)
                                         : conv_bn_act(&b.t, &l.a, in[0],
                                                       conv_bn_act(&b.t, &l.b, in[4], nullptr, false), c.relu);
        EXPECT_EQ(OK, tape_status(&b.t)) << status_text();
        for (Tensor *r : l.running)
            running.push_back(b.values(r));
        return y;
    };
    Outcome o = run_op(be, build, leaves(c), c.dtype, c.flags);
    EXPECT_EQ(OK, o.status) << o.text;
    std::vector<Floats> all = {o.y};
    all.insert(all.end(), o.grads.begin(), o.grads.end());
    all.insert(all.end(), running.begin(), running.end());
    return all;
}

static void expect_close_all(const std::vector<Floats> &have, const std::vector<Floats> &want,
                             double tolerance)
{
    ASSERT_EQ(want.size(), have.size());
    for (size_t i = 0; i < want.size(); i++)
        expect_close(have[i], want[i], tolerance, "tensor " + std::to_string(i));
}

static const int TRAIN = TAPE_RECORD | TAPE_TRAIN;

/* Shapes of real models and odd ones: a block's first stage and a strided one, channels that fill no vector, one place. */
static std::vector<PairCase> cases(DType dtype)
{
    std::vector<PairCase> all;
    for (int flags : {TRAIN, (int)TAPE_TRAIN}) // not recorded: in place
        for (bool relu : {true, false})
            for (PairCase c : {PairCase{2, 28, 1, 16, 32, 256, 1},
                               PairCase{4, 14, 2, 24, 16, 88, 2}, PairCase{4, 15, 2, 3, 2, 5, 4},
                               PairCase{8, 1, 1, 8, 8, 16, 1}, PairCase{3, 7, 1, 8, 8, 264, 3}}) {
                c.dtype = dtype;
                c.flags = flags;
                c.relu = relu;
                all.push_back(c);
            }
    return all;
}

static std::string name_of(const PairCase &c)
{
    return "N " + std::to_string(c.N) + " H " + std::to_string(c.H) + " C " + std::to_string(c.C) +
           " groups " + std::to_string(c.groups) + (c.relu ? " relu" : "") +
           (c.flags == TRAIN ? "" : " not recorded");
}

class ConvBnPairOp : public OpTest {};
ON_EVERY_BACKEND(ConvBnPairOp);

TEST_P(ConvBnPairOp, EqualsItsParts)
{
    for (const PairCase &c : cases(F32)) {
        SCOPED_TRACE(name_of(c));
        expect_close_all(all_of(GetParam(), c, true), all_of(GetParam(), c, false), 2e-5);
    }
}

/* The shortcut is not rounded on its way: values may differ by half a step of bfloat16, 1/512, of the larger of the two
 * terms, and one near 0 may fall on the other side of the ReLU. Against ref in f32 on the same rounded operands, means of
 * distances are what can be told. */
TEST_P(ConvBnPairOp, IsNoFurtherFromTheTruthThanItsPartsInBf16)
{
    for (const PairCase &c : cases(BF16)) {
        SCOPED_TRACE(name_of(c));
        PairCase wide = c;
        wide.dtype = F32;
        std::vector<Floats> truth = all_of(backend_ref(), wide, false),
                            one = all_of(GetParam(), c, true), parts = all_of(GetParam(), c, false);
        ASSERT_EQ(truth.size(), one.size());
        for (size_t i = 0; i < truth.size(); i++) {
            double off[2] = {0, 0}, size = 0;
            for (size_t k = 0; k < truth[i].size(); k++) {
                off[0] += std::abs(one[i][k] - truth[i][k]);
                off[1] += std::abs(parts[i][k] - truth[i][k]);
                size += std::abs(truth[i][k]);
            }
            EXPECT_LE(off[0], 1.1 * off[1] + 2e-3 * size) << "tensor " << i;
            EXPECT_LE(off[0], 0.03 * size + 1e-6) << "tensor " << i;
        }
    }
}

TEST_P(ConvBnPairOp, GradientAgreesWithFiniteDifferences)
{
    PairCase c = {4, 5, 2, 3, 2, 4, 2, F32, TRAIN, true};
    auto     l = leaves(c);
    l[3].values.assign(4, 4.0f); // far from the ReLU's corner
    l[7].values.assign(4, 4.0f);
    expect_gradient(
        [&](Bench &b, std::vector<Tensor *> &in) {
            Layers layers = layers_of(b, in, c);
            return conv_bn_pair(&b.t, &layers.a, in[0], &layers.b, in[4], true);
        },
        l, 2e-2, 1e-2f, GetParam());
}

/* Layers whose shortcut is frozen, or that count their images, go by their parts: the same bits. */
TEST_P(ConvBnPairOp, RunsPartsWhereTheTwoDiffer)
{
    PairCase c = {4, 6, 2, 8, 8, 16, 1, F32, TRAIN, true};
    for (int how : {0, 1, 2}) {
        Floats y[2];
        for (bool is_one : {false, true}) {
            Bench                 b(GetParam());
            std::vector<Tensor *> in;
            for (const Leaf &l : leaves(c))
                in.push_back(b.tensor(l.dims, l.values));
            Layers l = layers_of(b, in, c);
            l.b.norm.is_frozen = how == 0;
            l.b.norm.op.eps = how == 1 ? 1e-3f : 1e-5f;
            b.t.count = how == 2 ? b.ints({1}, {3}) : nullptr;
            Tensor *out = is_one
                              ? conv_bn_pair(&b.t, &l.a, in[0], &l.b, in[4], true)
                              : conv_bn_act(&b.t, &l.a, in[0],
                                            conv_bn_act(&b.t, &l.b, in[4], nullptr, false), true);
            y[is_one] = b.values(out);
        }
        ASSERT_EQ(y[0].size(), y[1].size());
        EXPECT_EQ(0, memcmp(y[0].data(), y[1].data(), y[0].size() * sizeof(float))) << how;
    }
}

TEST_P(ConvBnPairOp, RefusesShapesThatDoNotMeet)
{
    PairCase              c = {4, 6, 2, 8, 8, 16, 1, F32, TRAIN, true};
    Bench                 b(GetParam());
    std::vector<Tensor *> in;
    for (const Leaf &l : leaves(c))
        in.push_back(b.tensor(l.dims, l.values));
    Layers l = layers_of(b, in, c);
    l.b.conv.op.stride = 1;
    (void)conv_bn_pair(&b.t, &l.a, in[0], &l.b, in[4], true);
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
    EXPECT_STREQ("batch_norm: residual (4,6,6,16) of f32 cannot be added to (4,3,3,16) of f32",
                 status_text());
}
