/* file_replace.c -- the part of file.h that replaces files atomically */
#include "base/file.h"
#include "base/number.h"
#include "base/size.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024 };

static const char TMP_MARK[] = ".tmp-";

void file_replace_abort(FileReplace *r)
{
    if (!r->path)
        return;
    int reason = errno;
    if (r->fd >= 0)
        close(r->fd);
    if (!r->in_place)
        unlink(r->tmp);
    free(r->path);
    free(r->tmp);
    free(r->buffer);
    *r = (FileReplace){.fd = -1};
    errno = reason;
}

/* Says what failed with errno's reason, then cleans up. */
static Status fail_io(FileReplace *r, const char *what)
{
    Status st = status_fail(ERR_IO, "%s: %s failed: %s%s", r->path, what, strerror(errno),
                            r->in_place ? "" : "; the file is as it was before");
    file_replace_abort(r);
    return st;
}

/* "dir/.name.tmp-PID-N": the leading dot hides it, the pid lets file_sweep know whether its writer
 * lives. */
static char *temporary_name(const char *path)
{
    static atomic_int next;
    const char       *name = file_base(path);
    size_t            size = strlen(path) + 64;
    char             *tmp = malloc(size);
    if (tmp)
        snprintf(tmp, size, "%.*s.%s%s%ld-%d", (int)(name - path), path, name, TMP_MARK,
                 (long)getpid(), atomic_fetch_add(&next, 1));
    return tmp;
}

Status file_replace_begin(FileReplace *r, const char *path)
{
    *r = (FileReplace){.fd = -1};
    r->path = strdup(path);
    r->tmp = temporary_name(path);
    r->buffer = malloc(BUFFER_BYTES);
    if (!r->path || !r->tmp || !r->buffer) {
        free(r->path);
        free(r->tmp);
        free(r->buffer);
        *r = (FileReplace){.fd = -1};
        return status_no_memory(path, BUFFER_BYTES);
    }
    struct stat at;
    bool        exists = stat(path, &at) == 0;
    r->in_place = exists && !S_ISREG(at.st_mode) && !S_ISDIR(at.st_mode);
    if (exists && S_ISDIR(at.st_mode))
        errno = EISDIR;
    else if (r->in_place)
        r->fd = open(path, O_WRONLY | O_CLOEXEC);
    else
        r->fd = open(r->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (r->fd < 0) {
        Status st = status_fail(ERR_CREATE, "%s: cannot create: %s", path, strerror(errno));
        file_replace_abort(r);
        return st;
    }
    return OK;
}

static bool write_all(int fd, const char *bytes, int64_t n, int64_t at)
{
    while (n > 0) {
        ssize_t k = at < 0 ? write(fd, bytes, (size_t)n) : pwrite(fd, bytes, (size_t)n, at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            if (k == 0)
                errno = ENOSPC;
            return false;
        }
        bytes += k;
        n -= k;
        at += at < 0 ? 0 : k;
    }
    return true;
}

static bool flush(FileReplace *r)
{
    int64_t n = r->buffered;
    r->buffered = 0;
    return write_all(r->fd, r->buffer, n, -1);
}

Status file_replace_write(FileReplace *r, const void *bytes, int64_t n)
{
    if (r->buffered + n > BUFFER_BYTES && !flush(r))
        return fail_io(r, "writing");
    if (n > BUFFER_BYTES) {
        if (!write_all(r->fd, bytes, n, -1))
            return fail_io(r, "writing");
    } else if (n > 0) {
        memcpy(r->buffer + r->buffered, bytes, (size_t)n);
        r->buffered += n;
    }
    r->written += n;
    return OK;
}

Status file_replace_write_at(FileReplace *r, int64_t offset, const void *bytes, int64_t n)
{
    if (!flush(r) || !write_all(r->fd, bytes, n, offset))
        return fail_io(r, "writing");
    return OK;
}

/* The rename is on disk only once the folder is. Some file systems cannot sync folders: that is no
 * failure. */
static bool sync_dir(const char *path)
{
    const char *name = file_base(path);
    char        dir[4096];
    if (snprintf(dir, sizeof dir, "%.*s", (int)(name - path), path) >= (int)sizeof dir)
        return true;
    int fd = open(*dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return true;
    bool ok = fsync(fd) == 0 || errno == EINVAL || errno == EROFS;
    int  reason = errno;
    close(fd);
    errno = reason;
    return ok;
}

Status file_replace_commit(FileReplace *r)
{
    if (!flush(r))
        return fail_io(r, "writing");
    if (!r->in_place && fsync(r->fd) != 0)
        return fail_io(r, "syncing");
    int fd = r->fd;
    r->fd = -1;
    if (close(fd) != 0)
        return fail_io(r, "closing");
    if (!r->in_place && rename(r->tmp, r->path) != 0)
        return fail_io(r, "renaming");
    bool   synced = r->in_place || sync_dir(r->path);
    Status st =
        synced ? OK
               : status_fail(ERR_IO, "%s: syncing its folder failed: %s", r->path, strerror(errno));
    free(r->path);
    free(r->tmp);
    free(r->buffer);
    *r = (FileReplace){.fd = -1};
    return st;
}

Status file_write(const char *path, const void *bytes, int64_t n)
{
    FileReplace r;
    TRY(file_replace_begin(&r, path));
    TRY(file_replace_write(&r, bytes, n));
    return file_replace_commit(&r);
}

/* True for ".NAME.tmp-PID-N" whose process is gone, or of any process. */
static bool is_stale(const char *name, bool any)
{
    const char *mark = NULL;
    for (const char *at = strstr(name, TMP_MARK); at; at = strstr(at + 1, TMP_MARK))
        mark = at;
    if (name[0] != '.' || !mark)
        return false;
    const char *digits = mark + strlen(TMP_MARK);
    int64_t     n = (int64_t)strspn(digits, "0123456789"), pid;
    if (digits[n] != '-' || !number_parse_int(&pid, digits, n) || pid < 1 || pid > INT32_MAX)
        return false;
    return any || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

Status file_sweep(const char *dir, bool owns_dir)
{
    Status  st = OK;
    Arena   arena = {0};
    char  **names;
    int64_t n;
    if (!file_exists(dir))
        return OK;
    TRY_OUT(file_list(&arena, &names, &n, dir));
    for (int64_t i = 0; i < n; i++) {
        if (!is_stale(names[i], owns_dir))
            continue;
        char *path = file_join(&arena, dir, names[i]);
        if (!path) {
            st = ERR_MEMORY;
            goto out;
        }
        TRY_OUT(file_remove(path));
    }
out:
    arena_release(&arena);
    return st;
}
