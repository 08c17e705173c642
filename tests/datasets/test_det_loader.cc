// detection batches: sizes, boxes, padding, order, and the same stream whatever the threads
#include "voc_folder.h"
#include <algorithm>
extern "C" {
#include "datasets/det_loader.h"
}

namespace {

struct Sets : VocFolder { // 9 pictures of both orientations, one without objects
    DetSet set = {};
    Sets()
    {
        for (int i = 0; i < 9; i++) {
            int w = i % 3 == 0 ? 24 : 40, h = i % 3 == 0 ? 36 : 30;
            add("p" + std::to_string(i), w, h,
                i == 4 ? "" : object("dog", 3 + i, 5, 15 + i, 25) + object("cat", 1, 1, 2, 2, 1));
        }
        EXPECT_EQ(OK, load(&set)) << status_text();
    }
    ~Sets()
    {
        detset_release(&set);
    }
};

const int64_t SIZES[] = {24, 32, 48};

DetLoaderOptions options(int workers)
{
    DetLoaderOptions o = det_loader_options();
    o.batch = 4;
    o.group = 2;
    o.sizes = SIZES;
    o.n_sizes = 3;
    o.max_size = 60;
    o.n_workers = workers;
    o.seed = 3;
    return o;
}

uint64_t hash_of(const DetBatch &b)
{
    uint64_t h = fnv(b.pixels, (size_t)(b.n * b.height * b.width * 3) * 4);
    for (int64_t i = 0; i < b.n; i++) {
        const DetBatchImage &m = b.image[i];
        int64_t              fact[] = {m.index, m.width, m.height, m.flipped, m.n_objects};
        h = fnv(fact, sizeof fact, h);
        h = fnv(m.box, (size_t)m.n_objects * 16, h);
        h = fnv(m.label, (size_t)m.n_objects * 4, h);
    }
    return h;
}

std::vector<uint64_t> steps(const DetSet *set, const DetLoaderOptions &o, int n)
{
    std::vector<uint64_t> out;
    DetLoader            *l = nullptr;
    EXPECT_EQ(OK, det_loader_open(&l, set, &o)) << status_text();
    for (int i = 0; l != nullptr && i < n; i++) {
        DetBatch b;
        EXPECT_EQ(OK, det_loader_next(l, &b)) << status_text();
        out.push_back(hash_of(b));
    }
    det_loader_close(l);
    return out;
}

} // namespace

TEST(DetLoader, GivesTheSameStreamForAnyNumberOfWorkersCacheAndStart)
{
    Sets                  s;
    std::vector<uint64_t> one = steps(&s.set, options(1), 12);
    EXPECT_EQ(one, steps(&s.set, options(2), 12));
    EXPECT_EQ(one, steps(&s.set, options(5), 12));
    DetLoaderOptions o = options(2);
    o.cache_bytes = 1 << 20;
    EXPECT_EQ(one, steps(&s.set, o, 12));
    for (int begin : {1, 5, 11}) {
        o.start_step = begin;
        EXPECT_EQ(std::vector<uint64_t>(one.begin() + begin, one.end()),
                  steps(&s.set, o, 12 - begin));
    }
}

TEST(DetLoader, GroupsPicturesOfOneOrientationAndVisitsAll)
{
    Sets             s;
    DetLoaderOptions o = options(2);
    DetLoader       *l = nullptr;
    int              seen[9] = {}, flips = 0, n = 0;
    ASSERT_OK(det_loader_open(&l, &s.set, &o));
    for (int i = 0; i < 90; i++) {
        DetBatch b;
        ASSERT_OK(det_loader_next(l, &b));
        ASSERT_EQ(4, b.n);
        for (int64_t k = 0; k < b.n; k++) {
            seen[b.image[k].index]++;
            flips += b.image[k].flipped;
            n++;
            bool wide = b.image[k].width > b.image[k].height;
            if (k % 2 == 1) {
                EXPECT_EQ(wide, b.image[k - 1].width > b.image[k - 1].height);
            }
        }
    }
    for (int c : seen)
        EXPECT_NEAR(40, c, 2); // 360 pictures of 9; at most a bucket apart
    EXPECT_NEAR(0.5, (double)flips / n, 0.1);
    det_loader_close(l);
}

TEST(DetLoader, TestsInOrderPadsAndEnds)
{
    Sets             s;
    DetLoaderOptions o = options(3);
    o.train = false;
    o.pad_multiple = 32;
    DetLoader *l = nullptr;
    DetBatch   b;
    ASSERT_OK(det_loader_open(&l, &s.set, &o));
    for (int64_t next = 0; next < 9; next += b.n) {
        ASSERT_OK(det_loader_next(l, &b));
        ASSERT_EQ(next == 8 ? 1 : 4, b.n);
        EXPECT_EQ(0, b.width % 32);
        for (int64_t k = 0; k < b.n; k++)
            EXPECT_EQ(next + k, b.image[k].index);
    }
    ASSERT_OK(det_loader_next(l, &b));
    EXPECT_EQ(0, b.n);
    ASSERT_OK(det_loader_next(l, &b));
    EXPECT_EQ(0, b.n);
    det_loader_close(l);
}

TEST(DetLoader, NormalisesAndPadsWithZero)
{
    VocFolder f;
    f.add("a", 20, 10, object("dog", 1, 1, 20, 10));
    f.add("b", 10, 20, "");
    DetSet set = {};
    ASSERT_OK(f.load(&set));
    DetLoaderOptions o = options(1);
    o.train = false;
    o.batch = o.group = 2;
    const int64_t same[] = {10};
    o.sizes = same;
    o.n_sizes = 1;
    o.bgr = true;
    for (int c = 0; c < 3; c++)
        o.stats.mean[c] = (float)(10 * c), o.stats.std[c] = (float)(c + 1);
    DetLoader *l = nullptr;
    DetBatch   b;
    ASSERT_OK(det_loader_open(&l, &set, &o));
    ASSERT_OK(det_loader_next(l, &b));
    ASSERT_EQ(20, b.width);
    ASSERT_EQ(20, b.height);
    Picture a;
    ASSERT_OK(image_read(&a.im, nullptr, set.image[0].path));
    for (int64_t y = 0; y < 20; y++)
        for (int64_t x = 0; x < 20; x++)
            for (int c = 0; c < 3; c++) {
                float expect = 0;
                if (y < 10)
                    expect = ((float)a.im.pixels[3 * (y * 20 + x) + 2 - c] - o.stats.mean[c]) /
                             o.stats.std[c];
                ASSERT_EQ(expect, b.pixels[3 * (y * 20 + x) + c]);
            }
    ASSERT_EQ(1, b.image[0].n_objects);
    EXPECT_EQ(0, b.image[0].box[0]);
    EXPECT_EQ(20, b.image[0].box[2]);
    EXPECT_EQ(0, b.image[1].n_objects);
    det_loader_close(l);
    detset_release(&set);
}

TEST(DetLoader, BytesAreWhatIsStandardisedOtherwise)
{
    Sets s;
    for (bool bgr : {false, true}) {
        DetLoaderOptions o = options(2), left = o;
        o.bgr = left.bgr = bgr;
        left.bytes_only = true;
        DetLoader *l[2] = {};
        ASSERT_OK(det_loader_open(&l[0], &s.set, &o));
        ASSERT_OK(det_loader_open(&l[1], &s.set, &left));
        for (int step = 0; step < 8; step++) {
            DetBatch done, raw;
            ASSERT_OK(det_loader_next(l[0], &done));
            ASSERT_OK(det_loader_next(l[1], &raw));
            ASSERT_EQ(nullptr, raw.pixels);
            ASSERT_EQ(nullptr, done.bytes);
            ASSERT_EQ(done.height, raw.height);
            ASSERT_EQ(done.width, raw.width);
            for (int64_t i = 0; i < done.n * done.height * done.width * 3; i++) {
                int64_t pixel = i / 3 % (done.height * done.width);
                auto   &im = raw.image[i / 3 / (done.height * done.width)];
                bool    inside = pixel / done.width < im.height && pixel % done.width < im.width;
                float   byte = raw.bytes[i];
                ASSERT_EQ(done.pixels[i],
                          inside ? (byte - raw.stats.mean[i % 3]) / raw.stats.std[i % 3] : 0);
                ASSERT_TRUE(inside || byte == 0);
            }
        }
        det_loader_close(l[0]);
        det_loader_close(l[1]);
    }
}

TEST(DetLoader, ScalesMirrorsAndClipsBoxes)
{
    VocFolder f;
    f.add("a", 20, 10, object("dog", 3, 2, 9, 30) + object("cat", 25, 1, 30, 5));
    DetSet set = {};
    ASSERT_OK(f.load(&set));
    DetLoaderOptions o = options(1);
    o.batch = 1;
    o.group = 1;
    const int64_t twice[] = {20};
    o.sizes = twice;
    o.n_sizes = 1;
    bool       met[2] = {};
    DetLoader *l = nullptr;
    ASSERT_OK(det_loader_open(&l, &set, &o));
    for (int i = 0; i < 30; i++) {
        DetBatch b;
        ASSERT_OK(det_loader_next(l, &b));
        const DetBatchImage &m = b.image[0];
        ASSERT_EQ(1, m.n_objects) << "the cat lies outside";
        met[m.flipped] = true;
        EXPECT_EQ(m.flipped ? 40 - 18 : 4, m.box[0]);
        EXPECT_EQ(2, m.box[1]);
        EXPECT_EQ(m.flipped ? 40 - 4 : 18, m.box[2]);
        EXPECT_EQ(20, m.box[3]);
    }
    EXPECT_TRUE(met[0] && met[1]);
    det_loader_close(l);
    detset_release(&set);
}

TEST(DetLoader, ComputesDetectronsSizes)
{
    int64_t w, h;
    det_resized(&w, &h, 500, 375, 800, 1333);
    EXPECT_EQ(1067, w); // 1066.67 + .5
    EXPECT_EQ(800, h);
    det_resized(&w, &h, 375, 500, 600, 1333);
    EXPECT_EQ(600, w);
    EXPECT_EQ(800, h);
    det_resized(&w, &h, 2000, 500, 800, 1333); // 3200 x 800 is too long
    EXPECT_EQ(1333, w);
    EXPECT_EQ(333, h); // 333.25
    det_resized(&w, &h, 10000, 1, 800, 1333);
    EXPECT_EQ(1333, w);
    EXPECT_EQ(1, h);
    det_resized(&w, &h, 10000, 1, 96, 0); // no limit of its own
    EXPECT_EQ(16384, w);
    EXPECT_EQ(2, h); // 1.64
}

TEST(DetLoader, NamesAPictureWhoseSidesAreSwapped)
{
    VocFolder f;
    f.add("a", 30, 20, "", 20, 30);
    DetSet set = {};
    ASSERT_OK(f.load(&set));
    DetLoaderOptions o = options(1);
    o.train = false;
    DetLoader *l = nullptr;
    DetBatch   b;
    ASSERT_OK(det_loader_open(&l, &set, &o));
    EXPECT_EQ(ERR_FORMAT, det_loader_next(l, &b));
    EXPECT_NE(nullptr, strstr(status_text(), "EXIF")) << status_text();
    det_loader_close(l);
    detset_release(&set);
}

TEST(DetLoader, RefusesBrokenGroupsAndEmptySets)
{
    Sets             s;
    DetLoader       *l = nullptr;
    DetLoaderOptions o = options(1);
    o.group = 3;
    EXPECT_EQ(ERR_USAGE, det_loader_open(&l, &s.set, &o));
    DetSet empty = {};
    o = options(1);
    EXPECT_EQ(ERR_FORMAT, det_loader_open(&l, &empty, &o));
}

TEST(DetPrepare, MakesWhatTestingSees)
{
    Sets             s;
    DetLoaderOptions o = options(1);
    o.train = false;
    o.batch = o.group = 1;
    DetLoader *l = nullptr;
    DetBatch   b;
    ASSERT_OK(det_loader_open(&l, &s.set, &o));
    ASSERT_OK(det_loader_next(l, &b));
    Picture p;
    Arena   arena = {};
    float  *x = nullptr;
    int64_t w, h;
    ASSERT_OK(image_read(&p.im, nullptr, s.set.image[0].path));
    ASSERT_OK(det_prepare(&arena, &x, &w, &h, &o, &p.im));
    EXPECT_EQ(b.width, w);
    EXPECT_EQ(b.height, h);
    EXPECT_EQ(0, memcmp(x, b.pixels, (size_t)(w * h * 3) * 4));
    arena_release(&arena);
    det_loader_close(l);
}
