/* The file of plans that were fastest */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/cuda/key_table.h"
#include "kernels/cuda/plan_cache.h"
}
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

class Plans : public ::testing::Test {
  protected:
    std::string folder = ::testing::TempDir() + "godwit_plans_" + std::to_string(getpid());

    void SetUp() override
    {
        mkdir(folder.c_str(), 0700);
        setenv("XDG_CACHE_HOME", folder.c_str(), 1);
    }
    void TearDown() override
    {
        unsetenv("XDG_CACHE_HOME");
        std::filesystem::remove_all(folder);
    }
};

TEST_F(Plans, AreFoundAgainByTheNextRunOfTheSameDevice)
{
    const int  key[3] = {1, 2, 3}, other[3] = {1, 2, 4};
    PlanCache *c = plan_cache_open("H100 80GB/v9");
    EXPECT_EQ(-1, plan_cache_find(c, key, sizeof key));
    plan_cache_note(c, key, sizeof key, 1003);
    plan_cache_note(c, other, sizeof other, 0);
    plan_cache_note(c, other, sizeof other, 7); // the later one counts
    EXPECT_EQ(1003, plan_cache_find(c, key, sizeof key));
    plan_cache_close(c);
    c = plan_cache_open("H100 80GB/v9");
    EXPECT_EQ(1003, plan_cache_find(c, key, sizeof key));
    EXPECT_EQ(7, plan_cache_find(c, other, sizeof other));
    plan_cache_close(c);
    c = plan_cache_open("A100/v9");
    EXPECT_EQ(-1, plan_cache_find(c, key, sizeof key));
    plan_cache_close(c);
}

TEST_F(Plans, LinesThatSomebodyElseWroteAreLeftAlone)
{
    mkdir((folder + "/godwit").c_str(), 0700);
    std::ofstream(folder + "/godwit/plans_odd.txt")
        << "nonsense\n01020304 -5\n01020304\n" + std::string(5000, 'a') + " 3\n01000000 9\n";
    const int  one = 1;
    PlanCache *c = plan_cache_open("odd");
    EXPECT_EQ(9, plan_cache_find(c, &one, sizeof one));
    plan_cache_close(c);
}

TEST_F(Plans, WithoutAFolderTheyLastAsLongAsTheRun)
{
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    const int  key = 5;
    PlanCache *c = plan_cache_open("x");
    plan_cache_note(c, &key, sizeof key, 4);
    EXPECT_EQ(4, plan_cache_find(c, &key, sizeof key));
    plan_cache_close(c);
}

TEST(KeyTable, FindsEachOfManyKeysAndNoOther)
{
    struct Key {
        int32_t a, b, c; // twelve bytes: no power of two
    };
    KeyTable t = {};
    t.key_bytes = sizeof(Key);
    const int n = 5000;
    Key       first = {0, 0, 0};
    EXPECT_EQ(-1, key_table_find(&t, &first)) << "an empty table";
    for (int32_t i = 0; i < n; i++) {
        Key key = {i % 7, i, -i};
        ASSERT_TRUE(key_table_put(&t, &key, i));
    }
    EXPECT_EQ(n, t.n);
    for (int32_t i = 0; i < n; i++) {
        Key key = {i % 7, i, -i}, other = {i % 7, i, i + 1};
        ASSERT_EQ(i, key_table_find(&t, &key));
        ASSERT_EQ(-1, key_table_find(&t, &other));
    }
    ASSERT_TRUE(key_table_put(&t, &first, 77)); // another number for the same key
    EXPECT_EQ(77, key_table_find(&t, &first));
    EXPECT_EQ(n, t.n);
    key_table_release(&t);
    EXPECT_EQ(-1, key_table_find(&t, &first));
}
