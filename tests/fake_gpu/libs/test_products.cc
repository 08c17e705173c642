/* Products of matrices by cuBLASLt (lib_cublas.c) */
#include "fake_gpu/libs/conv_case.h"
#include "fake_gpu/libs/tf32.h"

class Products : public OnFakeLibs {
  protected:
    /* a (m,k) or (k,m), b (k,n) or (n,k), c (m,n); each so many bytes behind where an allocation begins. */
    struct Case {
        FreshDevice &d;
        Product      p;
        OnDevice     a, b, c;
        Case(FreshDevice &on, const Product &product, int64_t offset = 0)
            : Case(on, product, offset, offset, offset)
        {
        }
        Case(FreshDevice &on, const Product &product, int64_t of_a, int64_t of_b, int64_t of_c)
            : d(on), p(product), a(d.be, p.in, p.is_a_transposed ? Dims{p.k, p.m} : Dims{p.m, p.k},
                                   noise(p.m * p.k, 1), of_a),
              b(d.be, p.in, p.is_b_transposed ? Dims{p.n, p.k} : Dims{p.k, p.n},
                noise(p.n * p.k, 2), of_b),
              c(d.be, p.out, {p.m, p.n}, noise(p.m * p.n, 3), of_c)
        {
        }
        Status run()
        {
            return d.fake->product("product", c.t.data, a.t.data, b.t.data, &p);
        }
        Floats want(float (*as)(float) = nullptr)
        {
            Floats va = a.values(), vb = b.values(), vc = c.values();
            auto   at = [=](const Floats &v, int64_t i) {
                return (double)(as ? as(v[(size_t)i]) : v[(size_t)i]);
            };
            for (int64_t i = 0; i < p.m; i++)
                for (int64_t j = 0; j < p.n; j++) {
                    double sum = 0;
                    for (int64_t l = 0; l < p.k; l++)
                        sum += at(va, p.is_a_transposed ? l * p.m + i : i * p.k + l) *
                               at(vb, p.is_b_transposed ? j * p.k + l : l * p.n + j);
                    float &v = vc[(size_t)(i * p.n + j)];
                    v = (float)((double)p.alpha * sum +
                                (p.beta == 0 ? 0 : (double)p.beta * (double)v));
                }
            return vc;
        }
        /* bf16's last place is 1/256 of a number after rounding. */
        void expect_right()
        {
            Floats must = want();
            ASSERT_EQ(OK, run()) << status_text();
            expect_close(c.values(), must, p.out == BF16 ? 4e-3 : 1e-6, "product");
        }
    };
};

TEST_F(Products, OfEveryFormTypeAndFactorAreRight)
{
    FreshDevice d;
    for (bool ta : {false, true})
        for (bool tb : {false, true})
            for (auto types : {std::make_pair(F32, F32), {BF16, F32}, {BF16, BF16}})
                for (float alpha : {1.0f, -0.75f})
                    for (float beta : {0.0f, 1.0f, 0.5f})
                        for (const Dims &s : {Dims{1, 1, 1}, {3, 5, 7}, {8, 4, 16}, {1, 9, 2}}) {
                            SCOPED_TRACE(testing::Message()
                                         << ta << tb << dtype_name(types.first)
                                         << dtype_name(types.second) << " " << alpha << " " << beta
                                         << " " << s[0] << "x" << s[1] << "x" << s[2]);
                            Case c(d, {s[0], s[1], s[2], ta, tb, types.first, types.second, alpha,
                                       beta});
                            c.expect_right();
                        }
}

TEST_F(Products, AnOverwrittenOutputIsNotRead)
{
    FreshDevice d;
    Case        c(d, {3, 5, 7, false, true, F32, F32, 1, 0});
    Floats      nan(15, NAN), want = c.want();
    ASSERT_EQ(OK, d.be->write(c.c.t.data, nan.data(), 60));
    ASSERT_EQ(OK, c.run());
    expect_close(c.c.values(), want, 1e-6, "product");
}

/* The addresses of rows that begin anywhere. */
TEST_F(Products, OfOddAddressesAreRight)
{
    FreshDevice d;
    for (DType in : {F32, BF16})
        for (int64_t offset : {0, 2, 4, 8, 16, 64, 128}) {
            if (in == F32 && offset == 2)
                continue;
            Product p = {4, 6, 8, false, true, in, in, 1, 1};
            Case    all(d, p, offset), a(d, p, offset, 0, 0), b(d, p, 0, offset, 0),
                c(d, p, 0, 0, offset);
            all.expect_right();
            a.expect_right();
            b.expect_right();
            c.expect_right();
        }
}

TEST_F(Products, AnAlgorithmServesTheAlignmentThatItWasChosenFor)
{
    FreshDevice d;
    Product     p = {4, 6, 8, false, true, BF16, BF16, 1, 0};
    Case        aligned(d, p), again(d, p), odd(d, p, 2);
    aligned.expect_right();
    again.expect_right();
    odd.expect_right();
    again.expect_right();
    const auto &run = d.fake->products;
    ASSERT_EQ(4u, run.size());
    EXPECT_EQ(run[0].algorithm, run[1].algorithm);
    EXPECT_NE(run[0].algorithm, run[2].algorithm);
    EXPECT_EQ(run[0].algorithm, run[3].algorithm);
    EXPECT_EQ((int64_t)256 << 20, run[0].workspace);
}

TEST_F(Products, ThatAddHaveAnAlgorithmOfTheirOwnAndAllFactorsOne)
{
    FreshDevice d;
    Product     p = {4, 6, 8, false, true, F32, F32, 1, 0};
    Case        c(d, p);
    for (float beta : {0.0f, 1.0f, 2.0f})
        for (float alpha : {1.0f, 3.0f}) {
            c.p.alpha = alpha;
            c.p.beta = beta;
            c.expect_right();
            EXPECT_EQ(alpha, d.fake->products.back().alpha);
            EXPECT_EQ(beta, d.fake->products.back().beta);
        }
    std::vector<int> algorithm;
    for (const FakeProduct &run : d.fake->products)
        algorithm.push_back(run.algorithm);
    EXPECT_EQ(std::vector<int>({1, 1, 2, 2, 2, 2}), algorithm);
}

/* More than the table has room for at first. */
TEST_F(Products, OfManyShapesAreAllRemembered)
{
    FreshDevice d;
    for (int round = 0; round < 2; round++)
        for (int64_t n = 1; n <= 150; n++) {
            Case c(d, {2, n, 3, false, false, F32, F32, 1, 0});
            c.expect_right();
        }
    EXPECT_EQ(150, d.fake->products.back().algorithm);
    EXPECT_EQ(150 * 4, d.fake->n_live_lt);
}

TEST_F(Products, Tf32RoundsOperandsOfF32Only)
{
    FreshDevice d;
    Case        f32(d, {4, 6, 8, false, false, F32, F32, 1, 0});
    Case        bf16(d, {4, 6, 8, false, false, BF16, F32, 1, 0});
    Floats      full = f32.want(), rounded = f32.want(round_to_tf32);
    EXPECT_NE(full, rounded);
    for (bool is_on : {false, true, false}) {
        d.fake->use_tf32(is_on);
        ASSERT_EQ(OK, f32.run()) << status_text();
        expect_close(f32.c.values(), is_on ? rounded : full, 1e-6, "f32");
        EXPECT_EQ(is_on, d.fake->products.back().rounds);
        bf16.expect_right();
        EXPECT_FALSE(d.fake->products.back().rounds);
    }
}

/* Seen to be so in each run of one process. */
TEST_F(Products, OfF32AreRoundedInBf16RunsUnlessTheEnvironmentDecides)
{
    FreshDevice d;
    Case        f32(d, {4, 6, 8, false, false, F32, F32, 1, 0});
    Floats      full = f32.want(), rounded = f32.want(round_to_tf32);
    struct {
        const char *environment;
        DType       run;
        bool        rounds;
    } all[] = {{nullptr, F32, false}, {nullptr, BF16, true}, {nullptr, F32, false},
               {"", BF16, true},      {"0", BF16, false},    {"1", F32, true},
               {"1", BF16, true},     {"0", F32, false}};
    for (auto a : all) {
        SCOPED_TRACE(testing::Message()
                     << (a.environment ? a.environment : "none") << " " << dtype_name(a.run));
        if (a.environment)
            setenv("GODWIT_TF32", a.environment, 1);
        ASSERT_EQ(OK, d.open(a.run)) << status_text();
        ASSERT_EQ(OK, f32.run()) << status_text();
        expect_close(f32.c.values(), a.rounds ? rounded : full, 1e-6, "f32");
        EXPECT_EQ(a.rounds, d.fake->products.back().rounds);
    }
}

TEST_F(Products, WithoutAnAlgorithmTheOpIsUnsupportedAndNamed)
{
    for (bool is_named : {false, true}) { // as a success that names one of which nothing is known
        FreshDevice d;
        Case        c(d, {4, 6, 8, false, false, F32, F32, 1, 0});
        d.fake->has_no_product = !is_named;
        d.fake->product_is_invalid = is_named;
        EXPECT_EQ(ERR_UNSUPPORTED, c.run());
        EXPECT_EQ(0u, std::string(status_text()).find("product: cuBLASLt")) << status_text();
        EXPECT_EQ(0, d.fake->n_live_lt);
        d.fake->has_no_product = d.fake->product_is_invalid = false;
        c.expect_right();
    }
}

TEST_F(Products, RangesOfAProfilerBearTheOpsName)
{
    FreshDevice d;
    Case        c(d, {4, 6, 8, false, false, F32, F32, 1, 0});
    c.expect_right();
    EXPECT_EQ("product", d.fake->ranges.back());
    ConvCase conv(d, {2, 5, 4, 4, 6, 3});
    d.fake->offer = offer({cannot_run(takes(1)), takes(1)}); // a failure ends its range too
    conv.expect_right(CONV_DATA);
    EXPECT_EQ("conv2d data gradient", d.fake->ranges.back());
}
