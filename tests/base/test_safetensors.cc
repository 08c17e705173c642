extern "C" {
#include "base/rng.h"
#include "base/safetensors.h"
}
#include "base/scratch.h"
#include <cmath>
#include <cstring>

namespace {

/* A file made by hand: length, header, data. */
std::string file_of(const std::string &header, size_t data_bytes)
{
    std::string s(8, '\0');
    for (int i = 0; i < 8; i++)
        s[i] = (char)(header.size() >> (8 * i));
    return s + header + std::string(data_bytes, '\1');
}

Status open_bytes(SafeFile *f, const std::string &s)
{
    return safetensors_open_bytes(f, s.data(), (int64_t)s.size(), "t.safetensors");
}

/* Opens, closes, and gives the sentence ("" when it was accepted). */
std::string verdict(const std::string &s)
{
    SafeFile f;
    Status   st = open_bytes(&f, s);
    safetensors_close(&f);
    EXPECT_TRUE(st == OK || st == ERR_FORMAT);
    return st == OK ? "" : status_text();
}

struct Safetensors : ScratchTest {};

/* Two tensors and some metadata, written by us. */
std::string sample(const std::string &path)
{
    std::vector<float>   w(300);
    std::vector<int64_t> q = {-1, INT64_MAX};
    uint8_t              b[3] = {1, 0, 1};
    for (size_t i = 0; i < w.size(); i++)
        w[i] = (float)i / 7;
    SafeTensor t[] = {{"w", SAFE_F32, 2, {3, 100}, w.data(), 0},
                      {"a.bool", SAFE_BOOL, 1, {3}, b, 0},
                      {"queue", SAFE_I64, 1, {2}, q.data(), 16},
                      {"none", SAFE_F32, 2, {0, 5}, nullptr, 0},
                      {"scalar", SAFE_F64, 0, {}, "\0\0\0\0\0\0\xF0\x3F", 0}};
    SafeMeta   m[] = {{"step", "12"}, {"arch", "r\"50"}};
    EXPECT_EQ(OK, safetensors_write(path.c_str(), t, 5, m, 2)) << status_text();
    std::ifstream     in(path, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
}

} // namespace

TEST_F(Safetensors, WhatIsWrittenIsRead)
{
    std::string bytes = sample(path("a.safetensors"));
    SafeFile    f;
    ASSERT_EQ(OK, safetensors_open(&f, path("a.safetensors").c_str())) << status_text();
    EXPECT_TRUE(f.has_checksum);
    EXPECT_EQ(f.n, 5);
    EXPECT_STREQ(safetensors_meta(&f, "step"), "12");
    EXPECT_STREQ(safetensors_meta(&f, "arch"), "r\"50");
    EXPECT_STREQ(safetensors_meta(&f, "format"), "pt");
    EXPECT_EQ(safetensors_meta(&f, "nothing"), nullptr);
    const SafeTensor *w = safetensors_find(&f, "w");
    ASSERT_NE(w, nullptr);
    EXPECT_EQ(w->n_dims, 2);
    EXPECT_EQ(w->dim[1], 100);
    EXPECT_EQ(((const float *)w->data)[299], 299.0f / 7);
    EXPECT_EQ((uintptr_t)safetensors_find(&f, "queue")->data % 64, 0u); // wide types come first
    EXPECT_EQ(((const int64_t *)safetensors_find(&f, "queue")->data)[1], INT64_MAX);
    EXPECT_EQ(safetensors_count(safetensors_find(&f, "none")), 0);
    EXPECT_EQ(safetensors_count(safetensors_find(&f, "scalar")), 1);
    EXPECT_EQ(safetensors_find(&f, "W"), nullptr);
    float one;
    ASSERT_EQ(OK, safetensors_to_f32(safetensors_find(&f, "scalar"), &one, 1));
    EXPECT_EQ(one, 1.0f);
    EXPECT_EQ(ERR_SHAPE, safetensors_to_f32(w, &one, 1));
    safetensors_close(&f);
    EXPECT_EQ(count_files(), 1);
}

TEST_F(Safetensors, TheLayoutIsTheSameWhateverTheOrderGiven)
{
    float      x = 1, y = 2;
    SafeTensor t[] = {{"x", SAFE_F32, 1, {1}, &x, 0}, {"y", SAFE_F32, 1, {1}, &y, 0}};
    SafeTensor u[] = {t[1], t[0]};
    ASSERT_EQ(OK, safetensors_write(path("1").c_str(), t, 2, nullptr, 0));
    ASSERT_EQ(OK, safetensors_write(path("2").c_str(), u, 2, nullptr, 0));
    EXPECT_EQ(get("1"), get("2"));
    EXPECT_EQ(get("1").size() % 64, 8u);
}

TEST_F(Safetensors, EveryFlippedBitIsRefused)
{
    std::string bytes = sample(path("a"));
    ASSERT_EQ(verdict(bytes), "");
    for (size_t bit = 0; bit < bytes.size() * 8; bit++) {
        std::string damaged = bytes;
        damaged[bit / 8] ^= (char)(1 << bit % 8);
        ASSERT_NE(verdict(damaged), "") << "bit " << bit;
    }
}

TEST_F(Safetensors, EveryTruncationIsRefused)
{
    std::string bytes = sample(path("a"));
    for (size_t n = 0; n < bytes.size(); n++)
        ASSERT_NE(verdict(bytes.substr(0, n)), "") << n;
    EXPECT_NE(verdict(bytes + "x"), "");
}

TEST(SafetensorsRules, GoodFilesOfOthersAreAccepted)
{
    EXPECT_EQ(verdict(file_of("{}", 0)), "");
    EXPECT_EQ(
        verdict(file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}    ", 8)),
        "");
    EXPECT_EQ(verdict(file_of("{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"data_offsets\":[0,1],"
                              "\"dtype\":\"U8\",\"shape\":[]}}",
                              1)),
              "");
    // an empty tensor at a joint, before, between and behind
    EXPECT_EQ(verdict(file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                              "\"b\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[4,4]},"
                              "\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
                              "\"d\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[8,8]}}",
                              8)),
              "");
}

TEST(SafetensorsRules, EachViolationIsRefused)
{
    auto tensor = [](const char *dtype, const char *shape, const char *offsets) {
        return std::string("{\"a\":{\"dtype\":") + dtype + ",\"shape\":" + shape +
               ",\"data_offsets\":" + offsets + "}}";
    };
    std::string two = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{"
                      "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":";
    struct {
        std::string file;
        const char *says;
    } cases[] = {
        {"", "too short"},
        {std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + "{}", "header of"},
        {std::string("\x03\0\0\0\0\0\0\0", 8) + "{}", "header of"},
        {std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + "{}", "header of"}, // 100,000,001
        {file_of(" {}", 0), "does not start with {"},
        {file_of("[]", 0), "does not start with {"},
        {file_of("{", 0), "byte"},
        {file_of("{}x", 0), "byte"},
        {file_of("{\"a\xff\":{}}", 0), "byte"},
        {file_of(tensor("\"F31\"", "[1]", "[0,4]"), 4), "not known"},
        {file_of(tensor("3", "[1]", "[0,4]"), 4), "does not belong"},
        {file_of(tensor("\"F32\"", "[2]", "[0,4]"), 4), "shape wants 8 bytes"},
        {file_of(tensor("\"F32\"", "[-1]", "[0,4]"), 4), "whole numbers"},
        {file_of(tensor("\"F32\"", "[1.0]", "[0,4]"), 4), "whole numbers"},
        {file_of(tensor("\"F32\"", "[9223372036854775808]", "[0,4]"), 4), "whole numbers"},
        {file_of(tensor("\"F32\"", "[4611686018427387904,4]", "[0,0]"), 0), "overflows"},
        {file_of(tensor("\"F32\"", "[[1]]", "[0,4]"), 4), "whole numbers"},
        {file_of(tensor("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4), "dimensions"},
        {file_of(tensor("\"F32\"", "1", "[0,4]"), 4), "does not belong"},
        {file_of(tensor("\"F32\"", "[1]", "[0,4]"), 5), "5 bytes of data"},
        {file_of(tensor("\"F32\"", "[1]", "[0,4]"), 3), "bytes 0 to 4 of 3"},
        {file_of(tensor("\"F32\"", "[1]", "[1,5]"), 5), "gap"},
        {file_of(tensor("\"F32\"", "[1]", "[4,0]"), 4), "bytes 4 to 0"},
        {file_of(tensor("\"F32\"", "[1]", "[0]"), 4), "two numbers"},
        {file_of(tensor("\"F32\"", "[1]", "[0,4,4]"), 4), "two numbers"},
        {file_of(two + "[2,6]}}", 6), "overlap"},
        {file_of(two + "[0,4]}}", 4), "overlap"},
        {file_of(two + "[5,9]}}", 9), "gap"},
        {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":{\"dtype\":"
                 "\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
                 0),
         "twice"},
        {file_of(
             "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
             0),
         "twice"},
        {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[0]}}", 0), "needs dtype"},
        {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":1}}", 0),
         "unknown key"},
        {file_of("{\"a\":3}", 0), "does not belong"},
        {file_of("{\"a\":\"x\"}", 0), "does not belong"},
        {file_of("{\"a\":[]}", 0), "does not belong"},
        {file_of("{\"__metadata__\":{\"a\":1}}", 0), "strings to strings"},
        {file_of("{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0), "strings to strings"},
        {file_of("{\"__metadata__\":\"a\"}", 0), "strings to strings"},
        {file_of("{\"__metadata__\":[]}", 0), "strings to strings"},
        {file_of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0), "twice"},
        {file_of("{\"__metadata__\":{},\"__metadata__\":{}}", 0), "twice"},
        {file_of("{\"__metadata__\":{\"writer\":\"godwit\"}}", 0), "checksum is missing"},
        {file_of("{\"a\\u0000b\":{}}", 0), "\\u0000"},
    };
    for (auto &c : cases) {
        std::string v = verdict(c.file);
        EXPECT_NE(v.find(c.says), std::string::npos)
            << c.file << "\nsays: " << v << "\nwanted: " << c.says;
    }
}

TEST(SafetensorsRules, TooManyTensorsAreRefused)
{
    std::string header = "{";
    for (int i = 0; i <= SAFE_MAX_TENSORS; i++)
        header += (i ? ",\"" : "\"") + std::to_string(i) +
                  "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    EXPECT_NE(verdict(file_of(header + "}", 0)).find("more than 100000 tensors"),
              std::string::npos);
}

TEST_F(Safetensors, WrongRequestsAreRefusedAndLeaveNothing)
{
    float      x = 1;
    SafeTensor twice[] = {{"x", SAFE_F32, 1, {1}, &x, 0}, {"x", SAFE_F32, 1, {1}, &x, 0}};
    EXPECT_EQ(ERR_FORMAT, safetensors_write(path("f").c_str(), twice, 2, nullptr, 0));
    SafeTensor unnamed = {"", SAFE_F32, 1, {1}, &x, 0};
    EXPECT_EQ(ERR_FORMAT, safetensors_write(path("f").c_str(), &unnamed, 1, nullptr, 0));
    SafeTensor negative = {"x", SAFE_F32, 1, {-1}, &x, 0};
    EXPECT_EQ(ERR_SHAPE, safetensors_write(path("f").c_str(), &negative, 1, nullptr, 0));
    SafeMeta reserved = {"checksum", "1"};
    EXPECT_EQ(ERR_FORMAT, safetensors_write(path("f").c_str(), twice, 1, &reserved, 1));
    EXPECT_EQ(ERR_CREATE, safetensors_write(path("no/f").c_str(), twice, 1, nullptr, 0));
    EXPECT_EQ(count_files(), 0);
}

TEST(SafetensorsConvert, HalfFormatsGoThereAndBack)
{
    for (uint32_t h = 0; h < 65536; h++) {
        float b = safetensors_bf16_to_f32((uint16_t)h), f = safetensors_f16_to_f32((uint16_t)h);
        if (std::isnan(b))
            EXPECT_TRUE(std::isnan(safetensors_bf16_to_f32(safetensors_f32_to_bf16(b))));
        else
            ASSERT_EQ(safetensors_f32_to_bf16(b), h);
        if (std::isnan(f))
            EXPECT_TRUE(std::isnan(safetensors_f16_to_f32(safetensors_f32_to_f16(f))));
        else
            ASSERT_EQ(safetensors_f32_to_f16(f), h);
    }
    EXPECT_EQ(safetensors_f16_to_f32(0x3C00), 1.0f);
    EXPECT_EQ(safetensors_f16_to_f32(0x0001), 0x1p-24f);
    EXPECT_EQ(safetensors_f16_to_f32(0x7BFF), 65504.0f);
    EXPECT_EQ(safetensors_f32_to_f16(65519.996f), 0x7BFF);
    EXPECT_EQ(safetensors_f32_to_f16(65520.0f), 0x7C00);
    EXPECT_EQ(safetensors_f32_to_f16(1.0f + 0x1p-11f), 0x3C00); // halfway: to even
    EXPECT_EQ(safetensors_f32_to_f16(1.0f + 0x3p-11f), 0x3C02);
    EXPECT_EQ(safetensors_f32_to_bf16(1.0f + 0x1p-8f), 0x3F80);
    EXPECT_EQ(safetensors_f32_to_bf16(1.0f + 0x3p-8f), 0x3F82);
}

TEST_F(Safetensors, ThePythonReaderAgrees)
{
    /* Skips aloud where the safetensors package is not installed: it is an oracle, never a need. */
    if (system("python3 -c 'import safetensors, numpy' 2>/dev/null") != 0)
        GTEST_SKIP() << "the Python package safetensors is not installed";
    sample(path("a.safetensors"));
    std::string script = "import sys; from safetensors.numpy import load_file; d=load_file('" +
                         path("a.safetensors") +
                         "'); assert sorted(d)==['a.bool','none','queue','scalar','w'] and "
                         "d['w'].shape==(3,100) and abs(d['w'][2,99]-299/7)<1e-4";
    EXPECT_EQ(0, system(("python3 -c \"" + script + "\"").c_str()));
}
