// transforms: the same bytes as Pillow and torchvision (tests/golden/datasets/make_golden.py); tolerance 0 everywhere
#include "data_test.h"
#include "golden/datasets/golden.h"
#include <cmath>

TEST(Resize, HasPillowsBytes)
{
    ResizeScratch scratch = {};
    for (const ResizeGolden &g : RESIZE) {
        Picture   in(g.w, g.h), out;
        Flat      planes;
        ImageRect crop = {g.x, g.y, g.cw, g.ch};
        ASSERT_OK(transform_resize_image(&scratch, &out.im, &in.im, crop, g.ow, g.oh));
        EXPECT_EQ(g.hash, out.hash()) << g.w << "x" << g.h << " -> " << g.ow << "x" << g.oh;
        ASSERT_OK(transform_resize(&scratch, &planes.p, &in.im, crop, g.ow, g.oh));
        EXPECT_EQ(g.hash, planes.hash()) << "planar";
    }
    resize_scratch_release(&scratch);
}

TEST(Resize, RefusesACropOutsideThePicture)
{
    ResizeScratch scratch = {};
    Picture       in(8, 8), out;
    EXPECT_EQ(ERR_SHAPE, transform_resize_image(&scratch, &out.im, &in.im, {4, 4, 5, 4}, 2, 2));
    EXPECT_EQ(ERR_SHAPE, transform_resize_image(&scratch, &out.im, &in.im, {0, 0, 8, 8}, 0, 2));
    EXPECT_EQ(ERR_SHAPE, transform_resize_image(&scratch, &out.im, &in.im, {0, 0, 8, 8},
                                                (int64_t)1 << 40, (int64_t)1 << 40));
    resize_scratch_release(&scratch);
}

TEST(Colour, HasPillowsBytes)
{
    for (const FactorGolden &g : FACTOR) {
        Picture     in(64, 48);
        Flat        f(in);
        std::string op = g.op;
        if (op == "brightness")
            transform_brightness(&f.p, g.factor);
        else if (op == "contrast")
            transform_contrast(&f.p, g.factor);
        else if (op == "saturation")
            transform_saturation(&f.p, g.factor);
        else if (op == "hue")
            transform_hue(&f.p, g.factor);
        else
            transform_gray(&f.p);
        EXPECT_EQ(g.hash, f.hash()) << op << " " << g.factor;
    }
}

// All 2^24 colours; the hash is sum (index + 1) * byte.
static uint64_t turn_every_colour(float factor)
{
    Picture  row(4096, 16), out;
    uint64_t sum = 0, index = 0;
    for (uint32_t first = 0; first < 1u << 24; first += 4096 * 16) {
        for (uint32_t i = 0; i < 4096 * 16; i++) {
            row.im.pixels[3 * i] = (uint8_t)((first + i) >> 16);
            row.im.pixels[3 * i + 1] = (uint8_t)((first + i) >> 8);
            row.im.pixels[3 * i + 2] = (uint8_t)(first + i);
        }
        Flat f(row);
        transform_hue(&f.p, factor);
        EXPECT_EQ(OK, planes_to_image(&out.im, &f.p));
        for (size_t i = 0; i < 3 * 4096 * 16; i++)
            sum += ++index * out.im.pixels[i];
    }
    return sum;
}

TEST(Colour, TurnsEveryColourAsPillow)
{
    EXPECT_EQ(ALL_COLOURS_HUE_25, turn_every_colour(0.1f));
    EXPECT_EQ(ALL_COLOURS_HUE_154, turn_every_colour(-0.4f));
}

TEST(Blur, HasPillowsBytes)
{
    for (const BlurGolden &g : BLUR) {
        Picture in(g.w, g.h);
        Flat    f(in), scratch;
        ASSERT_OK(transform_blur(&scratch.p, &f.p, g.sigma));
        EXPECT_EQ(g.hash, f.hash()) << g.w << "x" << g.h << " sigma " << g.sigma;
    }
}

TEST(Blur, RefusesASigmaThatIsNoLength)
{
    Picture in(8, 8);
    Flat    f(in), scratch;
    EXPECT_EQ(ERR_SHAPE, transform_blur(&scratch.p, &f.p, 0));
    EXPECT_EQ(ERR_SHAPE, transform_blur(&scratch.p, &f.p, NAN));
}

TEST(ToFloat, HasTorchvisionsBits)
{
    Picture            in(64, 48);
    Flat               f(in);
    const float        mean[3] = {.485f, .456f, .406f}, std[3] = {.229f, .224f, .225f};
    std::vector<float> out(64 * 48 * 3), mirrored(64 * 48 * 3);
    transform_to_float(out.data(), &f.p, mean, std, false);
    EXPECT_EQ(FLOATS_HASH, fnv(out.data(), out.size() * 4));
    transform_to_float(mirrored.data(), &f.p, mean, std, true);
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 64; x++)
            for (int c = 0; c < 3; c++)
                ASSERT_EQ(out[(size_t)((y * 64 + x) * 3 + c)],
                          mirrored[(size_t)((y * 64 + 63 - x) * 3 + c)]);
}

TEST(CropDraw, StaysInsideAndKeepsItsShares)
{
    const float scale[2] = {0.2f, 1}, ratio[2] = {0.75f, 4.0f / 3};
    double      area = 0;
    const int   n = 4000;
    for (int i = 0; i < n; i++) {
        Rng       rng = rng_at(1, RNG_TEST, (uint64_t)i, 0);
        ImageRect r = transform_draw_crop(&rng, 500, 375, scale, ratio);
        ASSERT_GE(r.x, 0);
        ASSERT_GE(r.y, 0);
        ASSERT_LE(r.x + r.width, 500);
        ASSERT_LE(r.y + r.height, 375);
        double shape = (double)r.width / (double)r.height;
        ASSERT_GT(shape, 0.74);
        ASSERT_LT(shape, 1.35);
        area += (double)(r.width * r.height) / (500 * 375);
    }
    // torchvision's get_params on this shape has mean 0.4958 (20,000 draws); sd of ours is about .2 / sqrt(4000)
    EXPECT_NEAR(0.496, area / n, 0.01);
}

TEST(CropDraw, FallsBackToTheCentreOfExtremeShapes)
{
    const float scale[2] = {1, 1}, ratio[2] = {0.75f, 4.0f / 3};
    Rng         rng = rng_at(1, RNG_TEST, 0, 0);
    ImageRect   r = transform_draw_crop(&rng, 10000, 3, scale, ratio);
    EXPECT_EQ(r.width, 4);
    EXPECT_EQ(r.height, 3);
    EXPECT_EQ(r.x, 4998);
    rng = rng_at(1, RNG_TEST, 0, 0);
    r = transform_draw_crop(&rng, 1, 1, scale, ratio);
    EXPECT_EQ(r.width, 1);
    EXPECT_EQ(r.height, 1);
}

TEST(CenterCrop, RoundsHalfToEven)
{
    EXPECT_EQ(16, transform_center_crop(224, 257, 224).y); // 16.5
    EXPECT_EQ(18, transform_center_crop(224, 259, 224).y); // 17.5
    int64_t w, h;
    transform_short_side(&w, &h, 500, 375, 256);
    EXPECT_EQ(341, w); // 341.33 truncated
    EXPECT_EQ(256, h);
}
