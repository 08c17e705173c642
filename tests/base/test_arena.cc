extern "C" {
#include "base/arena.h"
}
#include <gtest/gtest.h>
#include <cstdint>
#include <cstring>

TEST(Arena, BlocksAreAlignedAndZeroed)
{
    Arena a = {};
    for (int i = 0; i < 100; i++) {
        auto *p = static_cast<unsigned char *>(arena_alloc(&a, 100));
        ASSERT_NE(p, nullptr);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 8, 0u);
        for (int k = 0; k < 100; k++)
            ASSERT_EQ(p[k], 0);
        memset(p, 0xff, 100);
    }
    arena_release(&a);
    EXPECT_EQ(a.used_bytes, 0);
    EXPECT_GE(a.peak_bytes, 10000);
}

TEST(Arena, RewindGivesBackWhatCameAfterTheMark)
{
    Arena a = {};
    ASSERT_NE(arena_alloc(&a, 1000), nullptr);
    int64_t   before = a.used_bytes;
    ArenaMark mark = arena_mark(&a);
    ASSERT_NE(arena_alloc(&a, 5 << 20), nullptr);
    arena_rewind(&a, mark);
    EXPECT_EQ(a.used_bytes, before);
    auto *p = static_cast<unsigned char *>(arena_alloc(&a, 64));
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(p[0], 0);
    arena_release(&a);
}

TEST(Arena, AnOverflowingArrayIsRefused)
{
    Arena a = {};
    EXPECT_EQ(arena_array(&a, INT64_MAX / 4, 8), nullptr);
    EXPECT_EQ(arena_alloc(&a, -1), nullptr);
    EXPECT_STRNE(status_text(), "");
    arena_release(&a);
}
