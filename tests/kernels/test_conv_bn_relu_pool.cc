/* conv_bn_relu_pool: ResNet's stem, in one piece where the backend has entries for it, against its parts */
#include "kernels/op_test.h"

static const Pool2d POOL = {3, 2, 1};

/* Leaves: x, weight, gamma, beta. */
static Build stem(Conv2d conv, int64_t groups, Pool2d pool = POOL, bool is_frozen = false)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        int64_t C = in[1]->dim[0];
        Tensor *mean = b.tensor({C}, Floats((size_t)C, 0.5f), false),
               *var = b.tensor({C}, Floats((size_t)C, 1.0f), false);
        ConvBn l = {{conv, in[1], nullptr},
                    {norm_options(groups), in[2], in[3], mean, var, is_frozen}};
        return conv_bn_relu_pool(&b.t, &l, &pool, in[0]);
    };
}

static std::vector<Leaf> leaves(Dims x, int64_t C, int64_t k)
{
    int64_t ci = x[3];
    return {{x, noise(count_of(x), 1)},
            {{C, k, k, ci}, noise(C * k * k * ci, 2, 0.3f), true, true},
            {{C}, noise(C, 3), true, true},
            {{C}, noise(C, 4), true, true}};
}

class ConvBnReluPoolOp : public OpTest {};
ON_EVERY_BACKEND(ConvBnReluPoolOp);

TEST_P(ConvBnReluPoolOp, GradientAgreesWithFiniteDifferences)
{
    auto l = leaves({4, 4, 3, 2}, 2, 3);
    l[3].values.assign(
        2, 4.0f); // far from the ReLU's corner; no two taps of the 32 windows are as near as a step
    expect_gradient(stem({1, 1, 1, 1}, 2), l, 2e-2, 1e-3f, GetParam());
}

TEST_P(ConvBnReluPoolOp, RefusesWhatItsPartsRefuse)
{
    auto status = [&](const Build &build, Dims x, int64_t C, int64_t k) {
        return run_op(GetParam(), build, leaves(x, C, k)).status;
    };
    EXPECT_EQ(ERR_SHAPE, status(stem({1, 0, 1, 1}, 1), {1, 2, 2, 3}, 4, 3));
    EXPECT_EQ(ERR_SHAPE, status(stem({1, 1, 1, 1}, 2), {3, 4, 4, 3}, 4, 3));
    EXPECT_EQ(ERR_SHAPE, status(stem({1, 0, 1, 1}, 1), {1, 1, 1, 3}, 4, 1)); // no variance
}

/* Lines and columns even, odd, one and two, more lines than a thread goes down, channels of every width, groups. */
TEST(ConvBnReluPool, AgreesWithRef)
{
    struct Case {
        Dims    x;
        int64_t C, k;
        Conv2d  conv;
        int64_t groups;
    };
    const Case cases[] = {
        {{2, 30, 44, 3}, 64, 7, {2, 3, 1, 1}, 1}, {{4, 13, 6, 8}, 8, 3, {1, 1, 1, 1}, 2},
        {{2, 8, 7, 3}, 5, 3, {1, 1, 1, 1}, 1},    {{3, 37, 1, 4}, 16, 1, {1, 0, 1, 1}, 3},
        {{2, 1, 2, 8}, 72, 1, {1, 0, 1, 1}, 1},   {{2, 2, 35, 8}, 264, 1, {1, 0, 1, 1}, 1},
        {{6, 1, 1, 8}, 12, 1, {1, 0, 1, 1}, 2},   {{0, 6, 6, 3}, 8, 3, {1, 1, 1, 1}, 1}};
    for (const Case &c : cases)
        for (int flags : {TAPE_RECORD | TAPE_TRAIN, (int)TAPE_TRAIN}) {
            SCOPED_TRACE(testing::Message() << c.x[0] << "," << c.x[1] << "," << c.x[2] << " C "
                                            << c.C << " groups " << c.groups << " flags " << flags);
            auto l = leaves(c.x, c.C, c.k);
            expect_matches_ref(stem(c.conv, c.groups), l, 2e-4, F32, flags);
            if (!(flags & TAPE_RECORD)) // a value that rounds to its neighbour moves a gradient
                expect_matches_ref(stem(c.conv, c.groups), l, 1e-2, BF16, flags);
        }
}

/* What is not of batch statistics or not of 3x3 by 2 runs in parts. */
TEST(ConvBnReluPool, AgreesWithRefWhereItRunsInParts)
{
    auto l = leaves({4, 9, 8, 3}, 16, 3);
    expect_matches_ref(stem({1, 1, 1, 1}, 1, {2, 2, 0}), l, 2e-4);
    expect_matches_ref(stem({1, 1, 1, 1}, 1, POOL, true), l, 2e-4);
    expect_matches_ref(stem({1, 1, 1, 1}, 1), l, 2e-4, F32, TAPE_RECORD);
}

static std::vector<const Backend *> backends_with_the_entries()
{
    std::vector<const Backend *> with;
    for (const Backend *be : backends_under_test())
        if (be->norm_pool_train_forward)
            with.push_back(be);
    return with;
}

/* Either door of one backend, on a map c that is the input of a 1x1 convolution with weights of 0 and 1. */
class StemInOnePiece : public OpTest {
  protected:
    struct Seen {
        Floats y, mean, var, dx, dw, dgamma, dbeta;
    };

    static Backend in_parts(const Backend *be)
    {
        Backend parts = *be;
        parts.norm_pool_train_forward = nullptr;
        parts.norm_pool_train_backward = nullptr;
        return parts;
    }

    static Seen run(const Backend *be, Dims d, const Floats &x, const Floats &gamma,
                    const Floats &beta, int64_t groups, DType dtype)
    {
        int64_t C = d[3];
        Floats  eye((size_t)(C * C), 0.0f);
        for (int64_t c = 0; c < C; c++)
            eye[(size_t)(c * C + c)] = 1.0f;
        Bench   b(be, TAPE_RECORD | TAPE_TRAIN, dtype);
        Tensor *in = b.tensor(d, x, true, dtype), *w = b.tensor({C, 1, 1, C}, eye),
               *g = b.tensor({C}, gamma), *s = b.tensor({C}, beta),
               *mean = b.tensor({C}, Floats((size_t)C, 0.5f), false),
               *var = b.tensor({C}, Floats((size_t)C, 1.0f), false);
        if (dtype == BF16)
            w->low = b.tensor({C, 1, 1, C}, eye, false, BF16);
        ConvBn  l = {{{1, 0, 1, 1}, w, nullptr}, {norm_options(groups), g, s, mean, var, false}};
        Tensor *y = tape_keep(conv_bn_relu_pool(&b.t, &l, &POOL, in));
        EXPECT_EQ(OK, tape_status(&b.t)) << status_text();
        Seen seen = {b.values(y), b.values(mean), b.values(var), {}, {}, {}, {}};
        EXPECT_EQ(OK, tape_backward(&b.t, b.dot(y, noise(tensor_count(y), 999)))) << status_text();
        seen.dx = b.grad(in);
        seen.dw = b.grad(w);
        seen.dgamma = b.grad(g);
        seen.dbeta = b.grad(s);
        return seen;
    }

    /* Few values, so that windows hold equals; many of them where the ReLU makes zeros. */
    static Floats few(int64_t n, int n_kinds)
    {
        Rng    r = rng_at(7, RNG_TEST, (uint64_t)n_kinds, 0);
        Floats x((size_t)n);
        for (float &v : x)
            v = (float)rng_below(&r, (uint64_t)n_kinds) - 0.5f;
        return x;
    }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StemInOnePiece);
INSTANTIATE_TEST_SUITE_P(On, StemInOnePiece, ::testing::ValuesIn(backends_with_the_entries()),
                         backend_name);

/* y and statistics have the parts' bits. Gradients differ where sums are taken in another order: 1e-5 of the largest, and in
 * bfloat16, where the parts round d before they add it up, as much as a neighbour of dx is apart. */
TEST_P(StemInOnePiece, EqualsItsParts)
{
    Backend parts = in_parts(GetParam());
    for (Dims d : {Dims{2, 19, 12, 64}, Dims{4, 6, 5, 8}, Dims{2, 7, 9, 5}, Dims{2, 1, 33, 16}})
        for (DType dtype : {F32, BF16})
            for (int64_t groups : {1, 2})
                for (int n_kinds : {0, 2, 4}) {
                    SCOPED_TRACE(testing::Message()
                                 << dtype_name(dtype) << " " << d[1] << "x" << d[2] << " C " << d[3]
                                 << " groups " << groups << " kinds " << n_kinds);
                    int64_t n = count_of(d), C = d[3];
                    Floats  x = n_kinds ? few(n, n_kinds) : noise(n, 1), gamma = noise(C, 2),
                           beta = noise(C, 3);
                    gamma[0] = 0.0f; // one value everywhere
                    beta[1] = -9.0f; // zeros everywhere
                    Seen a = run(GetParam(), d, x, gamma, beta, groups, dtype),
                         b = run(&parts, d, x, gamma, beta, groups, dtype);
                    EXPECT_EQ(a.y, b.y);
                    EXPECT_EQ(a.mean, b.mean);
                    EXPECT_EQ(a.var, b.var);
                    double tol = dtype == F32 ? 1e-5 : 1e-2;
                    expect_close(a.dx, b.dx, tol, "dx");
                    expect_close(a.dw, b.dw, tol, "dw");
                    expect_close(a.dgamma, b.dgamma, tol, "dgamma");
                    expect_close(a.dbeta, b.dbeta, tol, "dbeta");
                }
}

/* What is broken stays broken, and in its channel. */
TEST_P(StemInOnePiece, LetsNanThrough)
{
    Dims d = {2, 5, 6, 8};
    for (DType dtype : {F32, BF16}) {
        Floats gamma(8, 1.0f);
        gamma[3] = NAN;
        Seen a = run(GetParam(), d, noise(count_of(d), 1), gamma, Floats(8, 0), 1, dtype);
        for (size_t i = 0; i < a.y.size(); i++)
            EXPECT_EQ(i % 8 == 3, std::isnan(a.y[i])) << i;
        EXPECT_TRUE(std::isnan(a.dx[3]));
    }
}

static int64_t peak_of(const Backend *be, bool is_recording)
{
    Bench                 b(be, TAPE_TRAIN | (is_recording ? TAPE_RECORD : 0));
    auto                  l = leaves({2, 16, 16, 3}, 16, 3);
    Build                 build = stem({1, 1, 1, 1}, 1);
    std::vector<Tensor *> in;
    for (const Leaf &leaf : l)
        in.push_back(b.tensor(leaf.dims, leaf.values, leaf.is_param));
    int64_t before = tape_pool_bytes(&b.t);
    Tensor *y = tape_keep(build(b, in));
    if (is_recording) {
        EXPECT_EQ(OK, tape_backward(&b.t, b.dot(y, noise(tensor_count(y), 9))));
    }
    return tape_peak_bytes(&b.t) - before;
}

/* Of 2x16x16x16 numbers the parts hold the convolution's output, the map behind the ReLU and its gradient. */
TEST_P(StemInOnePiece, HoldsOneLargeMapInThePlaceOfThree)
{
    Backend       parts = in_parts(GetParam());
    const int64_t map = 2 * 16 * 16 * 16 * 4;
    EXPECT_GE(peak_of(&parts, true) - peak_of(GetParam(), true),
              2 * map - map / 2);                         // x of the largest, and their taps
    EXPECT_LE(peak_of(GetParam(), false), map + map / 2); // and y
}
