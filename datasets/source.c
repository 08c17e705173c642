/* source.c -- one table of records, whatever they come from */
#include "datasets/source_table.h"
#include "base/file.h"
#include "base/size.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Status source_add(Source *s, SourceRecord record)
{
    if (s->n == s->capacity) {
        int64_t       capacity = s->capacity > 0 ? 2 * s->capacity : 1024;
        SourceRecord *grown = realloc(s->record, (size_t)capacity * sizeof *grown);
        if (grown == NULL)
            return status_no_memory("the list of pictures", capacity * (int64_t)sizeof *grown);
        s->record = grown;
        s->capacity = capacity;
    }
    s->record[s->n++] = record;
    s->n_classes = size_max(s->n_classes, record.label + 1);
    return OK;
}

Status source_open(Source **out, const char *path)
{
    Source *s = calloc(1, sizeof *s);
    Status  st = OK;
    *out = NULL;
    if (s == NULL)
        return status_no_memory("a source", sizeof *s);
    TRY_OUT(file_is_dir(path) ? source_scan_folder(s, path) : source_scan_shards(s, path));
    if (s->n == 0)
        TRY_OUT(status_fail(ERR_FORMAT,
                            "%s: no pictures; expected class folders, *.jpg or *.png files, or tar "
                            "shards with key.jpg members",
                            path));
out:
    if (st != OK)
        source_close(s);
    else
        *out = s;
    return st;
}

Status source_from_memory(Source **out, const SourceItem *items, int64_t n_items)
{
    Source *s = calloc(1, sizeof *s);
    Status  st = OK;
    *out = NULL;
    if (s == NULL)
        return status_no_memory("a source", sizeof *s);
    for (int64_t i = 0; i < n_items; i++) {
        SourceRecord r = {.file = -1, .n_bytes = items[i].n_bytes, .label = items[i].label};
        uint8_t     *copy = arena_alloc(&s->arena, items[i].n_bytes);
        r.name = arena_strdup(&s->arena, items[i].name);
        if (copy == NULL || r.name == NULL)
            TRY_OUT(ERR_MEMORY);
        memcpy(copy, items[i].bytes, (size_t)items[i].n_bytes);
        r.bytes = copy;
        TRY_OUT(source_add(s, r));
    }
out:
    if (st != OK)
        source_close(s);
    else
        *out = s;
    return st;
}

void source_close(Source *s)
{
    if (s == NULL)
        return;
    for (int64_t i = 0; i < s->n_files; i++)
        if (s->file[i].fd >= 0)
            close(s->file[i].fd);
    free(s->file);
    free(s->record);
    arena_release(&s->arena);
    free(s);
}

int64_t source_count(const Source *s)
{
    return s->n;
}

int64_t source_n_classes(const Source *s)
{
    return s->n_classes;
}

int64_t source_label(const Source *s, int64_t i)
{
    return s->record[i].label;
}

const char *source_name(const Source *s, int64_t i)
{
    return s->record[i].name;
}

const char *source_class_name(const Source *s, int64_t label)
{
    return label >= 0 && label < s->n_class_names ? s->class_name[label] : "";
}

typedef struct NamedLabel {
    const char *name;
    int64_t     label;
} NamedLabel;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const NamedLabel *)a)->name, ((const NamedLabel *)b)->name);
}

static Status relabel(int64_t *label, const char *name, const NamedLabel *sorted, int64_t n)
{
    NamedLabel        wanted = {.name = name};
    const NamedLabel *found = bsearch(&wanted, sorted, (size_t)n, sizeof wanted, by_name);
    if (found == NULL)
        return status_fail(ERR_FORMAT,
                           "class \"%s\" of one set is not among the %lld classes of the other; "
                           "give both the same classes",
                           name, (long long)n);
    *label = found->label;
    return OK;
}

Status source_relabel(int64_t *label, int64_t n, const Source *s, const Source *other)
{
    int64_t     n_names = other->n_class_names;
    NamedLabel *sorted = malloc(sizeof *sorted * (size_t)(n_names + 1));
    Status      st = OK;
    if (sorted == NULL)
        return status_no_memory("the table of classes", n_names * (int64_t)sizeof *sorted);
    for (int64_t k = 0; k < n_names; k++)
        sorted[k] = (NamedLabel){other->class_name[k], k};
    qsort(sorted, (size_t)n_names, sizeof *sorted, by_name);
    for (int64_t i = 0; i < n && n_names > 0 && st == OK; i++) {
        const char *name = source_class_name(s, label[i]);
        if (*name)
            st = relabel(&label[i], name, sorted, n_names);
    }
    free(sorted);
    for (int64_t i = 0; i < n && st == OK; i++)
        if (other->n_classes > 0 && label[i] >= other->n_classes)
            st = status_fail(
                ERR_FORMAT,
                "%s has label %lld; the set that votes has %lld classes, numbered from 0",
                source_name(s, i), (long long)label[i], (long long)other->n_classes);
    return st;
}

void source_digest(const Source *s, Digest *d)
{
    for (int64_t i = 0; i < s->n; i++) {
        digest_string(d, s->record[i].name);
        digest_bytes(d, &s->record[i].label, sizeof s->record[i].label);
    }
}

/* n bytes of fd at `offset`. */
static Status read_at(uint8_t *to, int fd, int64_t offset, int64_t n, const char *name)
{
    while (n > 0) {
        ssize_t got = pread(fd, to, (size_t)n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_fail(ERR_IO, "%s: reading failed: %s", name, strerror(errno));
        if (got == 0)
            return status_fail(ERR_FORMAT, "%s: the shard became shorter than its index", name);
        to += got;
        offset += got;
        n -= got;
    }
    return OK;
}

Status source_read(const Source *s, int64_t i, ImageBytes *buffer, const uint8_t **bytes,
                   int64_t *n_bytes)
{
    const SourceRecord *r = &s->record[i];
    if (r->bytes != NULL) {
        *bytes = r->bytes;
        *n_bytes = r->n_bytes;
        return OK;
    }
    if (r->file < 0) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", s->root, r->name) >= (int)sizeof path)
            return status_fail(ERR_MISSING, "%s: the path is too long", r->name);
        TRY(image_bytes_read(buffer, path));
    } else {
        TRY(image_bytes_reserve(buffer, r->n_bytes));
        TRY(read_at(buffer->data, s->file[r->file].fd, r->offset, r->n_bytes, r->name));
        buffer->n_bytes = r->n_bytes;
    }
    *bytes = buffer->data;
    *n_bytes = buffer->n_bytes;
    return OK;
}
