/* The ReLU's mask of batch norm's gradient: from x and in bits the same as from y */
#include "kernels/op_test.h"

class NormMaskFromX : public OpTest {};
ON_EVERY_BACKEND(NormMaskFromX);

static std::vector<const Backend *> backends_with_masks()
{
    std::vector<const Backend *> with;
    for (const Backend *be : backends_under_test())
        if (be->has_norm_masks)
            with.push_back(be);
    return with;
}

class NormMaskInBits : public OpTest {};
INSTANTIATE_TEST_SUITE_P(On, NormMaskInBits, ::testing::ValuesIn(backends_with_masks()),
                         backend_name);

enum Way { BY_Y, BY_X, BY_BITS };

struct MaskCase {
    DType   dtype;
    int64_t C, groups;
    bool    adds;      // a residual
    bool    is_blank;  // the gradients were not written yet
    bool    is_skewed; // gamma lies where no 16 bytes can be read at once
};

/* dx, dgamma, dbeta, dresidual. The first channels hold what is hard to round: bfloat16 has no number between 0 and 2^-133, and
 * ties go to 0. */
static std::vector<Floats> gradients(const Backend *be, const MaskCase &m, Way way)
{
    const Floats  edges = {0.0f,       -0.0f,     0x1p-134f, 0x1.1p-134f,
                           -0x1p-134f, 0x1p-133f, NAN,       INFINITY};
    const int64_t C = m.C, n = 60 * C;
    Bench         b(be, TAPE_RECORD | TAPE_TRAIN, m.dtype);
    Dims          d = {4, 5, 3, C};
    Floats        x = noise(n, 1), beta = noise(C, 3), gamma = noise(C + 1, 2), added = noise(n, 5);
    for (size_t c = 0; c < edges.size(); c++) // x - mean is 0 there, the value beta
        for (size_t i = c; i < x.size(); i += (size_t)C) {
            x[i] = 1.0f;
            beta[c] = edges[c];
            added[i] = 0.0f;
        }
    auto blank = [&](const Dims &dims, DType dtype) {
        Tensor *t = b.tensor(dims, Floats((size_t)count_of(dims), 0.0f), true, dtype);
        t->is_blank = m.is_blank;
        return t;
    };
    Norm    op = norm_options(m.groups);
    Tensor *xs = b.tensor(d, x, true, m.dtype), *dy = b.tensor(d, noise(n, 4), true, m.dtype),
           *y = blank(d, m.dtype), *betas = b.tensor({C}, beta), *mean = blank({m.groups, C}, F32),
           *rstd = blank({m.groups, C}, F32),
           *residual = m.adds ? b.tensor(d, added, true, m.dtype) : nullptr,
           *dresidual = m.adds ? blank(d, m.dtype) : nullptr, *dx = blank(d, m.dtype),
           *dgamma = blank({C}, F32), *dbeta = blank({C}, F32), whole = *b.tensor({C + 1}, gamma);
    Tensor skewed = whole;
    skewed.dim[0] = C;
    skewed.data = (float *)whole.data + m.is_skewed;
    op.relu = true;
    int64_t bits[4] = {4, 5, 3, C / 8};
    op.mask = way == BY_BITS ? tape_tensor(&b.t, U8, 4, bits) : nullptr;
    EXPECT_EQ(OK, be->batch_norm_train_forward(y, mean, rstd, nullptr, nullptr, xs, residual,
                                               &skewed, betas, &op));
    op.beta = way == BY_X ? betas : nullptr;
    EXPECT_EQ(OK, be->batch_norm_train_backward(dx, dresidual, dgamma, dbeta, dy, y, xs, &skewed,
                                                mean, rstd, &op));
    std::vector<Floats> all = {b.values(dx), b.values(dgamma), b.values(dbeta)};
    if (m.adds)
        all.push_back(b.values(dresidual));
    return all;
}

static void expect_same_bits(const Backend *be, const MaskCase &m, Way way)
{
    SCOPED_TRACE(std::string(dtype_name(m.dtype)) + " C " + std::to_string(m.C) + " groups " +
                 std::to_string(m.groups) + (m.is_blank ? " blank" : "") +
                 (m.is_skewed ? " skewed" : ""));
    std::vector<Floats> want = gradients(be, m, BY_Y), have = gradients(be, m, way);
    ASSERT_EQ(want.size(), have.size());
    for (size_t i = 0; i < want.size(); i++)
        EXPECT_EQ(0, memcmp(want[i].data(), have[i].data(), want[i].size() * sizeof(float))) << i;
}

TEST_P(NormMaskFromX, IsThatOfY)
{
    for (DType dtype : {F32, BF16})
        for (int64_t C : {16, 13})
            for (int64_t groups : {1, 2})
                expect_same_bits(GetParam(), {dtype, C, groups, false, true, false}, BY_X);
}

TEST_P(NormMaskInBits, IsThatOfY)
{
    for (int64_t C : {8, 24, 264})
        for (int64_t groups : {1, 2})
            for (bool is_blank : {true, false})
                for (bool is_skewed : {true, false})
                    expect_same_bits(GetParam(), {BF16, C, groups, true, is_blank, is_skewed},
                                     BY_BITS);
}
