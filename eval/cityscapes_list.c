/* cityscapes_list.c -- the text file that names an image's predicted masks
 *
 *      pred_mask/frankfurt_000_1.png 26 0.93        exactly two single spaces a line
 */
#include "base/file.h"
#include "base/number.h"
#include "eval/cityscapes_files.h"
#include "eval/column.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MOST_LINES = 65536, MOST_BYTES = 64 << 20 };

/* A number as Python's float() reads it: white space around it, nan and inf in any case. */
static bool read_float(double *out, const char *p, int64_t n)
{
    while (n > 0 && strchr(" \t\v\f\r\n", *p)) {
        p++;
        n--;
    }
    while (n > 0 && strchr(" \t\v\f\r\n", p[n - 1]))
        n--;
    if (number_parse_double(out, p, n))
        return true;
    bool        negative = n > 0 && *p == '-';
    int64_t     sign = n > 0 && (*p == '-' || *p == '+');
    const char *word = p + sign;
    int64_t     len = n - sign;
    if ((len == 3 && strncasecmp(word, "inf", 3) == 0) ||
        (len == 8 && strncasecmp(word, "infinity", 8) == 0))
        *out = negative ? -INFINITY : INFINITY;
    else if (len == 3 && strncasecmp(word, "nan", 3) == 0)
        *out = NAN;
    else
        return false;
    return true;
}

/* `below` without "." and ".." parts; false when it would leave the root. In place. */
static bool normalise(char *path)
{
    char *out = path, *p = path;
    while (*p) {
        size_t n = strcspn(p, "/");
        char  *next = p[n] ? p + n + 1 : p + n;
        if (n == 2 && memcmp(p, "..", 2) == 0) {
            if (out == path)
                return false;
            out--; // the slash behind the last part
            while (out > path && out[-1] != '/')
                out--;
        } else if (n > 0 && !(n == 1 && *p == '.')) {
            memmove(out, p, n);
            out += n;
            *out++ = '/';
        }
        p = next;
    }
    if (out > path)
        out--;
    *out = 0;
    return out > path;
}

typedef struct Line {
    Arena      *a;
    const char *path, *root, *below; // below: the folder of the list, relative to root, or ""
    int64_t     number;
} Line;

static Status bad(const Line *l, const char *what)
{
    return status_fail(ERR_FORMAT,
                       "%s:%lld: %s; expected \"relative/mask.png labelId confidence\" with single "
                       "spaces",
                       l->path, (long long)l->number, what);
}

static Status resolve(const Line *l, char **out, const char *name, int64_t n)
{
    if (n == 0)
        return bad(l, "the mask has no name");
    if (name[0] == '/')
        return bad(l, "the mask's path is absolute");
    if (memchr(name, 0, (size_t)n))
        return bad(l, "a zero byte");
    char *below = arena_printf(l->a, "%s/%.*s", l->below, (int)n, name);
    if (!below)
        return ERR_MEMORY;
    if (!normalise(below))
        return status_fail(ERR_FORMAT, "%s:%lld: the mask %.*s lies outside %s", l->path,
                           (long long)l->number, (int)(n < 200 ? n : 200), name, l->root);
    Status st = file_join_beneath(l->a, out, l->root, below);
    if (st != ERR_FORMAT)
        return st;
    char why[512];
    snprintf(why, sizeof why, "%s", status_text());
    return status_fail(st, "%s:%lld: %s", l->path, (long long)l->number, why);
}

static Status parse_line(const Line *l, CityscapesFound *out, const char *p, int64_t n)
{
    const char *first = memchr(p, ' ', (size_t)n);
    const char *second = first ? memchr(first + 1, ' ', (size_t)(p + n - first - 1)) : NULL;
    double      label;
    if (!second || memchr(second + 1, ' ', (size_t)(p + n - second - 1)))
        return bad(l, "a line that has not three parts");
    if (!read_float(&label, first + 1, second - first - 1) || !(fabs(label) < 1e6))
        return bad(l, "the label is no number");
    if (!read_float(&out->confidence, second + 1, p + n - second - 1))
        return bad(l, "the confidence is no number");
    out->label = (int)label;
    if (out->label != -1 && !cityscapes_label(out->label))
        return status_fail(ERR_FORMAT, "%s:%lld: unknown label %d; expected -1 .. 33", l->path,
                           (long long)l->number, out->label);
    return resolve(l, &out->mask, p, first - p);
}

/* Where `mask` stands among the first n, n when it is new. Open addressing, size a power of two. */
static int64_t slot_of(int32_t *table, int64_t size, const CityscapesFound *found, const char *mask)
{
    uint64_t hash = 1469598103934665603u;
    for (const char *p = mask; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 1099511628211u;
    int64_t at = (int64_t)(hash & (uint64_t)(size - 1));
    while (table[at] >= 0 && strcmp(found[table[at]].mask, mask) != 0)
        at = (at + 1) & (size - 1);
    return at;
}

static Status parse_lines(Line *l, CityscapesFound *found, int64_t *n, int32_t *table, int64_t size,
                          const char *bytes, int64_t len)
{
    for (int64_t at = 0; at < len;) {
        int64_t end = at;
        while (end < len && bytes[end] != '\n' && bytes[end] != '\r')
            end++;
        l->number++;
        CityscapesFound one;
        TRY(parse_line(l, &one, bytes + at, end - at));
        int64_t slot = slot_of(table, size, found, one.mask);
        if (table[slot] < 0) {
            table[slot] = (int32_t)*n;
            found[(*n)++] = one;
        } else {
            found[table[slot]] = one;
        }
        at = end + 1;
        if (end + 1 < len && bytes[end] == '\r' && bytes[end + 1] == '\n')
            at++;
    }
    return OK;
}

Status cityscapes_parse_list(Arena *a, CityscapesFound **found, int64_t *n, const char *bytes,
                             int64_t len, const char *path, const char *root)
{
    Line    l = {.a = a, .path = path, .root = root, .below = ""};
    int64_t lines = 1, size = 16;
    size_t  root_len = strlen(root);

    *n = 0;
    char *dir = file_dir(a, path);
    if (!dir)
        return ERR_MEMORY;
    if (strncmp(dir, root, root_len) == 0) // as cityscapes_pairs joined it
        l.below = dir + root_len;
    for (int64_t i = 0; i < len; i++)
        lines += bytes[i] == '\n' || bytes[i] == '\r';
    if (lines > MOST_LINES)
        return status_fail(ERR_FORMAT, "%s: more than %d lines", path, MOST_LINES);
    while (size < 2 * lines)
        size *= 2;
    *found = ARENA_ARRAY(a, CityscapesFound, lines);
    int32_t *table = ARENA_ARRAY(a, int32_t, size);
    if (!*found || !table)
        return ERR_MEMORY;
    memset(table, 0xff, (size_t)size * sizeof *table);
    return parse_lines(&l, *found, n, table, size, bytes, len);
}

Status cityscapes_read_list(Arena *a, CityscapesFound **found, int64_t *n, const char *path,
                            const char *root)
{
    char   *bytes = NULL;
    int64_t len = 0;
    TRY(file_read(a, &bytes, &len, path, MOST_BYTES));
    return cityscapes_parse_list(a, found, n, bytes, len, path, root);
}
