/* What the cuda backend does not do, printed and pinned */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/backend_entries.h"
#include "kernels/cuda/gaps.h"
#include "kernels/plan.h"
}
#include <cstddef>
#include <map>

/* Entry -> why it is empty. */
static std::map<std::string, std::string> gaps()
{
    std::map<std::string, std::string> all;
    (void)device_under_test();
    for (const BackendGap *gap = backend_cuda_gaps(); gap->entry; gap++)
        all[gap->entry] = gap->why;
    return all;
}

TEST(Gaps, EveryEntryIsFilledOrPrinted)
{
    for (const auto &gap : gaps())
        printf("cuda lacks: %s (%s)\n", gap.first.c_str(), gap.second.c_str());
#define IS_FILLED(entry) EXPECT_NE(nullptr, (void *)device_under_test()->entry) << #entry;
    BACKEND_ENTRIES(IS_FILLED)
}

TEST(Gaps, OptionalEntriesAreEmptyForAReason)
{
    std::map<std::string, std::string> lacks = gaps();
#define HAS_A_REASON(entry)                                                                        \
    if (!device_under_test()->entry)                                                               \
        EXPECT_TRUE(lacks.count(#entry) && lacks[#entry] != "no reason is noted") << #entry;       \
    else                                                                                           \
        EXPECT_EQ(0u, lacks.count(#entry)) << #entry;
    BACKEND_OPTIONAL(HAS_A_REASON)
    EXPECT_EQ(1u, lacks.count("conv_bn_train_forward"));
}

/* What decides the memory of a step; decoding and facts about the device do not. */
TEST(Gaps, APlanWithoutAGpuHasWhatAGpuHas)
{
    std::map<std::string, bool> planned, there;
    const Backend              *plan = plan_backend(nullptr), *be = device_under_test();
#define NOTE(entry)                                                                                \
    planned[#entry] = plan->entry != nullptr;                                                      \
    there[#entry] = be->entry != nullptr;
    BACKEND_OPTIONAL(NOTE)
    for (const char *other : {"jpeg_open", "jpeg_decode", "jpeg_close", "describe", "measure"})
        EXPECT_EQ(1u, there.erase(other) * planned.erase(other)) << other;
    EXPECT_EQ(there, planned);
    EXPECT_EQ(be->has_norm_masks, plan->has_norm_masks);
}

TEST(Gaps, TheListOfEntriesIsWhole)
{
    size_t n = offsetof(Backend, alloc) / sizeof(void *);
#define COUNT(entry) n++;
    BACKEND_ENTRIES(COUNT)
    BACKEND_OPTIONAL(COUNT)
    EXPECT_EQ(sizeof(Backend), n * sizeof(void *)) << "kernels/backend_entries.h misses an entry";
}

TEST(Gaps, AnEntryThatIsMissingSaysWhich)
{
    Backend table = {};
    gaps_fill(&table);
    EXPECT_EQ(ERR_UNSUPPORTED, table.box.anchors(nullptr, nullptr));
    EXPECT_STREQ("device cuda: box.anchors is not implemented; use --device cpu", status_text());
    ASSERT_NE(nullptr, gaps_list());
    EXPECT_STREQ("alloc", gaps_list()[0].entry);
    EXPECT_STREQ("not implemented", gaps_list()[0].why);
}
