extern "C" {
#include "base/rng.h"
#include "base/tar.h"
}
#include "base/scratch.h"
#include <cstring>

namespace {

struct Tar : ScratchTest {
    Arena arena = {};

    void TearDown() override
    {
        arena_release(&arena);
        ScratchTest::TearDown();
    }
    /* Every member as name:bytes;, or the sentence. */
    std::string list(const std::string &file, TarLimits limits = {}, bool check_offsets = false)
    {
        TarReader  *t;
        TarMember   m;
        std::string out, raw = check_offsets ? get(file) : "";
        if (tar_open(&t, path(file).c_str(), &limits) != OK)
            return status_text();
        for (;;) {
            bool found;
            if (tar_next(t, &m, &found) != OK) {
                out += std::string("! ") + status_text();
                break;
            }
            if (!found)
                break;
            char       *bytes;
            int64_t     n;
            std::string name = m.name;
            int64_t     offset = m.offset;
            if (tar_read(t, &arena, &bytes, &n) != OK) {
                out += std::string("! ") + status_text();
                break;
            }
            EXPECT_EQ((int64_t)strlen(bytes), n);
            if (check_offsets)
                EXPECT_EQ(raw.substr((size_t)offset, (size_t)n), bytes);
            else
                EXPECT_EQ(offset, -1);
            out += name + ":" + bytes + ";";
        }
        out += tar_skipped(t) ? " skipped " + std::to_string(tar_skipped(t)) : "";
        tar_close(t);
        return out;
    }
    int shell(const std::string &command)
    {
        return system(("cd " + dir + " && " + command + " 2>/dev/null").c_str());
    }
};

/* One ustar header with a right checksum, and its data. */
std::string member(const std::string &name, const std::string &data, char type = '0',
                   const char *size = nullptr)
{
    std::string h(512, '\0');
    memcpy(&h[0], name.data(), std::min<size_t>(name.size(), 100));
    memcpy(&h[100], "0000644", 7);
    memcpy(&h[108], "0000000", 7);
    memcpy(&h[116], "0000000", 7);
    char octal[13];
    snprintf(octal, sizeof octal, "%011zo", data.size());
    memcpy(&h[124], size ? size : octal, 11);
    memcpy(&h[136], "00000000000", 11);
    h[156] = type;
    if (type == '2')
        memcpy(&h[157], "target", 6);
    memcpy(&h[257], "ustar\00000", 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)h[i];
    snprintf(octal, sizeof octal, "%06o", sum);
    memcpy(&h[148], octal, 7);
    h[155] = ' ';
    return h + data + std::string((512 - data.size() % 512) % 512, '\0');
}
const std::string END(1024, '\0');

} // namespace

TEST_F(Tar, PlainAndCompressedArchivesReadAlike)
{
    put("0001.jpg", "picture one");
    put("0001.cls", "7");
    put(std::string(150, 'n') + ".txt", "long name");
    std::string names = "0001.jpg 0001.cls nnn*.txt";
    std::string want =
        "0001.jpg:picture one;0001.cls:7;" + std::string(150, 'n') + ".txt:long name;";
    for (std::string format : {"pax", "gnu"}) {
        ASSERT_EQ(0, shell("tar -H " + format + " -cf a.tar " + names));
        EXPECT_EQ(list("a.tar", {}, true), want);
    }
    ASSERT_EQ(0, shell("tar -czf a.tar.gz " + names));
    EXPECT_EQ(list("a.tar.gz"), want);
    if (shell("tar -cJf a.tar.xz " + names) == 0) {
        EXPECT_EQ(list("a.tar.xz"), want);
    }
    if (shell("tar --zstd -cf a.tar.zst " + names) == 0) {
        EXPECT_EQ(list("a.tar.zst"), want);
    }
}

TEST_F(Tar, FoldersAreSkippedAndLinksCounted)
{
    ASSERT_EQ(
        0, shell("mkdir d && echo -n x > d/x && ln -s x d/y && ln d/x d/z && tar -cf a.tar ./d"));
    std::string got = list("a.tar", {}, true);
    EXPECT_NE(got.find(":x; skipped 2"), std::string::npos) << got;
    EXPECT_EQ(got.rfind("d/", 0), 0u) << got; // without the leading ./
}

TEST_F(Tar, NamesThatLeaveTheFolderAreRefused)
{
    for (const char *name :
         {"../evil", "/etc/passwd", "a/../../b", "C:\\x", "a\nb", "./../x", "a\\b"}) {
        put("a.tar", member(name, "x") + END);
        std::string got = list("a.tar", {}, true);
        EXPECT_EQ(got[0], '!') << name << " gave " << got;
        EXPECT_NE(got.find("a.tar: path"), std::string::npos) << got;
    }
    put("a.tar", member("a..b/..c", "x") + END);
    EXPECT_EQ(list("a.tar", {}, true), "a..b/..c:x;");
}

TEST_F(Tar, LimitsAreKept)
{
    TarLimits small = {};
    small.max_member = 4;
    put("a.tar", member("ok", "1234") + member("big", "12345") + END);
    EXPECT_NE(list("a.tar", small, true).find("ok:1234;! "), std::string::npos);
    put("b.tar", member("huge", "", '0', "77777777777") + END);
    EXPECT_NE(list("b.tar", {}, true).find("expected at most"), std::string::npos);
    TarLimits total = {};
    total.max_total = 2000;
    put("c.tar", member("a", std::string(1000, 'a')) + member("b", std::string(1000, 'b')) + END);
    EXPECT_NE(list("c.tar", total, true).find("unpacks to more than"), std::string::npos);
}

TEST_F(Tar, DamageIsRefusedNotCrashedOn)
{
    std::string good = member("one", "1111") + member("two", "2222") + END;
    put("a.tar", good);
    ASSERT_EQ(list("a.tar", {}, true), "one:1111;two:2222;");
    Rng rng = rng_at(3, RNG_TEST, 0, 0);
    for (int k = 0; k < 300; k++) {
        std::string bad = good;
        bad[rng_below(&rng, 512)] ^= (char)(1 << rng_below(&rng, 8));
        TarReader *t;
        TarMember  m;
        bool       found = true;
        Status     st = tar_open_bytes(&t, bad.data(), (int64_t)bad.size(), "x", nullptr);
        for (int i = 0; st == OK && found && i < 10; i++)
            st = tar_next(t, &m, &found);
        tar_close(t);
        EXPECT_TRUE(st == OK || st == ERR_FORMAT) << k;
    }
    ASSERT_EQ(0, shell("gzip -nc a.tar > a.tar.gz"));
    std::string packed = get("a.tar.gz");
    for (size_t n = 0; n < packed.size(); n++) { // the last eight bytes are gzip's check sum
        TarReader *t;
        TarMember  m;
        bool       found = true;
        Status     st = tar_open_bytes(&t, packed.data(), (int64_t)n, "x", nullptr);
        for (int i = 0; st == OK && found && i < 10; i++)
            st = tar_next(t, &m, &found);
        tar_close(t);
        EXPECT_TRUE(st == OK || st == ERR_FORMAT) << n << ": " << status_text();
    }
    put("b.tar", good.substr(0, 514));
    EXPECT_NE(list("b.tar", {}, true).find("!"), std::string::npos);
    put("c.tar", "no archive at all, only text that is long enough to look at");
    EXPECT_NE(list("c.tar").find("c.tar"), std::string::npos);
    put("d.tar", "");
    EXPECT_NE(list("d.tar").find("d.tar"), std::string::npos);
    EXPECT_NE(list("absent.tar").find("absent.tar: cannot open"), std::string::npos);
}
