/* page_parser.h -- reads a page back with expat, to see what a reader of it would */
#pragma once
#include <gtest/gtest.h>

#include <cstring>
#include <expat.h>
#include <map>
#include <set>
#include <string>

extern "C" {
#include "cli/html.h"
}

/* What expat saw of a page. */
struct Parsed {
    std::map<std::string, int> elements;
    std::set<std::string>      ids;
    std::set<std::string> hrefs; // every href, src and url-like attribute, data: cut to its media
    std::string           text;  // outside style and script
    std::string           code;  // inside them
    std::string           error; // empty if well-formed
    int                   in_code = 0;
};

inline void on_start(void *ctx, const char *name, const char **attribute)
{
    Parsed *p = static_cast<Parsed *>(ctx);
    p->elements[name]++;
    p->in_code += !strcmp(name, "style") || !strcmp(name, "script");
    for (; attribute[0]; attribute += 2) {
        if (!strcmp(attribute[0], "id")) {
            EXPECT_TRUE(p->ids.insert(attribute[1]).second) << "id twice: " << attribute[1];
        }
        if (!strcmp(attribute[0], "href") || !strcmp(attribute[0], "src"))
            p->hrefs.insert(std::string(attribute[1]).substr(0, strcspn(attribute[1], ";")));
        EXPECT_NE(0, strncmp(attribute[0], "on", 2)) << "an event handler: " << attribute[0];
    }
}

inline void on_end(void *ctx, const char *name)
{
    Parsed *p = static_cast<Parsed *>(ctx);
    p->in_code -= !strcmp(name, "style") || !strcmp(name, "script");
}

inline void on_text(void *ctx, const char *s, int n)
{
    Parsed *p = static_cast<Parsed *>(ctx);
    (p->in_code ? p->code : p->text).append(s, n);
}

inline Parsed parse(const std::string &page)
{
    Parsed     p;
    XML_Parser x = XML_ParserCreate("UTF-8");
    XML_SetUserData(x, &p);
    XML_SetElementHandler(x, on_start, on_end);
    XML_SetCharacterDataHandler(x, on_text);
    if (XML_Parse(x, page.data(), (int)page.size(), 1) != XML_STATUS_OK)
        p.error = std::string(XML_ErrorString(XML_GetErrorCode(x))) + " in line " +
                  std::to_string(XML_GetCurrentLineNumber(x));
    XML_ParserFree(x);
    return p;
}

template <class Draw>
inline std::string drawn(Draw draw)
{
    Html h{};
    draw(&h);
    EXPECT_FALSE(h.is_broken);
    std::string out(h.data ? h.data : "", h.n_bytes);
    html_release(&h);
    return out;
}

inline int count(const std::string &text, const std::string &what)
{
    int n = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        n++;
    return n;
}
