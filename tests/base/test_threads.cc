extern "C" {
#include "base/threads.h"
}
#include <gtest/gtest.h>
#include <vector>

static void mark(void *ctx, int64_t begin, int64_t end)
{
    auto *hits = static_cast<std::vector<int> *>(ctx);
    for (int64_t i = begin; i < end; i++)
        (*hits)[i]++;
}

TEST(Threads, EveryIndexIsVisitedOnceForAnyGrain)
{
    threads_set(4);
    for (int64_t grain : {1, 7, 64, 5000}) {
        std::vector<int> hits(1000, 0);
        threads_for(1000, grain, mark, &hits);
        EXPECT_EQ(hits, std::vector<int>(1000, 1));
    }
    threads_set(0);
}

TEST(Threads, AnEmptyLoopCallsNothing)
{
    std::vector<int> hits;
    threads_for(0, 1, mark, &hits);
    EXPECT_TRUE(hits.empty());
}
