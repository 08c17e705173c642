/* path.c -- the part of file.h that handles names */
#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *file_join(Arena *a, const char *dir, const char *name)
{
    if (!*dir || *name == '/')
        return arena_strdup(a, name);
    if (!*name)
        return arena_strdup(a, dir);
    bool has_slash = dir[strlen(dir) - 1] == '/';
    return arena_printf(a, "%s%s%s", dir, has_slash ? "" : "/", name);
}

const char *file_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *file_dir(Arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return arena_strdup(a, ".");
    if (slash == path)
        return arena_strdup(a, "/");
    return arena_printf(a, "%.*s", (int)(slash - path), path);
}

bool file_beside_program(char *out, size_t size, const char *relative)
{
    char    program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = 0;
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    int used = snprintf(out, size, "%.*s/%s", (int)(slash - program), program, relative);
    return used > 0 && (size_t)used < size;
}

/* The path with control characters made visible, for a sentence; cut after 200 bytes. */
static void show_path(char out[256], const char *path)
{
    int n = 0;
    for (const char *c = path; *c && n < 200; c++)
        out[n++] = (unsigned char)*c < 0x20 || *c == 0x7F ? '?' : *c;
    strcpy(out + n, strlen(path) > (size_t)n ? "..." : "");
}

Status file_check_relative(const char *path)
{
    char        shown[256];
    const char *why = NULL;
    size_t      n = strlen(path);
    show_path(shown, path);
    if (n == 0)
        why = "is empty";
    else if (n > 4095)
        why = "is longer than 4095 bytes";
    else if (*path == '/')
        why = "is absolute";
    else if (((path[0] | 32) >= 'a' && (path[0] | 32) <= 'z') && path[1] == ':')
        why = "has a drive letter";
    for (const char *c = path; *c && !why; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            why = "has a control character";
        else if (*c == '\\')
            why = "has a backslash";
        else if ((c == path || c[-1] == '/') && c[0] == '.' && c[1] == '.' &&
                 (c[2] == '/' || !c[2]))
            why = "has a \"..\" part";
    }
    if (why)
        return status_fail(ERR_FORMAT, "path \"%s\" %s; expected a relative path inside its folder",
                           shown, why);
    return OK;
}

Status file_join_beneath(Arena *a, char **out, const char *root, const char *path)
{
    char real_root[PATH_MAX], real[PATH_MAX];
    TRY(file_check_relative(path));
    char *joined = file_join(a, root, path);
    if (!joined)
        return ERR_MEMORY;
    if (!realpath(root, real_root))
        return status_fail(ERR_MISSING, "%s: cannot open the folder: %s", root, strerror(errno));
    if (realpath(joined, real)) {
        size_t n = strlen(real_root);
        if (n > 1 && (strncmp(real, real_root, n) != 0 || (real[n] != '/' && real[n] != 0)))
            return status_fail(ERR_FORMAT, "%s: leads out of %s, to %s", joined, root, real);
    }
    *out = joined;
    return OK;
}
