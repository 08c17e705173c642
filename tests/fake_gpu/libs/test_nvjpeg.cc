/* JPEG files through nvJPEG (kernels/cuda/lib_nvjpeg.c): windows, what is left to the host, memory and states given back */
#include "fake_gpu/libs/fresh_device.h"
#include <thread>
#include <turbojpeg.h>

namespace {

typedef std::vector<uint8_t> Bytes;

struct Photo {
    int   w, h;
    Bytes rgb, jpeg;

    Photo(int width, int height, bool is_progressive = false) : w(width), h(height)
    {
        for (int i = 0; i < 3 * w * h; i++)
            rgb.push_back((uint8_t)(40 + i / 3 % w * 2 + i / 3 / w * 3 + i % 3 * 20));
        unsigned char *out = nullptr;
        unsigned long  n = 0;
        tjhandle       turbo = tjInitCompress();
        EXPECT_EQ(0, tjCompress2(turbo, rgb.data(), w, 0, h, TJPF_RGB, &out, &n, TJSAMP_420, 90,
                                 is_progressive ? TJFLAG_PROGRESSIVE : 0));
        jpeg.assign(out, out + n);
        tjFree(out);
        tjDestroy(turbo);
        turbo = tjInitDecompress();
        EXPECT_EQ(0, tjDecompress2(turbo, jpeg.data(), n, rgb.data(), w, 0, h, TJPF_RGB,
                                   TJFLAG_ACCURATEDCT));
        tjDestroy(turbo);
    }
    Bytes window(int x, int y, int width, int height) const
    {
        Bytes out;
        for (int row = y; row < y + height; row++)
            out.insert(out.end(), rgb.begin() + 3 * (row * w + x),
                       rgb.begin() + 3 * (row * w + x + width));
        return out;
    }
};

class NvJpeg : public ::testing::Test {
  protected:
    FreshDevice d;
    void       *decoder = nullptr;

    void SetUp() override
    {
        setenv("GODWIT_NVJPEG", d.path.c_str(), 1);
    }
    void TearDown() override
    {
        d.be->jpeg_close(decoder);
        EXPECT_EQ(0, d.fake->n_live_jpeg);
        unsetenv("GODWIT_NVJPEG");
    }
    void open()
    {
        ASSERT_EQ(OK, d.be->jpeg_open(&decoder)) << status_text();
    }
    Status decode(Bytes *out, const Bytes &jpeg, int x, int y, int w, int h)
    {
        out->assign((size_t)(3 * w * h), 0);
        return d.be->jpeg_decode(decoder, out->data(), x, y, w, h, jpeg.data(),
                                 (int64_t)jpeg.size());
    }
};

} // namespace

TEST_F(NvJpeg, GivesAnyWindowOfAPicture)
{
    Photo small(40, 30), large(90, 70);
    Bytes got;
    open();
    ASSERT_EQ(OK, decode(&got, small.jpeg, 0, 0, 40, 30)) << status_text();
    EXPECT_EQ(small.rgb, got);
    ASSERT_EQ(OK, decode(&got, large.jpeg, 11, 7, 50, 40)) << status_text(); // memory grows
    EXPECT_EQ(large.window(11, 7, 50, 40), got);
    ASSERT_EQ(OK, decode(&got, small.jpeg, 39, 29, 1, 1)) << status_text();
    EXPECT_EQ(small.window(39, 29, 1, 1), got);
    EXPECT_EQ(3, d.fake->n_decoded);
}

TEST_F(NvJpeg, LeavesToTheHostWhatTheEnginesDoNotTake)
{
    Photo photo(40, 30), progressive(40, 30, true);
    Bytes got, garbage(100, 0x55), cut = photo.jpeg;
    cut.resize(30);
    open();
    for (const Bytes &jpeg : {progressive.jpeg, garbage, cut, Bytes{0xff, 0xd8}})
        EXPECT_EQ(ERR_UNSUPPORTED, decode(&got, jpeg, 0, 0, 10, 10));
    EXPECT_EQ(ERR_UNSUPPORTED, decode(&got, photo.jpeg, 31, 0, 10, 10)); // beside the picture
    EXPECT_STREQ("JPEG on the device: not a size that the engines take; use data.decode=host",
                 status_text());
    EXPECT_EQ(0, d.fake->n_decoded);
}

TEST_F(NvJpeg, GoesOnBehindAPictureThatFailed)
{
    Photo photo(40, 30);
    Bytes got;
    open();
    d.fake->jpeg_fails = true;
    EXPECT_EQ(ERR_UNSUPPORTED, decode(&got, photo.jpeg, 0, 0, 40, 30));
    EXPECT_STREQ("JPEG on the device: the engines could not read it (nvJPEG status 6); use "
                 "data.decode=host",
                 status_text());
    d.fake->jpeg_fails = false;
    ASSERT_EQ(OK, decode(&got, photo.jpeg, 0, 0, 40, 30)) << status_text();
    EXPECT_EQ(photo.rgb, got);
}

TEST_F(NvJpeg, LeavesToTheHostWhatFindsNoRoom)
{
    Photo photo(40, 30);
    Bytes got;
    open();
    setenv("FAKE_GPU_MEMORY", "1000", 1);
    EXPECT_EQ(ERR_UNSUPPORTED, decode(&got, photo.jpeg, 0, 0, 40, 30));
    unsetenv("FAKE_GPU_MEMORY");
    EXPECT_STREQ("JPEG on the device: the GPU has no room for the picture; use data.decode=host",
                 status_text());
    ASSERT_EQ(OK, decode(&got, photo.jpeg, 0, 0, 40, 30)) << status_text();
    EXPECT_EQ(photo.rgb, got);
}

TEST_F(NvJpeg, SaysWhyNvJpegFoundNoMemory)
{
    Photo photo(40, 30);
    Bytes got;
    open();
    DeviceFacts facts = {};
    ASSERT_EQ(OK, d.be->describe(&facts));
    int64_t room = facts.total_bytes - facts.free_bytes + 500000; // for the picture, not for nvJPEG
    setenv("FAKE_GPU_MEMORY", std::to_string(room).c_str(), 1);
    EXPECT_EQ(ERR_UNSUPPORTED, decode(&got, photo.jpeg, 0, 0, 40, 30));
    unsetenv("FAKE_GPU_MEMORY");
    EXPECT_STREQ("JPEG on the device: the engines could not read it (nvJPEG status 5: "
                 "cudaErrorMemoryAllocation); use data.decode=host",
                 status_text());
    ASSERT_EQ(OK, decode(&got, photo.jpeg, 0, 0, 40, 30)) << status_text();
    EXPECT_EQ(photo.rgb, got);
}

/* Each loader thread has one, which another thread opens and closes. */
TEST_F(NvJpeg, DecodesInOtherThreads)
{
    Photo photo(40, 30);
    void *own[2] = {};
    for (void *&one : own)
        ASSERT_EQ(OK, d.be->jpeg_open(&one)) << status_text();
    auto work = [&](void *one) {
        Bytes got((size_t)(3 * 40 * 30));
        for (int i = 0; i < 3; i++) {
            EXPECT_EQ(OK, d.be->jpeg_decode(one, got.data(), 0, 0, 40, 30, photo.jpeg.data(),
                                            (int64_t)photo.jpeg.size()))
                << status_text();
            EXPECT_EQ(photo.rgb, got);
        }
    };
    std::thread first(work, own[0]), second(work, own[1]);
    first.join();
    second.join();
    for (void *one : own)
        std::thread(d.be->jpeg_close, one).join();
    EXPECT_EQ(6, d.fake->n_decoded);
    EXPECT_EQ(0, d.fake->n_misuses) << d.fake->last_misuse;
}

TEST_F(NvJpeg, SaysWhatIsMissing)
{
    d.fake->has_no_jpeg_engine = true;
    EXPECT_EQ(ERR_UNSUPPORTED, d.be->jpeg_open(&decoder));
    EXPECT_STREQ("JPEG on the device: this GPU has no decoding engine (nvJPEG status 7); use "
                 "data.decode=host",
                 status_text());
    d.fake->has_no_jpeg_engine = false;
    d.fake->hides_jpeg_engines = true;
    EXPECT_EQ(ERR_UNSUPPORTED, d.be->jpeg_open(&decoder));
    EXPECT_STREQ("JPEG on the device: this GPU has no decoding engine (nvJPEG status 0); use "
                 "data.decode=host",
                 status_text());
    setenv("GODWIT_NVJPEG", "/nowhere/libnvjpeg.so", 1);
    EXPECT_EQ(ERR_UNSUPPORTED, d.be->jpeg_open(&decoder));
    EXPECT_NE(nullptr,
              strstr(status_text(), "JPEG on the device: GODWIT_NVJPEG=/nowhere/libnvjpeg.so "
                                    "does not load (/nowhere/libnvjpeg.so: cannot open"))
        << status_text();
    setenv("GODWIT_NVJPEG", "libm.so.6", 1);
    EXPECT_EQ(ERR_UNSUPPORTED, d.be->jpeg_open(&decoder));
    EXPECT_STREQ("JPEG on the device: the nvJPEG that was found is too old; use data.decode=host",
                 status_text());
    EXPECT_EQ(nullptr, decoder);
}
