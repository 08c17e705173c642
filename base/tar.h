/* tar.h -- members of a tar file, one after the other
 *
 * Plain or compressed (gzip, zstd, xz); nothing is ever extracted to disk. Folders are skipped
 * silently; links, devices and other special members are skipped and counted. A name that could
 * leave a folder (file_check_relative) or a member above the limit is ERR_FORMAT naming the archive
 * and the member.
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct TarReader TarReader;

typedef struct TarLimits {
    int64_t max_member; // bytes of one member; 0: 256 MB (1 << 28)
    int64_t max_total;  // bytes of all members together, against archive bombs; 0: 8 TB (1 << 43)
} TarLimits;

typedef struct TarMember {
    const char *name; // borrowed until the next call
    int64_t     n_bytes;
    int64_t     offset; // of the data in a plain tar file (pread works); -1 in a compressed one
} TarMember;

/* limits may be NULL. */
Status tar_open(TarReader **t, const char *path, const TarLimits *limits) STATUS_MUST_USE;
Status tar_open_bytes(TarReader **t, const void *bytes, int64_t n, const char *name,
                      const TarLimits *limits) STATUS_MUST_USE;
void   tar_close(TarReader *t);

/* The next regular file; *found is false at the end. */
Status tar_next(TarReader *t, TarMember *member, bool *found) STATUS_MUST_USE;

/* The bytes of the member that tar_next just gave, with a zero after the last; once per member. */
Status tar_read(TarReader *t, Arena *a, char **bytes, int64_t *n) STATUS_MUST_USE;

/* Members that were skipped because they are no regular files. */
int64_t tar_skipped(const TarReader *t);
