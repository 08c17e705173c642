/* feed: a step's inputs reach the tensors that want them, whatever their sizes, and on every backend */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/feed.h"
}

class FeedInputs : public OpTest {
  protected:
    Bench b{GetParam()};
    Feed  f = {};

    FeedInputs()
    {
        f.be = GetParam();
    }
    ~FeedInputs() override
    {
        feed_release(&f);
    }
    Tensor *input(const Floats &v)
    {
        int64_t n = (int64_t)v.size();
        return feed_input(&f, &b.t, F32, 1, &n, v.data());
    }
};
ON_EVERY_BACKEND(FeedInputs);

TEST_P(FeedInputs, AreThereAfterTheEndOfTheirStep)
{
    const int64_t sizes[][3] = {{5, 1, 3}, {4, 0, 3}, {900, 2, 0}, {1000, 700, 1}, {2, 2, 2}};
    uint64_t      key = 0;
    for (const auto &size : sizes) {
        tape_reset(&b.t, 0);
        Tensor *x[3], *sum[3];
        Floats  want[3];
        for (int i = 0; i < 3; i++) {
            Floats host = want[i] = noise(size[i], ++key);
            x[i] = input(host);
            host.assign(host.size(), NAN); // it is the caller's again
        }
        ASSERT_EQ(OK, feed_end(&f)) << status_text();
        for (int i = 0; i < 3; i++)
            sum[i] = add(&b.t, x[i], x[i]);
        ASSERT_EQ(OK, tape_status(&b.t)) << status_text();
        for (int i = 0; i < 3; i++) {
            EXPECT_EQ(want[i], b.values(x[i])) << size[i] << " numbers";
            for (float &v : want[i])
                v *= 2;
            EXPECT_EQ(want[i], b.values(sum[i])) << size[i] << " numbers";
        }
    }
}

TEST_P(FeedInputs, AreLeftAloneByATapeThatFailed)
{
    (void)tape_fail(&b.t, status_fail(ERR_SHAPE, "an op before"));
    EXPECT_EQ(&b.t.nothing, input({1, 2}));
    EXPECT_EQ(0, f.n);
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
    EXPECT_STREQ("an op before", status_text());
}

TEST_P(FeedInputs, ThatNobodyTookGoWithTheirStages)
{
    (void)input(noise(100000, 3));
    feed_release(&f);
    f.be = GetParam();
    Tensor *x = input({1, 2}); // memory that was the stage's may be anybody's
    ASSERT_EQ(OK, feed_end(&f));
    EXPECT_EQ(Floats({1, 2}), b.values(x));
}
