/* Which of several ways to one result is gone (lib_cudnn_choice.c, conv2d.c) */
#include "fake_gpu/libs/conv_case.h"

static const ConvSizes SMALL = {2, 5, 4, 4, 6, 3};

/* Ways that take so long, or fail so. */
class Ways : public OnFakeLibs {
  protected:
    struct Trip {
        FreshDevice        *d;
        std::vector<float>  ms;
        std::vector<Status> status;
        std::vector<int>    gone;
    };
    static Trip trip(FreshDevice &d, const std::vector<float> &ms, std::vector<Status> status = {})
    {
        status.resize(ms.size(), OK);
        return {&d, ms, status, std::vector<int>(ms.size())};
    }
    static Status go(void *ctx, int way)
    {
        Trip *t = (Trip *)ctx;
        t->gone[(size_t)way]++;
        Status st = t->status[(size_t)way];
        return st == OK ? t->d->fake->spend(t->ms[(size_t)way])
                        : status_fail(st, "way %d is closed", way);
    }
    static Status choose(int *way, FreshDevice &d, Trip *t, const ConvSizes &s = SMALL,
                         ConvKind kind = CONV_FORWARD)
    {
        ConvCase c(d, s, BF16);
        return c.choose(way, kind, (int)t->ms.size(), go, t);
    }
    static int chosen(const std::vector<float> &ms, const std::vector<Status> &status = {})
    {
        FreshDevice d;
        Trip        t = trip(d, ms, status);
        int         way = -1;
        EXPECT_EQ(OK, choose(&way, d, &t)) << status_text();
        return way;
    }
};

TEST_F(Ways, ALaterOneHasToBeThreePercentFaster)
{
    EXPECT_EQ(0, chosen({100, 100}));
    EXPECT_EQ(0, chosen({100, 97.5f}));
    EXPECT_EQ(1, chosen({100, 96.5f}));
    EXPECT_EQ(0, chosen({100, 120}));
    EXPECT_EQ(2, chosen({100, 98, 96}));
    EXPECT_EQ(1, chosen({100, 90, 88}));
}

TEST_F(Ways, ThoseThatAreUnsupportedArePassedOver)
{
    EXPECT_EQ(1, chosen({1, 5}, {ERR_UNSUPPORTED, OK}));
    EXPECT_EQ(0, chosen({5, 1}, {OK, ERR_UNSUPPORTED}));
    EXPECT_EQ(2, chosen({1, 9, 5}, {ERR_UNSUPPORTED, OK, OK}));
}

/* Folding takes memory that the convolution as it is does without. */
TEST_F(Ways, ALaterOneThatFindsNoRoomIsPassedOver)
{
    EXPECT_EQ(0, chosen({5, 1}, {OK, ERR_MEMORY}));
    EXPECT_EQ(2, chosen({5, 1, 1}, {OK, ERR_MEMORY, OK}));
}

TEST_F(Ways, WithoutAnyTheLastSentenceIsHeard)
{
    FreshDevice d;
    Trip        t = trip(d, {1, 1}, {ERR_UNSUPPORTED, ERR_UNSUPPORTED});
    int         way = -1;
    EXPECT_EQ(ERR_UNSUPPORTED, choose(&way, d, &t));
    EXPECT_STREQ("way 1 is closed", status_text());
}

TEST_F(Ways, AnotherFailureEndsTheSearch)
{
    FreshDevice d;
    Trip        t = trip(d, {1, 1}, {ERR_MEMORY, OK});
    int         way = -1;
    EXPECT_EQ(ERR_MEMORY, choose(&way, d, &t));
    EXPECT_EQ(0, t.gone[1]);
}

TEST_F(Ways, AreTimedOnceForAKindAndAShape)
{
    FreshDevice d;
    Trip        t = trip(d, {2, 1});
    int         way = -1;
    ASSERT_EQ(OK, choose(&way, d, &t));
    EXPECT_EQ(std::vector<int>({4, 4}), t.gone); // once to load kernels, three times to know
    way = -1;
    ASSERT_EQ(OK, choose(&way, d, &t));
    EXPECT_EQ(1, way);
    EXPECT_EQ(4, t.gone[0]);
    t.ms = {1, 2};
    ASSERT_EQ(OK, choose(&way, d, &t, SMALL, CONV_WEIGHTS));
    EXPECT_EQ(0, way);
    ASSERT_EQ(OK, choose(&way, d, &t, {2, 6, 4, 4, 6, 3}));
    EXPECT_EQ(0, way);
    EXPECT_EQ(12, t.gone[0]);
}

TEST_F(Ways, ALayerOfManySizesGoesTheFirstThatIsOpen)
{
    FreshDevice d;
    int         way = -1;
    for (int64_t i = 0; i < 8; i++) {
        Trip t = trip(d, {2, 1});
        ASSERT_EQ(OK, choose(&way, d, &t, {1, 3 + i, 4, 4, 6, 3}));
        EXPECT_EQ(1, way);
    }
    Trip open = trip(d, {2, 1}), closed = trip(d, {2, 1}, {ERR_UNSUPPORTED, OK});
    ASSERT_EQ(OK, choose(&way, d, &open, {1, 11, 4, 4, 6, 3}));
    EXPECT_EQ(0, way);
    EXPECT_EQ(0, open.gone[1]);
    EXPECT_EQ(1, open.gone[0]);
    ASSERT_EQ(OK, choose(&way, d, &open, {1, 11, 4, 4, 6, 3}));
    EXPECT_EQ(1, open.gone[0]) << "it is remembered";
    ASSERT_EQ(OK, choose(&way, d, &closed, {1, 12, 4, 4, 6, 3}));
    EXPECT_EQ(1, way);
    ASSERT_EQ(OK, choose(&way, d, &open, {1, 11, 4, 4, 7, 3})); // another layer
    EXPECT_EQ(1, way);
}

/* The stem of a network on pictures as it is, folded, and folded with two outputs a place: the same map, whichever is fastest. */
TEST_F(Ways, AStemIsFoldedWhereThatIsFaster)
{
    struct {
        ConvSizes sizes;
        int64_t   kw[3]; // as it is, and folded
    } stems[] = {{{2, 21, 24, 3, 8, 7, 2}, {7, 4, 3}},
                 {{2, 21, 22, 3, 8, 7, 2}, {7, 4, 7}}, // eleven outputs a row
                 {{1, 20, 23, 1, 5, 3, 2}, {3, 2, 2}},
                 {{1, 19, 34, 2, 64, 5, 3}, {5, 2, 2}},
                 {{1, 19, 34, 2, 65, 5, 3}, {5, 2, 5}}}; // too many channels come out
    auto weights = [](ConvCase *c) {
        return c->d.be->conv2d_backward_weights(&c->gradient.t, nullptr, &c->x.t, &c->y.t, &c->op);
    };
    for (const auto &stem : stems)
        for (int fastest : {0, 1, 2}) {
            SCOPED_TRACE("way " + std::to_string(fastest) + " of " + std::to_string(stem.sizes.W));
            FreshDevice d;
            int64_t     co = stem.sizes.co * (fastest == 2 ? 2 : 1);
            d.fake->offer = [=](const FakeConv &conv, int) {
                return Engines{takes((conv.stride == 1) == (fastest > 0) && conv.Co == co ? 1 : 2)};
            };
            ConvCase c(d, stem.sizes, BF16, F32);
            for (int i = 0; i < 2; i++) {
                Floats map = c.want(CONV_FORWARD), dw;
                ASSERT_EQ(OK, d.be->conv2d_forward(&c.y.t, &c.x.t, &c.w.t, nullptr, &c.op));
                expect_close(c.y.values(), map, 8e-3, "output");
                EXPECT_EQ(stem.kw[fastest], d.fake->runs.back().conv.kw);
                dw = c.want(CONV_WEIGHTS);
                c.gradient.t.is_blank = true;
                ASSERT_EQ(OK, weights(&c));
                expect_close(c.gradient.values(), dw, 8e-3, "gradient");
                EXPECT_EQ(stem.kw[fastest], d.fake->runs.back().conv.kw);
                ASSERT_EQ(OK, weights(&c)); // is added, as it is
                for (float &v : dw)
                    v *= 2;
                expect_close(c.gradient.values(), dw, 8e-3, "sum of two gradients");
                EXPECT_EQ(stem.kw[0], d.fake->runs.back().conv.kw);
            }
        }
}
