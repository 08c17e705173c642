// sources: order, labels, names, shards
#include "data_test.h"
#include <sys/stat.h>
extern "C" {
#include "datasets/source.h"
}

namespace {

struct Opened {
    Source *s = nullptr;
    Status  status;
    explicit Opened(const std::string &path)
    {
        status = source_open(&s, path.c_str());
    }
    ~Opened()
    {
        source_close(s);
    }
    std::string bytes(int64_t i)
    {
        ImageBytes     b = {};
        const uint8_t *p = nullptr;
        int64_t        n = 0;
        EXPECT_EQ(OK, source_read(s, i, &b, &p, &n)) << status_text();
        std::string out((const char *)p, (size_t)n);
        image_bytes_release(&b);
        return out;
    }
};

} // namespace

TEST(Source, SortsClassFoldersAndTheirFiles)
{
    TempDir d;
    spill(d.path + "/dog/b.JPEG", std::string("1"));
    spill(d.path + "/dog/a.png", std::string("2"));
    spill(d.path + "/cat/deep/z.jpg", std::string("3"));
    spill(d.path + "/cat/notes.txt", std::string("4"));
    spill(d.path + "/empty/readme.md", std::string("5"));
    Opened o(d.path);
    ASSERT_OK(o.status);
    ASSERT_EQ(3, source_count(o.s));
    EXPECT_EQ(3, source_n_classes(o.s));
    EXPECT_STREQ("cat/deep/z.jpg", source_name(o.s, 0));
    EXPECT_STREQ("dog/a.png", source_name(o.s, 1));
    EXPECT_STREQ("dog/b.JPEG", source_name(o.s, 2));
    EXPECT_EQ(0, source_label(o.s, 0));
    EXPECT_EQ(1, source_label(o.s, 1));
    EXPECT_STREQ("dog", source_class_name(o.s, 1));
    EXPECT_EQ("3", o.bytes(0));
}

TEST(Source, RelabelsByTheNamesOfTheClasses)
{
    TempDir bank, test, flat;
    for (const char *name : {"/cat/1.jpg", "/cow/1.jpg", "/dog/1.jpg"})
        spill(bank.path + name, std::string("1"));
    spill(test.path + "/dog/1.jpg", std::string("1"));
    spill(test.path + "/cow/1.jpg", std::string("1"));
    spill(flat.path + "/1.jpg", std::string("1"));
    Opened  to(bank.path), from(test.path), none(flat.path);
    int64_t label[] = {0, 1, -1}; // cow, dog, none
    ASSERT_OK(source_relabel(label, 3, from.s, to.s));
    EXPECT_EQ((std::vector<int64_t>{1, 2, -1}), std::vector<int64_t>(label, label + 3));
    ASSERT_OK(source_relabel(label, 3, from.s, none.s)); // no names there
    EXPECT_EQ(1, label[0]);
    int64_t cat[] = {0};
    EXPECT_EQ(ERR_FORMAT, source_relabel(cat, 1, to.s, from.s));
    EXPECT_NE(nullptr, strstr(status_text(), "\"cat\"")) << status_text();
}

TEST(Source, ReadsAFlatFolderWithoutLabels)
{
    TempDir d;
    spill(d.path + "/b.jpg", std::string("1"));
    spill(d.path + "/a.jpg", std::string("2"));
    Opened o(d.path);
    ASSERT_OK(o.status);
    ASSERT_EQ(2, source_count(o.s));
    EXPECT_STREQ("a.jpg", source_name(o.s, 0));
    EXPECT_EQ(-1, source_label(o.s, 0));
    EXPECT_EQ(0, source_n_classes(o.s));
}

TEST(Source, FollowsLinksOfTheUserAndEndsInCircles)
{
    TempDir d, elsewhere;
    spill(elsewhere.path + "/a.jpg", std::string("1"));
    spill(d.path + "/cat/b.jpg", std::string("2"));
    std::filesystem::create_symlink(elsewhere.path, d.path + "/dog");
    std::filesystem::create_symlink(elsewhere.path + "/a.jpg", d.path + "/cat/c.jpg");
    {
        Opened o(d.path);
        ASSERT_OK(o.status);
        ASSERT_EQ(3, source_count(o.s));
        EXPECT_EQ("1", o.bytes(1));
        EXPECT_STREQ("dog/a.jpg", source_name(o.s, 2));
    }
    std::filesystem::create_symlink(d.path, d.path + "/cat/round");
    Opened circle(d.path);
    EXPECT_EQ(ERR_FORMAT, circle.status);
    EXPECT_NE(nullptr, strstr(status_text(), "nest deeper")) << status_text();
}

TEST(Source, NamesWhatIsMissing)
{
    TempDir d;
    EXPECT_EQ(ERR_FORMAT, Opened(d.path).status);
    EXPECT_EQ(ERR_MISSING, Opened(d.path + "/nothing.tar").status);
    EXPECT_EQ(ERR_MISSING, Opened(d.path + "/no-*.tar").status);
    EXPECT_EQ(ERR_USAGE, Opened(d.path + "/p-{3..1}.tar").status);
}

TEST(Source, ReadsShardsByRangeByPatternAndByFolder)
{
    TempDir d;
    spill(d.path + "/p-0000.tar", tar_member("x/a.jpg", "one") + tar_member("x/a.cls", " 2\n") +
                                      tar_member("x/b.seg.PNG", "no") +
                                      tar_member("x/b.PNG", "two") + END);
    spill(d.path + "/p-0001.tar", tar_member("c.cls", "0") + tar_member("c.jpeg", "three") + END);
    spill(d.path + "/classes.txt", std::string("ant\nbee\ncat\n"));
    for (const char *path : {"/p-{0000..0001}.tar", "/p-*.tar", ""}) {
        Opened o(d.path + path);
        ASSERT_OK(o.status) << path;
        ASSERT_EQ(3, source_count(o.s)) << path;
        EXPECT_STREQ("x/a", source_name(o.s, 0));
        EXPECT_EQ("one", o.bytes(0));
        EXPECT_EQ("two", o.bytes(1));
        EXPECT_EQ("three", o.bytes(2));
        EXPECT_EQ(2, source_label(o.s, 0));
        EXPECT_EQ(-1, source_label(o.s, 1));
        EXPECT_EQ(0, source_label(o.s, 2));
        EXPECT_STREQ("cat", source_class_name(o.s, 2));
    }
}

TEST(Source, RefusesShardsThatContradictThemselves)
{
    TempDir d;
    spill(d.path + "/a.tar", tar_member("a.jpg", "1") + tar_member("a.jpg", "2") + END);
    EXPECT_EQ(ERR_FORMAT, Opened(d.path + "/a.tar").status);
    spill(d.path + "/b.tar", tar_member("a.jpg", "1") + tar_member("a.cls", "dog") + END);
    EXPECT_EQ(ERR_FORMAT, Opened(d.path + "/b.tar").status);
    EXPECT_NE(nullptr, strstr(status_text(), "dog")) << status_text();
    spill(d.path + "/d.tar", tar_member("a.jpg", "1") + tar_member("a.cls", "1048576") + END);
    EXPECT_EQ(ERR_FORMAT, Opened(d.path + "/d.tar").status);
    EXPECT_NE(nullptr, strstr(status_text(), "a.cls holds '1048576'")) << status_text();
    spill(d.path + "/c.tar",
          std::string("this is no tar file at all, not even nearly").append(600, 'x'));
    EXPECT_EQ(ERR_FORMAT, Opened(d.path + "/c.tar").status);
}

TEST(Source, RefusesNumbersThatTheOtherSetHasNot)
{
    TempDir d;
    spill(d.path + "/bank.tar", tar_member("a.jpg", "1") + tar_member("a.cls", "2") + END);
    spill(d.path + "/test.tar", tar_member("b.jpg", "1") + tar_member("b.cls", "3") + END);
    Opened  bank(d.path + "/bank.tar"), test(d.path + "/test.tar");
    int64_t fine[] = {2, -1}, label[] = {-1};
    EXPECT_OK(source_relabel(fine, 1, test.s, bank.s));
    EXPECT_OK(source_relabel(label, 1, test.s, bank.s));
    label[0] = 3;
    EXPECT_EQ(ERR_FORMAT, source_relabel(label, 1, test.s, bank.s));
    EXPECT_STREQ("b has label 3; the set that votes has 3 classes, numbered from 0", status_text());
}

TEST(Source, RefusesShardsThatWereCutAndSaysWhichMayBe)
{
    TempDir     d;
    std::string first = tar_member("a.jpg", std::string(1000, 'a')),
                second = tar_member("b.jpg", std::string(1000, 'b')), path = d.path + "/a.tar";
    auto said = [&](Status expected, int64_t n) {
        testing::internal::CaptureStderr();
        Opened o(path);
        EXPECT_EQ(expected, o.status);
        EXPECT_EQ(n, o.status == OK ? source_count(o.s) : -1);
        return testing::internal::GetCapturedStderr();
    };
    spill(path, first + second + END);
    EXPECT_EQ("", said(OK, 2));
    spill(path, first + second.substr(0, 900));
    (void)said(ERR_FORMAT, -1);
    EXPECT_NE(nullptr,
              strstr(status_text(), "/a.tar: ends after 2436 bytes, in the middle of b.jpg"))
        << status_text();
    spill(path, first + tar_member("b.json", std::string(1000, '{')).substr(0, 900));
    (void)said(ERR_FORMAT, -1);
    EXPECT_NE(nullptr, strstr(status_text(), "in the middle of b.json")) << status_text();
    spill(path, first);
    EXPECT_NE(std::string::npos, said(OK, 1).find("/a.tar: has no end mark; it may have been cut"));
    std::filesystem::remove(path);
    ASSERT_EQ(0, mkfifo(path.c_str(), 0600));
    (void)said(ERR_MISSING, -1);
}

TEST(Source, ReadsTheCifarShards)
{
    std::string path = std::string(GODWIT_SHARED_DIR) + "/data/cifar10/test-{0000..0000}.tar";
    if (!std::filesystem::exists(std::string(GODWIT_SHARED_DIR) + "/data/cifar10"))
        GTEST_SKIP() << "no real data at " << path;
    Opened o(path);
    ASSERT_OK(o.status);
    ASSERT_EQ(3000, source_count(o.s));
    ASSERT_EQ(10, source_n_classes(o.s));
    int count[10] = {};
    for (int64_t i = 0; i < 3000; i++)
        count[source_label(o.s, i)]++;
    for (int c : count)
        EXPECT_EQ(300, c);
    std::string b = o.bytes(1234);
    Picture     p;
    ASSERT_OK(image_decode(&p.im, nullptr, b.data(), (int64_t)b.size(), "x"));
    EXPECT_EQ(32, p.im.width);
    EXPECT_STREQ("airplane", source_class_name(o.s, 0));
}
