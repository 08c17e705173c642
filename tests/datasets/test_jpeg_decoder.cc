// a JPEG decoder beside libjpeg: which files it is asked for, what becomes of those that it leaves, one for every worker
#include "data_test.h"
#include "golden/datasets/golden.h"
extern "C" {
#include "base/log.h"
#include "datasets/loader.h"
}

namespace {

/* Notes what it is asked for and answers as it is told; its pixels are 7 + column of the stored picture, all channels. */
struct Recorder {
    Status                 answer = OK;
    std::vector<ImageRect> asked;

    static Status decode(void *state, uint8_t *rgb, ImageRect w, const void *, int64_t)
    {
        Recorder *r = (Recorder *)state;
        r->asked.push_back(w);
        if (r->answer != OK)
            return status_fail(r->answer, "as it is told");
        for (int64_t i = 0; i < w.width * w.height; i++)
            memset(rgb + 3 * i, (int)(7 + w.x + i % w.width), 3);
        return OK;
    }
};

struct Decoded {
    Recorder    recorder;
    JpegDecoder jpeg = {};
    Picture     out;
    Status      status;

    explicit Decoded(const std::vector<uint8_t> &bytes, Status answer = OK,
                     const ImageRect *crop = nullptr, int shrink = 1)
    {
        DecodeOptions o = {};
        recorder.answer = answer;
        jpeg.state = &recorder;
        jpeg.decode = Recorder::decode;
        o.jpeg = &jpeg;
        o.shrink = shrink;
        status = crop ? image_decode_crop(&out.im, &o, *crop, bytes.data(), (int64_t)bytes.size(),
                                          "test.jpg")
                      : image_decode(&out.im, &o, bytes.data(), (int64_t)bytes.size(), "test.jpg");
    }
    uint8_t pixel(int64_t x, int64_t y) const
    {
        return out.im.pixels[3 * (y * out.im.width + x)];
    }
};

std::vector<uint8_t> golden(const char *name)
{
    for (const FileGolden &g : FILES)
        if (strcmp(g.name, name) == 0)
            return from_hex(g.hex);
    ADD_FAILURE() << name;
    return {};
}

} // namespace

TEST(JpegDecoder, IsAskedForGrayAndThreeChannelsOnly)
{
    for (const FileGolden &g : FILES) {
        std::string name = g.name;
        bool        is_asked =
            name.compare(0, 4, "jpeg") == 0 && name != "jpeg-cmyk" && name != "jpeg-ycck";
        Decoded d(from_hex(g.hex));
        ASSERT_OK(d.status) << name;
        EXPECT_EQ(is_asked ? 1u : 0u, d.recorder.asked.size()) << name;
        EXPECT_EQ(is_asked ? 1 : 0, d.jpeg.n_served) << name;
        EXPECT_EQ(is_asked, d.out.hash() != g.hash) << name; // whose pixels are these?
    }
}

/* Engines may take the three for luma and chroma. */
TEST(JpegDecoder, IsNotAskedForRedGreenAndBlueAsStored)
{
    std::vector<uint8_t> jpeg = encoded(Picture(24, 17).im);
    ASSERT_EQ(0xe0, jpeg[3]); // JFIF: luma and chroma
    const uint8_t adobe[] = {0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0};
    jpeg.erase(jpeg.begin() + 2, jpeg.begin() + 4 + 16);
    for (uint8_t transform : {0, 1}) {
        std::vector<uint8_t> marked = jpeg;
        marked.insert(marked.begin() + 2, adobe, adobe + sizeof adobe);
        marked[2 + sizeof adobe - 1] = transform;
        Decoded d(marked);
        ASSERT_OK(d.status);
        EXPECT_EQ(transform, d.recorder.asked.size());
    }
}

TEST(JpegDecoder, LeavesToLibjpegWhatItRefuses)
{
    for (const FileGolden &g : FILES) {
        Decoded d(from_hex(g.hex), ERR_UNSUPPORTED);
        ASSERT_OK(d.status) << g.name;
        EXPECT_EQ(g.hash, d.out.hash()) << g.name;
        EXPECT_EQ(0, d.jpeg.n_served) << g.name;
        EXPECT_EQ((int64_t)(strncmp(g.name, "jpeg", 4) == 0), d.jpeg.n_left) << g.name;
    }
}

TEST(JpegDecoder, FailsWhenTheDeviceDoes)
{
    Decoded d(golden("jpeg-420"), ERR_DEVICE);
    EXPECT_EQ(ERR_DEVICE, d.status);
    EXPECT_STREQ("as it is told", status_text());
}

TEST(JpegDecoder, GivesTheWindowOfACrop)
{
    ImageRect crop = {5, 3, 11, 8};
    Decoded   d(encoded(Picture(24, 17).im), OK, &crop);
    ASSERT_OK(d.status);
    ASSERT_EQ(1u, d.recorder.asked.size());
    EXPECT_EQ(5, d.recorder.asked[0].x);
    EXPECT_EQ(3, d.recorder.asked[0].y);
    EXPECT_EQ(11, d.out.im.width);
    EXPECT_EQ(8, d.out.im.height);
    EXPECT_EQ(7 + 5, d.pixel(0, 4));
    EXPECT_EQ(7 + 15, d.pixel(10, 0));
}

TEST(JpegDecoder, SeesThePictureAsStoredAndItsPixelsAreTurned)
{
    std::vector<uint8_t> turned = golden("jpeg-exif-6"); // 24 x 17 stored, shown a quarter turned
    Decoded              whole(turned);
    ASSERT_OK(whole.status);
    EXPECT_EQ(24, whole.recorder.asked[0].width);
    EXPECT_EQ(17, whole.out.im.width);
    EXPECT_EQ(7, whole.pixel(3, 0)); // rows are what was stored as columns
    EXPECT_EQ(7 + 23, whole.pixel(3, 23));
    ImageRect crop = {2, 4, 6, 9};
    Decoded   part(turned, OK, &crop);
    ASSERT_OK(part.status);
    EXPECT_EQ(4, part.recorder.asked[0].x);
    EXPECT_EQ(9, part.recorder.asked[0].width);
    EXPECT_EQ(6, part.recorder.asked[0].height);
    EXPECT_EQ(7 + 4, part.pixel(0, 0));
}

TEST(JpegDecoder, IsNotAskedForFilesWithoutAnEndOrAtOtherSizes)
{
    std::vector<uint8_t> cut = encoded(Picture(64, 48).im);
    Decoded              small(cut, OK, nullptr, 2);
    ASSERT_OK(small.status);
    EXPECT_TRUE(small.recorder.asked.empty());
    cut.resize(cut.size() / 2);
    Decoded d(cut);
    EXPECT_EQ(ERR_FORMAT, d.status);
    EXPECT_TRUE(d.recorder.asked.empty());
}

/* ---- the loader's ---- */

namespace {

struct Workshop { // opens decoders until it is told to fail
    int                   n_to_open = 100, n_opened = 0, n_closed = 0;
    std::vector<Recorder> recorder = std::vector<Recorder>(100);

    static Status open(void *ctx, JpegDecoder *out)
    {
        Workshop *w = (Workshop *)ctx;
        if (w->n_opened == w->n_to_open)
            return status_fail(ERR_UNSUPPORTED, "no more decoders");
        *out = {};
        out->state = &w->recorder[(size_t)w->n_opened++];
        out->decode = Recorder::decode;
        shop = w;
        return OK;
    }
    static void close(JpegDecoder *d)
    {
        EXPECT_NE(nullptr, d->state);
        shop->n_closed++;
    }
    static Workshop *shop;
};
Workshop *Workshop::shop;

class JpegLoader : public ::testing::Test {
  protected:
    TempDir       dir;
    Source       *source = nullptr;
    Workshop      workshop;
    LoaderOptions o = {};

    void SetUp() override
    {
        for (int i = 0; i < 12; i++)
            spill(dir.path + "/a/" + std::to_string(i) + ".jpg", encoded(Picture(40 + i, 30).im));
        ASSERT_OK(source_open(&source, dir.path.c_str()));
        o.augment = augment_options(AUGMENT_TEST, 16);
        o.augment.resize = 20;
        o.batch = 4;
        o.n_views = 1;
        o.n_workers = 3;
        o.jpeg = {Workshop::open, Workshop::close, &workshop};
    }
    void TearDown() override
    {
        source_close(source);
    }
    std::vector<float> epoch()
    {
        Loader            *l = nullptr;
        std::vector<float> all;
        EXPECT_OK(loader_open(&l, source, &o));
        for (int i = 0; i < 3; i++) {
            LoaderBatch b;
            EXPECT_OK(loader_next(l, &b));
            all.insert(all.end(), b.view[0], b.view[0] + b.n * 16 * 16 * 3);
        }
        loader_close(l);
        return all;
    }
};

} // namespace

TEST_F(JpegLoader, HasADecoderForEveryWorkerAndItsPixels)
{
    o.end_step = 3;
    for (int64_t cache : {0, 1 << 20}) {
        workshop = Workshop();
        o.cache_bytes = cache;
        testing::internal::CaptureStderr();
        std::vector<float> pixels = epoch();
        std::string        said = testing::internal::GetCapturedStderr();
        EXPECT_NE(std::string::npos, said.find("JPEG files decoded by the device: 12 of 12\n"))
            << said;
        EXPECT_EQ(3, workshop.n_opened);
        EXPECT_EQ(3, workshop.n_closed);
        size_t n_asked = 0;
        for (const Recorder &r : workshop.recorder)
            n_asked += r.asked.size();
        EXPECT_EQ(12u, n_asked);
        o.jpeg = {};
        EXPECT_NE(epoch(), pixels);
        o.jpeg = {Workshop::open, Workshop::close, &workshop};
    }
}

TEST_F(JpegLoader, HasLibjpegsPixelsWhereAllIsRefused)
{
    o.end_step = 3;
    for (Recorder &r : workshop.recorder)
        r.answer = ERR_UNSUPPORTED;
    std::vector<float> pixels = epoch();
    o.jpeg = {};
    EXPECT_EQ(epoch(), pixels);
}

TEST_F(JpegLoader, SaysEarlyAndOnceThatAllIsRefused)
{
    for (Status answer : {ERR_UNSUPPORTED, OK}) {
        workshop = Workshop();
        workshop.recorder[0].answer = answer;
        o.n_workers = 1;
        int64_t n_before = log_warnings();
        Loader *l = nullptr;
        testing::internal::CaptureStderr();
        ASSERT_OK(loader_open(&l, source, &o));
        for (int i = 0; i < 30; i++) { // of 4 files each
            LoaderBatch b;
            ASSERT_OK(loader_next(l, &b));
        }
        std::string said = testing::internal::GetCapturedStderr();
        loader_close(l);
        EXPECT_EQ(answer == OK ? 0 : 1, log_warnings() - n_before);
        EXPECT_EQ(answer != OK,
                  said.find("warning: the device decoded none of the first 32 JPEG files, the host "
                            "does it in its place: as it is told\n") != std::string::npos)
            << said;
    }
}

TEST_F(JpegLoader, ClosesThoseItOpenedWhenOneCannotBe)
{
    Loader *l = nullptr;
    workshop.n_to_open = 2;
    EXPECT_EQ(ERR_UNSUPPORTED, loader_open(&l, source, &o));
    EXPECT_STREQ("no more decoders", status_text());
    EXPECT_EQ(nullptr, l);
    EXPECT_EQ(2, workshop.n_closed);
}

TEST_F(JpegLoader, StopsWhenTheDeviceFailsWhateverIsDoneAboutBadFiles)
{
    Loader     *l = nullptr;
    LoaderBatch b;
    o.bad = BAD_GRAY;
    for (Recorder &r : workshop.recorder)
        r.answer = ERR_DEVICE;
    ASSERT_OK(loader_open(&l, source, &o));
    EXPECT_EQ(ERR_DEVICE, loader_next(l, &b));
    loader_close(l);
}
