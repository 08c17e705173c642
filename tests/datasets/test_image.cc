// pictures: decoding against Pillow on the same libjpeg (tolerance 0), orientation, and what is refused
#include "data_test.h"
#include "golden/datasets/golden.h"

static Status decode(Picture &out, const std::vector<uint8_t> &b, const DecodeOptions *o = nullptr)
{
    return image_decode(&out.im, o, b.data(), (int64_t)b.size(), "test.jpg");
}

TEST(ImageDecode, HasPillowsBytesForEveryKind)
{
    for (const FileGolden &g : FILES) {
        std::vector<uint8_t> b = from_hex(g.hex);
        Picture              out;
        ASSERT_OK(decode(out, b)) << g.name;
        EXPECT_EQ(g.w, out.im.width) << g.name;
        EXPECT_EQ(g.h, out.im.height) << g.name;
        EXPECT_EQ(g.hash, out.hash()) << g.name;
        ImageInfo info;
        ASSERT_OK(image_probe(&info, nullptr, b.data(), (int64_t)b.size(), g.name));
        EXPECT_EQ(g.w, info.width) << g.name;
        EXPECT_EQ(g.h, info.height) << g.name;
    }
}

TEST(ImageDecode, CropEqualsCropOfTheWhole)
{
    for (const FileGolden &g : FILES) {
        std::vector<uint8_t> b = from_hex(g.hex);
        Picture              whole, part;
        ASSERT_OK(decode(whole, b));
        for (int k = 0; k < 40; k++) {
            Rng       rng = rng_at(7, RNG_TEST, (uint64_t)k, 0);
            ImageRect r = {0, 0, 1 + rng_below(&rng, (uint32_t)g.w),
                           1 + rng_below(&rng, (uint32_t)g.h)};
            r.x = rng_below(&rng, (uint32_t)(g.w - r.width + 1));
            r.y = rng_below(&rng, (uint32_t)(g.h - r.height + 1));
            ASSERT_OK(image_decode_crop(&part.im, nullptr, r, b.data(), (int64_t)b.size(), g.name));
            for (int64_t y = 0; y < r.height; y++)
                ASSERT_EQ(0, memcmp(part.im.pixels + 3 * y * r.width,
                                    whole.im.pixels + 3 * ((r.y + y) * g.w + r.x),
                                    (size_t)(3 * r.width)))
                    << g.name << " row " << y << " of " << r.width << "x" << r.height << "+" << r.x
                    << "+" << r.y;
        }
    }
}

TEST(ImageDecode, CropEqualsCropOfTheWholeOnLargePictures)
{
    Picture in(323, 251);
    for (JpegSubsampling s : {JPEG_444, JPEG_422, JPEG_420}) {
        std::vector<uint8_t> b = encoded(in.im, 85, s);
        Picture              whole, part;
        ASSERT_OK(decode(whole, b));
        for (int k = 0; k < 150; k++) {
            Rng       rng = rng_at(8, RNG_TEST, (uint64_t)k, s);
            ImageRect r = {0, 0, 1 + rng_below(&rng, 323), 1 + rng_below(&rng, 251)};
            r.x = rng_below(&rng, (uint32_t)(323 - r.width + 1));
            r.y = rng_below(&rng, (uint32_t)(251 - r.height + 1));
            ASSERT_OK(image_decode_crop(&part.im, nullptr, r, b.data(), (int64_t)b.size(), "x"));
            for (int64_t y = 0; y < r.height; y++)
                ASSERT_EQ(0, memcmp(part.im.pixels + 3 * y * r.width,
                                    whole.im.pixels + 3 * ((r.y + y) * 323 + r.x),
                                    (size_t)(3 * r.width)))
                    << "sampling " << s << " row " << y << " of " << r.width << "x" << r.height
                    << "+" << r.x << "+" << r.y;
        }
    }
}

TEST(ImageDecode, RefusesCutFilesAtEveryLength)
{
    std::vector<uint8_t> jpeg = encoded(Picture(24, 17).im), png;
    ImageBytes           b = {};
    Picture              in(24, 17);
    ASSERT_OK(image_encode_png(&b, &in.im));
    png.assign(b.data, b.data + b.n_bytes);
    image_bytes_release(&b);
    for (const std::vector<uint8_t> &whole : {jpeg, png}) {
        for (size_t n = 0; n + 16 < whole.size(); n += 3) {
            Picture              out;
            std::vector<uint8_t> cut(whole.begin(), whole.begin() + (long)n);
            ASSERT_EQ(ERR_FORMAT, decode(out, cut)) << n << " of " << whole.size();
            ASSERT_NE(nullptr, strstr(status_text(), "test.jpg")) << status_text();
        }
    }
}

TEST(ImageDecode, NamesWhatItFoundInstead)
{
    Picture              out;
    std::vector<uint8_t> html = {'<', '!', 'D', 'O', 'C'}, none;
    EXPECT_EQ(ERR_FORMAT, decode(out, html));
    EXPECT_NE(nullptr, strstr(status_text(), "HTML"));
    EXPECT_EQ(ERR_FORMAT, decode(out, none));
    EXPECT_NE(nullptr, strstr(status_text(), "empty"));
}

TEST(ImageDecode, RefusesTwelveBitJpegs)
{
    std::vector<uint8_t> b = encoded(Picture(24, 17).im);
    for (size_t i = 0; i + 9 < b.size(); i++)
        if (b[i] == 0xFF && b[i + 1] == 0xC0)
            b[i + 4] = 12;
    Picture out;
    EXPECT_EQ(ERR_FORMAT, decode(out, b));
    EXPECT_NE(nullptr, strstr(status_text(), "precision 12")) << status_text();
}

TEST(ImageDecode, JudgesHugeHeadersBeforeAllocating)
{
    std::vector<uint8_t> b = encoded(Picture(24, 17).im);
    for (size_t i = 0; i + 9 < b.size(); i++)
        if (b[i] == 0xFF && b[i + 1] == 0xC0)
            b[i + 5] = b[i + 7] = 0xFF, b[i + 6] = b[i + 8] = 0xDC;
    Picture out;
    EXPECT_EQ(ERR_FORMAT, decode(out, b));
    EXPECT_NE(nullptr, strstr(status_text(), "65500 x 65500")) << status_text();
    EXPECT_EQ(nullptr, out.im.pixels);

    std::vector<uint8_t> png =
        from_hex("89504e470d0a1a0a0000000d494844527fffffff7fffffff0802000000");
    png.resize(60);
    EXPECT_EQ(ERR_FORMAT, decode(out, png));
    EXPECT_EQ(nullptr, out.im.pixels);
    DecodeOptions small = {};
    small.max_pixels = 100;
    EXPECT_EQ(ERR_FORMAT, decode(out, encoded(Picture(24, 17).im), &small));
}

TEST(ImageDecode, RefusesAProgressiveJpegWithTooManyScans)
{
    for (const FileGolden &g : FILES) {
        if (strcmp(g.name, "jpeg-progressive") != 0)
            continue;
        Picture       out;
        DecodeOptions o = {};
        o.max_scans = 2;
        EXPECT_EQ(ERR_FORMAT, decode(out, from_hex(g.hex), &o));
        EXPECT_NE(nullptr, strstr(status_text(), "scans")) << status_text();
    }
}

TEST(ImageDecode, ObeysTheExifPolicy)
{
    for (const FileGolden &g : FILES) {
        if (strcmp(g.name, "jpeg-exif-6") != 0)
            continue;
        Picture       out;
        DecodeOptions o = {};
        o.exif = EXIF_IGNORE;
        ASSERT_OK(decode(out, from_hex(g.hex), &o));
        EXPECT_EQ(24, out.im.width);
        o.exif = EXIF_ERROR;
        EXPECT_EQ(ERR_FORMAT, decode(out, from_hex(g.hex), &o));
    }
}

TEST(ImageDecode, ShrinksByPowersOfTwo)
{
    std::vector<uint8_t> b = encoded(Picture(50, 31, true).im);
    for (int shrink : {2, 4, 8}) {
        Picture       out;
        DecodeOptions o = {};
        o.shrink = shrink;
        ASSERT_OK(decode(out, b, &o));
        EXPECT_EQ((50 + shrink - 1) / shrink, out.im.width);
        EXPECT_EQ((31 + shrink - 1) / shrink, out.im.height);
    }
}

TEST(ImageEncode, PngComesBackUnchangedAndJpegNearly)
{
    Picture    in(37, 23, true), out;
    ImageBytes b = {};
    ASSERT_OK(image_encode_png(&b, &in.im));
    ASSERT_OK(image_decode(&out.im, nullptr, b.data, b.n_bytes, "x"));
    EXPECT_EQ(in.hash(), out.hash());
    ASSERT_OK(image_encode_jpeg(&b, &in.im, 100, JPEG_444));
    ASSERT_OK(image_decode(&out.im, nullptr, b.data, b.n_bytes, "x"));
    int worst = 0;
    for (int i = 0; i < 37 * 23 * 3; i++)
        worst = std::max(worst, abs(in.im.pixels[i] - out.im.pixels[i]));
    EXPECT_LE(worst, 4);
    image_bytes_release(&b);
}

TEST(ImageFiles, RoundTripAndNameTheMissing)
{
    TempDir dir;
    Picture in(20, 10), out;
    ASSERT_OK(image_write(&in.im, (dir.path + "/a.png").c_str()));
    ASSERT_OK(image_read(&out.im, nullptr, (dir.path + "/a.png").c_str()));
    EXPECT_EQ(in.hash(), out.hash());
    EXPECT_EQ(ERR_MISSING, image_read(&out.im, nullptr, "/nowhere/b.jpg"));
    EXPECT_EQ(ERR_USAGE, image_write(&in.im, (dir.path + "/a.gif").c_str()));
    EXPECT_EQ(ERR_CREATE, image_write(&in.im, "/nowhere/b.jpg"));
}
