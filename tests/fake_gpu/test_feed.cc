/* Host memory on its way to the device: whole, in order, and waited for no longer than it must be */
#include "fake_gpu/watch.h"
#include "kernels/op_test.h"

class ToTheDevice : public ::testing::Test {
  protected:
    const Backend *be = device_under_test();
    Bench          b{be};
};

TEST_F(ToTheDevice, WritesOfAnySizeArriveWhole)
{
    const int64_t        MB = 1 << 20, sizes[] = {1,      4 * MB,      3,   4 * MB + 1, 0,  64,
                                                  5 * MB, 9 * MB + 13, 100, 17 * MB,    65, 4 * MB - 1};
    std::vector<uint8_t> host(17 * (size_t)MB + 251), back(host.size());
    for (size_t i = 0; i < host.size(); i++)
        host[i] = (uint8_t)(i * 2654435761u >> 16);
    std::vector<void *> copy;
    for (int64_t n : sizes) {
        copy.push_back(nullptr);
        ASSERT_EQ(OK, be->alloc(&copy.back(), n));
        ASSERT_EQ(OK, be->write(copy.back(), host.data() + n % 251, n)) << status_text();
    }
    for (size_t i = 0; i < copy.size(); i++) {
        ASSERT_EQ(OK, be->read(back.data(), copy[i], sizes[i])) << status_text();
        EXPECT_EQ(0, memcmp(back.data(), host.data() + sizes[i] % 251, (size_t)sizes[i]))
            << sizes[i] << " bytes";
        be->free(copy[i]);
    }
}

TEST_F(ToTheDevice, SmallWritesWaitForNoRecentOne)
{
    if (!is_device_emulated())
        GTEST_SKIP() << "only the emulated device tells what has run";
    Tensor *x = b.tensor({4}, {0, 0, 0, 0});
    ASSERT_EQ(OK, be->sync());
    long done = fake_stream(FAKE_COMPUTE).done;
    for (int i = 0; i < 60; i++) {
        float host[4] = {1, 2, 3, (float)i};
        ASSERT_EQ(OK, be->write(x->data, host, sizeof host));
    }
    EXPECT_EQ(done, fake_stream(FAKE_COMPUTE).done);
    EXPECT_EQ(Floats({1, 2, 3, 59}), b.values(x));
}

TEST_F(ToTheDevice, FeedsArriveBeforeTheyAreUsedAndNotTooEarly)
{
    if (!be->feed)
        GTEST_SKIP() << "this backend's memory is the host's";
    Tensor *stage = b.tensor({1000}, Floats(1000)), *x = b.tensor({1000}, Floats(1000));
    Tensor *sum = b.tensor({1000}, Floats(1000));
    Floats  want(1000);
    ASSERT_EQ(OK, be->sync()); // the stage is there
    for (int step = 0; step < 5; step++) {
        Floats fresh = noise(1000, (uint64_t)step);
        ASSERT_EQ(OK, be->feed(stage->data, fresh.data(), 4000)) << status_text();
        fresh.assign(1000, NAN); // the host's memory is free again
        ASSERT_EQ(OK, be->feed_use(x->data, stage->data, 4000)) << status_text();
        ASSERT_EQ(OK, be->add_forward(sum, sum, x));
        Floats again = noise(1000, (uint64_t)step);
        for (size_t i = 0; i < 1000; i++)
            want[i] += again[i];
    }
    EXPECT_EQ(want, b.values(sum));
}

TEST_F(ToTheDevice, FeedsWaitForUsesAndNotForTheComputationBehindThem)
{
    if (!be->feed || !is_device_emulated())
        GTEST_SKIP() << "only the emulated device tells what has run";
    Tensor *stage = b.tensor({1000}, Floats(1000)), *x = b.tensor({1000}, Floats(1000));
    Floats  first = noise(1000, 1), second = noise(1000, 2), twice(1000);
    for (size_t i = 0; i < 1000; i++)
        twice[i] = 2 * first[i];
    ASSERT_EQ(OK, be->sync());
    ASSERT_EQ(OK, be->feed(stage->data, first.data(), 4000));
    ASSERT_EQ(OK, be->feed_use(x->data, stage->data, 4000));
    long used = fake_stream(FAKE_COMPUTE).queued;
    ASSERT_EQ(OK, be->add_forward(x, x, x)); // the step
    ASSERT_EQ(OK, be->feed(stage->data, second.data(), 4000));
    fake_run(FAKE_COPY);
    EXPECT_EQ(used, fake_stream(FAKE_COMPUTE).done);
    EXPECT_EQ(twice, b.values(x));
    EXPECT_EQ(second, b.values(stage));
}
