/* Sizes at which a GPU's kernels break: more work than one grid, parts that do not come out even, odd addresses */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/ops/losses.h"
}

static Build pool_of_two(bool is_max)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        Pool2d op = {2, 1, 1};
        return (is_max ? max_pool : avg_pool)(&b.t, &op, in[0]);
    };
}

TEST(NetworkKernels, PoolMoreLinesThanAGridHasBlocks)
{
    Dims d = {90, 5, 3, 5};
    for (bool is_max : {true, false})
        expect_matches_ref(pool_of_two(is_max), {{d, noise(count_of(d), 1)}}, 1e-6);
    Build mean = [](Bench &b, std::vector<Tensor *> &in) { return mean_hw(&b.t, in[0]); };
    expect_matches_ref(mean, {{{700, 1, 2, 5}, noise(7000, 2)}}, 1e-6);
}

static Build norm(int64_t groups)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        int64_t C = in[1]->dim[0];
        Tensor *mean = b.tensor({C}, Floats((size_t)C, 0.0f), false),
               *var = b.tensor({C}, Floats((size_t)C, 1.0f), false);
        NormLayer l = {norm_options(groups), in[1], in[2], mean, var, false};
        return batch_norm(&b.t, &l, in[0], in[3], true);
    };
}

static std::vector<Leaf> norm_leaves(Dims d)
{
    int64_t C = d.back();
    return {{d, noise(count_of(d), 1)},
            {{C}, noise(C, 2), true, true},
            {{C}, noise(C, 3), true, true},
            {d, noise(count_of(d), 4)}};
}

/* Sums of up to 70000 float32 numbers in parts of 137; 2e-4 of the largest. */
TEST(NetworkKernels, BatchNormOfMoreRowsThanPartsAndOfManyGroups)
{
    expect_matches_ref(norm(1), norm_leaves({35000, 2, 1, 4}), 2e-4);
    expect_matches_ref(norm(300), norm_leaves({600, 3, 5, 9}), 2e-4);
    expect_matches_ref(norm(3), norm_leaves({3, 23, 13, 72}), 2e-4);
    expect_matches_ref(norm(3), norm_leaves({3, 23, 13, 72}), 2e-2, BF16);
}

/* Whole rows, parts of a row, and channels that 16 bytes do not divide; a sum of one product is exact up to its rounding. */
TEST(NetworkKernels, BiasesReachEveryRowAtAnyNumberOfChannels)
{
    Build dense = [](Bench &b, std::vector<Tensor *> &in) {
        LinearLayer l = {in[1], in[2]};
        return linear(&b.t, &l, in[0]);
    };
    for (int64_t C : {1, 15, 60, 72, 264})
        for (int64_t N : {1, 999}) {
            std::vector<Leaf> l = {{{N, 1}, noise(N, 1)},
                                   {{C, 1}, noise(C, 2), true, true},
                                   {{C}, noise(C, 3), true, true}};
            SCOPED_TRACE("C " + std::to_string(C) + " N " + std::to_string(N));
            expect_matches_ref(dense, l, 1e-5);
            expect_matches_ref(dense, l, 1e-2, BF16);
        }
}

TEST(NetworkKernels, GatherAddsDuplicatesOfManyRows)
{
    const int64_t        R = 700, N = 90;
    std::vector<int32_t> rows;
    for (int64_t r = 0; r < R; r++)
        rows.push_back((int32_t)(r * r % (N - 1))); // the last row is never asked for
    Build pick = [=](Bench &b, std::vector<Tensor *> &in) {
        return gather(&b.t, in[0], b.ints({R}, rows));
    };
    for (int64_t C : {3, 300})
        expect_matches_ref(pick, {{{N, C}, noise(N * C, 1)}}, 1e-6);
    expect_matches_ref(pick, {{{N, 24}, noise(N * 24, 1)}}, 2e-2, BF16); // ref rounds every sum
}

/* A block of 1024 threads takes 4096 negatives at once where K is a multiple of 4, else 1024: less, as much, and the rest. */
TEST(NetworkKernels, InfoNceOfQueuesOfAnyLength)
{
    Build nce = [](Bench &b, std::vector<Tensor *> &in) {
        return info_nce(&b.t, nullptr, in[0], in[1], in[2], 0.2f);
    };
    struct {
        int64_t N, C, K;
    } sizes[] = {{70, 130, 1500}, {65, 1, 1024}, {1, 5, 1025}, {3, 128, 66000},
                 {67, 136, 20},   {2, 3, 8192},  {2, 4, 1},    {2, 4, 0}};
    for (auto s : sizes)
        expect_matches_ref(nce,
                           {{{s.N, s.C}, noise(s.N * s.C, 1, 0.1f)},
                            {{s.N, s.C}, noise(s.N * s.C, 2, 0.1f), false},
                            {{s.K, s.C}, noise(s.K * s.C, 3, 0.1f), false}},
                           2e-5);
}

static std::vector<int32_t> labels(int64_t n, int32_t most)
{
    std::vector<int32_t> l;
    for (int64_t i = 0; i < n; i++)
        l.push_back((int32_t)(i * 7 % (most + 1)) - 1);
    return l;
}

TEST(NetworkKernels, SoftmaxCrossEntropyTakesRowsOfAnyLength)
{
    for (int64_t K : {2, 21, 100, 1000})
        for (int64_t R : {1, 70}) {
            Build ce = [=](Bench &b, std::vector<Tensor *> &in) {
                return softmax_cross_entropy(&b.t, in[0], b.ints({R}, labels(R, (int32_t)K)), 0);
            };
            expect_matches_ref(ce, {{{R, K}, noise(R * K, 1, 3)}}, 2e-6);
        }
}

TEST(NetworkKernels, LossesOfMoreRowsThanOneGrid)
{
    Build ce = [](Bench &b, std::vector<Tensor *> &in) {
        return softmax_cross_entropy(&b.t, in[0], b.ints({700}, labels(700, 81)), 0);
    };
    Build bce = [](Bench &b, std::vector<Tensor *> &in) {
        return sigmoid_cross_entropy(&b.t, in[0], b.ints({70000}, labels(70000, 2)), 0);
    };
    Build l1 = [](Bench &b, std::vector<Tensor *> &in) {
        return box_regression(&b.t, in[0], in[1], b.ints({9000}, labels(9000, 3)), 0.1f, 0);
    };
    expect_matches_ref(ce, {{{700, 81}, noise(700 * 81, 1, 4)}}, 2e-6);
    expect_matches_ref(bce, {{{70000}, noise(70000, 2)}}, 2e-6);
    expect_matches_ref(l1, {{{9000, 8}, noise(72000, 3)}, {{9000, 4}, noise(36000, 4), false}},
                       2e-6);
}

TEST(NetworkKernels, WeightedSumOfMoreTermsThanOneLaunch)
{
    Bench                 b(device_under_test());
    std::vector<Tensor *> terms;
    Floats                weight;
    float                 want = 0;
    for (int i = 0; i < 40; i++) {
        terms.push_back(b.tensor({}, {(float)i}));
        weight.push_back((float)(i % 3));
        want += (float)(i * (i % 3));
    }
    Tensor sum = *terms[0];
    void  *memory = nullptr;
    ASSERT_EQ(OK, b.t.be->alloc(&memory, 4));
    sum.data = memory;
    ASSERT_EQ(OK, b.t.be->weighted_sum_forward(&sum, terms.data(), weight.data(), 40));
    EXPECT_EQ(want, b.values(&sum)[0]);
    b.t.be->free(memory);
}

/* The optimiser's entries over spans that begin anywhere, with ref's numbers to the last bit. */
class Spans : public ::testing::Test {
  protected:
    const Backend *gpu = device_under_test(), *ref = backend_ref();
    enum { N = 20011, BUFFERS = 3 };

    struct State {
        Floats                value[BUFFERS];
        std::vector<uint16_t> low = std::vector<uint16_t>(N, 0);
    };
    static State start()
    {
        State s;
        for (int i = 0; i < BUFFERS; i++)
            s.value[i] = noise(N, 50 + (uint64_t)i);
        return s;
    }
    using Step = std::function<Status(const Backend *, float *const *, uint16_t *, double *)>;

    /* Runs step on copies of the state in be's memory; squares start at 2. */
    static State run(const Backend *be, const Step &step, double *squares)
    {
        State  s = start();
        void  *at[BUFFERS], *low, *sum;
        float *f[BUFFERS];
        EXPECT_EQ(OK, be->alloc(&low, N * 2));
        EXPECT_EQ(OK, be->alloc(&sum, sizeof(double)));
        EXPECT_EQ(OK, be->write(low, s.low.data(), N * 2));
        EXPECT_EQ(OK, be->write(sum, squares, sizeof(double)));
        for (int i = 0; i < BUFFERS; i++) {
            EXPECT_EQ(OK, be->alloc(&at[i], N * 4));
            EXPECT_EQ(OK, be->write(at[i], s.value[i].data(), N * 4));
            f[i] = (float *)at[i];
        }
        EXPECT_EQ(OK, step(be, f, (uint16_t *)low, (double *)sum)) << status_text();
        for (int i = 0; i < BUFFERS; i++) {
            EXPECT_EQ(OK, be->read(s.value[i].data(), at[i], N * 4));
            be->free(at[i]);
        }
        EXPECT_EQ(OK, be->read(s.low.data(), low, N * 2));
        EXPECT_EQ(OK, be->read(squares, sum, sizeof(double)));
        be->free(low);
        be->free(sum);
        return s;
    }
    void expect_same(const Step &step, double squares = 2)
    {
        double want_squares = squares, got_squares = squares;
        State  want = run(ref, step, &want_squares), got = run(gpu, step, &got_squares);
        for (int i = 0; i < BUFFERS; i++)
            EXPECT_EQ(want.value[i], got.value[i]) << "buffer " << i;
        EXPECT_EQ(want.low, got.low);
        if (std::isfinite(want_squares))
            EXPECT_NEAR(want_squares, got_squares, 1e-12 * want_squares);
        else
            EXPECT_FALSE(std::isfinite(got_squares));
    }
};

TEST_F(Spans, SgdAndTheMovingAverageAreThoseOfRefToTheLastBit)
{
    struct {
        int64_t begin, n;
    } spans[] = {{0, N}, {0, 0}, {1, 7}, {3, 19001}, {8, 16}, {4, 9}};
    for (auto s : spans)
        for (bool is_first : {true, false}) {
            SCOPED_TRACE("begin " + std::to_string(s.begin) + " n " + std::to_string(s.n));
            expect_same([=](const Backend *be, float *const *f, uint16_t *low, double *squares) {
                return be->sgd(f[0] + s.begin, f[1] + s.begin, f[2] + s.begin, low + s.begin, s.n,
                               0.03f, 0.9f, 1e-2f, is_first, squares);
            });
            expect_same([=](const Backend *be, float *const *f, uint16_t *low, double *) {
                return be->ema(f[0] + s.begin, f[1] + s.begin, is_first ? low + s.begin : nullptr,
                               s.n, 0.999f);
            });
            expect_same([=](const Backend *be, float *const *f, uint16_t *, double *squares) {
                return be->clip(f[2] + s.begin, s.n, squares, 0.5f);
            });
            expect_same([=](const Backend *be, float *const *f, uint16_t *, double *squares) {
                return be->sum_squares(squares, f[2] + s.begin, s.n, is_first);
            });
        }
}

/* More numbers than all parts take in one go, and a rest; the order of a sum must not depend on where a span begins. */
TEST(NetworkKernels, SumsOfSquaresHaveTheSameBitsAtAnyAddress)
{
    const Backend *be = device_under_test();
    const int64_t  n = 528 * 2048 + 5003;
    Floats         x = noise(n, 1);
    void          *memory = nullptr, *squares = nullptr;
    double         want = 0, first = 0;
    for (float v : x)
        want += (double)v * (double)v;
    ASSERT_EQ(OK, be->alloc(&memory, (n + 4) * 4));
    ASSERT_EQ(OK, be->alloc(&squares, 8));
    for (int64_t shift : {0, 1, 2}) {
        float *at = (float *)memory + shift;
        double got = 0;
        ASSERT_EQ(OK, be->write(at, x.data(), n * 4));
        ASSERT_EQ(OK, be->sum_squares((double *)squares, at, n, true));
        ASSERT_EQ(OK, be->read(&got, squares, 8));
        first = shift == 0 ? got : first;
        EXPECT_EQ(first, got) << shift;
        EXPECT_NEAR(want, got, 1e-12 * want);
    }
    be->free(memory);
    be->free(squares);
}

TEST_F(Spans, NothingMovesWhenTheNormIsNotFinite)
{
    for (double squares : {(double)NAN, (double)INFINITY})
        expect_same(
            [=](const Backend *be, float *const *f, uint16_t *low, double *sum) {
                TRY(be->clip(f[2], N, sum, 0.5f));
                return be->sgd(f[0], f[1], f[2], low, N, 0.03f, 0.9f, 1e-2f, false, sum);
            },
            squares);
}
