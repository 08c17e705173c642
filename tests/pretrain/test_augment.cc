/* A batch that the device finishes is the batch that the loader finishes, bit for bit: every order, both views, bad files */
#include "device_under_test.h"
#include "pretrain/pictures.h"
extern "C" {
#include "base/log.h"
#include "datasets/loader.h"
#include "kernels/ops/augment.h"
}

namespace {

class AugmentedBatch : public ::testing::Test {
  protected:
    TempDir dir;
    Source *source = nullptr;

    void SetUp() override
    {
        log_set_level(LOG_QUIET);
        write_pictures(dir / "data", 5, 37);
        std::ofstream(dir / "data/a/100.png") << "not a picture";
        std::string path = dir / "data";
        ASSERT_EQ(OK, source_open(&source, path.c_str())) << status_text();
    }
    void TearDown() override
    {
        source_close(source);
        log_set_level(LOG_INFO);
    }
    /* n batches of both views, one after another. */
    std::vector<float> batches(const AugmentOptions &augment_options, bool on_device, int n)
    {
        LoaderOptions      o = {};
        std::vector<float> all;
        Loader            *l = nullptr;
        o.augment = augment_options;
        o.batch = 6;
        o.n_views = 2;
        o.n_workers = 2;
        o.seed = 11;
        o.shuffle = o.drop_last = true;
        o.bad = BAD_GRAY;
        o.crops_only = on_device;
        EXPECT_EQ(OK, loader_open(&l, source, &o)) << status_text();
        for (int i = 0; l && i < n; i++) {
            LoaderBatch b;
            EXPECT_EQ(OK, loader_next(l, &b)) << status_text();
            for (int v = 0; v < 2; v++) {
                size_t at = all.size();
                all.resize(at + (size_t)(b.n * o.augment.crop * o.augment.crop * 3));
                if (on_device)
                    finish(all.data() + at, b, v, o.augment);
                else
                    memcpy(all.data() + at, b.view[v], (all.size() - at) * sizeof(float));
            }
        }
        loader_close(l);
        return all;
    }
    void finish(float *out, const LoaderBatch &b, int v, const AugmentOptions &o)
    {
        Tape       t;
        PixelStats stats;
        int64_t    crops[4] = {b.n, 3, o.crop, o.crop}, words[2] = {b.n, PIXEL_PLAN_WORDS};
        memcpy(stats.mean, o.mean, sizeof stats.mean);
        memcpy(stats.std, o.std, sizeof stats.std);
        EXPECT_EQ(nullptr, b.view[v]);
        ASSERT_EQ(OK, tape_init(&t, device_under_test(), F32)) << status_text();
        tape_reset(&t, 0);
        Tensor *y = augment(&t, tape_input(&t, U8, 4, crops, b.crop[v]),
                            tape_input(&t, I32, 2, words, b.plan[v]), &stats);
        EXPECT_EQ(OK, tape_read(&t, out, y)) << status_text();
        tape_release(&t);
    }
};

TEST_F(AugmentedBatch, IsTheSameFromHostAndDevice)
{
    for (AugmentOrder order :
         {AUGMENT_V1, AUGMENT_V2, AUGMENT_CIFAR, AUGMENT_SUPERVISED, AUGMENT_TEST}) {
        AugmentOptions o = augment_options(order, 30);
        o.resize = order == AUGMENT_TEST ? 33 : 0;
        std::vector<float> host = batches(o, false, 4), device = batches(o, true, 4);
        ASSERT_EQ(host.size(), device.size());
        EXPECT_EQ(0, memcmp(host.data(), device.data(), host.size() * sizeof(float)))
            << augment_order_name(order);
    }
}

TEST_F(AugmentedBatch, OfABlurThatReachesTooFarIsRefused)
{
    LoaderOptions o = {};
    Loader       *l = nullptr;
    o.augment = augment_options(AUGMENT_V2, 30);
    o.augment.blur_sigma[1] = 20;
    o.batch = 6;
    o.n_views = 2;
    o.crops_only = true;
    EXPECT_EQ(ERR_USAGE, loader_open(&l, source, &o));
    EXPECT_STREQ(
        "loader: a blur of sigma 20 pixels reaches 19 pixels a pass, a device finishes crops "
        "of at most 2; let the host blur",
        status_text());
}

} // namespace
