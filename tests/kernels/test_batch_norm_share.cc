/* Batch norm whose statistics several processes take together: each of them computes its part of the whole batch */
#include "kernels/norm_share.h"

class SharedNorm : public OpTest {};
ON_EVERY_BACKEND(SharedNorm);

/* What one process sees of its images. */
struct Seen {
    Floats              y, mean, var;
    std::vector<Floats> grads; // of the leaves
};

using SharedBuild = std::function<Tensor *(Bench &, std::vector<Tensor *> &, const NormShare *,
                                           Tensor *mean, Tensor *var)>;

/* in: x, gamma, beta, residual. */
static SharedBuild norm(int64_t groups = 1, int32_t count = -1)
{
    return [=](Bench &b, std::vector<Tensor *> &in, const NormShare *share, Tensor *mean,
               Tensor *var) {
        NormLayer l = {norm_options(groups, share), in[1], in[2], mean, var, false};
        b.t.count = count >= 0 ? b.ints({1}, {count}) : nullptr;
        Tensor *y = batch_norm(&b.t, &l, in[0], in[3], true);
        b.t.count = nullptr;
        return y;
    };
}

/* in: x, gamma, beta, residual, weight of a 3 x 3 convolution in front. */
static SharedBuild conv_norm()
{
    return
        [](Bench &b, std::vector<Tensor *> &in, const NormShare *share, Tensor *mean, Tensor *var) {
            ConvBn l = {{{1, 1, 1, 1}, in[4], nullptr},
                        {norm_options(1, share), in[1], in[2], mean, var, false}};
            return conv_bn_act(&b.t, &l, in[0], in[3], true);
        };
}

static std::vector<Leaf> leaves(const Dims &d, bool has_conv = false)
{
    int64_t           C = d.back();
    std::vector<Leaf> l = {{d, noise(count_of(d), 1)},
                           {{C}, noise(C, 2), true, true},
                           {{C}, noise(C, 3), true, true},
                           {d, noise(count_of(d), 4)}};
    if (has_conv)
        l.push_back({{C, 3, 3, C}, noise(9 * C * C, 5, 0.2f), true, true});
    return l;
}

/* Images first .. end-1 of numbers that belong to N images. */
static Floats cut(const Floats &v, int64_t N, int64_t first, int64_t end)
{
    int64_t image = (int64_t)v.size() / N;
    return Floats(v.begin() + first * image, v.begin() + end * image);
}

static Seen step(const Backend *be, const SharedBuild &build, const std::vector<Leaf> &whole,
                 int64_t first, int64_t end, const NormShare *share, DType dtype)
{
    Bench                 b(be, TAPE_RECORD | TAPE_TRAIN, dtype);
    std::vector<Tensor *> in;
    int64_t               N = whole[0].dims[0], C = whole[1].dims[0];
    for (Leaf l : whole) {
        if (!l.is_param) {
            l.dims[0] = end - first;
            l.values = cut(l.values, N, first, end);
        }
        in.push_back(b.tensor(l.dims, l.values, true, l.is_param ? F32 : dtype));
        if (l.is_param && dtype == BF16)
            in.back()->low = b.tensor(l.dims, l.values, false, BF16);
    }
    Tensor *mean = b.tensor({C}, Floats((size_t)C, 0.3f), false),
           *var = b.tensor({C}, Floats((size_t)C, 2.0f), false);
    Tensor *y = tape_keep(build(b, in, share, mean, var));
    EXPECT_EQ(OK, tape_status(&b.t)) << status_text();
    Seen   seen = {b.values(y), b.values(mean), b.values(var), {}};
    Floats weight = noise(count_of(whole[0].dims), 999);
    EXPECT_EQ(OK, tape_backward(&b.t, b.dot(y, cut(weight, N, first, end)))) << status_text();
    for (Tensor *x : in)
        seen.grads.push_back(b.grad(x));
    return seen;
}

/* The parts of the batch, [edge[i], edge[i+1]) each a process, beside the whole in one process. */
static void expect_parts_make_the_whole(const Backend *be, const SharedBuild &build,
                                        const std::vector<Leaf> &l, std::vector<int64_t> edge,
                                        double tol, DType dtype = F32)
{
    int               n = (int)edge.size() - 1;
    Seen              whole = step(be, build, l, edge[0], edge[n], nullptr, dtype), joined;
    std::vector<Seen> part((size_t)n);
    PlayedProcesses   processes(be, n);
    processes.play([&](int i, const NormShare *share) {
        part[i] = step(be, build, l, edge[i], edge[i + 1], share, dtype);
    });
    joined.grads.resize(l.size());
    for (const Seen &s : part) {
        EXPECT_EQ(part[0].mean, s.mean) << "every process has the same running statistics";
        EXPECT_EQ(part[0].var, s.var);
        joined.y.insert(joined.y.end(), s.y.begin(), s.y.end());
        for (size_t g = 0; g < l.size(); g++) {
            Floats &sum = joined.grads[g];
            if (!l[g].is_param) {
                sum.insert(sum.end(), s.grads[g].begin(), s.grads[g].end());
                continue;
            }
            sum.resize(s.grads[g].size());
            for (size_t i = 0; i < sum.size(); i++)
                sum[i] += s.grads[g][i];
        }
    }
    expect_close(joined.y, whole.y, tol, "output");
    expect_close(part[0].mean, whole.mean, tol, "running mean");
    expect_close(part[0].var, whole.var, tol, "running variance");
    for (size_t g = 0; g < l.size(); g++)
        expect_close(joined.grads[g], whole.grads[g], tol, "gradient " + std::to_string(g));
}

/* The same sums in another order: 1e-5 of the largest in f32; a bf16 map may round to its neighbour, 2^-8 away. */
TEST_P(SharedNorm, PartsOfABatchGiveWhatTheWholeGives)
{
    for (const Dims &d : {Dims{8, 3, 5, 16}, Dims{8, 7, 6, 3}, Dims{8, 2, 1, 130}, Dims{8, 20}})
        for (std::vector<int64_t> edge : {std::vector<int64_t>{0, 4, 8}, {0, 1, 6, 8}}) {
            SCOPED_TRACE("C " + std::to_string(d.back()) + ", processes " +
                         std::to_string(edge.size() - 1));
            expect_parts_make_the_whole(GetParam(), norm(), leaves(d), edge, 1e-5);
            expect_parts_make_the_whole(GetParam(), norm(), leaves(d), edge, 2e-2, BF16);
        }
}

TEST_P(SharedNorm, SoDoesAConvolutionThatTakesTheStatisticsItself)
{
    expect_parts_make_the_whole(GetParam(), conv_norm(), leaves({6, 5, 5, 16}, true), {0, 2, 6},
                                1e-5);
    expect_parts_make_the_whole(GetParam(), conv_norm(), leaves({6, 5, 5, 16}, true), {0, 2, 6},
                                2e-2, BF16);
}

TEST_P(SharedNorm, AProcessWithoutImagesTakesPart)
{
    expect_parts_make_the_whole(GetParam(), norm(), leaves({4, 2, 3, 5}), {0, 4, 4}, 1e-5);
    expect_parts_make_the_whole(GetParam(), norm(), leaves({4, 2, 3, 5}), {0, 0, 4}, 1e-5);
}

TEST_P(SharedNorm, AProcessAloneHasTheBitsOfOneThatSharesNothing)
{
    SharedBuild builds[] = {norm(), norm(2), norm(1, 3), conv_norm()};
    for (const SharedBuild &build : builds) {
        std::vector<Leaf> l = leaves({4, 3, 5, 16}, &build == &builds[3]);
        Seen              alone = step(GetParam(), build, l, 0, 4, nullptr, F32), shared;
        PlayedProcesses   one(GetParam(), 1);
        one.play([&](int, const NormShare *share) {
            shared = step(GetParam(), build, l, 0, 4, share, F32);
        });
        EXPECT_EQ(alone.y, shared.y);
        EXPECT_EQ(alone.mean, shared.mean);
        EXPECT_EQ(alone.var, shared.var);
        EXPECT_EQ(alone.grads, shared.grads);
    }
}

/* Group 0 of one process and group 0 of the other are one group: here both hold the same numbers. */
TEST_P(SharedNorm, GroupsAreSharedEachForItself)
{
    std::vector<Leaf> l = leaves({4, 2, 2, 3});
    Seen              alone = step(GetParam(), norm(2), l, 0, 4, nullptr, F32);
    std::vector<Seen> twin(2);
    PlayedProcesses   twins(GetParam(), 2);
    twins.play([&](int i, const NormShare *share) {
        twin[i] = step(GetParam(), norm(2), l, 0, 4, share, F32);
    });
    expect_close(twin[0].y, alone.y, 1e-6, "output");
    expect_close(twin[1].grads[0], alone.grads[0], 1e-5, "dx");
}

TEST_P(SharedNorm, ImagesBehindTheCountAreNotShared)
{
    std::vector<Leaf> l = leaves({6, 2, 2, 5});
    Seen              want = step(GetParam(), norm(), l, 0, 4, nullptr, F32), have[2];
    PlayedProcesses   two(GetParam(), 2);
    two.play([&](int i, const NormShare *share) { // images 0 1 (2) and 2 3 (4 5)
        have[i] = step(GetParam(), norm(1, 2), l, 2 * i, 3 + 3 * i, share, F32);
    });
    for (int i = 0; i < 2; i++) {
        expect_close(have[i].mean, want.mean, 1e-6, "running mean");
        expect_close(cut(have[i].y, 3 + i, 0, 2), cut(want.y, 4, 2 * i, 2 * i + 2), 1e-5, "output");
    }
}

TEST_P(SharedNorm, OneValueAChannelIsEnoughWhereOthersHaveMore)
{
    expect_parts_make_the_whole(GetParam(), norm(), leaves({5, 1, 1, 3}), {0, 1, 5}, 1e-5);
}

static Status no_answer(void *, void *, const void *, int64_t)
{
    return status_fail(ERR_DEVICE, "process 1 does not answer");
}

static Build with_nobody(const NormShare *share)
{
    return [=](Bench &b, std::vector<Tensor *> &in) {
        Tensor *mean = b.tensor({3}, Floats(3, 0.0f), false),
               *var = b.tensor({3}, Floats(3, 1.0f), false);
        return norm()(b, in, share, mean, var);
    };
}

TEST_P(SharedNorm, AnExchangeThatFailsFailsTheOp)
{
    NormShare broken = {2, no_answer, nullptr};
    Outcome   o = run_op(GetParam(), with_nobody(&broken), leaves({2, 2, 2, 3}));
    EXPECT_EQ(ERR_DEVICE, o.status);
    EXPECT_EQ("process 1 does not answer", o.text);
}

TEST_P(SharedNorm, RunningStatisticsAreUsedWithoutAsking)
{
    NormShare broken = {2, no_answer, nullptr};
    Outcome   o = run_op(GetParam(), with_nobody(&broken), leaves({2, 2, 2, 3}), F32, TAPE_RECORD);
    EXPECT_EQ(OK, o.status) << o.text;
}
