/* numeric.h against NumPy's documented results */
#include <gtest/gtest.h>
#include <cmath>
#include <vector>
extern "C" {
#include "eval/numeric.h"
}

TEST(Numeric, LinspaceHasTheReferenceThresholds)
{
    const double iou[10] = {0x1.0p-1,
                            0x1.199999999999ap-1,
                            0x1.3333333333333p-1,
                            0x1.4cccccccccccdp-1,
                            0x1.6666666666666p-1,
                            0x1.8p-1,
                            0x1.999999999999ap-1,
                            0x1.b333333333333p-1,
                            0x1.cccccccccccccp-1,
                            0x1.e666666666666p-1};
    double       t[101];
    numeric_linspace(t, .5, .95, 10);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(iou[i], t[i]) << i;
    numeric_linspace(t, 0, 1, 101);
    std::vector<int> above;
    for (int i = 0; i <= 100; i++)
        if (t[i] > i / 100.0)
            above.push_back(i);
    EXPECT_EQ(above, (std::vector<int>{35, 41, 47, 57, 69, 70, 82, 83, 94, 95}));
    EXPECT_EQ(1.0, t[100]);
}

TEST(Numeric, SumIsPairwiseInBlocksOfEight)
{
    std::vector<double> x(1000);
    for (size_t i = 0; i < x.size(); i++)
        x[i] = 1.0 / (double)(i + 1);
    EXPECT_EQ(0x1.df11f45f4e61ap+2, numeric_sum(x.data(), 1000)); // numpy.sum
    EXPECT_EQ(0x1.4bfdfe4591243p+2, numeric_sum(x.data(), 100));
    EXPECT_EQ(0.0, numeric_sum(x.data(), 0));
    std::vector<double> y(70700); // longer than NumPy's buffer of 8192
    for (size_t i = 0; i < y.size(); i++)
        y[i] = 1.0 / (double)(i + 1);
    EXPECT_EQ(0x1.77ca20442d8b7p+3, numeric_sum(y.data(), 70700));
    EXPECT_EQ(0x1.4900f6ebf43e9p+3, numeric_sum(y.data(), 16385));
    EXPECT_TRUE(std::isnan(numeric_mean(x.data(), 0)));
}

TEST(Numeric, MeanOfDefinedSkipsMinusOne)
{
    double x[4] = {-1, .25, -1, .75}, none[2] = {-1, -1}, scratch[4];
    EXPECT_EQ(.5, numeric_mean_defined(x, scratch, 4));
    EXPECT_EQ(-1, numeric_mean_defined(none, scratch, 2));
}

TEST(Numeric, SearchFindsTheFirstNotBelow)
{
    double x[4] = {.1, .2, .2, .3};
    EXPECT_EQ(1, numeric_search_left(x, 4, .2));
    EXPECT_EQ(0, numeric_search_left(x, 4, .05));
    EXPECT_EQ(4, numeric_search_left(x, 4, .31));
}

TEST(Numeric, OrderIsStableAndPutsNanLast)
{
    double  key[6] = {.5, NAN, .9, .5, -0.0, 0.0};
    int32_t order[6], scratch[6];
    numeric_order_desc(key, order, scratch, 6);
    EXPECT_EQ((std::vector<int32_t>{2, 0, 3, 4, 5, 1}), std::vector<int32_t>(order, order + 6));
}

TEST(Numeric, OrderOfLongTiesKeepsInputOrder)
{
    const int            n = 3000;
    std::vector<double>  key(n);
    std::vector<int32_t> order(n), scratch(n);
    for (int i = 0; i < n; i++)
        key[i] = (i * 7919) % 13;
    numeric_order_desc(key.data(), order.data(), scratch.data(), n);
    for (int i = 1; i < n; i++) {
        EXPECT_GE(key[order[i - 1]], key[order[i]]);
        if (key[order[i - 1]] == key[order[i]]) {
            EXPECT_LT(order[i - 1], order[i]);
        }
    }
}

TEST(Numeric, IntrosortSortsAndDependsOnNothingElse)
{
    const int            n = 3000;
    std::vector<double>  key(n), scratch(n);
    std::vector<int32_t> order(n), seen(n);
    for (int i = 0; i < n; i++)
        key[i] = (i * 7919) % 101;
    key[5] = NAN;
    numeric_order_desc_introsort(key.data(), order.data(), scratch.data(), n);
    for (int i = 0; i < n; i++)
        seen[order[i]]++;
    EXPECT_EQ(seen, std::vector<int32_t>(n, 1));
    for (int i = 1; i < n - 1; i++)
        EXPECT_GE(key[order[i - 1]], key[order[i]]);
    EXPECT_EQ(5, order[n - 1]);
}

TEST(Numeric, RoundsAsPrintingAndReadingBack)
{
    EXPECT_EQ(.001, numeric_round_decimal(.0005, 1000)); // .0005 lies above its decimal name
    EXPECT_EQ(.002, numeric_round_decimal(.0015, 1000));
    EXPECT_EQ(.2, numeric_round_decimal(.25, 10)); // an exact tie goes to even
    EXPECT_EQ(.3, numeric_round_decimal((double).35F, 10));
    EXPECT_EQ(.8, numeric_round_decimal(.75, 10));
    EXPECT_EQ(-1.2, numeric_round_decimal(-1.25, 10));
    for (int i = 0; i < 20000; i++) {
        double x = (double)(float)(i * 0.0137 + i * i * 1e-5);
        char   text[64];
        snprintf(text, sizeof text, "%.1f", x);
        EXPECT_EQ(strtod(text, nullptr), numeric_round_decimal(x, 10)) << x;
    }
}
