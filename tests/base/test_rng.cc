extern "C" {
#include "base/rng.h"
}
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <vector>

/* Known answers of the authors' library (Random123, kat_vectors). */
TEST(Philox, GivesTheKnownAnswers)
{
    uint32_t out[4];
    uint32_t zero4[4] = {0, 0, 0, 0}, zero2[2] = {0, 0};
    philox4x32(out, zero4, zero2);
    EXPECT_EQ(std::vector<uint32_t>(out, out + 4),
              (std::vector<uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    uint32_t ones4[4] = {~0u, ~0u, ~0u, ~0u}, ones2[2] = {~0u, ~0u};
    philox4x32(out, ones4, ones2);
    EXPECT_EQ(std::vector<uint32_t>(out, out + 4),
              (std::vector<uint32_t>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    uint32_t pi4[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
             pi2[2] = {0xa4093822, 0x299f31d0};
    philox4x32(out, pi4, pi2);
    EXPECT_EQ(std::vector<uint32_t>(out, out + 4),
              (std::vector<uint32_t>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, AnAddressGivesTheSameDrawsWhateverCameBefore)
{
    Rng a = rng_at(7, RNG_TEST, 3, 5);
    for (int i = 0; i < 17; i++)
        rng_u32(&a);
    Rng b = rng_at(7, RNG_TEST, 3, 5);
    for (int i = 0; i < 17; i++)
        rng_u32(&b);
    EXPECT_EQ(rng_u32(&a), rng_u32(&b));
    Rng c = rng_at(7, RNG_TEST, 3, 6);
    EXPECT_NE(rng_u32(&b), rng_u32(&c));
}

TEST(Rng, APermutationHoldsEveryIndexOnce)
{
    Rng                  r = rng_at(1, RNG_TEST, 0, 0);
    std::vector<int64_t> p(1000), sorted;
    rng_permutation(&r, p.data(), 1000);
    sorted = p;
    std::sort(sorted.begin(), sorted.end());
    for (int64_t i = 0; i < 1000; i++)
        ASSERT_EQ(sorted[i], i);
    EXPECT_FALSE(std::is_sorted(p.begin(), p.end()));
}

TEST(Rng, NormalHasMeanZeroAndDeviationOne)
{
    Rng    r = rng_at(2, RNG_TEST, 0, 0);
    double sum = 0, squares = 0;
    int    n = 200000;
    for (int i = 0; i < n; i++) {
        double x = rng_normal(&r);
        sum += x;
        squares += x * x;
    }
    EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
    EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2.0 / n));
}
