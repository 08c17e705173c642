/* Run lengths: the numbers of pycocotools 2.0.11, and refusal of what corrupts memory there. */
#include "mask_support.h"
extern "C" {
#include "base/rng.h"
}
#include <cmath>
#include <cstring>

class RleTest : public MaskTest {
  protected:
    Status read(const std::string &s, int64_t h, int64_t w)
    {
        Rle r;
        return rle_from_string(&a, &r, s.data(), (int64_t)s.size(), h, w);
    }
    Rle random_mask(uint64_t index, int64_t h, int64_t w, double density)
    {
        std::vector<uint8_t> m((size_t)(h * w));
        uint64_t             s = index * 6364136223846793005u + 1442695040888963407u;
        for (auto &v : m) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            v = (double)(s >> 33) / 2147483648.0 < density;
        }
        Rle r = {};
        EXPECT_EQ(OK, rle_encode(&a, &r, m.data(), h, w, RLE_COLUMNS));
        return r;
    }
};

TEST_F(RleTest, StringsAreThoseOfTheReference)
{
    struct {
        Counts      counts;
        int64_t     h, w;
        const char *text;
    } cases[] = {{{3, 4, 9}, 4, 4, "349"},
                 {{16}, 4, 4, "`0"},
                 {{0, 16}, 4, 4, "0`0"},
                 {{1, 3, 5, 0, 7}, 4, 4, "135M2"},
                 {{2, 1, 1, 0, 12}, 4, 4, "211O;"},
                 {{40000, 3, 5, 60000, 100000}, 1000, 1000, "PRW135mbj1kdQ3"},
                 {{0, 4, 6, 4, 6, 4, 6, 4, 66}, 10, 10, "04600000l1"},
                 {{100}, 10, 10, "T3"}};
    for (auto &c : cases) {
        EXPECT_EQ(c.text, text(mask(c.counts, c.h, c.w)));
        Rle r;
        ASSERT_EQ(OK, rle_from_string(&a, &r, c.text, (int64_t)strlen(c.text), c.h, c.w));
        EXPECT_EQ(c.counts, counts(r));
    }
}

TEST_F(RleTest, ZeroLengthRunsAreLegalAndMeasured)
{
    Rle r = mask({0, 0, 3, 13}, 4, 4);
    EXPECT_EQ(13u, r.area);
    EXPECT_EQ(Counts({0, 0, 4, 4}), box_of(r));
    EXPECT_EQ(Counts({0, 2, 1, 1}), box_of(mask({2, 1, 1, 0, 12}, 4, 4)));
    EXPECT_EQ(Counts({0, 1, 1, 3}), box_of(mask({1, 3, 5, 0, 7}, 4, 4)));
    EXPECT_EQ(Counts({4, 4, 4294967293u, 4294967293u}), box_of(mask({16, 0}, 4, 4)));
    EXPECT_EQ(Counts({4, 4, 4294967293u, 4294967293u}), box_of(mask({5, 0, 11}, 4, 4)));
    EXPECT_EQ(Counts({0, 0, 0, 0}), box_of(mask({16}, 4, 4)));
    Rle touching = mask({3, 1, 0, 1, 11}, 4, 4); // both runs join over the column edge
    EXPECT_EQ(2u, touching.area);
    EXPECT_EQ(Counts({0, 0, 2, 4}), box_of(touching));
}

TEST_F(RleTest, IouOfSquaresIsThatOfTheReference)
{
    Rle p = polygon({0, 0, 0, 4, 4, 4, 4, 0}, 10, 10),
        q = polygon({2, 2, 2, 8, 8, 8, 8, 2}, 10, 10);
    EXPECT_EQ(0.08333333333333333, rle_iou(&p, &q, false));
    EXPECT_EQ(0.25, rle_iou(&p, &q, true));
    EXPECT_EQ(1.0, rle_iou(&p, &p, false));
    EXPECT_EQ(0.0, rle_iou_least(&p, &q, false, .5));
    Rle none = mask({100}, 10, 10);
    EXPECT_EQ(0.0, rle_iou(&none, &none, false));
    EXPECT_EQ(0.0, rle_iou(&none, &p, false));
    Rle other = polygon({0, 0, 0, 4, 4, 4, 4, 0}, 12, 10);
    EXPECT_EQ(-1.0, rle_iou(&p, &other, false));
    EXPECT_EQ(0.0, rle_iou(&none, &other, false)); // the boxes do not overlap
    Rle zeros = mask({0, 0, 3, 13}, 4, 4);
    EXPECT_EQ(1.0, rle_iou(&zeros, &zeros, false)); // maskApi stops at the common empty run
}

TEST_F(RleTest, MergesAreThoseOfTheReference)
{
    Rle p = polygon({0, 0, 0, 4, 4, 4, 4, 0}, 10, 10),
        q = polygon({2, 2, 2, 8, 8, 8, 8, 2}, 10, 10);
    EXPECT_EQ(Counts({0, 4, 6, 4, 6, 8, 2, 8, 4, 6, 4, 6, 4, 6, 4, 6, 22}),
              counts(merged({p, q}, false)));
    EXPECT_EQ(Counts({22, 2, 8, 2, 66}), counts(merged({p, q}, true)));
    EXPECT_EQ(counts(p), counts(merged({p}, false)));
    for (Rle r : {merged({}, false), merged({p, polygon({0, 0, 0, 4, 4, 4}, 9, 10)}, true)}) {
        EXPECT_EQ(0u, r.h);
        EXPECT_EQ(0u, r.w);
        EXPECT_EQ("", text(r));
    }
}

TEST_F(RleTest, RunsThatEndEarlyLeaveBackground)
{
    Rle r = mask({3, 4}, 4, 4);
    EXPECT_EQ(4u, r.area);
    EXPECT_EQ(Counts({0, 0, 2, 4}), box_of(r));
    EXPECT_TRUE(rle_ends_early(&r));
    EXPECT_EQ(pixels(mask({3, 4, 9}, 4, 4)), pixels(r));
    Rle full = mask({3, 4, 9}, 4, 4), end = mask({8, 8}, 4, 4);
    EXPECT_EQ(1.0, rle_iou(&r, &full, false));
    EXPECT_EQ(0.0, rle_iou(&r, &end, false));
    EXPECT_EQ(Counts({3, 4, 1, 8}), counts(merged({r, end}, false)));
    EXPECT_EQ(Counts({3, 4, 9}), counts(merged({r, r}, false)));
    EXPECT_FALSE(rle_ends_early(&full));
}

TEST_F(RleTest, EncodeTogglesOnEveryChangeOfValue)
{
    const uint8_t m[] = {2, 1, 1, 3};
    Rle           r;
    ASSERT_EQ(OK, rle_encode(&a, &r, m, 2, 2, RLE_COLUMNS));
    EXPECT_EQ((std::vector<uint8_t>{1, 0, 0, 1}), pixels(r));
}

/* ---- the nine inputs that break maskApi.c ---- */

TEST_F(RleTest, RefusesAStringOfContinuations)
{
    EXPECT_EQ(ERR_FORMAT, read("PPPPPPPP", 4, 4));
    EXPECT_EQ(ERR_FORMAT, read("P", 4, 4));
    EXPECT_EQ(ERR_FORMAT, read("\x01", 4, 4));
    EXPECT_EQ(ERR_FORMAT, read("\xff", 4, 4));
    EXPECT_NE(std::string::npos, std::string(status_text()).find("0xff"));
}

TEST_F(RleTest, RefusesRunsLongerThanTheMask)
{
    const uint32_t counts[] = {3, 14};
    Rle            r;
    EXPECT_EQ(ERR_FORMAT, rle_from_counts(&r, counts, 2, 4, 4));
    EXPECT_STREQ("mask of 4 x 4: run 1 ends at pixel 17, beyond the 16 of the mask", status_text());
}

TEST_F(RleTest, RefusesRunsInAMaskWithoutRows)
{
    const uint32_t counts[] = {0, 0, 0, 1};
    Rle            r;
    EXPECT_EQ(ERR_FORMAT, rle_from_counts(&r, counts, 4, 0, 4));
    EXPECT_EQ(ERR_FORMAT, rle_from_counts(&r, counts, 2, 0, 4));
    EXPECT_EQ(OK, rle_from_counts(&r, counts, 1, 0, 4));
    EXPECT_EQ(0u, r.area);
}

TEST_F(RleTest, RefusesMoreRunsThanPixels)
{
    uint32_t counts[18] = {0};
    Rle      r;
    EXPECT_EQ(ERR_FORMAT, rle_from_counts(&r, counts, 18, 4, 4));
    EXPECT_EQ(OK, rle_from_counts(&r, counts, 17, 4, 4));
}

TEST_F(RleTest, RefusesAMaskWithoutRuns)
{
    Rle r;
    EXPECT_EQ(ERR_FORMAT, rle_from_counts(&r, nullptr, 0, 4, 4));
    EXPECT_EQ(ERR_FORMAT, read("", 4, 4));
}

TEST_F(RleTest, RefusesAlternatingZeroAndFourGigapixels)
{
    const uint32_t counts[] = {0, 4294967295u, 0, 4294967295u};
    Rle            r;
    EXPECT_EQ(ERR_FORMAT, rle_from_counts(&r, counts, 4, 65535, 65537));
    EXPECT_EQ(ERR_FORMAT, rle_from_counts(&r, counts, 4, 32767, 65535));
    EXPECT_EQ(ERR_FORMAT, rle_from_counts(&r, counts, 4, -1, 4));
    EXPECT_EQ(ERR_FORMAT, rle_from_counts(&r, counts, 4, INT64_MAX, INT64_MAX));
    Rle big = mask({0, 2147483647u}, 1, 2147483647); // the longest deltas there are still fit
    EXPECT_EQ("0oooooo1", text(big));
}

TEST_F(RleTest, BoxesThatAreNotFiniteNeverMatch)
{
    const double nan = std::nan(""), good[4] = {0, 0, 4, 4};
    const double bad[][4] = {{0, 0, nan, 4}, {nan, 0, 4, 4},       {0, nan, 4, 4},
                             {0, 0, 4, nan}, {0, 0, 1e308, 1e308}, {-INFINITY, 0, INFINITY, 4}};
    for (auto &b : bad)
        for (bool crowd : {false, true}) {
            EXPECT_EQ(0.0, rle_box_iou(b, good, crowd));
            EXPECT_EQ(0.0, rle_box_iou(good, b, crowd));
            EXPECT_EQ(0.0, rle_box_iou(b, b, crowd));
        }
    const double zero[4] = {0, 0, 0, 0}, negative[4] = {4, 4, -4, -4}, inside[4] = {1, 1, 2, 2};
    EXPECT_EQ(0.0, rle_box_iou(zero, good, false));
    EXPECT_EQ(0.0, rle_box_iou(negative, good, false));
    EXPECT_EQ(1.0, rle_box_iou(inside, good, true));
    EXPECT_EQ(0.25, rle_box_iou(inside, good, false));
}

/* ---- properties ---- */

TEST_F(RleTest, DecodeInvertsEncodeInBothLayouts)
{
    for (uint64_t i = 0; i < 200; i++) {
        int64_t h = 1 + (int64_t)(i * 7 % 40), w = 1 + (int64_t)(i * 13 % 50);
        Rle     r = random_mask(i, h, w, (double)(i % 11) / 10), again;
        auto    rows = pixels(r, RLE_ROWS), columns = pixels(r, RLE_COLUMNS);
        ASSERT_EQ(OK, rle_encode(&a, &again, rows.data(), h, w, RLE_ROWS));
        EXPECT_EQ(counts(r), counts(again));
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++)
                ASSERT_EQ(rows[(size_t)(y * w + x)], columns[(size_t)(x * h + y)]);
        std::string s = text(r);
        ASSERT_EQ(OK, rle_from_string(&a, &again, s.data(), (int64_t)s.size(), h, w));
        EXPECT_EQ(counts(r), counts(again));
    }
}

TEST_F(RleTest, MergeAndIouAgreeWithPixels)
{
    for (uint64_t i = 0; i < 300; i++) {
        int64_t h = 1 + (int64_t)(i % 23), w = 1 + (int64_t)(i * 5 % 31);
        Rle     p = random_mask(2 * i, h, w, .1 + (double)(i % 5) / 5);
        Rle     q = random_mask(2 * i + 1, h, w, .5);
        auto    pp = pixels(p), qq = pixels(q);
        double  both = 0, either = 0;
        auto    both_pixels = pp, either_pixels = pp;
        for (size_t k = 0; k < pp.size(); k++) {
            both_pixels[k] = pp[k] & qq[k];
            either_pixels[k] = pp[k] | qq[k];
            both += both_pixels[k];
            either += either_pixels[k];
        }
        EXPECT_EQ(both_pixels, pixels(merged({p, q}, true)));
        EXPECT_EQ(either_pixels, pixels(merged({p, q}, false)));
        EXPECT_EQ(either_pixels, pixels(merged({q, p}, false)));
        double iou = both == 0 ? 0 : both / either;
        EXPECT_EQ(iou, rle_iou(&p, &q, false));
        EXPECT_EQ(iou, rle_iou(&q, &p, false));
        EXPECT_EQ(both == 0 ? 0 : both / p.area, rle_iou(&p, &q, true));
        for (double least : {.1, .5, .75, 1.0}) {
            double quick = rle_iou_least(&p, &q, false, least);
            EXPECT_TRUE(iou >= least ? quick == iou : quick == iou || quick == 0);
        }
    }
}

TEST_F(RleTest, SuppressionKeepsTheFirstOfAnOverlappingPair)
{
    Rle r[] = {polygon({0, 0, 0, 4, 4, 4, 4, 0}, 10, 10), polygon({0, 0, 0, 4, 4, 4, 4, 0}, 10, 10),
               polygon({5, 5, 5, 9, 9, 9, 9, 5}, 10, 10)};
    uint8_t keep[3];
    rle_nms(keep, r, 3, .5);
    EXPECT_EQ((std::vector<uint8_t>{1, 0, 1}), std::vector<uint8_t>(keep, keep + 3));
    const double boxes[] = {0, 0, 4, 4, 0, 0, 4, 4, 5, 5, 4, 4};
    rle_box_nms(keep, boxes, 3, .5);
    EXPECT_EQ((std::vector<uint8_t>{1, 0, 1}), std::vector<uint8_t>(keep, keep + 3));
}
