/* voc_xml.c -- a small state machine on expat's events; see voc_xml.h */
#include "base/voc_xml.h"
#include "base/file.h"
#include "base/number.h"
#include <expat.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_OBJECTS = 100000, MAX_TEXT = 1024 };

/* The elements whose place matters. */
typedef enum Place {
    PLACE_OTHER,
    PLACE_ROOT,
    PLACE_SIZE,
    PLACE_WIDTH,
    PLACE_HEIGHT,
    PLACE_OBJECT,
    PLACE_NAME,
    PLACE_DIFFICULT,
    PLACE_TRUNCATED,
    PLACE_BOX,
    PLACE_EDGE, // xmin, ymin, xmax, ymax
} Place;

typedef struct ObjectNode {
    VocXmlObject       object;
    unsigned           edges; // bit k: box[k] was given
    bool               has_box;
    struct ObjectNode *next;
} ObjectNode;

typedef struct Reader {
    Arena      *a;
    VocXml     *out;
    const char *name;
    XML_Parser  parser;
    Status      st;
    int         depth;
    Place       place[MAX_DEPTH + 1];
    int         edge; // which, inside PLACE_EDGE
    bool        has_size;
    ObjectNode *first, *last;
    char        text[MAX_TEXT];
    int         n_text;
} Reader;

static void fail(Reader *r, const char *what, const char *detail)
{
    if (r->st != OK)
        return;
    r->st = status_fail(ERR_FORMAT, "%s:%lld: %s%s%s", r->name,
                        (long long)XML_GetCurrentLineNumber(r->parser), what, detail ? " " : "",
                        detail ? detail : "");
    XML_StopParser(r->parser, XML_FALSE);
}

static Place place_of(Reader *r, const char *tag)
{
    static const char *const EDGE[4] = {"xmin", "ymin", "xmax", "ymax"};
    Place                    parent = r->place[r->depth - 1];
    if (r->depth == 1)
        return strcmp(tag, "annotation") == 0 ? PLACE_ROOT : PLACE_OTHER;
    if (parent == PLACE_ROOT)
        return strcmp(tag, "object") == 0 ? PLACE_OBJECT
               : strcmp(tag, "size") == 0 ? PLACE_SIZE
                                          : PLACE_OTHER;
    if (parent == PLACE_SIZE)
        return strcmp(tag, "width") == 0    ? PLACE_WIDTH
               : strcmp(tag, "height") == 0 ? PLACE_HEIGHT
                                            : PLACE_OTHER;
    if (parent == PLACE_OBJECT)
        return strcmp(tag, "name") == 0        ? PLACE_NAME
               : strcmp(tag, "difficult") == 0 ? PLACE_DIFFICULT
               : strcmp(tag, "truncated") == 0 ? PLACE_TRUNCATED
               : strcmp(tag, "bndbox") == 0    ? PLACE_BOX
                                               : PLACE_OTHER;
    if (parent == PLACE_BOX)
        for (r->edge = 0; r->edge < 4; r->edge++)
            if (strcmp(tag, EDGE[r->edge]) == 0)
                return PLACE_EDGE;
    return PLACE_OTHER;
}

static void fail_memory(Reader *r, const char *what, long long bytes)
{
    r->st = status_no_memory(what, bytes);
    XML_StopParser(r->parser, XML_FALSE);
}

static void open_object(Reader *r)
{
    ObjectNode *node = ARENA_NEW(r->a, ObjectNode);
    if (!node) {
        fail_memory(r, "VOC objects", (long long)sizeof(ObjectNode));
        return;
    }
    node->object.line = (int64_t)XML_GetCurrentLineNumber(r->parser);
    if (r->last)
        r->last->next = node;
    else
        r->first = node;
    r->last = node;
    if (++r->out->n_objects > MAX_OBJECTS)
        fail(r, "more than 100000 objects", NULL);
}

static void on_open(void *ctx, const char *tag, const char **attributes)
{
    Reader *r = (Reader *)ctx;
    (void)attributes;
    if (r->st != OK)
        return;
    if (++r->depth > MAX_DEPTH) {
        fail(r, "elements are nested more than 32 deep", NULL);
        return;
    }
    Place place = place_of(r, tag);
    r->place[r->depth] = place;
    r->n_text = 0;
    if (r->depth == 1 && place != PLACE_ROOT)
        fail(r, "expected an <annotation>, found", tag);
    else if (place == PLACE_OBJECT)
        open_object(r);
    else if (place == PLACE_SIZE && r->has_size)
        fail(r, "a second <size>", NULL);
    else if (place == PLACE_BOX && r->last->has_box)
        fail(r, "a second <bndbox> in one object", NULL);
    if (place == PLACE_SIZE)
        r->has_size = true;
    if (place == PLACE_BOX && r->last)
        r->last->has_box = true;
}

static void on_text(void *ctx, const char *text, int n)
{
    Reader *r = (Reader *)ctx;
    Place   place = r->depth >= 1 && r->depth <= MAX_DEPTH ? r->place[r->depth] : PLACE_OTHER;
    bool    leaf = place == PLACE_WIDTH || place == PLACE_HEIGHT || place == PLACE_NAME ||
                place == PLACE_DIFFICULT || place == PLACE_TRUNCATED || place == PLACE_EDGE;
    if (r->st != OK || !leaf)
        return;
    if (n > MAX_TEXT - 1 - r->n_text) {
        fail(r, "a value longer than 1023 bytes", NULL);
        return;
    }
    memcpy(r->text + r->n_text, text, (size_t)n);
    r->n_text += n;
}

/* The leaf's text without the white space around it, zero-terminated. */
static char *trimmed(Reader *r, int64_t *n)
{
    char *from = r->text, *to = r->text + r->n_text;
    while (from < to && strchr(" \t\r\n", *from))
        from++;
    while (to > from && strchr(" \t\r\n", to[-1]))
        to--;
    *to = 0;
    *n = to - from;
    return from;
}

static void read_integer(Reader *r, int64_t *out, int64_t lowest, int64_t highest)
{
    int64_t n, value = 0;
    char   *text = trimmed(r, &n);
    if (!number_parse_int(&value, text, n) || value < lowest || value > highest)
        fail(r, "expected a whole number in range, found", text);
    else
        *out = value;
}

static void close_leaf(Reader *r, Place place)
{
    VocXmlObject *object = r->last ? &r->last->object : NULL;
    int64_t       n, value = 0;
    if (place == PLACE_WIDTH) {
        read_integer(r, &r->out->width, 0, INT32_MAX);
    } else if (place == PLACE_HEIGHT) {
        read_integer(r, &r->out->height, 0, INT32_MAX);
    } else if (place == PLACE_DIFFICULT) {
        read_integer(r, &value, 0, 1);
        object->is_difficult = value != 0;
    } else if (place == PLACE_TRUNCATED) {
        read_integer(r, &value, 0, 1);
        object->is_truncated = value != 0;
    } else if (place == PLACE_NAME) {
        char *text = trimmed(r, &n);
        if (n == 0 || object->name)
            fail(r, n == 0 ? "an object with an empty name" : "a second <name> in one object",
                 NULL);
        else if (!(object->name = arena_strdup(r->a, text)))
            fail_memory(r, "a VOC object's name", n + 1);
    } else if (place == PLACE_EDGE) {
        char *text = trimmed(r, &n);
        if (r->last->edges & 1U << r->edge)
            fail(r, "an edge given twice in one <bndbox>", NULL);
        else if (!number_parse_double(&object->box[r->edge], text, n))
            fail(r, "expected a number, found", text);
        r->last->edges |= 1U << r->edge;
    } else if (place == PLACE_OBJECT) {
        if (!object->name)
            fail(r, "an object without a <name>", NULL);
        else if (r->last->edges != 15)
            fail(r,
                 "an object without a complete <bndbox> (xmin, ymin, xmax, ymax):", object->name);
    }
}

static void on_close(void *ctx, const char *tag)
{
    Reader *r = (Reader *)ctx;
    (void)tag;
    if (r->st != OK)
        return;
    close_leaf(r, r->place[r->depth]);
    r->depth--;
    r->n_text = 0;
}

static void on_doctype(void *ctx, const char *name, const char *sysid, const char *pubid,
                       int subset)
{
    (void)sysid;
    (void)pubid;
    (void)subset;
    fail((Reader *)ctx, "document types and entities are refused; remove the <!DOCTYPE", name);
}

static Status collect(Reader *r)
{
    r->out->object = ARENA_ARRAY(r->a, VocXmlObject, r->out->n_objects);
    if (!r->out->object)
        return status_no_memory("VOC objects", r->out->n_objects * (long long)sizeof(VocXmlObject));
    int64_t k = 0;
    for (const ObjectNode *node = r->first; node; node = node->next)
        r->out->object[k++] = node->object;
    return OK;
}

Status voc_xml_parse(Arena *a, VocXml *out, const char *bytes, int64_t n, const char *name)
{
    Reader r = {.a = a, .out = out, .name = name};
    memset(out, 0, sizeof *out);
    if (n > VOC_XML_MAX_BYTES)
        return status_fail(ERR_FORMAT, "%s: %lld bytes; an annotation has at most 16 MB", name,
                           (long long)n);
    r.parser = XML_ParserCreate(NULL);
    if (!r.parser)
        return status_no_memory("XML parser", 0);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_open, on_close);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    if (XML_Parse(r.parser, bytes, (int)n, 1) != XML_STATUS_OK && r.st == OK) {
        enum XML_Error why = XML_GetErrorCode(r.parser);
        r.st =
            why == XML_ERROR_NO_MEMORY
                ? status_no_memory("XML parser", n)
                : status_fail(ERR_FORMAT, "%s:%lld: %s", name,
                              (long long)XML_GetCurrentLineNumber(r.parser), XML_ErrorString(why));
    }
    XML_ParserFree(r.parser);
    return r.st != OK ? r.st : collect(&r);
}

Status voc_xml_read(Arena *a, VocXml *out, const char *path)
{
    char   *bytes;
    int64_t n;
    TRY(file_read(a, &bytes, &n, path, VOC_XML_MAX_BYTES));
    return voc_xml_parse(a, out, bytes, n, path);
}
