/* json_stream.cc -- RapidJSON's SAX reader behind the C header json_stream.h
 *
 * Iterative (no recursion on input), UTF-8 checked, doubles by number.h. The reader's only heap memory
 * is its stack; an allocation that fails throws and is caught at the border below.
 */
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

extern "C" {
#include "base/file.h"
#include "base/json_stream.h"
#include "base/number.h"
}

/* The bytes as RapidJSON reads them. The reader may run at most `gap` bytes past the last event,
 * which bounds every string, number, comment and stretch of white space, and so the reader's
 * memory. */
struct JsonStream {
    typedef char Ch;

    const char *begin;
    const char *cur;
    const char *end;
    const char *stop; // end, or the most that one token may reach
    const char *name;
    int64_t     gap;

    char Peek() const
    {
        return cur < stop ? *cur : '\0';
    }
    char Take()
    {
        return cur < stop ? *cur++ : '\0';
    }
    size_t Tell() const
    {
        return static_cast<size_t>(cur - begin);
    }
    void allow_next_token()
    {
        stop = end - cur > gap ? cur + gap : end;
    }

    /* RapidJSON wants these to exist; only output streams use them. */
    char *PutBegin()
    {
        return nullptr;
    }
    void Put(char)
    {
    }
    void Flush()
    {
    }
    size_t PutEnd(char *)
    {
        return 0;
    }
};

namespace {

namespace rj = rapidjson;

const int64_t DEFAULT_STRING = 1 << 20;
const int64_t SLACK = 64; // quotes, escapes, separators around a token
const int     DEFAULT_DEPTH = 256;

struct ThrowingAllocator {
    [[maybe_unused]] static const bool kNeedFree = true;
    void                              *Malloc(size_t n)
    {
        return n ? check(std::malloc(n)) : nullptr;
    }
    void *Realloc(void *old, size_t, size_t n)
    {
        if (n == 0) {
            std::free(old);
            return nullptr;
        }
        return check(std::realloc(old, n));
    }
    static void Free(void *p)
    {
        std::free(p);
    }

  private:
    static void *check(void *p)
    {
        if (!p)
            throw std::bad_alloc();
        return p;
    }
};

/* Turns RapidJSON's calls into events. Each returns false to stop. */
struct Adapter {
    JsonStream       *in;
    const JsonLimits *limits;
    JsonHandler      *handler;
    void             *ctx;
    int               depth;
    int               max_depth;
    int64_t           max_string;
    Status            status;

    bool send(JsonEvent &e)
    {
        e.depth = depth;
        status = handler(ctx, &e, in);
        in->allow_next_token();
        return status == OK;
    }
    bool Null()
    {
        JsonEvent e = {};
        e.kind = JSON_NULL;
        return send(e);
    }
    bool Bool(bool value)
    {
        JsonEvent e = {};
        e.kind = JSON_BOOL;
        e.boolean = value;
        return send(e);
    }
    bool Int(int value)
    {
        return Int64(value);
    }
    bool Uint(unsigned value)
    {
        return Int64(value);
    }
    bool Int64(int64_t value)
    {
        JsonEvent e = {};
        e.kind = JSON_INT;
        e.integer = value;
        e.number = static_cast<double>(value);
        return send(e);
    }
    bool Uint64(uint64_t value)
    {
        if (value <= static_cast<uint64_t>(INT64_MAX))
            return Int64(static_cast<int64_t>(value));
        JsonEvent e = {};
        e.kind = JSON_UINT;
        e.unsigned_integer = value;
        e.number = static_cast<double>(value);
        return send(e);
    }
    /* RapidJSON 1.1.0 is not exact (its full-precision mode reads 0e308 as 1e93), so the bytes
     * before the cursor are read again. They end with a digit unless they say NaN or Infinity. */
    bool Double(double value)
    {
        JsonEvent   e = {};
        const char *first = in->cur;
        e.kind = JSON_DOUBLE;
        e.number = value;
        if (first[-1] >= '0' && first[-1] <= '9') {
            while (first > in->begin && is_number_char(first[-1]))
                first--;
            if (!number_parse_double(&e.number, first, in->cur - first)) {
                status = json_stream_fail(in, ERR_FORMAT,
                                          "A number is too large for a double, or too long.");
                return false;
            }
        }
        return send(e);
    }
    static bool is_number_char(char c)
    {
        return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
    }
    bool RawNumber(const char *, rj::SizeType, bool)
    {
        return false; // only called with kParseNumbersAsStringsFlag
    }
    bool text(JsonKind kind, const char *bytes, int64_t n)
    {
        if (n > max_string) {
            status =
                json_stream_fail(in, ERR_FORMAT, "a string of %lld bytes, expected at most %lld",
                                 static_cast<long long>(n), static_cast<long long>(max_string));
            return false;
        }
        if (!limits->allow_zero_bytes && std::memchr(bytes, 0, static_cast<size_t>(n))) {
            status = json_stream_fail(in, ERR_FORMAT, "\\u0000 in a string is refused");
            return false;
        }
        /* RapidJSON lets a lone low surrogate escape through; its UTF-8 starts with ED. */
        if (std::memchr(bytes, 0xED, static_cast<size_t>(n)) && !utf8_check(bytes, n, nullptr)) {
            status = json_stream_fail(in, ERR_FORMAT, "half of a surrogate pair in a string");
            return false;
        }
        JsonEvent e = {};
        e.kind = kind;
        e.text = bytes;
        e.len = n;
        return send(e);
    }
    bool String(const char *bytes, rj::SizeType n, bool)
    {
        return text(JSON_STRING, bytes, n);
    }
    bool Key(const char *bytes, rj::SizeType n, bool)
    {
        return text(JSON_KEY, bytes, n);
    }
    bool open(JsonKind kind)
    {
        if (depth >= max_depth) {
            status = json_stream_fail(in, ERR_FORMAT, "nested deeper than %d levels", max_depth);
            return false;
        }
        JsonEvent e = {};
        e.kind = kind;
        if (!send(e))
            return false;
        depth++;
        return true;
    }
    bool close(JsonKind kind, int64_t n)
    {
        depth--;
        JsonEvent e = {};
        e.kind = kind;
        e.len = n;
        return send(e);
    }
    bool StartObject()
    {
        return open(JSON_OBJECT);
    }
    bool EndObject(rj::SizeType n)
    {
        return close(JSON_OBJECT_END, n);
    }
    bool StartArray()
    {
        return open(JSON_ARRAY);
    }
    bool EndArray(rj::SizeType n)
    {
        return close(JSON_ARRAY_END, n);
    }
};

typedef rj::GenericReader<rj::UTF8<>, rj::UTF8<>, ThrowingAllocator> Reader;

template <unsigned extra>
rj::ParseResult parse_with(Reader &reader, JsonStream &in, Adapter &out)
{
    return reader.Parse<rj::kParseIterativeFlag | rj::kParseValidateEncodingFlag | extra>(in, out);
}

rj::ParseResult parse(Reader &reader, JsonStream &in, Adapter &out)
{
    const unsigned COMMENTS = rj::kParseCommentsFlag, NANS = rj::kParseNanAndInfFlag;
    if (out.limits->allow_comments)
        return out.limits->allow_nan ? parse_with<COMMENTS | NANS>(reader, in, out)
                                     : parse_with<COMMENTS>(reader, in, out);
    return out.limits->allow_nan ? parse_with<NANS>(reader, in, out)
                                 : parse_with<0>(reader, in, out);
}

int64_t line_at(const JsonStream *s, int64_t offset)
{
    int64_t line = 1;
    for (const char *at = s->begin, *last = s->begin + offset;; at++, line++) {
        at = static_cast<const char *>(std::memchr(at, '\n', static_cast<size_t>(last - at)));
        if (!at)
            return line;
    }
}

/* Python writes NaN and Infinity where a computation went wrong; the reader stops within the word. */
const char *not_a_value(const JsonStream &in, int64_t offset)
{
    static const char *const WORDS[] = {"NaN", "Infinity", "-Infinity"};
    for (const char *word : WORDS) {
        auto n = static_cast<int64_t>(std::strlen(word));
        for (int64_t at = offset - n > 0 ? offset - n : 0; at <= offset; at++)
            if (in.end - in.begin - at >= n &&
                std::memcmp(in.begin + at, word, static_cast<size_t>(n)) == 0)
                return "NaN and Infinity are no JSON values; expected a finite number.";
    }
    return "Not a JSON value; expected a number, string, array, object, true, false or null.";
}

Status syntax_error(const JsonStream &in, rj::ParseErrorCode code, int64_t offset,
                    int64_t max_string)
{
    const char *what = rj::GetParseError_En(code);
    char        own[96];
    if (in.cur == in.stop && in.stop < in.end) {
        std::snprintf(own, sizeof own,
                      "A string, number, comment or gap is longer than %lld bytes.",
                      static_cast<long long>(max_string));
        what = own;
    } else if (offset >= in.end - in.begin)
        what = "The text ends too early.";
    else if (code == rj::kParseErrorNumberTooBig)
        what = "A number is too large for a double.";
    else if (code == rj::kParseErrorValueInvalid)
        what = not_a_value(in, offset);
    return status_fail(ERR_FORMAT, "%s:%lld: (byte %lld) %s", in.name,
                       static_cast<long long>(line_at(&in, offset)), static_cast<long long>(offset),
                       what);
}

JsonStream open_stream(const char *bytes, int64_t n, const char *name, const JsonLimits *&limits)
{
    static const JsonLimits DEFAULTS = {};
    if (!limits)
        limits = &DEFAULTS;
    int64_t max_string = limits->max_string > 0 ? limits->max_string : DEFAULT_STRING;
    return {bytes, bytes, bytes + n, nullptr, name, max_string * 6 + SLACK};
}

Adapter open_adapter(JsonStream *in, const JsonLimits *limits, JsonHandler *handler, void *ctx)
{
    int     max_depth = limits->max_depth > 0 ? limits->max_depth : DEFAULT_DEPTH;
    int64_t max_string = limits->max_string > 0 ? limits->max_string : DEFAULT_STRING;
    return {in, limits, handler, ctx, 0, max_depth, max_string, OK};
}

} // namespace

extern "C" {

int64_t json_stream_offset(const JsonStream *s)
{
    return s->cur - s->begin;
}

int64_t json_stream_line(const JsonStream *s)
{
    return line_at(s, s->cur - s->begin);
}

Status json_stream_fail(JsonStream *s, Status code, const char *fmt, ...)
{
    char    sentence[900];
    va_list args;
    va_start(args, fmt);
    number_vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    if (!s)
        return status_fail(code, "%s", sentence);
    return status_fail(code, "%s:%lld: (byte %lld) %s", s->name,
                       static_cast<long long>(json_stream_line(s)),
                       static_cast<long long>(json_stream_offset(s)), sentence);
}

Status json_stream_bytes(const char *bytes, int64_t n, const char *name, const JsonLimits *limits,
                         JsonHandler *handler, void *ctx)
{
    JsonStream in = open_stream(bytes, n, name, limits);
    Adapter    out = open_adapter(&in, limits, handler, ctx);
    if (n >= 3 && std::memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        in.cur += 3;
    in.allow_next_token();
    try {
        Reader          reader;
        rj::ParseResult result = parse(reader, in, out);
        if (out.status != OK)
            return out.status;
        if (result.IsError())
            return syntax_error(in, result.Code(), static_cast<int64_t>(result.Offset()),
                                out.max_string);
        if (in.cur != in.end)
            return syntax_error(in, rj::kParseErrorDocumentRootNotSingular, in.cur - in.begin,
                                out.max_string);
        return OK;
    } catch (const std::bad_alloc &) {
        return status_no_memory(name, static_cast<long long>(out.max_string));
    }
}

Status json_stream_elements(const char *bytes, int64_t n, int64_t *at, int64_t until, int depth,
                            const char *name, const JsonLimits *limits, JsonHandler *handler,
                            void *ctx)
{
    JsonStream in = open_stream(bytes, n, name, limits);
    Adapter    out = open_adapter(&in, limits, handler, ctx);
    in.cur += *at;
    in.allow_next_token();
    out.depth = depth;
    try {
        Reader reader;
        for (;;) {
            rj::ParseResult result = parse_with<rj::kParseStopWhenDoneFlag>(reader, in, out);
            if (out.status != OK)
                return out.status;
            if (result.IsError())
                return syntax_error(in, result.Code(), static_cast<int64_t>(result.Offset()),
                                    out.max_string);
            bool enough = in.cur - in.begin >= until;
            while (in.cur < in.stop && std::memchr(" \n\r\t", *in.cur, 4))
                in.cur++;
            if (enough || in.cur == in.stop || *in.cur != ',')
                break;
            in.cur++;
        }
    } catch (const std::bad_alloc &) {
        return status_no_memory(name, static_cast<long long>(out.max_string));
    }
    *at = in.cur - in.begin;
    return OK;
}

Status json_stream_file(const char *path, const JsonLimits *limits, JsonHandler *handler, void *ctx)
{
    FileMap map;
    TRY(file_map(&map, path));
    Status st = json_stream_bytes(map.bytes, map.n, path, limits, handler, ctx);
    file_unmap(&map);
    return st;
}

} // extern "C"
