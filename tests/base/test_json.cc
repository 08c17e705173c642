extern "C" {
#include "base/json.h"
}
#include <gtest/gtest.h>
#include <cmath>
#include <cstring>
#include <string>

namespace {

struct Json : testing::Test {
    Arena      arena = {};
    JsonValue *root = nullptr;

    Status parse(const std::string &text, JsonLimits limits = {})
    {
        return json_parse(&arena, &root, text.data(), (int64_t)text.size(), "t.json", &limits);
    }
    std::string refusal(const std::string &text, JsonLimits limits = {})
    {
        EXPECT_EQ(ERR_FORMAT, parse(text, limits)) << text.substr(0, 80);
        return status_text();
    }
    void TearDown() override
    {
        arena_release(&arena);
    }
};

} // namespace

TEST_F(Json, ValuesAreExact)
{
    ASSERT_EQ(OK,
              parse("{\"a\":9007199254740993,\"b\":-9223372036854775808,\"c\":18446744073709551615,"
                    "\"d\":0.1,\"e\":\"x\\u00e9\\ud83d\\udc26\",\"f\":[true,null,[]],\"A\":1}"));
    EXPECT_EQ(json_find(root, "a")->integer, 9007199254740993);
    EXPECT_EQ(json_find(root, "b")->integer, INT64_MIN);
    EXPECT_EQ(json_find(root, "c")->kind, JSON_UINT);
    EXPECT_EQ(json_find(root, "c")->unsigned_integer, UINT64_MAX);
    EXPECT_EQ(json_find(root, "d")->number, 0.1);
    EXPECT_STREQ(json_find(root, "e")->text, "x\xC3\xA9\xF0\x9F\x90\xA6");
    EXPECT_EQ(json_find(root, "f")->n, 3);
    EXPECT_EQ(json_find(root, "A")->integer, 1);
    EXPECT_EQ(json_find(root, "B"), nullptr);
}

/* RapidJSON's own full-precision mode gives 1e93 for the first. */
TEST_F(Json, DoublesAreCorrectlyRounded)
{
    struct {
        const char *text;
        double      want;
    } cases[] = {{"0e308", 0},
                 {"0.000e-7", 0},
                 {"-0.0", -0.0},
                 {"2.2250738585072011e-308", 2.2250738585072011e-308},
                 {"9007199254740993.0", 9007199254740992.0},
                 {"1.7976931348623157e308", 1.7976931348623157e308},
                 {"123456789012345678901234567890", 123456789012345678901234567890.0},
                 {"5e-324", 5e-324},
                 {"1e-999", 0}};
    for (auto &c : cases) {
        ASSERT_EQ(OK, parse(std::string("[") + c.text + " ]")) << status_text();
        EXPECT_EQ(root->child->number, c.want) << c.text;
        ASSERT_EQ(OK, parse(c.text)) << status_text();
        EXPECT_EQ(root->number, c.want) << c.text;
    }
    for (const char *bad : {"1e309", "-1e309", "1.7976931348623159e308"})
        refusal(bad);
}

TEST_F(Json, AByteOrderMarkIsAccepted)
{
    ASSERT_EQ(OK, parse("\xEF\xBB\xBF{\"a\":1}"));
    EXPECT_EQ(json_find(root, "a")->integer, 1);
}

TEST_F(Json, WhatIsNotJsonIsRefusedWithItsPlace)
{
    EXPECT_EQ(refusal("{\"a\":1,\n\"b\":2,\n\"a\":3}"),
              "t.json:3: a: the key stands twice, first in line 1");
    EXPECT_NE(refusal("{}\n x").find("t.json:2: (byte 4)"), std::string::npos) << status_text();
    EXPECT_NE(refusal("[\"a\xFF\"]").find("byte"), std::string::npos);
    EXPECT_NE(refusal("[\"a\\u0000b\"]").find("\\u0000"), std::string::npos);
    EXPECT_NE(refusal("[1e400]").find("too large"), std::string::npos) << status_text();
    for (const char *bad : {"",
                            " ",
                            "[NaN]",
                            "[Infinity]",
                            "[01]",
                            "[1,]",
                            "{\"a\":1,}",
                            "{a:1}",
                            "['a']",
                            "[1 2]",
                            "[\"\t\"]",
                            "// c\n1",
                            "[\"\\ud800\"]",
                            "[\"\\udc00\"]",
                            "[\"\\x\"]",
                            "nul",
                            "[1]]",
                            "+1",
                            "[\"\xED\xA0\x80\"]",
                            "]",
                            "{\"a\" 1}",
                            "[.5]",
                            "[5.]",
                            "[-]"})
        refusal(bad);
    refusal(std::string("[1]\0", 4));
    refusal(std::string("[1\0]", 4));
}

TEST_F(Json, TruncationAtEveryByteIsRefused)
{
    std::string doc = "{\"images\":[{\"id\":12,\"file_name\":\"\\u00e9\\n.jpg\",\"w\":1.5e2}],"
                      "\"b\":[true,false,null,{}],\"c\":\"";
    while (doc.size() < 4000)
        doc += "caf\xC3\xA9 ";
    doc += "\"}";
    ASSERT_EQ(OK, parse(doc));
    for (size_t n = 0; n < doc.size(); n++) {
        ASSERT_EQ(ERR_FORMAT, parse(doc.substr(0, n))) << n;
        ASSERT_NE(strstr(status_text(), "(byte "), nullptr) << status_text();
        if (n % 64 == 0)
            arena_release(&arena);
    }
}

TEST_F(Json, DepthIsLimitedWithoutUsingTheStack)
{
    EXPECT_EQ(OK, parse(std::string(256, '[') + std::string(256, ']')));
    EXPECT_NE(refusal(std::string(257, '[') + std::string(257, ']')).find("deeper than 256"),
              std::string::npos);
    refusal(std::string(10000000, '['));
    JsonLimits deep = {};
    deep.max_depth = 1000000;
    EXPECT_EQ(OK, parse(std::string(500000, '[') + std::string(500000, ']'), deep));
}

TEST_F(Json, LongStringsAreRefusedInBoundedMemory)
{
    std::string text = "\"" + std::string(20 << 20, 'x') + "\"";
    refusal(text);
    EXPECT_LT(arena.peak_bytes, 8 << 20);
    JsonLimits limits = {};
    limits.max_string = 10;
    EXPECT_EQ(OK, parse("\"0123456789\"", limits));
    refusal("\"0123456789a\"", limits);
    limits = {};
    limits.max_values = 3;
    EXPECT_EQ(OK, parse("[1,2]", limits));
    refusal("[1,2,3]", limits);
}

TEST_F(Json, CommentsAndNanAreAllowedOnRequest)
{
    JsonLimits limits = {};
    limits.allow_comments = true;
    ASSERT_EQ(OK, parse("// one\n{ /* two */ \"a\": 1 // three\n}", limits));
    EXPECT_EQ(json_find(root, "a")->line, 2);
    refusal("/* never ends", limits);
    limits = {};
    limits.allow_nan = true;
    ASSERT_EQ(OK, parse("[NaN, -Infinity, Infinity, 1]", limits));
    EXPECT_TRUE(std::isnan(root->child->number));
    EXPECT_EQ(root->child->next->number, -INFINITY);
}

TEST_F(Json, GettersNameTheKeyPath)
{
    ASSERT_EQ(OK, parse("{\"a\":{\"b\":[{\"c\":1.5,\n\"d\":\"x\"}]},\"n\":null}"));
    const JsonValue *a, *b;
    ASSERT_EQ(OK, json_get_object(root, "a", &a));
    ASSERT_EQ(OK, json_get_array(a, "b", &b));
    int64_t i = 3;
    EXPECT_EQ(ERR_FORMAT, json_get_int(b->child, "c", &i));
    EXPECT_STREQ(status_text(), "t.json:1: a.b[0].c: expected an integer, found a number");
    EXPECT_EQ(ERR_FORMAT, json_get_int(b->child, "d", &i));
    EXPECT_STREQ(status_text(), "t.json:2: a.b[0].d: expected an integer, found a string");
    EXPECT_EQ(ERR_FORMAT, json_get_int(b->child, "e", &i));
    EXPECT_STREQ(status_text(), "t.json:1: a.b[0]: \"e\" is missing");
    EXPECT_EQ(OK, json_opt_int(root, "n", &i));
    EXPECT_EQ(OK, json_opt_int(root, "zzz", &i));
    EXPECT_EQ(i, 3);
    double d = 0;
    EXPECT_EQ(OK, json_get_number(b->child, "c", &d));
    EXPECT_EQ(d, 1.5);
}

TEST_F(Json, WritingReadsBackTheSame)
{
    Text       t = {};
    JsonWriter w = json_writer(&t, 2);
    json_open_object(&w, nullptr);
    json_put_int(&w, "id", INT64_MIN);
    json_put_number(&w, "third", 1.0 / 3);
    json_put_number(&w, "nan", NAN);
    json_put_string(&w, "s", "<\"\n>");
    json_put_string(&w, "none", nullptr);
    json_open_row(&w, "row");
    json_put_int(&w, nullptr, 1);
    json_put_number(&w, nullptr, 2.5);
    json_close_array(&w);
    json_open_array(&w, "empty");
    json_close_array(&w);
    json_open_object(&w, "o");
    json_put_bool(&w, "t", true);
    json_close_object(&w);
    json_close_object(&w);
    EXPECT_STREQ(
        text_cstr(&t),
        "{\n  \"id\": -9223372036854775808,\n  \"third\": 0.3333333333333333,\n  \"nan\": null,\n"
        "  \"s\": \"<\\\"\\n>\",\n  \"none\": null,\n  \"row\": [1, 2.5],\n  \"empty\": [],\n"
        "  \"o\": {\n    \"t\": true\n  }\n}");
    ASSERT_EQ(OK, parse(text_cstr(&t)));
    Text       again = {};
    JsonWriter v = json_writer(&again, 0);
    json_put_value(&v, nullptr, root);
    EXPECT_STREQ(text_cstr(&again),
                 "{\"id\":-9223372036854775808,\"third\":0.3333333333333333,\"nan\":null,\"s\":\"<"
                 "\\\"\\n>\","
                 "\"none\":null,\"row\":[1,2.5],\"empty\":[],\"o\":{\"t\":true}}");
    text_release(&t);
    text_release(&again);
}

namespace {

struct Tape {
    std::string seen;
    int         stop_after = -1;
};

Status record(void *ctx, const JsonEvent *e, JsonStream *s)
{
    Tape                    *t = static_cast<Tape *>(ctx);
    static const char *const NAMES[] = {"null",  "bool",   "int", "uint", "double", "string",
                                        "array", "object", "key", "]",    "}"};
    t->seen += std::to_string(e->depth) + NAMES[e->kind] +
               (e->text ? std::string(":") + e->text : "") + " ";
    if (t->stop_after-- == 0)
        return json_stream_fail(s, ERR_SHAPE, "enough of %d", 3);
    return OK;
}

} // namespace

TEST(JsonStream, EventsComeInOrderWithTheirDepth)
{
    const char *text = "{\"a\":[1,-2.5,\"x\"],\n\"b\":{}}";
    Tape        tape;
    ASSERT_EQ(OK, json_stream_bytes(text, (int64_t)strlen(text), "s", nullptr, record, &tape));
    EXPECT_EQ(tape.seen, "0object 1key:a 1array 2int 2double 2string:x 1] 1key:b 1object 1} 0} ");
    tape = {"", 3};
    EXPECT_EQ(ERR_SHAPE,
              json_stream_bytes(text, (int64_t)strlen(text), "s", nullptr, record, &tape));
    EXPECT_STREQ(status_text(), "s:1: (byte 7) enough of 3");
}

TEST(JsonStream, AMissingFileIsNamed)
{
    Tape tape;
    EXPECT_EQ(ERR_MISSING, json_stream_file("/nonexistent/x.json", nullptr, record, &tape));
    EXPECT_NE(strstr(status_text(), "/nonexistent/x.json"), nullptr);
}
