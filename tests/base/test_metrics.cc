extern "C" {
#include "base/events.h"
#include "base/json.h"
#include "base/metrics.h"
}
#include "base/scratch.h"
#include <cmath>
#include <cstring>

namespace {

struct MetricsFile : ScratchTest {
    /* Steps start .. end - 1, one line each. */
    void write(int64_t resume, int start, int end)
    {
        Metrics *m;
        ASSERT_EQ(OK, metrics_open(&m, dir.c_str(), resume, false)) << status_text();
        for (int step = start; step < end; step++) {
            metrics_begin(m, "train", step);
            metrics_number(m, "loss", 1.0 / step);
            ASSERT_EQ(OK, metrics_end(m));
        }
        ASSERT_EQ(OK, metrics_close(m));
    }
    std::string steps()
    {
        std::stringstream in(get("metrics.jsonl"));
        std::string       line, out;
        while (std::getline(in, line)) {
            Arena      a = {};
            JsonValue *v;
            int64_t    step = -1;
            EXPECT_EQ(OK, json_parse(&a, &v, line.data(), (int64_t)line.size(), "line", nullptr))
                << line;
            EXPECT_EQ(OK, json_get_int(v, "step", &step));
            out += std::to_string(step) + " ";
            arena_release(&a);
        }
        return out;
    }
};

uint64_t fixed(const std::string &s, size_t at, int n)
{
    uint64_t v = 0;
    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | (unsigned char)s[at + i];
    return v;
}
uint32_t masked(const std::string &s)
{
    uint32_t c = events_crc32c(s.data(), (int64_t)s.size());
    return ((c >> 15) | (c << 17)) + 0xa282ead8u;
}
/* The payloads of a TFRecord file, each checksum checked. */
std::vector<std::string> records(const std::string &file)
{
    std::vector<std::string> out;
    for (size_t at = 0; at < file.size();) {
        uint64_t n = fixed(file, at, 8);
        EXPECT_EQ(fixed(file, at + 8, 4), masked(file.substr(at, 8)));
        out.push_back(file.substr(at + 12, n));
        EXPECT_EQ(fixed(file, at + 12 + n, 4), masked(out.back()));
        at += 16 + n;
    }
    return out;
}

} // namespace

TEST(Crc32c, GivesTheKnownAnswers) // RFC 3720, appendix B.4
{
    unsigned char up[32];
    for (int i = 0; i < 32; i++)
        up[i] = (unsigned char)i;
    EXPECT_EQ(events_crc32c("123456789", 9), 0xe3069283u);
    EXPECT_EQ(events_crc32c(std::string(32, '\0').data(), 32), 0x8a9136aau);
    EXPECT_EQ(events_crc32c(std::string(32, '\xff').data(), 32), 0x62a8ab43u);
    EXPECT_EQ(events_crc32c(up, 32), 0x46dd794eu);
    EXPECT_EQ(events_crc32c("", 0), 0u);
}

TEST_F(MetricsFile, EventFilesDecodeByHand)
{
    EventWriter *w;
    ASSERT_EQ(OK, events_open(&w, path("tb").c_str()));
    std::string file = events_path(w);
    ASSERT_EQ(OK, events_scalar(w, "train/loss", 300, 0.5));
    ASSERT_EQ(OK, events_scalar(w, "x", 0, -2.0));
    ASSERT_EQ(OK, events_close(w));
    EXPECT_EQ(file.rfind(path("tb") + "/events.out.tfevents.", 0), 0u);
    auto r = records(get(file.substr(dir.size() + 1)));
    ASSERT_EQ(r.size(), 3u);
    EXPECT_EQ(r[0].substr(9), std::string("\x1a\x0d") + "brain.Event:2"); // field 3
    EXPECT_EQ(r[0][0], '\x09');                                           // field 1, a double
    EXPECT_EQ(r[1].substr(9, 3), "\x10\xac\x02");                         // field 2, varint 300
    // field 5 { field 1 { field 1 "train/loss", field 2 float 0.5 } }
    EXPECT_EQ(r[1].substr(12), std::string("\x2a\x13\x0a\x11\x0a\x0a", 6) + "train/loss" +
                                   std::string("\x15\0\0\0\x3f", 5));
    EXPECT_EQ(r[2].substr(9), std::string("\x10\0\x2a\x0a\x0a\x08\x0a\x01x\x15\0\0\0\xc0", 14));
}

TEST_F(MetricsFile, EachRecordIsOneLine)
{
    Metrics *m;
    ASSERT_EQ(OK, metrics_open(&m, dir.c_str(), -1, true));
    metrics_begin(m, "eval", 7);
    metrics_number(m, "ap", 0.25);
    metrics_number(m, "undefined", NAN);
    metrics_int(m, "n", 3);
    metrics_text(m, "class", "<a\n\"b\">");
    ASSERT_EQ(OK, metrics_end(m));
    EXPECT_EQ(get("metrics.jsonl"), "{\"step\":7,\"kind\":\"eval\",\"ap\":0.25,\"undefined\":null,"
                                    "\"n\":3,\"class\":\"<a\\n\\\"b\\\">\"}\n");
    ASSERT_EQ(OK, metrics_close(m));
    int n = 0;
    for (auto &e : std::filesystem::directory_iterator(path("tb"))) {
        auto r = records(get("tb/" + e.path().filename().string()));
        ASSERT_EQ(r.size(), 4u); // version, ap, undefined, n
        EXPECT_NE(r[1].find("eval/ap"), std::string::npos);
        n++;
    }
    EXPECT_EQ(n, 1);
}

TEST_F(MetricsFile, AResumeNeverRepeatsAStep)
{
    write(-1, 1, 6);
    EXPECT_EQ(steps(), "1 2 3 4 5 ");
    write(3, 4, 7);
    EXPECT_EQ(steps(), "1 2 3 4 5 6 ");
    std::ofstream(path("metrics.jsonl"), std::ios::app) << "{\"step\":7,\"kind\":\"tr"; // a crash
    write(6, 7, 9);
    EXPECT_EQ(steps(), "1 2 3 4 5 6 7 8 ");
    write(-1, 1, 2);
    EXPECT_EQ(steps(), "1 ");
    write(0, 1, 2);
    EXPECT_EQ(steps(), "1 ");
}
