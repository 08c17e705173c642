/* The meter: every tensor once for each call, gradients twice where they are added to */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/backend_entries.h"
#include "kernels/meter.h"
}

#include <set>

class Meter : public ::testing::Test {
  protected:
    const Backend *be = meter(backend_ref());
    Bench          b{be};
    int64_t        last = meter_bytes();

    /* Since the last call. */
    int64_t counted()
    {
        int64_t now = meter_bytes(), n = now - last;
        last = now;
        return n;
    }
};

TEST_F(Meter, CountsAConvolutionsOperandsOnceADirection)
{
    Tensor   *x = b.tensor({1, 4, 4, 2}, noise(32, 1)), *w = b.tensor({3, 3, 3, 2}, noise(54, 2));
    ConvLayer l = {{1, 1, 1, 1}, w, nullptr};
    (void)counted();
    Tensor *y = tape_keep(conv2d(&b.t, &l, x));
    EXPECT_EQ(4 * (32 + 54 + 48), counted());
    Tensor *dy = tape_grad(&b.t, y);
    (void)tensor_beta(dy);
    ASSERT_EQ(OK, be->fill(dy, 1));
    EXPECT_EQ(4 * 48, counted());
    ASSERT_EQ(OK, b.t.last->backward(&b.t, b.t.last));
    EXPECT_EQ(4 * (48 + 32 + 54) + 4 * (48 + 54 + 32), counted()); // weights, then data
    ASSERT_EQ(OK, b.t.last->backward(&b.t, b.t.last));
    EXPECT_EQ(4 * (48 + 32 + 2 * 54) + 4 * (48 + 54 + 2 * 32), counted()); // added to what is there
}

/* Whichever way it runs: ref's parts and cpu's fused door count alike. */
TEST_F(Meter, CountsAFusedConvolutionAsItsParts)
{
    for (const Backend *one : {backend_ref(), backend_cpu()}) {
        Bench   on(meter(one));
        Tensor *x = on.tensor({2, 4, 4, 2}, noise(64, 1)),
               *w = on.tensor({3, 1, 1, 2}, noise(6, 2));
        Tensor *v[4];
        for (Tensor *&each : v)
            each = on.tensor({3}, {1, 1, 1});
        ConvBn l = {{{1, 0, 1, 1}, w, nullptr}, {norm_options(1), v[0], v[1], v[2], v[3], false}};
        (void)counted();
        (void)conv_bn_act(&on.t, &l, x, nullptr, true);
        ASSERT_EQ(OK, tape_status(&on.t)) << status_text();
        /* x, w, c; then c, y, mean, rstd, gamma, beta, and the running statistics read and written */
        EXPECT_EQ(4 * (64 + 6 + 96) + 4 * (96 + 96 + 4 * 3 + 4 * 3), counted()) << one->name;
    }
}

/* Of 256 sums in bfloat16 forward writes a bit each, and backward reads the bits in the place of the sums. */
TEST_F(Meter, CountsTheMaskOfASumInThePlaceOfTheSum)
{
    Build build = [](Bench &on, std::vector<Tensor *> &in) {
        Tensor *mean = on.tensor({8}, Floats(8, 0), false),
               *var = on.tensor({8}, Floats(8, 1), false);
        ConvBn l = {{{1, 0, 1, 1}, in[1], nullptr},
                    {norm_options(1), in[2], in[3], mean, var, false}};
        return conv_bn_act(&on.t, &l, in[0], in[4], true);
    };
    std::vector<Leaf> leaves = {{{2, 4, 4, 2}, noise(64, 1)},
                                {{8, 1, 1, 2}, noise(16, 2), true, true},
                                {{8}, Floats(8, 1), true, true},
                                {{8}, Floats(8, 0), true, true},
                                {{2, 4, 4, 8}, noise(256, 3)}};
    Backend           without = *backend_ref();
    int64_t           bytes[2];
    without.has_norm_masks = false;
    for (int i = 0; i < 2; i++) {
        (void)counted();
        EXPECT_EQ(OK, run_op(meter(i ? backend_ref() : &without), build, leaves, BF16).status);
        bytes[i] = counted();
    }
    EXPECT_EQ(256 * 2 - 2 * 256 / 8, bytes[0] - bytes[1]);
}

static Status norm_pool(Tensor *, Tensor *, Tensor *, Tensor *, Tensor *, Tensor *, Tensor *,
                        const Tensor *, const Tensor *, const Tensor *, const Norm *)
{
    return OK;
}

/* The map between batch norm and pooling is nobody's operand where one entry does both. */
TEST_F(Meter, CountsBatchNormThatPoolsWithoutTheMapBetween)
{
    const int64_t x = 2 * 8 * 8 * 2, w = 16, c = 2 * 8 * 8 * 8, y = c / 4, vectors = 8 * 8;
    Backend       fused = *backend_ref();
    fused.norm_pool_train_forward = norm_pool;
    Bench   on(meter(&fused));
    Tensor *in = on.tensor({2, 8, 8, 2}, noise(x, 1)),
           *weight = on.tensor({8, 1, 1, 2}, noise(w, 2));
    Tensor *v[4];
    for (Tensor *&each : v)
        each = on.tensor({8}, Floats(8, 1));
    ConvBn l = {{{1, 0, 1, 1}, weight, nullptr}, {norm_options(1), v[0], v[1], v[2], v[3], false}};
    Pool2d pool = {3, 2, 1};
    (void)counted();
    (void)conv_bn_relu_pool(&on.t, &l, &pool, in);
    ASSERT_EQ(OK, tape_status(&on.t)) << status_text();
    /* the convolution; c, y, the x that y comes from, mean, rstd, gamma, beta, running statistics twice; taps */
    EXPECT_EQ(4 * (x + w + c) + 4 * (c + 2 * y + vectors) + y, counted());
}

TEST_F(Meter, CountsTheOptimiserBySpansAndPutsItIntoTheProfile)
{
    Tensor *w = b.tensor({8}, Floats(8, 1.0f)), *v = b.tensor({8}, Floats(8, 0.0f)),
           *g = b.tensor({8}, Floats(8, 1.0f));
    float  *at[] = {(float *)w->data, (float *)v->data, (float *)g->data};
    double  squares = 0;
    Profile p = {};
    meter_profile(&p);
    b.t.profile = &p;
    profile_start(&b.t);
    (void)counted();
    EXPECT_EQ(OK, be->sum_squares(&squares, at[2], 8, true));
    EXPECT_EQ(32, counted());
    EXPECT_EQ(OK, be->clip(at[2], 8, &squares, 1));
    EXPECT_EQ(64, counted());
    EXPECT_EQ(OK, be->sgd(at[0], at[1], at[2], nullptr, 8, 0.1f, 0.9f, 0, true, &squares));
    EXPECT_EQ(8 * 16, counted()); // w there and back, v written, g
    EXPECT_EQ(OK, be->sgd(at[0], at[1], at[2], nullptr, 8, 0.1f, 0.9f, 0, false, &squares));
    EXPECT_EQ(8 * 20, counted());
    EXPECT_EQ(OK, be->ema(at[0], at[1], nullptr, 8, 0.9f));
    EXPECT_EQ(8 * 12, counted());
    meter_profile(nullptr);
    b.t.profile = nullptr;
    std::set<std::string> keys;
    int64_t               bytes = 0;
    for (int i = 0; i < p.n_rows; i++) {
        keys.insert(p.row[i].key);
        bytes += p.row[i].bytes;
    }
    EXPECT_EQ((std::set<std::string>{"sum_squares", "clip", "sgd", "ema"}), keys);
    EXPECT_EQ(32 + 64 + 8 * 16 + 8 * 20 + 8 * 12, bytes);
}

/* Box work and memory management pass through; everything else is counted. */
TEST_F(Meter, StandsBeforeEveryEntryThatMovesTensors)
{
    std::set<std::string> passed;
#define IS_COUNTED(entry)                                                                          \
    if (backend_ref()->entry && be->entry == backend_ref()->entry)                                 \
        passed.insert(#entry);
    BACKEND_ENTRIES(IS_COUNTED)
    for (const std::string &name : passed)
        EXPECT_TRUE(name == "alloc" || name == "free" || name == "sync" ||
                    name.rfind("box.", 0) == 0)
            << name;
}
