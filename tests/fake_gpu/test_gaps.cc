/* What the cuda backend does not do, printed and pinned */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/backend_entries.h"
#include "kernels/cuda/gaps.h"
#include "kernels/plugin.h"
}
#include <cstddef>
#include <dlfcn.h>

static std::vector<std::string> gaps()
{
    (void)device_under_test();
    PluginGaps *names = nullptr;
    *(void **)&names = dlsym(backend_cuda_library(), PLUGIN_GAPS);
    std::vector<std::string> all;
    for (const char *const *name = names(); *name; name++)
        all.push_back(*name);
    return all;
}

TEST(Gaps, EveryEntryIsFilledOrPrinted)
{
    for (const std::string &name : gaps())
        printf("cuda lacks: %s\n", name.c_str());
#define IS_FILLED(entry) EXPECT_NE(nullptr, (void *)device_under_test()->entry) << #entry;
    BACKEND_ENTRIES(IS_FILLED)
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
    EXPECT_NE(nullptr, gaps_names()[0]);
}
