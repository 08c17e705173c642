/* folder.c -- a walk with a list of folders still to do, no recursion */
#include "eval/folder.h"
#include "base/file.h"
#include "eval/column.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 4000000, MOST_DEPTH = 16 };

typedef COLUMN(char *) Paths;

static int by_bytes(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n >= m && memcmp(name + n - m, suffix, m) == 0;
}

static int depth_of(const char *path)
{
    int n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

/* The names of one folder go to `files` or, when they are folders, to `todo`. */
static Status visit(Arena *a, Paths *files, Paths *todo, const char *root, const char *below,
                    const char *suffix)
{
    char   *dir = file_join(a, root, below);
    char  **name = NULL;
    int64_t n = 0;
    if (!dir)
        return ERR_MEMORY;
    TRY(file_list(a, &name, &n, dir));
    for (int64_t i = 0; i < n; i++) {
        char *path = file_join(a, below, name[i]);
        char *full = file_join(a, dir, name[i]);
        if (!path || !full)
            return ERR_MEMORY;
        if (ends_in(name[i], suffix) && !file_is_dir(full)) {
            if (files->n == MOST_FILES)
                return status_fail(ERR_FORMAT, "%s: more than %d files", root, MOST_FILES);
            TRY(COLUMN_PUSH(files, path));
        } else if (file_is_dir(full)) {
            if (depth_of(path) >= MOST_DEPTH)
                return status_fail(ERR_FORMAT, "%s: folders nested more than %d deep", full,
                                   MOST_DEPTH);
            TRY(COLUMN_PUSH(todo, path));
        }
    }
    return OK;
}

Status folder_walk(Arena *a, char ***paths, int64_t *n, const char *root, const char *suffix)
{
    Paths  files = {0}, todo = {0};
    Status st = OK;

    TRY_OUT(COLUMN_PUSH(&todo, (char *)""));
    while (todo.n > 0)
        TRY_OUT(visit(a, &files, &todo, root, todo.data[--todo.n], suffix));
    if (files.n > 0)
        qsort(files.data, (size_t)files.n, sizeof *files.data, by_bytes);
    *paths = ARENA_ARRAY(a, char *, files.n);
    if (!*paths)
        TRY_OUT(ERR_MEMORY);
    if (files.n > 0)
        memcpy(*paths, files.data, (size_t)files.n * sizeof **paths);
    *n = files.n;
out:
    COLUMN_RELEASE(&files);
    COLUMN_RELEASE(&todo);
    return st;
}
