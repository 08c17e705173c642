/* A detection batch on its way to the device: larger than what is pinned for it, and beside the step before */
#include "detect/detect_test.h"
#include "device_under_test.h"
#include "fake_gpu/watch.h"
extern "C" {
#include "detect/input.h"
}

namespace {

/* n pictures whose numbers tell the step, with one object each. */
struct Batch {
    std::vector<float>         pixels;
    std::vector<DetBatchImage> image;
    float                      box[4] = {1, 2, 30, 40};
    int32_t                    label = 3;
    DetBatch                   b = {};
    Batch(int64_t step, int64_t n, int64_t height, int64_t width)
    {
        for (int64_t i = 0; i < n * height * width * 3; i++)
            pixels.push_back((float)(i % 1009) + 0.25f * (float)step);
        for (int64_t i = 0; i < n; i++) {
            DetBatchImage im = {};
            im.width = width;
            im.height = height;
            im.n_objects = 1;
            im.box = box;
            im.label = &label;
            image.push_back(im);
        }
        b.step = step;
        b.n = n;
        b.height = height;
        b.width = width;
        b.pixels = pixels.data();
        b.image = image.data();
    }
};

} // namespace

TEST(DetectFeed, BatchesTravelWhileTheStepBeforeHasNotRun)
{
    const int64_t      N = 3, H = 700, W = 901, n = N * H * W * 3; // more than is pinned: 22.7 MB
    const int          STEPS = 5;
    const Backend     *be = device_under_test();
    Tensor             sum = {};
    Tape               t;
    Feed               f = {};
    std::vector<float> want((size_t)n), have((size_t)n);
    long               used = 0; // work in front of what the step before computes
    f.be = be;
    sum.ndim = 4;
    std::copy_n((const int64_t[]){N, H, W, 3}, 4, sum.dim);
    ASSERT_EQ(OK, be->alloc(&sum.data, n * 4));
    ASSERT_EQ(OK, be->fill(&sum, 0));
    ASSERT_EQ(OK, tape_init(&t, be, F32));
    for (int step = 0; step < STEPS; step++) {
        Batch batch(step, N, H, W);
        tape_reset(&t, 0);
        DetectInput in = detect_input(&t, &f, &batch.b, 0, N, 1);
        ASSERT_EQ(OK, tape_status(&t)) << status_text();
        if (step > 0 && is_device_emulated()) { // the first makes the stages, and waits for them
            EXPECT_LE(fake_stream(FAKE_COMPUTE).done, used) << "step " << step;
            fake_run(FAKE_COPY);
            EXPECT_LE(fake_stream(FAKE_COMPUTE).done, used) << "step " << step;
        }
        used = is_device_emulated() ? fake_stream(FAKE_COMPUTE).queued : 0;
        ASSERT_EQ(OK, be->add_forward(&sum, &sum, in.images)); // the step
        for (size_t i = 0; i < want.size(); i++)
            want[i] += batch.pixels[i];
    }
    ASSERT_EQ(OK, be->read(have.data(), sum.data, n * 4)) << status_text();
    EXPECT_TRUE(want == have);
    be->free(sum.data);
    feed_release(&f);
    tape_release(&t);
}
