extern "C" {
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
}
#include <gtest/gtest.h>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

static std::string made(void (*append)(Text *, const char *), const char *in)
{
    Text t = {};
    append(&t, in);
    std::string s = text_cstr(&t);
    text_release(&t);
    return s;
}

TEST(Text, GrowsToAnyLength)
{
    Text        t = {};
    std::string want;
    EXPECT_STREQ(text_cstr(&t), "");
    for (int i = 0; i < 5000; i++) {
        text_printf(&t, "%d,", i);
        want += std::to_string(i) + ",";
    }
    EXPECT_EQ(want, text_cstr(&t));
    EXPECT_EQ(t.len, (int64_t)want.size());
    EXPECT_EQ(OK, text_status(&t));
    text_release(&t);
}

TEST(Text, JsonStringsEscapeWhatTheyMust)
{
    EXPECT_EQ(made(text_json, "a\"b\\c\n\t\x01/<"), "\"a\\\"b\\\\c\\n\\t\\u0001/<\"");
    EXPECT_EQ(made(text_json, "caf\xC3\xA9"), "\"caf\xC3\xA9\"");
    EXPECT_EQ(made(text_json, "a\xFFz\xC3"), "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\"");
}

TEST(Text, HtmlCannotLeaveItsPlace)
{
    EXPECT_EQ(made(text_html, "<script>alert(\"1\")&'"),
              "&lt;script&gt;alert(&quot;1&quot;)&amp;&#39;");
}

TEST(Text, CsvFieldsAreQuotedAndNeverFormulas)
{
    EXPECT_EQ(made(text_csv, "a,b\"c"), "\"a,b\"\"c\"");
    EXPECT_EQ(made(text_csv, "=1+1"), "'=1+1");
    EXPECT_EQ(made(text_csv, "-0.5"), "-0.5");
    EXPECT_EQ(made(text_csv, "plain"), "plain");
}

TEST(Text, FileNamesAreMadeOfHarmlessCharacters)
{
    EXPECT_EQ(made(text_file_name, "../a b/\n<c>.png"), "_._a_b___c_.png");
    EXPECT_EQ(made(text_file_name, ""), "_");
}

static bool parse(double *out, const char *s)
{
    return number_parse_double(out, s, (int64_t)strlen(s));
}

TEST(Number, ParsingIsStrict)
{
    double d = 7;
    for (const char *bad : {"", " 1", "1 ", "0x10", "inf", "nan", "1e", "1e+", ".", "-", "1e400",
                            "-1e999999999999", "1,5", "1.2.3", "--1"}) {
        EXPECT_FALSE(parse(&d, bad)) << bad;
        EXPECT_EQ(d, 7);
    }
    int64_t i = 7;
    for (const char *bad :
         {"", "-", "1.0", "9223372036854775808", "-9223372036854775809", "1e3", " 1"}) {
        EXPECT_FALSE(number_parse_int(&i, bad, (int64_t)strlen(bad))) << bad;
        EXPECT_EQ(i, 7);
    }
    EXPECT_TRUE(number_parse_int(&i, "-9223372036854775808", 20));
    EXPECT_EQ(i, INT64_MIN);
    EXPECT_TRUE(number_parse_int(&i, "9223372036854775807", 19));
    EXPECT_EQ(i, INT64_MAX);
}

TEST(Number, DoublesAreCorrectlyRounded)
{
    std::mt19937_64 r(1);
    for (int k = 0; k < 200000; k++) {
        uint64_t bits = r();
        double   x, got;
        memcpy(&x, &bits, 8);
        if (k % 2)
            x = (double)(r() % 100000000) / 1000;
        if (!std::isfinite(x))
            continue;
        char s[64];
        snprintf(s, sizeof s, "%.*g", 5 + (int)(r() % 16), x);
        double want = strtod(s, nullptr);
        if (!std::isfinite(want))
            continue;
        ASSERT_TRUE(parse(&got, s)) << s;
        ASSERT_EQ(got, want) << s;
    }
    double d;
    ASSERT_TRUE(parse(&d, "9007199254740993")); // halfway: to even
    EXPECT_EQ(d, 9007199254740992.0);
    ASSERT_TRUE(parse(&d, "4.9e-324"));
    EXPECT_GT(d, 0);
    ASSERT_TRUE(parse(&d, "1e-400"));
    EXPECT_EQ(d, 0);
}

TEST(Number, PrintingIsShortestAndReadsBack)
{
    char s[NUMBER_CHARS];
    struct {
        double      x;
        const char *want;
    } cases[] = {{0.1, "0.1"},       {1e20, "1e+20"},
                 {-0.0, "-0.0"},     {0, "0"},
                 {3, "3"},           {1.0 / 3, "0.3333333333333333"},
                 {5e-324, "5e-324"}, {0.30000000000000004, "0.30000000000000004"},
                 {-2.5, "-2.5"},     {NAN, "nan"},
                 {-INFINITY, "-inf"}};
    for (auto &c : cases) {
        number_print(s, c.x);
        EXPECT_STREQ(s, c.want);
    }
    std::mt19937_64 r(2);
    for (int k = 0; k < 50000; k++) {
        uint64_t bits = r();
        double   x, back;
        memcpy(&x, &bits, 8);
        if (!std::isfinite(x))
            continue;
        int n = number_print(s, x);
        ASSERT_LT(n, NUMBER_CHARS);
        ASSERT_TRUE(parse(&back, s)) << s;
        ASSERT_EQ(memcmp(&back, &x, 8), 0) << s;
    }
}

TEST(Number, Utf8IsCheckedToTheLetter)
{
    auto ok = [](const char *s) { return utf8_check(s, (int64_t)strlen(s), nullptr); };
    EXPECT_TRUE(ok("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\xA6"));
    for (const char *bad :
         {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x90"})
        EXPECT_FALSE(ok(bad));
    int64_t at = -1;
    EXPECT_FALSE(utf8_check("ab\xC3(", 4, &at));
    EXPECT_EQ(at, 2);
}
