/* json_records: the records of a file in pieces are those of the file read from start to end */
extern "C" {
#include "base/json_records.h"
#include "base/threads.h"
}
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace {

Status record(void *ctx, const JsonEvent *e, JsonStream *s)
{
    std::string *trace = static_cast<std::string *>(ctx);
    *trace += std::to_string(e->depth) + "abcdefghijk"[e->kind] + std::to_string(e->number) +
              (e->text ? e->text : "") + " ";
    if (e->kind == JSON_STRING && std::string(e->text) == "refused")
        return json_stream_fail(s, ERR_SHAPE, "the handler refuses");
    return OK;
}

struct Pieces {
    std::string              trace;
    std::vector<std::string> slot;
    int64_t                  joined = 0, read_up_to = 0;

    static void *begin(void *owner, int64_t k)
    {
        Pieces *p = static_cast<Pieces *>(owner);
        p->slot[(size_t)k].clear();
        return &p->slot[(size_t)k];
    }
    static Status join(void *owner, int64_t k, int64_t end)
    {
        Pieces *p = static_cast<Pieces *>(owner);
        EXPECT_GT(end, p->read_up_to);
        p->read_up_to = end;
        p->trace += p->slot[(size_t)k];
        p->joined++;
        return OK;
    }
    bool read(const std::string &text, int64_t piece, int64_t n_slots = 4)
    {
        static const JsonLimits LIMITS = {};
        trace.clear();
        joined = read_up_to = 0;
        slot.assign((size_t)n_slots, "");
        JsonRecords r = {record, &trace, n_slots, piece, this, begin, join};
        return json_records_read(&r, text.data(), (int64_t)text.size(), &LIMITS);
    }
};

Status read_whole(const std::string &text, std::string *trace)
{
    trace->clear();
    return json_stream_bytes(text.data(), (int64_t)text.size(), "t", nullptr, record, trace);
}

std::string many(int n, const std::string &one)
{
    std::string list;
    for (int i = 0; i < n; i++)
        list += (i ? ", " : "") + one;
    return list;
}

const char *const PLAIN = "{\"id\": 7, \"box\": [1, 2.5, -3e2, 4]}";

} // namespace

TEST(JsonRecords, PiecesGiveTheEventsOfTheWholeFile)
{
    const std::string files[] = {
        "[" + many(100, PLAIN) + "]",
        "{\"images\":[" + many(40, PLAIN) + "], \"other\": {\"x\": [1]}, \"rows\" : [" +
            many(60, PLAIN) + "]}\n",
        "\xEF\xBB\xBF[" +
            many(30, "{\"mask\": {\"size\": [3, 4], \"counts\": \"ab\"}, \"s\": .5}") + "]",
    };
    for (std::string text : files) {
        size_t dot; // JSON wants a digit before the point
        while ((dot = text.find(": .5")) != std::string::npos)
            text.replace(dot, 4, ": 0.5");
        std::string whole;
        ASSERT_EQ(OK, read_whole(text, &whole)) << status_text();
        for (int n : {1, 2, 7, 16})
            for (int64_t piece : {1, 10, 64, 200, 1000, 100000}) {
                threads_set(n);
                Pieces p;
                ASSERT_TRUE(p.read(text, piece, n * 2)) << n << " " << piece;
                EXPECT_EQ(p.trace, whole) << n << " " << piece;
            }
    }
    threads_set(0);
}

TEST(JsonRecords, ALongArrayIsCutIntoPiecesOfTheSizeAskedFor)
{
    std::string text = "[" + many(1000, PLAIN) + "]";
    Pieces      p;
    ASSERT_TRUE(p.read(text, 1000));
    EXPECT_GE(p.joined, (int64_t)text.size() / 1000 * 8 / 10);
    EXPECT_LE(p.joined, (int64_t)text.size() / 1000 + 1);
}

/* "}, {" in strings, in lists of objects inside a record, between root members */
TEST(JsonRecords, WrongCutsChangeNothing)
{
    const std::string files[] = {
        "[" + many(50, "{\"a\": \"}, {\", \"b\": \"},{},{\"}") + "]",
        "[" + many(50, "{\"segments\": [{\"id\": 1}, {\"id\": 2}, {\"id\": 3}, {\"id\": 4}]}") +
            "]",
        "{\"a\": [{}, {}, {}], \"b\": [" + many(30, "[{\"x\": [{}, {}]}, {}]") + "], \"c\": {}}",
        "[" + many(40, "{\"quoted\": \"\\\"}, {\\\"\"}") + "]",
        "[1, \"}, {\", {\"a\": 1}, {\"b\": 2}, null, [], {\"c\": 3} , {\"d\": 4}\n,\n{\"e\": 5}]",
    };
    for (const std::string &text : files) {
        std::string whole;
        ASSERT_EQ(OK, read_whole(text, &whole)) << status_text();
        for (int64_t piece = 1; piece < 40; piece++) {
            Pieces p;
            ASSERT_TRUE(p.read(text, piece)) << text.substr(0, 60) << " " << piece;
            EXPECT_EQ(p.trace, whole) << text.substr(0, 60) << " " << piece;
        }
    }
}

/* Every text that is one byte away from a good one: true only where the strict reader agrees, with the same events. */
TEST(JsonRecords, NothingIsAcceptedThatTheStrictReaderRefuses)
{
    std::string good = "{\"a\":[" + many(6, "{\"k\":[1,2],\"s\":\"x\"}") + "],\"b\":[{},{}]}";
    int         accepted = 0;
    for (size_t at = 0; at <= good.size(); at++)
        for (const char *change :
             {"", "}", "{", "]", "[", ",", "\"", ":", " ", "0", "\\", "\x80"}) {
            std::string whole, text = good;
            if (*change)
                text.insert(at, change);
            else
                text.resize(at);
            Status st = read_whole(text, &whole);
            for (int64_t piece : {1, 9, 30}) {
                Pieces p;
                bool   done = p.read(text, piece);
                EXPECT_EQ(done, st == OK) << text << " " << piece;
                if (done && st == OK) {
                    EXPECT_EQ(p.trace, whole) << text << " " << piece;
                }
                accepted += done;
            }
        }
    EXPECT_GT(accepted, 100);
}

TEST(JsonRecords, AHandlersRefusalInsideAPieceIsReported)
{
    std::string text = "[" + many(50, PLAIN) + ", {\"s\": \"refused\"}, " + many(50, PLAIN) + "]",
                whole;
    Pieces p;
    EXPECT_FALSE(p.read(text, 100));
    EXPECT_EQ(ERR_SHAPE, read_whole(text, &whole));
}

TEST(JsonRecords, WhatIsNoArrayOrObjectOfArraysIsLeftToTheStrictReader)
{
    for (const char *text : {"", "7", "\"x\"", "[", "{\"a\"", "[]x", "nul"}) {
        Pieces p;
        EXPECT_FALSE(p.read(text, 1)) << text;
    }
    Pieces p;
    EXPECT_TRUE(p.read(" [ ] ", 1));
    EXPECT_TRUE(p.read("{}", 1));
    EXPECT_TRUE(p.read("{\"a\":1,\"b\":[ ]}", 1));
}
