/* Batches whose JPEG files a device decodes, beside libjpeg's: the same bits from the emulated one, few levels apart from others */
#include "device_under_test.h"
#include "pretrain/pictures.h"
extern "C" {
#include "base/log.h"
#include "pretrain/device_decoder.h"
}
#include <cmath>

namespace {

const int64_t SIDE = 64;

class DecodedBatch : public ::testing::Test {
  protected:
    TempDir      dir;
    Source      *source = nullptr;
    JpegDecoders decoders = {};
    bool         is_emulated = false;

    void SetUp() override
    {
        const Backend *be = device_under_test();
        DeviceFacts    facts = {};
        void          *one = nullptr;
        ASSERT_EQ(OK, be->describe(&facts)) << status_text();
        is_emulated = strstr(facts.name, "emulated");
        if (be->jpeg_open(&one) != OK)
            GTEST_SKIP() << status_text();
        be->jpeg_close(one);
        ASSERT_EQ(OK, device_decoders(&decoders, be)) << status_text();
        for (int i = 0; i < 8; i++)
            write_smooth(dir / ("data/a/" + std::to_string(i) + ".jpg"), 150 + 7 * i, 110 + 3 * i);
        std::string path = dir / "data";
        ASSERT_EQ(OK, source_open(&source, path.c_str())) << status_text();
    }
    void TearDown() override
    {
        source_close(source);
    }
    void write_smooth(const std::string &path, int64_t width, int64_t height)
    {
        Image im = {};
        fs::create_directories(fs::path(path).parent_path());
        ASSERT_EQ(OK, image_resize_buffer(&im, width, height));
        for (int64_t i = 0; i < 3 * width * height; i++) {
            double x = (double)(i / 3 % width), y = (double)(i / 3 / width);
            im.pixels[i] = (uint8_t)(128 + 60 * std::sin(x / 9 + (double)(i % 3)) +
                                     50 * std::cos(y / 7 + x / 31));
        }
        ImageBytes jpeg = {};
        ASSERT_EQ(OK, image_encode_jpeg(&jpeg, &im, 90, JPEG_420))
            << status_text(); // as cameras write
        std::ofstream(path, std::ios::binary).write((const char *)jpeg.data, jpeg.n_bytes);
        image_bytes_release(&jpeg);
        image_release(&im);
    }
    std::vector<uint8_t> crops(const JpegDecoders &jpeg, std::string *said)
    {
        LoaderOptions        o = {};
        Loader              *l = nullptr;
        LoaderBatch          b;
        std::vector<uint8_t> all;
        o.augment = augment_options(AUGMENT_V1, SIDE);
        o.batch = 8;
        o.n_views = 2;
        o.n_workers = 3;
        o.end_step = 1;
        o.crops_only = true;
        o.jpeg = jpeg;
        testing::internal::CaptureStderr();
        EXPECT_EQ(OK, loader_open(&l, source, &o)) << status_text();
        if (l && loader_next(l, &b) == OK)
            for (int v = 0; v < 2; v++)
                all.insert(all.end(), b.crop[v], b.crop[v] + b.n * 3 * SIDE * SIDE);
        loader_close(l);
        *said = testing::internal::GetCapturedStderr();
        return all;
    }
};

} // namespace

TEST_F(DecodedBatch, IsLibjpegs)
{
    std::string          said;
    std::vector<uint8_t> host = crops(JpegDecoders{}, &said), device = crops(decoders, &said);
    EXPECT_NE(std::string::npos, said.find("JPEG files decoded by the device: 8 of 8")) << said;
    ASSERT_EQ((size_t)(2 * 8 * 3 * SIDE * SIDE), host.size());
    ASSERT_EQ(host.size(), device.size());
    double sum = 0;
    for (size_t i = 0; i < host.size(); i++)
        sum += std::abs(host[i] - device[i]);
    EXPECT_LE(sum / (double)host.size(), is_emulated ? 0 : 2); // of 255
}

TEST_F(DecodedBatch, LeavesBrokenFilesToTheHost)
{
    std::string said, path = dir / "data/a/3.jpg", bytes = file_bytes(path);
    for (size_t i = bytes.size() / 2; i < bytes.size() - 40; i++)
        bytes[i] = (char)(i * 37); // entropy-coded data that is none, markers too
    std::ofstream(path, std::ios::binary) << bytes;
    std::vector<uint8_t> device = crops(decoders, &said);
    EXPECT_EQ((size_t)(2 * 8 * 3 * SIDE * SIDE), device.size()) << said << status_text();
    bool is_told = said.find("; the last left to the host: JPEG on the device: ") != said.npos;
    EXPECT_TRUE(is_told || !is_emulated) << said; // engines may decode damage to something
}

/* Engines that are there and do not serve are told before a run begins. */
TEST_F(DecodedBatch, IsTriedOnAPictureFirst)
{
    static const Backend *real;
    real = device_under_test();
    Backend other = *real;
    other.jpeg_decode = [](void *, uint8_t *, int64_t, int64_t, int64_t, int64_t, const void *,
                           int64_t) { return status_fail(ERR_UNSUPPORTED, "no engine answers"); };
    EXPECT_EQ(ERR_UNSUPPORTED, device_decoders(&decoders, &other));
    EXPECT_STREQ("no engine answers", status_text());
    other.jpeg_decode = [](void *d, uint8_t *rgb, int64_t x, int64_t y, int64_t w, int64_t h,
                           const void *bytes, int64_t n) {
        Status st = real->jpeg_decode(d, rgb, x, y, w, h, bytes, n);
        for (int64_t i = 0; i < 3 * w * h; i++)
            rgb[i] ^= 16;
        return st;
    };
    EXPECT_EQ(ERR_UNSUPPORTED, device_decoders(&decoders, &other));
    EXPECT_STREQ("JPEG on the device: a picture came out 16.0 of 255 levels off on the mean, at "
                 "most 4 expected; use data.decode=host",
                 status_text());
}
