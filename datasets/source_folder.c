/* source_folder.c -- a folder of class folders, of pictures, or of tar shards */
#include "datasets/source_table.h"
#include "base/file.h"
#include <string.h>
#include <strings.h>

#define MAX_DEPTH 16

bool source_is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && dot != name &&
           (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0 ||
            strcasecmp(dot, ".png") == 0);
}

static bool is_tar(const char *name)
{
    static const char *const SUFFIX[] = {".tar",    ".tar.gz",  ".tgz",
                                         ".tar.xz", ".tar.bz2", ".tar.zst"};
    size_t                   n = strlen(name);
    for (size_t i = 0; i < sizeof SUFFIX / sizeof *SUFFIX; i++) {
        size_t k = strlen(SUFFIX[i]);
        if (n > k && strcasecmp(name + n - k, SUFFIX[i]) == 0)
            return true;
    }
    return false;
}

/* One folder level of the walk, kept on an explicit stack: depth is limited, nothing recurses. */
typedef struct Level {
    char      **name;
    int64_t     n, next;
    const char *below; // path below the root, "" at the top
} Level;

static Status enter(Source *s, Level *level, const char *root, const char *below)
{
    const char *path = file_join(&s->arena, root, below);
    if (path == NULL)
        return ERR_MEMORY;
    level->below = below;
    level->next = 0;
    return file_list(&s->arena, &level->name, &level->n, path);
}

/* Adds every picture below root/begin: the files of a folder before its folders, each sorted bytewise. */
static Status add_tree(Source *s, const char *root, const char *begin, int64_t label)
{
    Level stack[MAX_DEPTH];
    int   depth = 0;
    TRY(enter(s, &stack[0], root, begin));
    for (;;) {
        Level *top = &stack[depth];
        if (top->next == 2 * top->n) { // names are gone through twice: files, then folders
            if (depth-- == 0)
                return OK;
            continue;
        }
        bool        folders = top->next >= top->n;
        const char *name = top->name[top->next++ % top->n];
        if (name[0] == '.' || (!folders && !source_is_picture(name)))
            continue;
        const char *below = file_join(&s->arena, top->below, name);
        const char *path = below != NULL ? file_join(&s->arena, root, below) : NULL;
        if (path == NULL)
            return ERR_MEMORY;
        bool is_dir = folders ? file_is_dir(path) : false;
        if (!folders) {
            if (!file_is_dir(path))
                TRY(source_add(s, (SourceRecord){.name = below, .file = -1, .label = label}));
        } else if (is_dir) {
            if (depth + 1 == MAX_DEPTH)
                return status_fail(ERR_FORMAT, "%s: folders nest deeper than %d", path, MAX_DEPTH);
            TRY(enter(s, &stack[++depth], root, below));
        }
    }
}

/* Sorts the names at `path` into pictures, folders and shards. */
static Status survey(Source *s, const char *path, char **name, int64_t n, int64_t *n_pictures,
                     int64_t *n_tars, const char **folder, int64_t *n_folders)
{
    for (int64_t i = 0; i < n; i++) {
        if (name[i][0] == '.')
            continue;
        *n_pictures += source_is_picture(name[i]);
        *n_tars += is_tar(name[i]);
        if (source_is_picture(name[i]) || is_tar(name[i]))
            continue;
        const char *full = file_join(&s->arena, path, name[i]);
        if (full == NULL)
            return ERR_MEMORY;
        if (file_is_dir(full))
            folder[(*n_folders)++] = name[i];
    }
    return OK;
}

Status source_scan_folder(Source *s, const char *path)
{
    char  **name = NULL;
    int64_t n = 0, n_pictures = 0, n_tars = 0, n_folders = 0;
    s->root = arena_strdup(&s->arena, path);
    if (s->root == NULL)
        return ERR_MEMORY;
    TRY(file_list(&s->arena, &name, &n, path));
    const char **folder = ARENA_ARRAY(&s->arena, const char *, n);
    if (folder == NULL)
        return ERR_MEMORY;
    TRY(survey(s, path, name, n, &n_pictures, &n_tars, folder, &n_folders));
    if (n_pictures == 0 && n_tars > 0) {
        const char *pattern = arena_printf(&s->arena, "%s/*.tar*", path);
        return pattern == NULL ? ERR_MEMORY : source_scan_shards(s, pattern);
    }
    if (n_pictures > 0 || n_folders == 0)
        return add_tree(s, path, "", -1);
    for (int64_t i = 0; i < n_folders; i++)
        TRY(add_tree(s, path, folder[i], i));
    s->class_name = folder;
    s->n_class_names = n_folders;
    s->n_classes = n_folders;
    return OK;
}
