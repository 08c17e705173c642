// loader: the same batches whatever the threads, the cache and the starting step; bad files by policy
#include "data_test.h"
#include <algorithm>
#include <atomic>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
extern "C" {
#include "base/run.h"
#include "datasets/loader.h"
#include "datasets/source.h"
}

namespace {

struct Step {
    int64_t              epoch;
    uint64_t             pixels[2];
    std::vector<int64_t> label, index;
    bool                 operator==(const Step &b) const
    {
        return epoch == b.epoch && pixels[0] == b.pixels[0] && pixels[1] == b.pixels[1] &&
               label == b.label && index == b.index;
    }
};

struct Set { // 23 small pictures in memory; some may be broken
    Source *source = nullptr;
    explicit Set(const std::vector<int> &broken = {}, int n = 23)
    {
        std::vector<std::vector<uint8_t>> bytes;
        std::vector<std::string>          names;
        std::vector<SourceItem>           items;
        for (int i = 0; i < n; i++) {
            Picture p(30 + i % 7, 20 + i % 11);
            p.im.pixels[0] = (uint8_t)i;
            bytes.push_back(encoded(p.im));
            for (int b : broken)
                if (b == i)
                    bytes.back().resize(bytes.back().size() / 2);
            names.push_back("picture-" + std::to_string(i));
        }
        for (int i = 0; i < n; i++)
            items.push_back({bytes[(size_t)i].data(), (int64_t)bytes[(size_t)i].size(),
                             names[(size_t)i].c_str(), i % 3});
        EXPECT_EQ(OK, source_from_memory(&source, items.data(), n)) << status_text();
    }
    ~Set()
    {
        source_close(source);
    }
};

LoaderOptions options(int workers)
{
    LoaderOptions o = {};
    o.augment = augment_options(AUGMENT_V2, 16);
    o.batch = 5;
    o.n_views = 2;
    o.n_workers = workers;
    o.seed = 42;
    o.shuffle = true;
    o.drop_last = true;
    return o;
}

std::vector<Step> steps(const Source *s, const LoaderOptions &o, int n)
{
    std::vector<Step> out;
    Loader           *l = nullptr;
    EXPECT_EQ(OK, loader_open(&l, s, &o)) << status_text();
    for (int i = 0; l != nullptr && i < n; i++) {
        LoaderBatch b;
        EXPECT_EQ(OK, loader_next(l, &b)) << status_text();
        EXPECT_EQ(o.start_step + i, b.step);
        Step   step = {b.epoch, {0, 0}, {}, {}};
        size_t size = (size_t)(b.n * o.augment.crop * o.augment.crop * 3) * sizeof(float);
        for (int v = 0; v < o.n_views; v++)
            step.pixels[v] = fnv(b.view[v], size);
        step.label.assign(b.label, b.label + b.n);
        step.index.assign(b.index, b.index + b.n);
        out.push_back(step);
    }
    loader_close(l);
    return out;
}

} // namespace

TEST(Loader, GivesTheSameBatchesForAnyNumberOfWorkers)
{
    Set               set;
    std::vector<Step> one = steps(set.source, options(1), 11);
    for (int workers : {2, 5})
        EXPECT_TRUE(one == steps(set.source, options(workers), 11)) << workers;
    EXPECT_NE(one[0].pixels[0], one[0].pixels[1]) << "two views differ";
    EXPECT_EQ(0, one[3].epoch);
    EXPECT_EQ(1, one[4].epoch) << "23 / 5 = 4 steps an epoch";
}

TEST(Loader, GivesTheSameBatchesFromTheCache)
{
    Set           set;
    LoaderOptions o = options(2);
    o.cache_bytes = 1 << 20;
    EXPECT_TRUE(steps(set.source, options(2), 11) == steps(set.source, o, 11));
    o.cache_bytes = 10000; // holds a few
    EXPECT_TRUE(steps(set.source, options(2), 11) == steps(set.source, o, 11));
}

TEST(Loader, ContinuesAtAnyStep)
{
    Set               set;
    std::vector<Step> all = steps(set.source, options(2), 11);
    for (int begin : {1, 4, 7}) {
        LoaderOptions o = options(3);
        o.start_step = begin;
        std::vector<Step> later = steps(set.source, o, 11 - begin);
        EXPECT_TRUE(std::vector<Step>(all.begin() + begin, all.end()) == later) << begin;
    }
}

TEST(Loader, VisitsEachPictureOnceAnEpochInANewOrder)
{
    Set           set;
    LoaderOptions o = options(2);
    o.drop_last = false;
    std::vector<Step>    all = steps(set.source, o, 10);
    std::vector<int64_t> seen[2];
    for (const Step &s : all)
        seen[s.epoch].insert(seen[s.epoch].end(), s.index.begin(), s.index.end());
    EXPECT_NE(seen[0], seen[1]);
    for (auto &epoch : seen) {
        std::sort(epoch.begin(), epoch.end());
        ASSERT_EQ(23u, epoch.size());
        for (int64_t i = 0; i < 23; i++)
            EXPECT_EQ(i, epoch[(size_t)i]);
    }
}

TEST(Loader, KeepsOrderWithoutShuffling)
{
    Set           set;
    LoaderOptions o = options(3);
    o.shuffle = false;
    o.drop_last = false;
    o.n_views = 1;
    o.augment = augment_options(AUGMENT_TEST, 8);
    o.end_step = 5;
    int64_t           next = 0;
    std::vector<Step> all = steps(set.source, o, 5);
    for (const Step &s : all)
        for (size_t k = 0; k < s.index.size(); k++, next++) {
            EXPECT_EQ(next, s.index[k]);
            EXPECT_EQ(next % 3, s.label[k]);
        }
    EXPECT_EQ(23, next);
}

TEST(Loader, EndsAtTheEnd)
{
    Set           set;
    LoaderOptions o = options(2);
    o.end_step = 1;
    Loader     *l = nullptr;
    LoaderBatch b;
    ASSERT_OK(loader_open(&l, set.source, &o));
    EXPECT_OK(loader_next(l, &b));
    EXPECT_EQ(ERR_USAGE, loader_next(l, &b));
    loader_close(l);
}

TEST(Loader, StopsAtABadPictureAndNamesIt)
{
    Set     set({7});
    Loader *l = nullptr;
    for (int workers : {1, 4}) {
        LoaderOptions o = options(workers);
        LoaderBatch   b;
        Status        st = OK;
        ASSERT_OK(loader_open(&l, set.source, &o));
        for (int i = 0; i < 5 && st == OK; i++)
            st = loader_next(l, &b);
        EXPECT_EQ(ERR_FORMAT, st);
        EXPECT_NE(nullptr, strstr(status_text(), "picture-7")) << status_text();
        loader_close(l);
    }
}

TEST(Loader, SkipsBadPicturesTheSameWayForAnyNumberOfWorkers)
{
    Set           set({7, 8});
    LoaderOptions o = options(1);
    o.bad = BAD_SKIP;
    o.bad_limit = 0.2;
    std::vector<Step> one = steps(set.source, o, 9);
    o.n_workers = 4;
    EXPECT_TRUE(one == steps(set.source, o, 9));
    for (const Step &s : one)
        for (size_t k = 0; k < s.index.size(); k++) {
            EXPECT_NE(7, s.index[k]);
            EXPECT_NE(8, s.index[k]);
            EXPECT_EQ(s.index[k] % 3, s.label[k]);
        }
}

TEST(Loader, StopsWhenTooManyPicturesAreBad)
{
    Set           set({7});
    LoaderOptions o = options(2);
    o.bad = BAD_SKIP; // 1 of 23 is more than 0.1 %
    Loader     *l = nullptr;
    LoaderBatch b;
    Status      st = OK;
    ASSERT_OK(loader_open(&l, set.source, &o));
    for (int i = 0; i < 5 && st == OK; i++)
        st = loader_next(l, &b);
    EXPECT_EQ(ERR_FORMAT, st);
    EXPECT_NE(nullptr, strstr(status_text(), "raise data.bad_limit")) << status_text();
    loader_close(l);
}

TEST(Loader, PutsGrayInPlaceOfABadPictureAndCountsIt)
{
    Set           set({3});
    LoaderOptions o = options(2);
    o.bad = BAD_GRAY;
    o.shuffle = false;
    Loader     *l = nullptr;
    LoaderBatch b;
    ASSERT_OK(loader_open(&l, set.source, &o));
    ASSERT_OK(loader_next(l, &b));
    const float *x = b.view[1] + 3 * 16 * 16 * 3;
    for (int i = 0; i < 16 * 16 * 3; i++)
        ASSERT_EQ(x[i], (127.0f / 255.0f - o.augment.mean[i % 3]) / o.augment.std[i % 3]);
    EXPECT_EQ(3, b.index[3]);
    EXPECT_EQ(1, loader_stats(l).n_bad);
    loader_close(l);
}

TEST(Loader, TreatsADeletedFileByPolicy)
{
    TempDir dir;
    for (int i = 0; i < 6; i++)
        spill(dir.path + "/a/" + std::to_string(i) + ".jpg", encoded(Picture(20, 20).im));
    Source *s = nullptr;
    ASSERT_OK(source_open(&s, dir.path.c_str()));
    std::filesystem::remove(dir.path + "/a/2.jpg");
    LoaderOptions o = options(2);
    o.batch = 6;
    Loader     *l = nullptr;
    LoaderBatch b;
    ASSERT_OK(loader_open(&l, s, &o));
    EXPECT_EQ(ERR_MISSING, loader_next(l, &b));
    EXPECT_NE(nullptr, strstr(status_text(), "2.jpg")) << status_text();
    loader_close(l);
    o.bad = BAD_SKIP;
    o.bad_limit = 0.5;
    o.shuffle = false;
    ASSERT_OK(loader_open(&l, s, &o));
    ASSERT_OK(loader_next(l, &b));
    EXPECT_EQ(3, b.index[2]);
    loader_close(l);
    source_close(s);
}

namespace {

/* A picture that comes when it is let through, as from a server that stands still. */
struct Stall {
    TempDir           dir;
    Source           *source = nullptr;
    Loader           *loader = nullptr;
    std::atomic<bool> lets_through{false};

    Stall()
    {
        spill(dir.path + "/a/0.jpg", encoded(Picture(20, 20).im));
        EXPECT_OK(source_open(&source, dir.path.c_str()));
        LoaderOptions o = options(1);
        o.batch = 1;
        o.end_step = 1;
        o.stall_s = 0.05;
        o.jpeg.ctx = this;
        o.jpeg.open = [](void *ctx, JpegDecoder *out) {
            *out = {};
            out->state = ctx;
            out->decode = [](void *state, uint8_t *, ImageRect, const void *, int64_t) {
                while (!((Stall *)state)->lets_through)
                    std::this_thread::sleep_for(std::chrono::milliseconds(5));
                return status_fail(ERR_UNSUPPORTED, "libjpeg's");
            };
            return OK;
        };
        o.jpeg.close = [](JpegDecoder *) {};
        EXPECT_OK(loader_open(&loader, source, &o));
    }
    ~Stall()
    {
        lets_through = true;
        loader_close(loader);
        source_close(source);
    }
};

} // namespace

TEST(Loader, WarnsOfAStallNamingTheFileAndRecovers)
{
    Stall       stall;
    LoaderBatch b;
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        stall.lets_through = true;
    });
    testing::internal::CaptureStderr();
    EXPECT_OK(loader_next(stall.loader, &b));
    std::string said = testing::internal::GetCapturedStderr();
    later.join();
    EXPECT_NE(std::string::npos, said.find("still waiting for a/0.jpg")) << said;
    EXPECT_GE(loader_stats(stall.loader).n_stalls, 1);
    EXPECT_GT(loader_stats(stall.loader).wait_s, 0.05);
}

TEST(Loader, AStallEndsWhenTheRunIsToStop)
{
    Stall       stall;
    LoaderBatch b;
    std::thread later([] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        run_request_stop(15);
    });
    EXPECT_EQ(ERR_INTERRUPTED, loader_next(stall.loader, &b));
    later.join();
    run_request_stop(0);
}

TEST(Loader, TakesAFifoForABadPicture)
{
    TempDir dir;
    Source *s = nullptr;
    spill(dir.path + "/a/0.jpg", encoded(Picture(20, 20).im));
    ASSERT_EQ(0, mkfifo((dir.path + "/a/1.jpg").c_str(), 0600));
    ASSERT_OK(source_open(&s, dir.path.c_str()));
    LoaderOptions o = options(1);
    Loader       *l = nullptr;
    LoaderBatch   b;
    o.batch = 2;
    o.end_step = 1;
    o.bad = BAD_FAIL;
    ASSERT_OK(loader_open(&l, s, &o));
    EXPECT_EQ(ERR_MISSING, loader_next(l, &b));
    EXPECT_NE(nullptr, strstr(status_text(), "no regular file")) << status_text();
    loader_close(l);
    source_close(s);
}

TEST(Loader, ClosesWithoutBeingRead)
{
    Set     set;
    Loader *l = nullptr;
    for (int i = 0; i < 20; i++) {
        LoaderOptions o = options(1 + i % 4);
        ASSERT_OK(loader_open(&l, set.source, &o));
        loader_close(l);
    }
    loader_close(nullptr);
}

TEST(Loader, RefusesImpossibleOptions)
{
    Set           set;
    Loader       *l = nullptr;
    LoaderOptions o = options(1);
    o.batch = 24;
    EXPECT_EQ(ERR_USAGE, loader_open(&l, set.source, &o));
    o = options(1);
    o.n_views = 3;
    EXPECT_EQ(ERR_USAGE, loader_open(&l, set.source, &o));
    o = options(1);
    o.start_step = -1;
    EXPECT_EQ(ERR_USAGE, loader_open(&l, set.source, &o));
}

TEST(Augment, FollowsItsAddressOnly)
{
    Picture        in(300, 200);
    AugmentDraw    a, b, other;
    AugmentOptions o = augment_options(AUGMENT_V2, 0);
    augment_draw(&a, &o, 300, 200, 1, 2, 3, 0);
    augment_draw(&b, &o, 300, 200, 1, 2, 3, 0);
    augment_draw(&other, &o, 300, 200, 1, 2, 3, 1);
    EXPECT_EQ(0, memcmp(&a.crop, &b.crop, sizeof a.crop));
    EXPECT_EQ(a.sigma, b.sigma);
    EXPECT_NE(a.sigma, other.sigma);
}

TEST(Augment, DrawsWithItsProbabilities)
{
    for (AugmentOrder order : {AUGMENT_V1, AUGMENT_V2, AUGMENT_CIFAR}) {
        AugmentOptions o = augment_options(order, 0);
        double         jitter = 0, gray = 0, blur = 0, flip = 0, first = 0;
        const int      n = 8000; // deviation of a share is at most .0056
        for (int i = 0; i < n; i++) {
            AugmentDraw d;
            augment_draw(&d, &o, 300, 200, 5, 0, i, 0);
            jitter += d.jitter, gray += d.gray, blur += d.blur, flip += d.flip;
            first += d.jitter_order[0] == 3;
            ASSERT_GE(d.hue, -o.hue);
            ASSERT_LE(d.hue, o.hue);
            ASSERT_GE(d.brightness, 0.6f);
            ASSERT_LE(d.brightness, 1.4f);
        }
        EXPECT_NEAR(o.jitter_p, jitter / n, 0.02);
        EXPECT_NEAR(o.gray_p, gray / n, 0.02);
        EXPECT_NEAR(o.blur_p, blur / n, 0.02);
        EXPECT_NEAR(0.5, flip / n, 0.02);
        EXPECT_NEAR(0.25, first / n, 0.02);
    }
}

TEST(Augment, SeesTheSamePixelsFromBytesAndFromTheDecodedPicture)
{
    Picture              in(151, 97), whole;
    std::vector<uint8_t> bytes = encoded(in.im);
    ASSERT_OK(image_decode(&whole.im, nullptr, bytes.data(), (int64_t)bytes.size(), "x"));
    Augmenter a = {};
    for (AugmentOrder order :
         {AUGMENT_V1, AUGMENT_V2, AUGMENT_CIFAR, AUGMENT_SUPERVISED, AUGMENT_TEST}) {
        AugmentOptions     o = augment_options(order, 32);
        std::vector<float> x(4 * 32 * 32 * 3);
        AugmentView one[2] = {{x.data(), nullptr, nullptr}, {x.data() + 3072, nullptr, nullptr}},
                    two[2] = {{x.data() + 6144, nullptr, nullptr},
                              {x.data() + 9216, nullptr, nullptr}};
        for (int sample = 0; sample < 20; sample++) {
            ASSERT_OK(augment_bytes(&a, one, 2, &o, bytes.data(), (int64_t)bytes.size(), "x", 9, 1,
                                    sample));
            ASSERT_OK(augment_image(&a, two, 2, &o, &whole.im, "x", 9, 1, sample));
            ASSERT_EQ(0, memcmp(one[0].pixels, two[0].pixels, 6144 * 4))
                << augment_order_name(order);
        }
    }
    augmenter_release(&a);
}

TEST(Augment, NamesAPictureThatTheTestCropCannotBeCutFrom)
{
    Augmenter          a = {};
    std::vector<float> x(3 * 32 * 32);
    AugmentView        out[1] = {{x.data(), nullptr, nullptr}};
    AugmentOptions     o = augment_options(AUGMENT_TEST, 32);
    Picture            small(40, 20), thin(60000, 1);
    EXPECT_OK(augment_image(&a, out, 1, &o, &small.im, "a/s.png", 0, 0, 0));
    o.resize = 0;
    EXPECT_EQ(ERR_FORMAT, augment_image(&a, out, 1, &o, &small.im, "a/s.png", 0, 0, 0));
    EXPECT_STREQ("a/s.png: test crop: the picture has 40 x 20 pixels, expected at least 32 a side; "
                 "give --crop N, at most 20",
                 status_text());
    o.resize = 256;
    EXPECT_EQ(ERR_FORMAT, augment_image(&a, out, 1, &o, &thin.im, "a/t.png", 0, 0, 0));
    EXPECT_STREQ("a/t.png: test crop: a picture of 60000 x 1 pixels becomes one of 15360000 x 256, "
                 "expected sides of at most 1048576; take it out of the set",
                 status_text());
    augmenter_release(&a);
}

TEST(Loader, TakesAPictureSmallerThanTheTestCropForABadOne)
{
    for (int64_t cache_bytes : {0, 1 << 20}) {
        TempDir dir;
        spill(dir.path + "/a/0.jpg", encoded(Picture(20, 20).im));
        spill(dir.path + "/a/1.jpg", encoded(Picture(7, 20).im));
        Source       *s = nullptr;
        Loader       *l = nullptr;
        LoaderBatch   b;
        LoaderOptions o = options(1);
        o.augment = augment_options(AUGMENT_TEST, 8);
        o.augment.resize = 0;
        o.n_views = 1;
        o.batch = 2;
        o.end_step = 1;
        o.bad = BAD_GRAY;
        o.cache_bytes = cache_bytes;
        ASSERT_OK(source_open(&s, dir.path.c_str()));
        ASSERT_OK(loader_open(&l, s, &o));
        testing::internal::CaptureStderr();
        EXPECT_OK(loader_next(l, &b));
        EXPECT_NE(std::string::npos,
                  testing::internal::GetCapturedStderr().find("a/1.jpg: test crop"));
        EXPECT_EQ(1, loader_stats(l).n_bad);
        loader_close(l);
        source_close(s);
    }
}

TEST(Augment, TestCropKeepsTheMiddle)
{
    Picture        in(10, 6);
    AugmentOptions o = augment_options(AUGMENT_TEST, 4);
    o.resize = 0;
    Augmenter          a = {};
    std::vector<float> x(48);
    AugmentView        out[1] = {{x.data(), nullptr, nullptr}};
    ASSERT_OK(augment_image(&a, out, 1, &o, &in.im, "x", 0, 0, 0));
    const uint8_t *p = in.im.pixels + 3 * (1 * 10 + 3); // column 3, row 1
    for (int c = 0; c < 3; c++)
        EXPECT_EQ(((float)p[c] / 255.0f - o.mean[c]) / o.std[c], x[(size_t)c]);
    augmenter_release(&a);
}
