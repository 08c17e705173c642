/* mask_support.h -- short ways to make and read masks in tests */
#pragma once
extern "C" {
#include "base/arena.h"
#include "eval/polygon.h"
#include "eval/rle.h"
}
#include <gtest/gtest.h>
#include <string>
#include <vector>

class MaskTest : public ::testing::Test {
  protected:
    Arena a = {};
    ~MaskTest() override
    {
        arena_release(&a);
    }
    using Counts = std::vector<uint32_t>;

    Rle mask(const Counts &counts, int64_t h, int64_t w)
    {
        auto *copy = (uint32_t *)arena_alloc(&a, (int64_t)(counts.size() * sizeof(uint32_t)));
        std::copy(counts.begin(), counts.end(), copy);
        Rle r = {};
        EXPECT_EQ(OK, rle_from_counts(&r, copy, (int64_t)counts.size(), h, w)) << status_text();
        return r;
    }
    Rle polygon(const std::vector<double> &xy, int64_t h, int64_t w)
    {
        Rle r = {};
        EXPECT_EQ(OK, polygon_to_rle(&a, &r, xy.data(), (int64_t)xy.size() / 2, h, w))
            << status_text();
        return r;
    }
    Rle box(const std::vector<double> &b, int64_t h, int64_t w)
    {
        Rle r = {};
        EXPECT_EQ(OK, polygon_box_to_rle(&a, &r, b.data(), h, w)) << status_text();
        return r;
    }
    Rle merged(const std::vector<Rle> &r, bool intersect)
    {
        Rle out = {};
        EXPECT_EQ(OK, rle_merge(&a, &out, r.data(), (int64_t)r.size(), intersect)) << status_text();
        return out;
    }
    std::string text(const Rle &r)
    {
        int64_t len = 0;
        char   *t = rle_to_string(&a, &r, &len);
        return std::string(t, (size_t)len);
    }
    static Counts counts(const Rle &r)
    {
        return Counts(r.counts, r.counts + r.n);
    }
    static Counts box_of(const Rle &r)
    {
        return Counts(r.box, r.box + 4);
    }
    std::vector<uint8_t> pixels(const Rle &r, RleLayout layout = RLE_COLUMNS)
    {
        std::vector<uint8_t> m((size_t)r.h * r.w + 1);
        rle_decode(m.data(), &r, layout);
        m.pop_back();
        return m;
    }
};
