/* op_test.h -- what every test of an op needs: tensors from literals, gradients, finite differences, agreement with ref */
#pragma once
extern "C" {
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/backend.h"
#include "kernels/body/bf16.h"
#include "kernels/ops/nn.h"
}
#include "device_under_test.h"
#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <vector>

using Floats = std::vector<float>;
using Dims = std::vector<int64_t>;

inline int64_t count_of(const Dims &d)
{
    int64_t n = 1;
    for (int64_t x : d)
        n *= x;
    return n;
}

/* Standard normal numbers, the same for the same key. */
inline Floats noise(int64_t n, uint64_t key, float scale = 1.0f)
{
    Rng    r = rng_at(7, RNG_TEST, key, 0);
    Floats v((size_t)n);
    for (float &x : v)
        x = scale * rng_normal(&r);
    return v;
}

/* As PyTorch's BatchNorm2d has them, without a ReLU. */
inline Norm norm_options(int64_t groups, const NormShare *share = nullptr)
{
    return {1e-5f, 0.1f, groups, false, nullptr, share, nullptr, nullptr};
}

/* One tape on one backend, and tensors made from host values. */
struct Bench {
    Tape t;
    explicit Bench(const Backend *be, int flags = TAPE_RECORD | TAPE_TRAIN, DType dtype = F32)
    {
        EXPECT_EQ(OK, tape_init(&t, be, dtype)) << status_text();
        tape_reset(&t, flags);
    }
    ~Bench()
    {
        tape_release(&t);
    }
    Tensor *tensor(const Dims &d, const Floats &v, bool wants_grad = true, DType dtype = F32)
    {
        std::vector<uint16_t> low(v.size());
        for (size_t i = 0; i < v.size(); i++)
            low[i] = bf16_from_f32(v[i]);
        EXPECT_EQ((int64_t)v.size(), count_of(d));
        const void *host = dtype == BF16 ? (const void *)low.data() : (const void *)v.data();
        Tensor     *x = tape_input(&t, dtype, (int)d.size(), d.data(), host);
        EXPECT_EQ(OK, tape_status(&t)) << status_text();
        x->wants_grad = wants_grad;
        return tape_keep(x);
    }
    Tensor *ints(const Dims &d, const std::vector<int32_t> &v)
    {
        return tape_keep(tape_input(&t, I32, (int)d.size(), d.data(), v.data()));
    }
    Floats values(const Tensor *x)
    {
        Floats v((size_t)tensor_count(x), NAN);
        EXPECT_EQ(OK, tape_read(&t, v.data(), x)) << status_text();
        return v;
    }
    Floats grad(const Tensor *x)
    {
        EXPECT_NE(nullptr, x->grad);
        return x->grad ? values(x->grad) : Floats();
    }
    /* sum of weight[i] * y[i] as a scalar on the tape: a loss whose gradient with respect to y is `weight`. */
    Tensor *dot(Tensor *y, const Floats &weight)
    {
        int64_t     n = tensor_count(y);
        Tensor     *yf = cast(&t, F32, y);
        Tensor     *w = tensor({1, n}, weight, false);
        LinearLayer l = {w, nullptr};
        int64_t     row[2] = {1, n};
        return tape_keep(linear(&t, &l, reshape(&t, yf, 2, row)));
    }
};

/* (N,I) -> (N,1): each row weighed by fixed random numbers. Makes a small output of anything. */
inline Tensor *linear_ones(Bench &b, Tensor *x)
{
    LinearLayer l = {b.tensor({1, x->dim[1]}, noise(x->dim[1], 77), false), nullptr};
    return linear(&b.t, &l, x);
}

/* Builds y from leaves made in order by the harness. */
using Build = std::function<Tensor *(Bench &, std::vector<Tensor *> &)>;

struct Leaf {
    Dims   dims;
    Floats values;
    bool   wants_grad = true;
    bool   is_param = false; // stays f32 (with a bf16 copy) when activations are bf16
};

struct Outcome {
    Floats              y;
    std::vector<Floats> grads; // of the leaves that want one
    Status              status = OK;
    std::string         text;
};

/* Runs build on `be`, pulls a fixed random gradient back from y. */
inline Outcome run_op(const Backend *be, const Build &build, const std::vector<Leaf> &leaves,
                      DType dtype = F32, int flags = TAPE_RECORD | TAPE_TRAIN)
{
    Bench                 b(be, flags, dtype);
    std::vector<Tensor *> in;
    for (const Leaf &l : leaves) {
        Tensor *x = b.tensor(l.dims, l.values, l.wants_grad, l.is_param ? F32 : dtype);
        if (l.is_param && dtype == BF16)
            x->low = b.tensor(l.dims, l.values, false, BF16);
        in.push_back(x);
    }
    Outcome o;
    Tensor *y = build(b, in);
    o.status = tape_status(&b.t);
    if (o.status != OK) {
        o.text = status_text();
        return o;
    }
    tape_keep(y);
    o.y = b.values(y);
    if (flags & TAPE_RECORD) {
        Tensor *loss = b.dot(y, noise(tensor_count(y), 999));
        o.status = tape_backward(&b.t, loss);
        o.text = status_text();
        if (o.status == OK)
            for (size_t i = 0; i < leaves.size(); i++)
                if (leaves[i].wants_grad)
                    o.grads.push_back(b.grad(in[i]));
    }
    return o;
}

/* max |a - b| <= tol * (max |a|, at least 1e-30), and no NaN. */
inline void expect_close(const Floats &got, const Floats &want, double tol, const std::string &what)
{
    ASSERT_EQ(got.size(), want.size()) << what;
    double most = 1e-30, worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < want.size(); i++)
        most = std::max(most, (double)std::fabs(want[i]));
    for (size_t i = 0; i < want.size(); i++) {
        double d = std::fabs((double)got[i] - (double)want[i]);
        if (!(d <= worst)) {
            worst = d;
            at = i;
        }
    }
    EXPECT_LE(worst, tol * most) << what << ": element " << at << " is "
                                 << (got.empty() ? 0 : got[at]) << ", expected "
                                 << (want.empty() ? 0 : want[at]);
}

/* The device under test against ref: output and every gradient. */
inline void expect_matches_ref(const Build &build, const std::vector<Leaf> &leaves, double tol,
                               DType dtype = F32, int flags = TAPE_RECORD | TAPE_TRAIN)
{
    Outcome want = run_op(backend_ref(), build, leaves, dtype, flags);
    Outcome got = run_op(device_under_test(), build, leaves, dtype, flags);
    ASSERT_EQ(OK, want.status) << want.text;
    ASSERT_EQ(OK, got.status) << got.text;
    expect_close(got.y, want.y, tol, "output");
    ASSERT_EQ(got.grads.size(), want.grads.size());
    for (size_t i = 0; i < want.grads.size(); i++)
        expect_close(got.grads[i], want.grads[i], tol, "gradient " + std::to_string(i));
}

/* Every gradient of ref against central differences of its forward, at a sample of elements. Reasons for the tolerance:
 * float32 forward values of size 1 differ by 1e-7, the step is 1e-2, curvature adds 1e-4. */
inline void expect_gradient(const Build &build, const std::vector<Leaf> &leaves, double tol = 5e-3,
                            float step = 1e-2f, const Backend *be = backend_ref())
{
    Outcome o = run_op(be, build, leaves);
    ASSERT_EQ(OK, o.status) << o.text;
    Floats weight = noise((int64_t)o.y.size(), 999);
    size_t k = 0;
    for (size_t l = 0; l < leaves.size(); l++) {
        if (!leaves[l].wants_grad)
            continue;
        const Floats &g = o.grads[k++];
        double        most = 1e-3;
        for (float v : g)
            most = std::max(most, (double)std::fabs(v));
        size_t stride = std::max<size_t>(1, g.size() / 24);
        for (size_t i = 0; i < g.size(); i += stride) {
            double sum[2];
            for (int side = 0; side < 2; side++) {
                std::vector<Leaf> moved = leaves;
                moved[l].values[i] += side ? step : -step;
                Outcome f = run_op(be, build, moved, F32, TAPE_TRAIN);
                ASSERT_EQ(OK, f.status);
                sum[side] = 0;
                for (size_t j = 0; j < f.y.size(); j++)
                    sum[side] += (double)f.y[j] * (double)weight[j];
            }
            EXPECT_NEAR((sum[1] - sum[0]) / (2 * (double)step), (double)g[i], tol * most)
                << "leaf " << l << " element " << i;
        }
    }
}

inline std::string backend_name(const ::testing::TestParamInfo<const Backend *> &info)
{
    return info.param->name;
}

class OpTest : public ::testing::TestWithParam<const Backend *> {};

#define ON_EVERY_BACKEND(Suite)                                                                    \
    INSTANTIATE_TEST_SUITE_P(On, Suite, ::testing::ValuesIn(backends_under_test()), backend_name)
