/* A batch that the device finishes is the batch that the loader finishes, bit for bit: passes of any size, both orders of
 * channels, both types of activations */
#include "detect/detect_test.h"
#include "device_under_test.h"
extern "C" {
#include "detect/input.h"
}

namespace {

const int64_t SIZES[] = {40, 56, 96};

class DetectInputs : public ::testing::Test {
  protected:
    const Backend *be = device_under_test();
    DetectConfig   config = {};
    DetSet         set = {};
    Feed           f = {};
    Tape           t = {};

    void SetUp() override
    {
        Small        small("unused");
        RecipeSource recipe = job_recipe(&small.options.job);
        f.be = be;
        ASSERT_EQ(OK, detect_config_load(&config, &recipe)) << status_text();
        ASSERT_EQ(OK, detect_name_classes(&set, &config.data.classes)) << status_text();
        ASSERT_EQ(OK, detect_open_parts(&set, scenes().c_str(), &config.data.train, false, true, 0))
            << status_text();
    }
    void TearDown() override
    {
        feed_release(&f);
        detset_release(&set);
        detect_config_release(&config);
    }
    /* Bytes of every pass of n_steps batches of four, `pass` pictures at a time. */
    std::string images(DetLoaderOptions o, bool bytes_only, int64_t pass, DType dtype, int n_steps)
    {
        DetLoader  *l = nullptr;
        std::string all;
        o.bytes_only = bytes_only;
        EXPECT_EQ(OK, det_loader_open(&l, &set, &o)) << status_text();
        EXPECT_EQ(OK, tape_init(&t, be, dtype));
        for (int step = 0; l && step < n_steps; step++) {
            DetBatch b;
            EXPECT_EQ(OK, det_loader_next(l, &b)) << status_text();
            for (int64_t first = 0; first < b.n; first += pass) {
                tape_reset(&t, 0);
                DetectInput in = detect_input(&t, &f, &b, first, pass, 1);
                Tensor     *x = cast(&t, dtype, in.images); // as the network's stem does
                EXPECT_EQ(OK, tape_status(&t)) << status_text();
                std::string bytes((size_t)tensor_bytes(x), 0);
                EXPECT_EQ(OK, be->read(&bytes[0], x->data, tensor_bytes(x)));
                all += bytes;
            }
        }
        tape_release(&t);
        det_loader_close(l);
        return all;
    }
};

} // namespace

TEST_F(DetectInputs, AreTheSameBitsWhoeverStandardisesThem)
{
    DetLoaderOptions o = det_loader_options();
    o.batch = o.group = 4;
    o.group_aspect = false;
    o.sizes = SIZES;
    o.n_sizes = 3;
    o.n_workers = 1;
    for (DType dtype : {F32, BF16})
        for (int64_t pass : {4, 2, 1}) {
            std::string here = images(o, false, pass, dtype, 3);
            EXPECT_FALSE(here.empty());
            EXPECT_TRUE(here == images(o, true, pass, dtype, 3)) << pass;
            o.bgr = !o.bgr;
        }
}
