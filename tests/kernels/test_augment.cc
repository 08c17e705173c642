/* augment: literals, the device against ref, what is refused. That the bits are the loader's own is tests/pretrain's to show. */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/ops/augment.h"
}

namespace {

const PixelStats PLAIN = {{0, 0, 0}, {1, 1, 1}};
const PixelStats IMAGENET = {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};

PixelPlan plan_of(std::vector<std::pair<PixelOp, float>> ops, bool flip = false)
{
    PixelPlan p = {};
    for (auto &op : ops) {
        p.op[p.n_ops] = op.first;
        p.factor[p.n_ops++] = op.second;
    }
    p.blur.radius = -1;
    p.flip = flip;
    return p;
}

std::vector<uint8_t> bytes_of(int64_t n, uint64_t key)
{
    Rng                  r = rng_at(3, RNG_TEST, key, 1);
    std::vector<uint8_t> v((size_t)n);
    for (uint8_t &b : v)
        b = (uint8_t)rng_below(&r, 256);
    return v;
}

struct Result {
    Floats      y;
    Status      status;
    std::string text;
};

Result run(const Backend *be, Dims crop, const std::vector<uint8_t> &bytes,
           const std::vector<PixelPlan> &plans, const PixelStats &stats, DType dtype = F32)
{
    Bench   b(be, 0, dtype);
    int64_t words[2] = {(int64_t)plans.size(), PIXEL_PLAN_WORDS};
    Tensor *x = tape_input(&b.t, U8, 4, crop.data(), bytes.data());
    Tensor *y = augment(&b.t, x, tape_input(&b.t, I32, 2, words, plans.data()), &stats);
    Result  r = {{}, tape_status(&b.t), status_text()};
    if (r.status == OK)
        r.y = b.values(y);
    return r;
}

/* Two pixels a row, in 0..255. */
Floats bytes_after(const PixelPlan &plan, const std::vector<uint8_t> &planes)
{
    Result r = run(device_under_test(), {1, 3, 1, 2}, planes, {plan}, PLAIN);
    EXPECT_EQ(OK, r.status) << r.text;
    for (float &v : r.y)
        v = std::round(v * 255);
    return r.y;
}

TEST(Augment, EachOpIsPillows)
{
    std::vector<uint8_t> two = {200, 10, 100, 20, 50, 30}; // (200,100,50) and (10,20,30)
    EXPECT_EQ((Floats{200, 100, 50, 10, 20, 30}), bytes_after(plan_of({}), two));
    EXPECT_EQ((Floats{10, 20, 30, 200, 100, 50}), bytes_after(plan_of({}, true), two));
    EXPECT_EQ((Floats{100, 50, 25, 5, 10, 15}),
              bytes_after(plan_of({{PIXEL_BRIGHTNESS, 0.5f}}), two));
    EXPECT_EQ((Floats{255, 150, 75, 15, 30, 45}),
              bytes_after(plan_of({{PIXEL_BRIGHTNESS, 1.5f}}), two));
    // luma 124 and 18, their mean 71
    EXPECT_EQ((Floats{124, 124, 124, 18, 18, 18}), bytes_after(plan_of({{PIXEL_GRAY, 0}}), two));
    EXPECT_EQ((Floats{71, 71, 71, 71, 71, 71}), bytes_after(plan_of({{PIXEL_CONTRAST, 0}}), two));
    EXPECT_EQ((Floats{124, 124, 124, 18, 18, 18}),
              bytes_after(plan_of({{PIXEL_SATURATION, 0}}), two));
    // 127 of 256 steps round the circle: yellow becomes blue, blue yellow, nearly
    EXPECT_EQ((Floats{0, 6, 255, 255, 246, 0}),
              bytes_after(plan_of({{PIXEL_HUE, 0.5f}}), {255, 0, 255, 0, 0, 255}));
}

TEST(Augment, ContrastSeesWhatTheOpsBeforeItMade)
{
    std::vector<uint8_t> two = {200, 10, 100, 20, 50, 30};
    EXPECT_EQ((Floats{36, 36, 36, 36, 36, 36}), // of luma 62 and 9
              bytes_after(plan_of({{PIXEL_BRIGHTNESS, 0.5f}, {PIXEL_CONTRAST, 0}}), two));
}

TEST(Augment, BlurSpreadsAPointSymmetrically)
{
    PixelPlan p = plan_of({});
    p.blur = {0, 1u << 23, 1u << 22}; // 1/2, and 1/4 either side
    std::vector<uint8_t> planes(3 * 9 * 9);
    for (int c = 0; c < 3; c++)
        planes[(size_t)(c * 81 + 40)] = 255;
    Result r = run(device_under_test(), {1, 3, 9, 9}, planes, {p}, PLAIN);
    ASSERT_EQ(OK, r.status) << r.text;
    for (int k = 0; k < 9; k++)
        EXPECT_EQ(r.y[(size_t)(4 * 9 + k) * 3], r.y[(size_t)(4 * 9 + 8 - k) * 3]) << k;
    // 255 through 1/4 1/2 1/4 three times a direction, each pass rounded: 128, 96, 80 | 40, 30, 25
    EXPECT_EQ(25.0f, std::round(255 * r.y[40 * 3]));
}

/* Every op, order, blur and mirror on real and odd sizes: tiles' edges, rows that are no multiple of a wide store. */
TEST(Augment, GivesTheBitsOfRef)
{
    std::vector<PixelPlan> plans = {plan_of({}),
                                    plan_of({{PIXEL_BRIGHTNESS, 1.3f},
                                             {PIXEL_CONTRAST, 0.7f},
                                             {PIXEL_SATURATION, 1.4f},
                                             {PIXEL_HUE, -0.1f},
                                             {PIXEL_GRAY, 0}}),
                                    plan_of({{PIXEL_HUE, 0.4f},
                                             {PIXEL_SATURATION, 0.6f},
                                             {PIXEL_BRIGHTNESS, 0.8f},
                                             {PIXEL_CONTRAST, 1.4f}},
                                            true),
                                    plan_of({{PIXEL_GRAY, 0}, {PIXEL_CONTRAST, 1.2f}}, true),
                                    plan_of({{PIXEL_CONTRAST, 0.9f}, {PIXEL_HUE, 0.05f}})};
    plans[0].blur = {0, 16000000, 388608};
    plans[2].blur = {1, 4473924, 1677722};
    plans[3].blur = {2, 3000000, 888608};
    for (Dims side :
         std::vector<Dims>{{224, 224}, {32, 32}, {48, 48}, {1, 1}, {5, 131}, {71, 66}}) {
        if (device_under_test()->is_host == false && side[0] == 224)
            side = {97, 224}; // what an emulated device does in a second
        Dims crop = {(int64_t)plans.size(), 3, side[0], side[1]};
        auto bytes = bytes_of(count_of(crop), (uint64_t)side[1]);
        for (DType dtype : {F32, BF16}) {
            Result want = run(backend_ref(), crop, bytes, plans, IMAGENET, dtype);
            Result got = run(device_under_test(), crop, bytes, plans, IMAGENET, dtype);
            ASSERT_EQ(OK, want.status) << want.text;
            ASSERT_EQ(OK, got.status) << got.text;
            ASSERT_EQ(want.y.size(), got.y.size());
            EXPECT_EQ(0, memcmp(want.y.data(), got.y.data(), want.y.size() * 4))
                << side[0] << " x " << side[1] << " " << dtype_name(dtype);
        }
    }
}

TEST(Augment, OfNothingIsNothing)
{
    Result r = run(device_under_test(), {0, 3, 8, 8}, {}, {}, PLAIN);
    EXPECT_EQ(OK, r.status) << r.text;
    EXPECT_TRUE(r.y.empty());
}

TEST(Augment, RefusesWhatIsNoCrop)
{
    Result r = run(device_under_test(), {1, 4, 1, 2}, bytes_of(8, 0), {plan_of({})}, PLAIN);
    EXPECT_EQ(ERR_SHAPE, r.status);
    EXPECT_EQ("augment: wants crops (N,3,H,W) of u8 and plans (N,16) of i32, found (1,4,1,2) of u8 "
              "and (1,16) of i32",
              r.text);
}

} // namespace
