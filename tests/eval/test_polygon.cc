/* Polygons: the raster of pycocotools 2.0.11, case by case. */
#include "mask_support.h"
#include <cmath>

class PolygonTest : public MaskTest {
  protected:
    Status raster(const std::vector<double> &xy, int64_t h, int64_t w)
    {
        Rle r;
        return polygon_to_rle(&a, &r, xy.data(), (int64_t)xy.size() / 2, h, w);
    }
    Rle list(const std::vector<std::vector<double>> &polygons, int64_t h, int64_t w)
    {
        std::vector<double>  all;
        std::vector<int64_t> n;
        for (auto &p : polygons) {
            all.insert(all.end(), p.begin(), p.end());
            n.push_back((int64_t)p.size());
        }
        Rle r = {};
        EXPECT_EQ(OK, polygon_list_to_rle(&a, &r, all.data(), n.data(), (int64_t)n.size(), h, w))
            << status_text();
        return r;
    }
};

TEST_F(PolygonTest, RastersAreThoseOfTheReference)
{
    const Counts square = {0, 4, 6, 4, 6, 4, 6, 4, 66};
    struct {
        std::vector<double> xy;
        int64_t             h, w;
        Counts              counts;
        uint32_t            area;
        Counts              box;
    } cases[] = {
        {{0, 0, 0, 4, 4, 4, 4, 0}, 10, 10, square, 16, {0, 0, 4, 4}},
        {{4, 0, 4, 4, 0, 4, 0, 0}, 10, 10, square, 16, {0, 0, 4, 4}},
        {{.4, .4, .4, 4.4, 4.4, 4.4, 4.4, .4}, 10, 10, square, 16, {0, 0, 4, 4}},
        {{.5, .5, .5, 4.5, 4.5, 4.5, 4.5, .5},
         10,
         10,
         {11, 4, 6, 4, 6, 4, 6, 4, 55},
         16,
         {1, 1, 4, 4}},
        {{1, 1, 8, 8, 8, 1, 1, 8},
         10,
         10,
         {11, 6, 5, 4, 7, 2, 18, 2, 7, 4, 5, 6, 23},
         24,
         {1, 1, 7, 6}},
        {{0, 0, 4, 0, 4, 4}, 10, 10, {10, 1, 9, 2, 8, 3, 67}, 6, {1, 0, 3, 3}},
        {{-3, -3, -3, 4, 4, 4, 4, -3}, 10, 10, square, 16, {0, 0, 4, 4}},
        {{-3.3, 2.2, 12.7, 4.9, 5.5, 14.1},
         10,
         10,
         {3, 4, 6, 6, 4, 7, 3, 7, 4, 6, 4, 6, 4, 6, 4, 6, 4, 6, 4, 5, 1},
         59,
         {0, 3, 10, 7}},
        {{2.3, 1.7, 7.9, 2.2, 6.1, 8.8, 1.2, 5.5},
         10,
         12,
         {15, 1, 6, 4, 6, 5, 5, 6, 4, 6, 4, 6, 4, 2, 46},
         30,
         {1, 2, 7, 6}},
        {{2.4, 0, 2.4, 10, 2.6, 10, 2.6, 0}, 10, 10, {20, 10, 70}, 10, {2, 0, 1, 10}},
        {{2.6, 0, 2.6, 10, 2.9, 10, 2.9, 0}, 10, 10, {100}, 0, {0, 0, 0, 0}},
        {{9.5, 9.5, 9.5, 20, 20, 20, 20, 9.5}, 10, 10, {100}, 0, {0, 0, 0, 0}},
        {{1, 1, 5, 5, 1, 1}, 10, 10, {100}, 0, {0, 0, 0, 0}},
        {{3, 3, 3, 3, 3, 3}, 10, 10, {100}, 0, {0, 0, 0, 0}},
        {{0, 0, 0, 10, 10, 10, 10, 0}, 10, 10, {0, 100}, 100, {0, 0, 10, 10}},
        {{-5, -5, -5, 15, 15, 15, 15, -5}, 10, 10, {0, 100}, 100, {0, 0, 10, 10}},
        {{-.1, -.1, -.1, 4, 4, 4, 4, -.1}, 10, 10, square, 16, {0, 0, 4, 4}},
        {{0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 0}, 10, 10, square, 16, {0, 0, 4, 4}},
        {{0, 0, 0, 1, 1, 1, 1, 0}, 10, 10, {0, 1, 99}, 1, {0, 0, 1, 1}},
    };
    for (auto &c : cases) {
        Rle r = polygon(c.xy, c.h, c.w);
        EXPECT_EQ(c.counts, counts(r));
        EXPECT_EQ(c.area, r.area);
        EXPECT_EQ(c.box, box_of(r));
    }
}

TEST_F(PolygonTest, BoxesAreFourCornerPolygons)
{
    EXPECT_EQ(Counts({23, 6, 4, 6, 4, 6, 4, 6, 4, 6, 31}),
              counts(box({2.2, 3.3, 4.4, 5.5}, 10, 10)));
    EXPECT_EQ(Counts({0, 1, 99}), counts(box({.4, .4, 1, 1}, 10, 10)));
    EXPECT_EQ(Counts({11, 1, 88}), counts(box({.5, .5, 1, 1}, 10, 10)));
    EXPECT_EQ(0u, box({3, 3, 0, 0}, 10, 10).area);
    EXPECT_EQ(0u, box({3, 3, .4, .4}, 10, 10).area);
}

TEST_F(PolygonTest, StartAndDirectionDoNotMatter)
{
    std::vector<double> xy = {2.3, 1.7, 7.9, 2.2, 6.1, 8.8, 1.2, 5.5};
    Counts              want = counts(polygon(xy, 10, 12));
    for (int turn = 0; turn < 4; turn++) {
        std::rotate(xy.begin(), xy.begin() + 2, xy.end());
        EXPECT_EQ(want, counts(polygon(xy, 10, 12)));
        std::vector<double> back;
        for (size_t i = xy.size(); i > 0; i -= 2) {
            back.push_back(xy[i - 2]);
            back.push_back(xy[i - 1]);
        }
        EXPECT_EQ(want, counts(polygon(back, 10, 12)));
    }
}

TEST_F(PolygonTest, AListIsTheUnionOfItsPolygons)
{
    Rle r = list({{0, 0, 0, 6, 6, 6, 6, 0}, {3, 3, 3, 9, 9, 9, 9, 3}}, 10, 10);
    EXPECT_EQ(63u, r.area);
    EXPECT_EQ(16u,
              list({{0, 0, 0, 4, 4, 4, 4, 0}, {7, 7, 9, 9}}, 10, 10).area); // two points: nothing
    EXPECT_EQ(16u, list({{0, 0, 0, 4, 4, 4, 4, 0, 99}}, 10, 10).area); // the odd number is dropped
}

TEST_F(PolygonTest, RefusesWhatThePythonToolRefuses)
{
    Rle     r;
    double  xy[4] = {0, 0, 4, 4};
    int64_t n = 4;
    EXPECT_EQ(ERR_FORMAT, polygon_list_to_rle(&a, &r, xy, &n, 1, 10, 10));
    EXPECT_EQ(ERR_FORMAT, polygon_list_to_rle(&a, &r, xy, &n, 0, 10, 10));
    EXPECT_EQ(ERR_FORMAT, raster({0, 0, 0, 4, 4, 4}, 1 << 20, 1 << 20));
}

TEST_F(PolygonTest, RefusesCoordinatesThatOverflowTheReference)
{
    for (double v : {1e12, -1e12, (double)NAN, (double)INFINITY, -(double)INFINITY, 1e308}) {
        EXPECT_EQ(ERR_FORMAT, raster({0, 0, v, 4, 4, 4}, 10, 10));
        EXPECT_EQ(ERR_FORMAT, raster({0, 0, 4, 4, 4, v}, 10, 10));
    }
    EXPECT_EQ(OK, raster({-1e6, -1e6, 1e6, 1e6, 1e6, -1e6}, 10, 10));
}

TEST_F(PolygonTest, FarAwayVerticesCostNoMoreThanTheColumnsInside)
{
    Rle r = polygon({-1e6, -1e6, -1e6, 1e6, 1e6, 1e6, 1e6, -1e6}, 10, 10);
    EXPECT_EQ(100u, r.area);
    EXPECT_LT(a.peak_bytes, 100000);
}
