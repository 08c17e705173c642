/* file.h -- files and paths
 *
 * Whole files are read within a limit; files that matter are replaced atomically:
 *
 *      .NAME.tmp-PID-N   <- written, fsynced           the old NAME is intact until the rename,
 *             |  rename, fsync of the folder           and a crash leaves either the old or the new
 *             v
 *            NAME
 *
 * Errors name the file and the system's reason: ERR_MISSING for an input that is absent or
 * unreadable, ERR_CREATE for an output that cannot be created, ERR_IO for anything that breaks on
 * the way, ERR_FORMAT for a size above the limit.
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

/* The file's bytes with a zero after the last one; *n excludes it. limit: most bytes accepted. */
Status file_read(Arena *a, char **bytes, int64_t *n, const char *path,
                 int64_t limit) STATUS_MUST_USE;

/* Opens a regular file for reading and tells its size; the caller closes *fd. */
Status file_open(int *fd, int64_t *bytes, const char *path) STATUS_MUST_USE;

/* A read-only view of a whole regular file; an empty file has bytes = "" and n = 0. */
typedef struct FileMap {
    const char *bytes;
    int64_t     n;
    void       *mapped; // NULL for an empty file
} FileMap;

Status file_map(FileMap *m, const char *path) STATUS_MUST_USE;

/* The bytes before `end` are not needed for now: their memory goes back to the system. They stay readable. */
void file_map_forget(const FileMap *m, int64_t end);
void file_unmap(FileMap *m); // a zeroed FileMap is fine

bool   file_exists(const char *path); // of any kind; a dangling link does not exist
bool   file_is_dir(const char *path);
Status file_size(int64_t *bytes, const char *path) STATUS_MUST_USE; // regular files only

/* mkdir -p. */
Status file_make_dirs(const char *path) STATUS_MUST_USE;

/* Names in a folder (not . and ..), sorted by bytes. At most 50 million. */
Status file_list(Arena *a, char ***names, int64_t *n, const char *dir) STATUS_MUST_USE;

/* "a/b"; a when b is ""; b when a is "" or b is absolute. NULL when memory is short. */
char *file_join(Arena *a, const char *dir, const char *name);

/* Pointer to the part after the last slash; the part before it (no slash: "."). */
const char *file_base(const char *path);
char       *file_dir(Arena *a, const char *path);

/* ERR_MISSING: "PATH: cannot open: REASON", with the path that was probably meant where one differs in capitals or in the
 * form of its accents only. `reason` is an errno; EMFILE is ERR_MEMORY and names `ulimit -n`. */
Status file_fail_open(const char *path, int reason) STATUS_MUST_USE;

/* "relative" as seen from the folder of the running program. false when the system does not say where that is, or the
 * path is longer than `size`. */
bool file_beside_program(char *out, size_t size, const char *relative);

/* OK when `path` is a name that stays where it is put: relative, no ".." part, no backslash, drive
 * letter or control character, 1 to 4095 bytes. ERR_FORMAT otherwise, naming it. For names found in
 * archives and annotations. */
Status file_check_relative(const char *path) STATUS_MUST_USE;

/* *out = root/path after file_check_relative; and when it exists, what it resolves to must lie
 * below root, so that no symbolic link leads out. */
Status file_join_beneath(Arena *a, char **out, const char *root, const char *path) STATUS_MUST_USE;

/* Removes a file; one that does not exist is OK. */
Status file_remove(const char *path) STATUS_MUST_USE;

/* ---- atomic replacement ---- */

typedef struct FileReplace {
    char   *path; // NULL when nothing is open
    char   *tmp;
    char   *buffer;
    int64_t buffered;
    int64_t written; // bytes accepted so far
    int     fd;
    bool    in_place; // a device or pipe: written as it is, never replaced by a file
} FileReplace;

/* After an error of _write, _write_at or _commit the temporary file is gone and `r` is empty;
 * _abort is then harmless, so one `out:` label may always call it. */
Status file_replace_begin(FileReplace *r, const char *path) STATUS_MUST_USE;
Status file_replace_write(FileReplace *r, const void *bytes, int64_t n) STATUS_MUST_USE;
Status file_replace_write_at(FileReplace *r, int64_t offset, const void *bytes,
                             int64_t n) STATUS_MUST_USE; // patch
Status file_replace_commit(FileReplace *r) STATUS_MUST_USE;
void   file_replace_abort(FileReplace *r);

/* begin, write, commit. */
Status file_write(const char *path, const void *bytes, int64_t n) STATUS_MUST_USE;

/* Removes temporary files of file_replace in `dir`: those that dead processes of this host left, or,
 * when the caller holds the folder's lock (owns_dir), all. A missing folder is OK. */
Status file_sweep(const char *dir, bool owns_dir) STATUS_MUST_USE;
