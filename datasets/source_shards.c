/* source_shards.c -- WebDataset tar shards
 *
 * A record is a run of members with one key: the name up to the first dot after its last slash. Of its fields jpg, jpeg
 * or png is the picture and cls (ASCII integer, white space around it) the label. A field twice in one record is an
 * error; other fields are left alone. Plain tars are read in place at their offsets.
 */
#include "datasets/source_table.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/size.h"
#include "base/tar.h"
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SHARDS 1000000
#define MAX_CLASSES (1 << 20)           // tables are as long as the largest label
#define MAX_UNPACKED ((int64_t)1 << 30) // bytes of compressed shards held in memory

/* The record being put together. */
typedef struct Open {
    const char  *key; // NULL: none
    SourceRecord record;
    bool         has_picture, has_label;
} Open;

static Status finish(Source *s, Open *o)
{
    Status st = OK;
    if (o->key != NULL && o->has_picture)
        st = source_add(s, o->record);
    *o = (Open){0};
    return st;
}

static Status parse_label(int64_t *out, const char *text, int64_t n, const char *shard,
                          const char *member)
{
    while (n > 0 && isspace((unsigned char)text[0])) {
        text++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    if (!number_parse_int(out, text, n) || *out < 0 || *out >= MAX_CLASSES)
        return status_fail(ERR_FORMAT,
                           "%s: member %s holds '%.*s', expected a class number from 0 to %d",
                           shard, member, (int)size_min(n, 40), text, MAX_CLASSES - 1);
    return OK;
}

/* Splits a member name; false for names that belong to no record. */
static bool split_name(const char *name, int64_t *key_length, const char **field)
{
    const char *base = file_base(name), *dot = strchr(base, '.');
    if (dot == NULL || (dot == base && base == name))
        return false;
    if (name[0] == '_' && name[1] == '_' && strstr(name + 2, "__") != NULL)
        return false;
    *key_length = dot - name;
    *field = dot + 1;
    return true;
}

static bool is_picture_field(const char *field)
{
    return strcasecmp(field, "jpg") == 0 || strcasecmp(field, "jpeg") == 0 ||
           strcasecmp(field, "png") == 0;
}

/* Plain members are stepped over when a set is opened: what a cut file does not hold would be missed late, or, of members that
 * are no pictures, never, and the records behind them neither. */
static Status check_extent(int fd, const TarMember *m, const char *shard)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return status_fail(ERR_IO, "%s: %s", shard, strerror(errno));
    if (m->n_bytes <= info.st_size - m->offset)
        return OK;
    return status_fail(ERR_FORMAT,
                       "%s: ends after %lld bytes, in the middle of %s; it was cut, fetch it again",
                       shard, (long long)info.st_size, m->name);
}

/* A tar file ends with blocks of zeros; one that was cut between two members reads like a shorter one. */
static void look_for_the_end(int fd, const char *shard)
{
    char        block[512];
    struct stat info;
    if (fstat(fd, &info) != 0 || info.st_size < (off_t)sizeof block ||
        pread(fd, block, sizeof block, info.st_size - (off_t)sizeof block) != sizeof block)
        return;
    for (size_t i = 0; i < sizeof block; i++)
        if (block[i] != 0) {
            log_warn("%s: has no end mark; it may have been cut", shard);
            return;
        }
}

/* Takes the member's picture: by offset in a plain tar, as a copy otherwise. */
static Status take_picture(Source *s, Open *o, TarReader *tar, const TarMember *m, int64_t file,
                           const char *shard)
{
    SourceRecord *r = &o->record;
    if (o->has_picture)
        return status_fail(ERR_FORMAT, "%s: record %s has two pictures", shard, o->key);
    o->has_picture = true;
    r->file = file;
    r->offset = m->offset;
    r->n_bytes = m->n_bytes;
    if (m->offset >= 0)
        return OK;
    char *bytes = NULL;
    if (s->arena.used_bytes + m->n_bytes > MAX_UNPACKED)
        return status_fail(ERR_FORMAT,
                           "%s: compressed shards need more than 1 GiB in memory; unpack them to "
                           "plain .tar files",
                           shard);
    TRY(tar_read(tar, &s->arena, &bytes, &r->n_bytes));
    r->bytes = (const uint8_t *)bytes;
    return OK;
}

static Status take_label(Open *o, TarReader *tar, const TarMember *m, const char *shard)
{
    Arena   scratch = {0};
    char   *text = NULL;
    int64_t n = 0;
    Status  st = OK;
    if (o->has_label)
        return status_fail(ERR_FORMAT, "%s: record %s has two labels", shard, o->key);
    TRY_OUT(tar_read(tar, &scratch, &text, &n));
    TRY_OUT(parse_label(&o->record.label, text, n, shard, m->name));
    o->has_label = true;
out:
    arena_release(&scratch);
    return st;
}

static Status take_member(Source *s, Open *o, TarReader *tar, const TarMember *m, int64_t file,
                          const char *shard)
{
    int64_t     length;
    const char *field;
    if (!split_name(m->name, &length, &field))
        return OK;
    if (o->key == NULL || strncmp(o->key, m->name, (size_t)length) != 0 || o->key[length] != '\0') {
        TRY(finish(s, o));
        char *key = arena_printf(&s->arena, "%.*s", (int)length, m->name);
        if (key == NULL)
            return ERR_MEMORY;
        *o = (Open){.key = key, .record = {.name = key, .label = -1}};
    }
    if (is_picture_field(field))
        return take_picture(s, o, tar, m, file, shard);
    if (strcasecmp(field, "cls") == 0)
        return take_label(o, tar, m, shard);
    return OK;
}

static Status scan_shard(Source *s, const char *path, int64_t file)
{
    TarReader *tar = NULL;
    Open       open = {0};
    Status     st = OK;
    int64_t    n_bytes;
    bool       is_plain = false;
    s->file[file].fd = -1;
    TRY(file_open(&s->file[file].fd, &n_bytes, path));
    TRY_OUT(tar_open(&tar, path, NULL));
    for (bool found = true; found;) {
        TarMember m;
        TRY_OUT(tar_next(tar, &m, &found));
        if (found && m.offset >= 0)
            TRY_OUT(check_extent(s->file[file].fd, &m, path));
        if (found)
            TRY_OUT(take_member(s, &open, tar, &m, file, path));
        is_plain = is_plain || (found && m.offset >= 0);
    }
    TRY_OUT(finish(s, &open));
    if (is_plain)
        look_for_the_end(s->file[file].fd, path);
out:
    tar_close(tar);
    return st;
}

/* "p-{0000..0003}.tar" -> its names; anything else -> itself. */
static Status expand_braces(Source *s, const char *pattern, char ***out, int64_t *n)
{
    const char *open = strchr(pattern, '{'), *dots = open != NULL ? strstr(open, "..") : NULL;
    const char *close = dots != NULL ? strchr(dots, '}') : NULL;
    int64_t     lo = 0, hi = 0;
    *n = 1;
    if (close != NULL && (!number_parse_int(&lo, open + 1, dots - open - 1) ||
                          !number_parse_int(&hi, dots + 2, close - dots - 2) || lo < 0 || hi < lo ||
                          hi - lo >= MAX_SHARDS))
        return status_fail(ERR_USAGE, "%s: expected a range like {0000..0127}", pattern);
    if (close != NULL)
        *n = hi - lo + 1;
    *out = ARENA_ARRAY(&s->arena, char *, *n);
    if (*out == NULL)
        return ERR_MEMORY;
    for (int64_t i = 0; i < *n; i++) {
        (*out)[i] = close == NULL
                        ? arena_strdup(&s->arena, pattern)
                        : arena_printf(&s->arena, "%.*s%0*lld%s", (int)(open - pattern), pattern,
                                       (int)(dots - open - 1), (long long)(lo + i), close + 1);
        if ((*out)[i] == NULL)
            return ERR_MEMORY;
    }
    return OK;
}

/* classes.txt beside the shards: line number = class. Absent is fine. */
static Status read_class_names(Source *s, const char *shard)
{
    char *dir = file_dir(&s->arena, shard);
    char *path = dir != NULL ? file_join(&s->arena, dir, "classes.txt") : NULL;
    char *text = NULL;
    char *place = NULL;
    if (path == NULL)
        return ERR_MEMORY;
    int64_t n = 0;
    if (!file_exists(path))
        return OK;
    TRY(file_read(&s->arena, &text, &n, path, 1 << 20));
    s->class_name = ARENA_ARRAY(&s->arena, const char *, s->n_classes);
    if (s->class_name == NULL)
        return ERR_MEMORY;
    for (char *line = strtok_r(text, "\r\n", &place);
         line != NULL && s->n_class_names < s->n_classes; line = strtok_r(NULL, "\r\n", &place))
        s->class_name[s->n_class_names++] = line;
    return OK;
}

Status source_scan_shards(Source *s, const char *pattern)
{
    char  **path = NULL;
    int64_t n = 0;
    glob_t  found;
    if (strpbrk(pattern, "*?[") != NULL && strchr(pattern, '{') == NULL) {
        int    code = glob(pattern, 0, NULL, &found);
        Status st = OK;
        if (code != 0)
            return status_fail(code == GLOB_NOSPACE ? ERR_MEMORY : ERR_MISSING,
                               "%s: no shard has such a name", pattern);
        n = (int64_t)found.gl_pathc;
        path = ARENA_ARRAY(&s->arena, char *, n);
        if (path == NULL)
            st = ERR_MEMORY;
        for (int64_t i = 0; i < n && st == OK; i++)
            if ((path[i] = arena_strdup(&s->arena, found.gl_pathv[i])) == NULL)
                st = ERR_MEMORY;
        globfree(&found);
        TRY(st);
    } else {
        TRY(expand_braces(s, pattern, &path, &n));
    }
    s->file = calloc((size_t)n, sizeof *s->file);
    if (s->file == NULL)
        return status_no_memory("the list of shards", n * (int64_t)sizeof *s->file);
    for (; s->n_files < n; s->n_files++)
        s->file[s->n_files].fd = -1;
    for (int64_t i = 0; i < n; i++)
        TRY(scan_shard(s, path[i], i));
    return n > 0 ? read_class_names(s, path[0]) : OK;
}
