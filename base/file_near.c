/* file_near.c -- the part of file.h that says why a path does not open
 *
 * A name that exists with other capitals or, on a disk from a Mac, with its accents as letters of their own ("e" and U+0301
 * for U+00E9) looks like the wanted one and is not found. Both are alike once letters are small and accents are gone.
 */
#include "base/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MOST_ENTRIES = 100000 };

/* U+0300 .. U+036F, which stand behind the letter that they belong to: CC xx and CD xx. */
static bool is_combining(unsigned char byte)
{
    return byte == 0xCC || byte == 0xCD;
}

/* Small ASCII letters without those that carry an accent, and nothing else. */
static void skeleton(char out[NAME_MAX + 1], const char *name, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length && n < NAME_MAX; i++) {
        unsigned char c = (unsigned char)name[i];
        bool          is_accented = i + 1 < length && is_combining((unsigned char)name[i + 1]);
        if (c < 0x80 && !is_accented)
            out[n++] = (char)tolower(c);
    }
    out[n] = 0;
}

/* The one entry of `dir` that looks like name[0..length); false when there is none or several. */
static bool find_twin(char twin[NAME_MAX + 1], const char *dir, const char *name, size_t length)
{
    char wanted[NAME_MAX + 1], there[NAME_MAX + 1];
    int  n_found = 0, n_seen = 0;
    DIR *d = opendir(dir);
    if (!d)
        return false;
    skeleton(wanted, name, length);
    for (struct dirent *e; n_seen < MOST_ENTRIES && (e = readdir(d)); n_seen++) {
        if (strlen(e->d_name) == length && memcmp(e->d_name, name, length) == 0)
            continue; // a link to nowhere
        skeleton(there, e->d_name, strlen(e->d_name));
        if (strcmp(wanted, there) == 0 && n_found++ == 0)
            snprintf(twin, NAME_MAX + 1, "%s", e->d_name);
    }
    closedir(d);
    return n_found == 1;
}

/* Looks at the first part of `path` that is not there. */
static bool near_path(char *out, size_t size, const char *path)
{
    char   dir[PATH_MAX], twin[NAME_MAX + 1];
    size_t at = 0;
    if (strlen(path) >= sizeof dir)
        return false;
    for (;;) {
        size_t end = at + strcspn(path + at, "/");
        snprintf(dir, sizeof dir, "%.*s", (int)end, path);
        if (end > at && !file_exists(dir)) {
            snprintf(dir, sizeof dir, "%.*s", (int)at, path);
            if (!find_twin(twin, at == 0 ? "." : dir, path + at, end - at))
                return false;
            int used = snprintf(out, size, "%s%s%s", dir, twin, path + end);
            return used > 0 && (size_t)used < size;
        }
        if (path[end] == 0)
            return false;
        at = end + 1;
    }
}

Status file_fail_open(const char *path, int reason)
{
    char near[PATH_MAX];
    if (reason == ENOENT && near_path(near, sizeof near, path))
        return status_fail(ERR_MISSING,
                           "%s: cannot open: %s; did you mean %s? (capitals or accents differ)",
                           path, strerror(reason), near);
    if (reason == EMFILE) // no fault of the file, which must not pass for a bad one
        return status_fail(ERR_MEMORY,
                           "%s: cannot open: %s; `ulimit -n NUMBER` sets how many may be open",
                           path, strerror(reason));
    return status_fail(ERR_MISSING, "%s: cannot open: %s", path, strerror(reason));
}
