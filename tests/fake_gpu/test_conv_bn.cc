/* The fused door on the device: convolutions that bring their sums, in bf16, and the parts where they cannot be had */
#include "kernels/op_test.h"

#include <dlfcn.h>

namespace {

/* Calls so far, -1 on a real device, where the faster way is taken. */
int statistics_calls()
{
    int (*calls)(void) = nullptr;
    (void)device_under_test();
    *(void **)&calls = dlsym(backend_cuda_library(), "fake_gpu_statistics_calls");
    return calls ? calls() : -1;
}

struct Shape {
    int64_t N, H, ci, co, k, stride, groups;
};

struct Result {
    Floats y, mean, var;
};

/* Output and running statistics of a block that records, or not (then y lies over the convolution's output). */
Result run(const Backend *be, const Shape &s, DType dtype, bool records)
{
    Bench   b(be, records ? TAPE_RECORD | TAPE_TRAIN : TAPE_TRAIN, dtype);
    int64_t P = (s.H + 2 * (s.k / 2) - s.k) / s.stride + 1;
    auto    vec = [&](uint64_t key, float scale) {
        return b.tensor({s.co}, noise(s.co, key, scale), true);
    };
    Tensor *x = b.tensor({s.N, s.H, s.H, s.ci}, noise(s.N * s.H * s.H * s.ci, 1), true, dtype);
    Dims    wd = {s.co, s.k, s.k, s.ci};
    Tensor *w = b.tensor(wd, noise(count_of(wd), 2, 0.3f), true);
    w->low = dtype == BF16 ? b.tensor(wd, noise(count_of(wd), 2, 0.3f), false, BF16) : nullptr;
    Tensor *residual = b.tensor({s.N, P, P, s.co}, noise(s.N * P * P * s.co, 5), false, dtype);
    Tensor *mean = b.tensor({s.co}, Floats((size_t)s.co, 0.5f), false),
           *var = b.tensor({s.co}, Floats((size_t)s.co, 2.0f), false);
    ConvBn layer = {
        {{s.stride, s.k / 2, 1, 1}, w, nullptr},
        {{1e-5f, 0.1f, s.groups, false, nullptr}, vec(3, 1), vec(4, 1), mean, var, false}};
    Tensor *y = tape_keep(conv_bn_act(&b.t, &layer, x, residual, true));
    EXPECT_EQ(OK, tape_status(&b.t)) << status_text();
    return {b.values(y), b.values(mean), b.values(var)};
}

const Shape SHAPES[] = {
    {4, 7, 64, 32, 1, 1, 1}, {8, 9, 24, 40, 3, 2, 4}, {2, 5, 3, 7, 3, 1, 2}, {1, 2, 8, 8, 1, 1, 1}};

/* A unit in bf16's last place where the sums round differently: 2^-8 of the largest. */
void expect_ref(const Shape &s, bool records)
{
    Result want = run(backend_ref(), s, BF16, records),
           got = run(device_under_test(), s, BF16, records);
    std::string what = std::to_string(s.H) + " px, groups " + std::to_string(s.groups);
    expect_close(got.y, want.y, 1.0 / 256, what);
    expect_close(got.mean, want.mean, 1e-4, what + ", running mean");
    expect_close(got.var, want.var, 1e-4, what + ", running variance");
}

TEST(ConvBnFused, TakesTheSumsOfTheConvolutionInBf16)
{
    for (const Shape &s : SHAPES)
        for (bool records : {true, false}) {
            int before = statistics_calls();
            expect_ref(s, records);
            EXPECT_EQ(before < 0 ? before : before + 1, statistics_calls());
        }
}

TEST(ConvBnFused, RunsThePartsWhereThereAreNoSums)
{
    setenv("FAKE_GPU_NO_STATISTICS", "1", 1);
    int before = statistics_calls();
    for (const Shape &s : SHAPES)
        expect_ref(s, true);
    EXPECT_EQ(before, statistics_calls());
    unsetenv("FAKE_GPU_NO_STATISTICS");
}

TEST(ConvBnFused, LeavesF32ToTheParts)
{
    int before = statistics_calls();
    for (const Shape &s : SHAPES) {
        Result want = run(backend_ref(), s, F32, true),
               got = run(device_under_test(), s, F32, true);
        expect_close(got.y, want.y, 1e-5, "output"); // sums of 64 to 216 products in another order
    }
    EXPECT_EQ(before, statistics_calls());
}

} // namespace
