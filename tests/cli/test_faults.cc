/* The program on a broken disk: which code it ends with, and what is left. The preloaded tests/faults breaks it. */
#include "cli/run_program.h"
#include <cerrno>
#include <gtest/gtest.h>
#include <regex>
#include <set>

/* godwit with every write below `path` failing for `reason`. */
static Ran godwit_without(const std::string &path, int reason, const std::string &words)
{
    std::string plan = "0 1 1000000 " + std::to_string(reason) + " " + path;
    setenv("GODWIT_FAULTS", plan.c_str(), 1);
    setenv("LD_PRELOAD", GODWIT_FAULTS, 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    Ran r = godwit(words);
    unsetenv("ASAN_OPTIONS");
    unsetenv("LD_PRELOAD");
    unsetenv("GODWIT_FAULTS");
    return r;
}

/* A tiny pretraining run into dir/run, as words of the command line. */
static std::string pretrain(const TempDir &dir)
{
    EXPECT_EQ(0, godwit("scenes --kind object --layout shards --train 64 --val 0 --test 0 --out " +
                        (dir / "data"))
                     .code);
    return "pretrain moco_tiny checkpoint_every=1 data.train=train-*.tar --data " + (dir / "data") +
           " --out " + (dir / "run");
}

TEST(BrokenDisk, ATrainingRunThatCannotSaveThreeTimesEnds74)
{
    TempDir dir;
    Ran     full = godwit_without("/checkpoints/", ENOSPC, pretrain(dir));
    EXPECT_EQ(full.code, 74) << full.err;
    EXPECT_NE(full.err.find("the run goes on (failure 2 of 3"), std::string::npos) << full.err;
    EXPECT_NE(full.err.find("3 checkpoints in a row"), std::string::npos) << full.err;
}

TEST(BrokenDisk, AReadOnlyFolderEnds73)
{
    TempDir dir;
    Ran     r = godwit_without(dir / "run", EROFS, pretrain(dir));
    EXPECT_EQ(r.code, 73) << r.err;
    EXPECT_NE(r.err.find("Read-only file system"), std::string::npos) << r.err;
    EXPECT_FALSE(std::filesystem::exists(dir / "run"));
}

/* docs/faults.md says which test proves each row; a test that was renamed or removed makes it untrue. */
TEST(FaultTable, NamesTestsThatExist)
{
    std::set<std::string> tests;
    const std::regex      definition("TEST(?:_F|_P)?\\((\\w+),\\s*(\\w+)\\)"),
        named("`(\\w+\\.[A-Z]\\w+)`");
    for (auto &e : std::filesystem::recursive_directory_iterator(GODWIT_SOURCE_DIR "/tests")) {
        if (e.path().extension() != ".cc")
            continue;
        std::string text = slurp(e.path());
        for (std::sregex_iterator m(text.begin(), text.end(), definition), end; m != end; ++m)
            tests.insert((*m)[1].str() + "." + (*m)[2].str());
    }
    std::string table = slurp(GODWIT_SOURCE_DIR "/docs/faults.md");
    int         n = 0;
    for (std::sregex_iterator m(table.begin(), table.end(), named), end; m != end; ++m, n++)
        EXPECT_TRUE(tests.count((*m)[1])) << (*m)[1];
    EXPECT_GT(n, 50);
}
