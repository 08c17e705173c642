extern "C" {
#include "base/file.h"
}
#include "base/scratch.h"
#include <filesystem>
#include <csignal>
#include <cstring>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct File : ScratchTest {
    Arena arena = {};

    void TearDown() override
    {
        arena_release(&arena);
        ScratchTest::TearDown();
    }
};

TEST_F(File, ReadingKeepsToItsLimitAndNamesTheFile)
{
    char   *bytes;
    int64_t n;
    put("a", std::string("x\0y", 3));
    ASSERT_EQ(OK, file_read(&arena, &bytes, &n, path("a").c_str(), 3));
    EXPECT_EQ(std::string(bytes, 4), std::string("x\0y\0", 4));
    EXPECT_EQ(ERR_FORMAT, file_read(&arena, &bytes, &n, path("a").c_str(), 2));
    EXPECT_EQ(ERR_MISSING, file_read(&arena, &bytes, &n, path("b").c_str(), 2));
    EXPECT_NE(strstr(status_text(), path("b").c_str()), nullptr);
    EXPECT_EQ(ERR_MISSING, file_read(&arena, &bytes, &n, dir.c_str(), 2));
    ASSERT_EQ(0, mkfifo(path("pipe").c_str(), 0600));
    EXPECT_EQ(ERR_MISSING,
              file_read(&arena, &bytes, &n, path("pipe").c_str(), 2)); // and does not hang
    FileMap m;
    put("empty", "");
    ASSERT_EQ(OK, file_map(&m, path("empty").c_str()));
    EXPECT_EQ(m.n, 0);
    file_unmap(&m);
}

TEST_F(File, APathOfOtherCapitalsOrAccentsIsProposed)
{
    char   *bytes;
    int64_t n;
    ASSERT_EQ(OK, file_make_dirs(path("JPEGImages").c_str()));
    put("JPEGImages/000001.JPG", "x");
    put("JPEGImages/caf\xC3\xA9 1.jpg", "x"); // composed
    put("JPEGImages/two.jpg", "x");
    put("JPEGImages/Two.jpg", "x");
    auto said = [&](const std::string &name) {
        EXPECT_EQ(ERR_MISSING, file_read(&arena, &bytes, &n, path(name).c_str(), 9));
        return std::string(status_text());
    };
    auto proposes = [&](const std::string &name, const std::string &meant) {
        EXPECT_NE(std::string::npos, said(name).find("did you mean " + path(meant) + "?"))
            << status_text();
    };
    proposes("JPEGImages/000001.jpg", "JPEGImages/000001.JPG");
    proposes("jpegimages/two.jpg", "JPEGImages/two.jpg");
    proposes("JPEGImages/cafe\xCC\x81 1.jpg", "JPEGImages/caf\xC3\xA9 1.jpg"); // as a Mac writes it
    for (const char *none : {"JPEGImages/000002.jpg", "nowhere/000001.jpg", "JPEGImages/TWO.jpg"})
        EXPECT_EQ(std::string::npos, said(none).find("did you mean")) << status_text();
}

TEST_F(File, FoldersAreMadeAndListedInByteOrder)
{
    ASSERT_EQ(OK, file_make_dirs(path("a/b/c").c_str()));
    ASSERT_EQ(OK, file_make_dirs(path("a/b/c/").c_str()));
    EXPECT_TRUE(file_is_dir(path("a/b/c").c_str()));
    for (const char *name : {"a/z", "a/B", "a/_", "a/.x"})
        put(name, "");
    char  **names;
    int64_t n;
    ASSERT_EQ(OK, file_list(&arena, &names, &n, path("a").c_str()));
    EXPECT_EQ(std::vector<std::string>(names, names + n),
              (std::vector<std::string>{".x", "B", "_", "b", "z"}));
    put("file", "");
    EXPECT_EQ(ERR_CREATE, file_make_dirs(path("file/x").c_str()));
    EXPECT_EQ(ERR_MISSING, file_list(&arena, &names, &n, path("nothing").c_str()));
}

TEST_F(File, PathsThatLeaveTheirFolderAreRefused)
{
    for (std::string bad : {"", "/etc/passwd", "..", "../x", "a/../b", "a/..", "C:\\x", "c:x",
                            "a\\b", "a\nb", "a\x7f"})
        EXPECT_EQ(ERR_FORMAT, file_check_relative(bad.c_str())) << bad;
    EXPECT_EQ(ERR_FORMAT, file_check_relative(std::string(4096, 'a').c_str()));
    for (std::string good : {"a", "a/b.jpg", "..a", "a..b/...", "caf\xC3\xA9 1.png"})
        EXPECT_EQ(OK, file_check_relative(good.c_str())) << good;
    char *out;
    put("inside", "");
    ASSERT_EQ(0, symlink("/etc", path("out").c_str()));
    ASSERT_EQ(0, symlink("inside", path("in").c_str()));
    EXPECT_EQ(OK, file_join_beneath(&arena, &out, dir.c_str(), "inside"));
    EXPECT_EQ(OK, file_join_beneath(&arena, &out, dir.c_str(), "in"));
    EXPECT_EQ(OK, file_join_beneath(&arena, &out, dir.c_str(), "not yet there"));
    EXPECT_EQ(ERR_FORMAT, file_join_beneath(&arena, &out, dir.c_str(), "out/passwd"));
    EXPECT_NE(strstr(status_text(), "leads out of"), nullptr);
    EXPECT_STREQ(file_join(&arena, "a/", "b"), "a/b");
    EXPECT_STREQ(file_join(&arena, "a", "/b"), "/b");
    EXPECT_STREQ(file_dir(&arena, "a/b/c"), "a/b");
    EXPECT_STREQ(file_dir(&arena, "c"), ".");
    EXPECT_STREQ(file_dir(&arena, "/c"), "/");
    EXPECT_STREQ(file_base("a/b"), "b");
}

TEST_F(File, ReplacingIsAllOrNothing)
{
    put("f", "old");
    FileReplace r = {};
    ASSERT_EQ(OK, file_replace_begin(&r, path("f").c_str()));
    ASSERT_EQ(OK, file_replace_write(&r, "new", 3));
    EXPECT_EQ(get("f"), "old");
    file_replace_abort(&r);
    file_replace_abort(&r);
    EXPECT_EQ(get("f"), "old");
    EXPECT_EQ(count_files(), 1);
    std::string big(1 << 20, 'b');
    ASSERT_EQ(OK, file_replace_begin(&r, path("f").c_str()));
    ASSERT_EQ(OK, file_replace_write(&r, "head", 4));
    ASSERT_EQ(OK, file_replace_write(&r, big.data(), (int64_t)big.size()));
    ASSERT_EQ(OK, file_replace_write_at(&r, 1, "EA", 2));
    ASSERT_EQ(OK, file_replace_commit(&r));
    EXPECT_EQ(get("f"), "hEAd" + big);
    EXPECT_EQ(count_files(), 1);
    EXPECT_EQ(ERR_CREATE, file_write(path("no/f").c_str(), "x", 1));
    EXPECT_EQ(ERR_CREATE, file_write(dir.c_str(), "x", 1));
    file_replace_abort(&r);
}

TEST_F(File, DevicesAreWrittenNotReplaced)
{
    ASSERT_EQ(
        0, symlink("/dev/null", path("null").c_str())); // links, so that a failure costs no device
    ASSERT_EQ(0, symlink("/dev/full", path("full").c_str()));
    EXPECT_EQ(OK, file_write(path("null").c_str(), "x", 1)) << status_text();
    EXPECT_EQ(ERR_IO, file_write(path("full").c_str(), "x", 1));
    EXPECT_EQ(nullptr, strstr(status_text(), "as it was before")) << status_text();
    EXPECT_EQ(count_files(), 0) << "regular ones";
    for (const char *name : {"null", "full"})
        EXPECT_TRUE(std::filesystem::is_symlink(path(name))) << name;
}

TEST_F(File, AFailedWriteLeavesTheOldFileAndNoOther)
{
    put("f", "old");
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {100, 100};
        std::string   big(1 << 20, 'x');
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(file_write(path("f").c_str(), big.data(), (int64_t)big.size()) == ERR_IO &&
                      strstr(status_text(), "as it was before")
                  ? 0
                  : 1);
    }
    int how;
    waitpid(child, &how, 0);
    EXPECT_EQ(how, 0);
    EXPECT_EQ(get("f"), "old");
    EXPECT_EQ(count_files(), 1);
}

TEST_F(File, SweepingRemovesWhatDeadWritersLeft)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, nullptr, 0);
    put(".f.tmp-" + std::to_string(child) + "-0", "");
    put(".f.tmp-" + std::to_string(getpid()) + "-0", "");
    put("f.tmp-1-0", "");
    put(".g.tmp-x", "");
    ASSERT_EQ(OK, file_sweep(dir.c_str(), false));
    EXPECT_EQ(count_files(), 3);
    ASSERT_EQ(OK, file_sweep(dir.c_str(), true));
    EXPECT_EQ(count_files(), 2);
    EXPECT_EQ(OK, file_sweep(path("absent").c_str(), true));
}
